package scenarios

import (
	"fmt"
	"strconv"
	"strings"
)

// Expect is a statement about the outcome that is judged after the run.
type Expect struct {
	Name   string `mapstructure:"name"`   // for --set; optional
	Metric string `mapstructure:"metric"` // one of Metrics
	// Of narrows the metric to workloads, links, layers or faults (by the metric's Of) whose name matches;
	// default all.
	Of    Patterns `mapstructure:"of"`
	Op    string   `mapstructure:"op" enum:"<|<=|==|!=|>=|>|~"` // ~: equal within tolerance
	Value string   `mapstructure:"value"`                       // number, or with the unit of the metric
	// Tolerance is the relative deviation that ~ accepts, above 0.
	Tolerance float64 `mapstructure:"tolerance" max:"1"`
	Source    string  `mapstructure:"source"` // where Value comes from: formula or publication
	// Published says that Value is a published one that is printed for comparison: it does not decide
	// whether the run met its expectations. Note says why the run differs, if it does.
	Published bool `mapstructure:"published"`
	// World narrows the expectation to one world: exact times hold in the simulator only. Default all.
	World string `mapstructure:"world" enum:"sim|live|emulate|lab"`
	Note  string `mapstructure:"note"`

	Want float64 `mapstructure:"-"` // Value in the base unit of the metric
}

// Scope is the kind of thing that a metric is about.
type Scope string

// The scopes. ScopeRun metrics take no "of".
const (
	ScopeWorkload Scope = "workload"
	ScopeLink     Scope = "link"
	ScopeLayer    Scope = "layer"
	ScopeFault    Scope = "fault"
	ScopeRun      Scope = "run"
)

// The base units of metrics; times are in nanoseconds.
const (
	UnitRate  = "bit/s"
	UnitTime  = "ns"
	UnitRatio = "ratio"
	UnitCount = "packets"
	UnitBytes = "bytes"
	UnitNone  = ""
)

// Metric is a quantity that an expectation can name.
type Metric struct {
	Name string
	Of   Scope
	Unit string
	Doc  string // how it is made from what "of" selects
}

// ControlParts returns the parts that control traffic is made of: messages of the routing policy, whatever it is
// called, of connections between members, of the directory, of enrollment, and of the allocation and
// congestion control of flows.
func ControlParts() []string {
	return []string{"routing", "connection", "directory", "enrollment", "flows"}
}

// Metrics returns all metrics in the order in which they are documented.
func Metrics() []Metric {
	m := flowMetrics()
	for _, s := range []string{"min", "mean", "max"} {
		m = append(m, Metric{"utilisation." + s, ScopeLink, UnitRatio, s + " over the directions of the links"})
	}
	m = append(m,
		Metric{"queue.mean", ScopeLink, UnitCount, "waiting on the wires: mean over time and directions"},
		Metric{"queue.max", ScopeLink, UnitCount, "longest queue of a wire"},
		Metric{"queue.ipcp.mean", ScopeLayer, UnitCount, "waiting in the schedulers of the IPCPs: mean over time and N-1 flows"},
		Metric{"queue.ipcp.busiest", ScopeLayer, UnitCount, "the same, of the N-1 flow where most wait: mean over time"},
		Metric{"queue.ipcp.max", ScopeLayer, UnitCount, "longest queue of a scheduler"},
		Metric{"drops", ScopeLink, UnitCount, "packets dropped, all causes"},
		Metric{"drops.queue", ScopeLink, UnitCount, "packets dropped because the queue was full"},
		Metric{"drops.loss", ScopeLink, UnitCount, "packets lost by the links"},
		Metric{"drops.error", ScopeLink, UnitCount, "packets dropped for bit errors"},
		Metric{"drops.down", ScopeLink, UnitCount, "packets dropped because a link went down"},
		Metric{"control.packets", ScopeLayer, UnitCount, "control messages sent"},
		Metric{"control.bytes", ScopeLayer, UnitBytes, "control bytes sent"},
		Metric{"control.bytes.member", ScopeLayer, UnitBytes, "control bytes sent, over the members in the layer at the end"},
	)
	for _, s := range ControlParts() {
		m = append(m, Metric{"control.bytes.member." + s, ScopeLayer, UnitBytes, "of these, those of " + s})
	}
	m = append(m,
		Metric{"up", ScopeLayer, UnitTime, "when the last member that came into the layer did"},
		Metric{"joined", ScopeLayer, UnitNone, "members in the layer at the end"},
		Metric{"dropped", ScopeLayer, UnitCount, "packets dropped by members, all causes"},
	)
	for _, s := range []string{"detection", "flooding", "computation", "total"} {
		m = append(m, Metric{"convergence." + s, ScopeFault, UnitTime, "longest over the faults"})
	}
	m = append(m, outageMetrics()...)
	return append(m,
		Metric{"buffers.left", ScopeRun, UnitNone, "packet buffers not returned at the end"},
	)
}

// Unended is the metric that says how many outages had not ended when the run did.
const Unended = "outage.unended"

