package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ouroboros/cmd/internal/control"
)

// metricsPrefix is in front of the name of every metric of the daemon.
const metricsPrefix = "ouroboros_"

// metric is a family of samples: name, help, and the label that tells its samples apart besides that of the IPCP.
type metric struct {
	name, label, help string
	perIPCP           bool
}

// metrics are all families, as docs/real-mode.md lists them. A name that ends in "_total" is a counter.
var metrics = []metric{
	{"ipcps", "", "IPCPs of the system.", false},
	{"names", "", "Names of the system.", false},
	{"processes", "", "Processes that use the system.", false},
	{"direct_flow_ends", "", "Ends of flows within the system that stand.", false},
	{"direct_flows_total", "", "Flows within the system that stand or stood.", false},
	{"direct_packets_total", "", "Packets delivered on flows within the system.", false},
	{"direct_bytes_total", "", "Bytes delivered on flows within the system.", false},
	{"direct_dropped_packets_total", "cause", "Packets dropped on flows within the system.", false},
	{"programs_started_total", "", "Programs started because a name was asked for.", false},
	{"programs_failed_total", "", "Programs that could not be started.", false},
	{"handshakes_total", "result", "Requests for flows that arrived, by what became of their handshake.", false},
	{"handshake_replies_total", "result", "Replies to handshakes of this system.", false},
	{"buffers", "", "Packet buffers in use.", false},
	{"buffers_peak", "", "Largest number of packet buffers in use at one time.", false},
	{"applications", "", "Applications connected.", false},
	{"application_connections_total", "result", "Connections of applications.", false},
	{"operator_requests_total", "result", "Requests of operators.", false},
	{"log_lines_lost_total", "", "Lines of the log that were dropped.", false},
	{"ipcp_state", "state", "1 for the state that the IPCP is in.", true},
	{"flows", "", "Flows that the IPCP provides.", true},
	{"neighbours", "", "Connections for data to other members of the layer.", true},
	{"packets_total", "direction", "Packets of the IPCP.", true},
	{"bytes_total", "direction", "Bytes of the IPCP.", true},
	{"dropped_packets_total", "cause", "Packets that the IPCP, or the link of a shim, has dropped.", true},
	{"requests_total", "result", "Requests for flows in the layer.", true},
	{"retransmitted_total", "", "Requests for flows that were sent again.", true},
	{"control_packets_total", "kind", "Messages sent to manage the layer.", true},
	{"control_bytes_total", "kind", "Bytes of these messages.", true},
}

// collector gives Prometheus the samples of a daemon, all read at one instant.
type collector struct {
	d     *daemon
	descs map[string]*prometheus.Desc
	kinds map[string]prometheus.ValueType
	multi map[string]metric
}

func newCollector(d *daemon) *collector {
	c := &collector{d: d, descs: map[string]*prometheus.Desc{}, kinds: map[string]prometheus.ValueType{}, multi: map[string]metric{}}
	for _, m := range metrics {
		var labels []string
		if m.perIPCP {
			labels = []string{"ipcp", "number", "type", "layer"}
		}
		if m.label != "" {
			labels = append(labels, m.label)
		}
		c.descs[m.name] = prometheus.NewDesc(metricsPrefix+m.name, m.help, labels, nil)
		c.kinds[m.name], c.multi[m.name] = prometheus.GaugeValue, m
		if strings.HasSuffix(m.name, "_total") {
			c.kinds[m.name] = prometheus.CounterValue
		}
	}
	return c
}

// Describe lists the families.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range metrics {
		out <- c.descs[m.name]
	}
}

// Collect reads the samples. While the daemon ends there are none.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	type labelled struct {
		sample
		of []string
	}
	var all []labelled
	err := c.d.system.call(func() error {
		for _, x := range c.d.samples() {
			l := labelled{sample: x}
			if m := x.ipcp; m != nil {
				l.of = []string{string(m.name), strconv.Itoa(m.number), control.KindWord(m.kind), string(layerOf(m))}
			}
			all = append(all, l)
		}
		return nil
	})
	if err != nil {
		return
	}
	for _, x := range all {
		if c.multi[x.metric].label != "" {
			x.of = append(x.of, x.label)
		}
		out <- prometheus.MustNewConstMetric(c.descs[x.metric], c.kinds[x.metric], float64(x.value), x.of...)
	}
}

// samples reads all numbers of the daemon, on the actor.
func (d *daemon) samples() []sample {
	r := &reader{}
	if d.apps != nil {
		st := d.apps.Stats()
		r.add("applications", "", uint64(st.Apps))
		r.add("application_connections_total", "accepted", st.Accepted)
		r.add("application_connections_total", "refused", st.Refused)
		r.add("application_connections_total", "failed", st.Failed)
	}
	if d.server != nil {
		st := d.server.Stats()
		r.add("operator_requests_total", "answered", st.Requests)
		r.add("operator_requests_total", "failed", st.Failed)
		r.add("operator_requests_total", "malformed", st.Malformed)
		r.add("operator_requests_total", "refused", st.Refused)
	}
	r.add("log_lines_lost_total", "", d.cfg.Lost())
	return append(r.out, d.system.samples()...)
}

// serveMetrics answers Prometheus at the address.
func (d *daemon) serveMetrics(addr string) (closeIt func(), err error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(newCollector(d), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	srv := &http.Server{Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			d.cfg.Log.Error("Metrics are not served any more.", "error", err)
		}
	}()
	d.cfg.Log.Info("Serving metrics.", "address", l.Addr().String())
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			_ = srv.Close()
		}
		<-done
	}, nil
}
