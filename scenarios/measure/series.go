package measure

import (
	"math"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/ipcp/unicast/ca"
	"ouroboros/scenarios"
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/result"
	"ouroboros/scenarios/traffic"
)

// sampler records quantities at fixed intervals.
type sampler struct {
	env    core.Env
	cfg    Config
	every  time.Duration
	timer  core.Timer
	probes []*probe
}

// probe is one quantity: its series and how to read it.
type probe struct {
	series result.Series
	owner  string // node that it is read at
	read   func() (v float64, ok bool)
}

// maxSeriesFlows is how many flows get a series each; of a larger workload the sums over its entries
// are recorded.
const maxSeriesFlows = 64

func newSampler(env core.Env, cfg Config) *sampler {
	s := &sampler{env: env, cfg: cfg, every: cfg.Scenario.Series.Interval.D()}
	s.timer = env.NewTimer(s.sample)
	for _, what := range cfg.Scenario.Series.Record {
		switch what {
		case "goodput", "offered":
			s.rates(what)
		case "delay":
			s.delays()
		case "queue":
			s.links(what)
			s.schedulers()
		case "utilisation":
			s.links(what)
		case "ecn":
			s.levels()
		case "rate", "window":
			s.windows(what)
		}
	}
	return s
}

// add makes a series that is read in the layers of a node, if those run here.
func (s *sampler) add(name, unit string, at *node.System, read func() (float64, bool)) {
	s.addIf(at.Here(), name, unit, at, read)
}

// addApp makes one that is read in the applications of a node.
func (s *sampler) addApp(name, unit string, at *node.System, read func() (float64, bool)) {
	s.addIf(at.AppsHere(), name, unit, at, read)
}

func (s *sampler) addIf(here bool, name, unit string, at *node.System, read func() (float64, bool)) {
	if !here {
		read = nil
	}
	s.probes = append(s.probes, &probe{result.Series{Name: name, Unit: unit}, at.Name, read})
}

func (s *sampler) begin() { s.timer.Reset(s.every) }

func (s *sampler) sample() {
	t := s.env.Now().Seconds()
	for _, p := range s.probes {
		if p.read == nil {
			continue
		}
		if v, ok := p.read(); ok {
			p.series.Add(t, v)
		}
	}
	s.timer.Reset(s.every)
}

// take ends the recording and returns the series: those of the parts, if there are any.
func (s *sampler) take(w *whole) (out []result.Series) {
	s.timer.Stop()
	for _, p := range s.probes {
		if w != nil {
			p.series = w.series(p.series, s.every)
		}
		if len(p.series.T) > 0 {
			out = append(out, p.series)
		}
	}
	return out
}

// rates records payload per interval: of each flow, or summed up for each entry of a large workload.
func (s *sampler) rates(what string) {
	groups := map[string][]int{}
	var names []string
	end := func(f *traffic.Flow) *node.System {
		if what == "goodput" {
			return f.To
		}
		return f.From
	}
	for i, f := range s.cfg.Flows {
		name := "flow." + f.Name
		if len(s.cfg.Flows) > maxSeriesFlows {
			name = "workload." + f.Workload
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		if end(f).AppsHere() || len(groups[name]) == 0 {
			groups[name] = append(groups[name], i)
		}
	}
	for _, name := range names {
		members := groups[name]
		if !end(s.cfg.Flows[members[0]]).AppsHere() && len(members) > 1 {
			members = members[1:]
		}
		last := uint64(0)
		s.addApp(name+"."+what, "bit/s", end(s.cfg.Flows[members[0]]), func() (float64, bool) {
			sum, began := uint64(0), false
			for _, i := range members {
				st := &s.cfg.Flows[i].Stats
				began = began || st.Sent > 0 || st.Delivered > 0
				if what == "goodput" {
					sum += st.Bytes
				} else {
					sum += st.OfferedBytes
				}
			}
			v := float64(sum-last) * 8 / s.every.Seconds()
			last = sum
			return v, began
		})
	}
}

// delays records the mean delay of the messages that arrived in the interval.
func (s *sampler) delays() {
	for _, f := range s.cfg.Flows {
		if len(s.cfg.Flows) > maxSeriesFlows {
			return
		}
		lastN, lastSum := uint64(0), 0.0
		s.addApp("flow."+f.Name+".delay", "ns", f.To, func() (float64, bool) {
			n, sum := f.Delay.Total()
			dn, ds := n-lastN, sum-lastSum
			lastN, lastSum = n, sum
			return ds / float64(max(dn, 1)), dn > 0
		})
	}
}

// links records the queue or the utilisation of both directions of every wire. The queue is what waits there,
// be it seen by the layers or not.
func (s *sampler) links(what string) {
	for _, w := range s.cfg.Network.Wires {
		for dir := range 2 {
			from, to := w.A, w.B
			if dir == 1 {
				from, to = to, from
			}
			name := "link." + from.Name + ">" + to.Name + "." + what
			if what == "queue" {
				s.add(name, "packets", from, func() (float64, bool) { return float64(w.Stats(dir).Waiting), true })
				continue
			}
			last := time.Duration(0)
			s.add(name, "ratio", from, func() (float64, bool) {
				busy := w.Stats(dir).Busy
				v := (busy - last).Seconds() / s.every.Seconds()
				last = busy
				return v, true
			})
		}
	}
}

// schedulers records what waits in the IPCPs of unicast layers for each of their neighbours, behind what waits
// below. There congestion policies mark.
func (s *sampler) schedulers() {
	for _, l := range s.cfg.Network.Layers {
		if l.Kind != scenarios.LayerUnicast {
			continue
		}
		var seen [][2]string
		l.Pairs(func(from, to *node.System) {
			if pair := [2]string{from.Name, to.Name}; slices.Contains(seen, pair) {
				return
			} else {
				seen = append(seen, pair)
			}
			s.add("layer."+l.Name+"."+from.Name+">"+to.Name+".queue", "packets", from, func() (float64, bool) {
				n, ok := waitsFor(l, from, to)
				return float64(n), ok
			})
		})
	}
}

// levels records the congestion level that the receiver of each flow has reported.
func (s *sampler) levels() {
	for _, f := range s.cfg.Flows {
		if len(s.cfg.Flows) > maxSeriesFlows {
			return
		}
		s.add("flow."+f.Name+".ecn", "", f.From, func() (float64, bool) {
			c, ok := congestion(f)
			return float64(c.Upstream), ok
		})
	}
}

// windows records what the congestion policy lets each flow send: its rate, or the bytes of its window.
func (s *sampler) windows(what string) {
	for _, f := range s.cfg.Flows {
		if len(s.cfg.Flows) > maxSeriesFlows {
			return
		}
		if what == "rate" {
			s.add("flow."+f.Name+".rate", "bit/s", f.From, func() (float64, bool) {
				c, ok := congestion(f)
				return c.Rate * 8, ok && !math.IsInf(c.Rate, 0)
			})
			continue
		}
		s.add("flow."+f.Name+".window", "bytes", f.From, func() (float64, bool) {
			c, ok := congestion(f)
			return float64(c.Limit), ok && c.Limit > 0
		})
	}
}

// congestion returns the congestion context of a flow at its source.
func congestion(f *traffic.Flow) (ca.Snapshot, bool) {
	p := f.From.IPCP(f.Layer)
	if p == nil || p.FA() == nil {
		return ca.Snapshot{}, false
	}
	info, ok := p.FA().Flow(f.EID())
	return info.Congestion, ok
}