// Censored reports whether a metric is made from all outages, those that had not ended among them: it then
// may be missing for them.
func Censored(metric string) bool {
	m := strings.TrimPrefix(metric, "outage.")
	m = strings.TrimPrefix(m, "unprotected.")
	return m != metric && (m == "min" || m == "mean" || m == "max")
}

func outageMetrics() []Metric {
	m := []Metric{
		{"outage.flows", ScopeFault, UnitNone, "number of interrupted flows"},
		{Unended, ScopeFault, UnitNone, "number of those that had not come back when they were last seen"},
		{"outage.protected", ScopeFault, UnitNone, "number of those that came back before new routes did"},
	}
	for _, which := range []struct{ name, doc string }{
		{"outage.", "the interrupted flows"}, {"outage.protected.", "those protected"}, {"outage.unprotected.", "the others"},
	} {
		for _, s := range []string{"min", "mean", "max"} {
			m = append(m, Metric{which.name + s, ScopeFault, UnitTime, s + " of the outages of " + which.doc})
		}
	}
	return m
}

func flowMetrics() []Metric {
	var m []Metric
	for _, s := range []string{"sum", "min", "mean", "max"} {
		m = append(m, Metric{"goodput." + s, ScopeWorkload, UnitRate, s + " of the flows' goodput"})
	}
	m = append(m, Metric{"goodput.jain", ScopeWorkload, UnitRatio, "Jain's fairness index of the flows' goodput"})
	for _, q := range []string{"delay", "rtt"} {
		for _, s := range []string{"min", "mean", "p50", "p99", "max"} {
			m = append(m, Metric{q + "." + s, ScopeWorkload, UnitTime, s + " of the samples of all flows together"})
		}
	}
	for _, s := range []string{"min", "mean", "max"} {
		m = append(m, Metric{"completion." + s, ScopeWorkload, UnitTime, s + " of the transfers' completion times"})
	}
	for _, s := range []string{"min", "mean", "max"} {
		m = append(m, Metric{"first_byte." + s, ScopeWorkload, UnitTime, s + " of the flows' times from asking for the flow to the delivery of the first message"})
	}
	for _, s := range []string{"min", "mean", "max"} {
		m = append(m, Metric{"first_byte.rtts." + s, ScopeWorkload, UnitNone, s + " of the same, each over the propagation delay there and back of the flow's path, in a layer right over the wires"})
	}
	return append(m,
		Metric{"loss", ScopeWorkload, UnitRatio, "messages lost over messages sent, all flows together"},
		Metric{"sent", ScopeWorkload, UnitCount, "messages sent"},
		Metric{"delivered", ScopeWorkload, UnitCount, "messages delivered, without duplicates"},
		Metric{"lost", ScopeWorkload, UnitCount, "messages lost"},
		Metric{"duplicates", ScopeWorkload, UnitCount, "messages delivered again"},
		Metric{"reordered", ScopeWorkload, UnitCount, "messages delivered out of order"},
		Metric{"retransmissions", ScopeWorkload, UnitCount, "packets sent again by FRCP"},
		Metric{"timeouts", ScopeWorkload, UnitCount, "retransmission time-outs of FRCP"},
		Metric{"rejected", ScopeWorkload, UnitCount, "packets of encrypted flows that did not decrypt"},
		Metric{"queue.source.mean", ScopeWorkload, UnitCount, "in the layer's queue at the source in front of a message of FRCP: mean over messages"},
		Metric{"queue.source.max", ScopeWorkload, UnitCount, "the same, most"},
		Metric{"delay.p99.ideal", ScopeWorkload, UnitTime, "closed form: one round trip for each loss, for periodic messages of reliable flows; mean over flows"},
		Metric{"goodput.ideal", ScopeWorkload, UnitRate, "closed form: each lost packet sent once more, for bulk transfers on reliable flows; sum over flows"},
		Metric{"flows.failed", ScopeWorkload, UnitNone, "flows that were not allocated or went down early"},
		Metric{"wishes.unmet", ScopeWorkload, UnitNone, "flows with a wish of their QoS that was not met"},
	)
}

// MetricByName looks a metric up.
func MetricByName(name string) (Metric, bool) {
	for _, m := range Metrics() {
		if m.Name == name {
			return m, true
		}
	}
	return Metric{}, false
}

func metricNames() []string {
	var names []string
	for _, m := range Metrics() {
		names = append(names, m.Name)
	}
	return names
}

// ParseValue reads a value of the metric into its base unit: a rate, duration or size with its unit, or
// a plain number that is not negative.
func (m Metric) ParseValue(s string) (float64, error) {
	switch m.Unit {
	case UnitRate:
		var r Rate
		err := r.UnmarshalText([]byte(s))
		return float64(r), err
	case UnitTime:
		var d Duration
		err := d.UnmarshalText([]byte(s))
		return float64(d), err
	case UnitBytes:
		var v Size
		err := v.UnmarshalText([]byte(s))
		return float64(v), err
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.Trim(s, "0123456789.eE+-") != "" {
		return 0, fmt.Errorf("is not a number; accepted is a number of at least 0")
	}
	if v < 0 {
		return 0, fmt.Errorf("is negative; accepted is a number of at least 0")
	}
	return v, nil
}
