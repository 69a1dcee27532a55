package measure

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"ouroboros/scenarios"
	"ouroboros/scenarios/result"
)

// Judge evaluates the expectations of the scenario on a run. A partial run is not judged.
func Judge(sc *scenarios.Scenario, run *result.Run) {
	for i := range sc.Expect {
		x := &sc.Expect[i]
		if x.World != "" && x.World != run.Mode {
			continue
		}
		m, _ := scenarios.MetricByName(x.Metric)
		e := result.Expectation{Metric: x.Metric, Op: x.Op, Value: x.Want, Unit: m.Unit, Source: x.Source, Published: x.Published}
		if x.Op == "~" {
			e.Tolerance = result.Some(x.Tolerance)
		}
		if len(x.Of) > 0 {
			e.Metric += " of " + strings.Join(x.Of, ", ")
		}
		if run.Partial {
			e.Reason = "the run was interrupted"
		} else if e.Measured = Evaluate(m, x.Of, run); !e.Measured.OK() {
			e.Reason = missing(x, run)
		} else {
			e.OK = holds(e.Measured.Or(0), x.Op, x.Want, x.Tolerance)
			if !e.OK {
				e.Reason = x.Note
			}
		}
		run.Expectations = append(run.Expectations, e)
	}
}

// missing says why a metric has no value.
func missing(x *scenarios.Expect, run *result.Run) string {
	if scenarios.Censored(x.Metric) {
		m, _ := scenarios.MetricByName(scenarios.Unended)
		if n := Evaluate(m, x.Of, run).Or(0); n > 0 {
			return fmt.Sprintf("outages that had not ended when the run did: %.0f", n)
		}
	}
	return "nothing was measured"
}

func holds(v float64, op string, want, tolerance float64) bool {
	switch op {
	case "<":
		return v < want
	case "<=":
		return v <= want
	case "==":
		return v == want
	case "!=":
		return v != want
	case ">=":
		return v >= want
	case ">":
		return v > want
	case "~":
		return math.Abs(v-want) <= tolerance*math.Abs(want)
	}
	return false
}

// Evaluate returns the value of a metric, in its base unit, over what "of" selects: over everything if it
// is empty. It is missing if nothing was measured.
func Evaluate(m scenarios.Metric, of scenarios.Patterns, run *result.Run) result.Opt[float64] {
	in := func(name string) bool { return len(of) == 0 || len(of.Select([]string{name})) > 0 }
	switch m.Of {
	case scenarios.ScopeWorkload:
		var flows []*result.Flow
		for i := range run.Flows {
			if in(run.Flows[i].Workload) {
				flows = append(flows, &run.Flows[i])
			}
		}
		return flowMetric(m.Name, flows)
	case scenarios.ScopeLink:
		var links []*result.Link
		for i := range run.Links {
			if in(run.Links[i].Name) {
				links = append(links, &run.Links[i])
			}
		}
		return linkMetric(m.Name, links)
	case scenarios.ScopeLayer:
		var layers []*result.Layer
		for i := range run.Layers {
			if in(run.Layers[i].Name) {
				layers = append(layers, &run.Layers[i])
			}
		}
		return layerMetric(m.Name, layers)
	case scenarios.ScopeFault:
		var cs []*result.Convergence
		for i := range run.Layers {
			for k := range run.Layers[i].Convergence {
				if c := &run.Layers[i].Convergence[k]; in(c.Fault) {
					cs = append(cs, c)
				}
			}
		}
		return faultMetric(m.Name, cs)
	case scenarios.ScopeRun:
		if m.Name == "buffers.left" {
			if v, ok := run.Totals.BuffersLeft.Float(); ok {
				return result.Some(v)
			}
		}
	}
	return result.None[float64]()
}

// over applies the last part of a metric's name to values.
func over(how string, v []float64) result.Opt[float64] {
	if len(v) == 0 {
		return result.None[float64]()
	}
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	switch how {
	case "sum":
		return result.Some(sum)
	case "min":
		return result.Some(slices.Min(v))
	case "max":
		return result.Some(slices.Max(v))
	}
	return result.Some(sum / float64(len(v)))
}

func collect[T any, N result.Number](xs []*T, get func(*T) result.Opt[N]) (out []float64) {
	for _, x := range xs {
		if v, ok := get(x).Float(); ok {
			out = append(out, v)
		}
	}
	return out
}

func count[T any](xs []*T, get func(*T) uint64) result.Opt[float64] {
	sum := uint64(0)
	for _, x := range xs {
		sum += get(x)
	}
	return result.Some(float64(sum))
}

func flowMetric(name string, fs []*result.Flow) result.Opt[float64] {
	goodput := func(f *result.Flow) result.Opt[float64] { return f.Goodput }
	switch name {
	case "goodput.sum", "goodput.min", "goodput.mean", "goodput.max":
		return over(name[len("goodput."):], collect(fs, goodput))
	case "goodput.jain":
		return Jain(collect(fs, goodput))
	case "completion.min", "completion.mean", "completion.max":
		return over(name[len("completion."):], collect(fs, func(f *result.Flow) result.Opt[time.Duration] { return f.Completion }))
	case "first_byte.min", "first_byte.mean", "first_byte.max":
		return over(name[len("first_byte."):], collect(fs, func(f *result.Flow) result.Opt[time.Duration] { return f.FirstByte }))
	case "first_byte.rtts.min", "first_byte.rtts.mean", "first_byte.rtts.max":
		return over(name[len("first_byte.rtts."):], collect(fs, firstByteRTTs))
	case "delay.min", "delay.mean", "delay.p50", "delay.p99", "delay.max":
		return distMetric(name[len("delay."):], fs, func(f *result.Flow) *result.Dist { return &f.Delay })
	case "rtt.min", "rtt.mean", "rtt.p50", "rtt.p99", "rtt.max":
		return distMetric(name[len("rtt."):], fs, func(f *result.Flow) *result.Dist { return &f.RTT })
	case "loss":
		lost, _ := count(fs, func(f *result.Flow) uint64 { return f.LostPackets }).Get()
		sent, _ := count(fs, func(f *result.Flow) uint64 { return f.SentPackets }).Get()
		return result.Ratio(lost, sent)
	case "sent":
		return count(fs, func(f *result.Flow) uint64 { return f.SentPackets })
	case "delivered":
		return count(fs, func(f *result.Flow) uint64 { return f.DeliveredPackets })
	case "lost":
		return count(fs, func(f *result.Flow) uint64 { return f.LostPackets })
	case "duplicates":
		return count(fs, func(f *result.Flow) uint64 { return f.Duplicates })
	case "reordered":
		return count(fs, func(f *result.Flow) uint64 { return f.Reordered })
	case "retransmissions":
		return over("sum", collect(fs, func(f *result.Flow) result.Opt[uint64] { return f.Retransmissions }))
	case "timeouts":
		return over("sum", collect(fs, func(f *result.Flow) result.Opt[uint64] { return f.Timeouts }))
	case "rejected":
		return over("sum", collect(fs, func(f *result.Flow) result.Opt[uint64] { return f.Rejected }))
	case "queue.source.mean":
		return over("mean", collect(fs, func(f *result.Flow) result.Opt[float64] { return f.SourceQueueMean }))
	case "queue.source.max":
		return over("max", collect(fs, func(f *result.Flow) result.Opt[uint64] { return f.SourceQueueMax }))
	case "delay.p99.ideal":
		return over("mean", closedForms(fs, "delay.p99"))
	case "goodput.ideal":
		return over("sum", closedForms(fs, "goodput"))
	case "flows.failed":
		return count(fs, func(f *result.Flow) uint64 { return one(f.Failure != "") })
	case "wishes.unmet":
		return count(fs, func(f *result.Flow) uint64 { return one(f.Met() == "no") })
	}
	return result.None[float64]()
}

// firstByteRTTs returns the time to the first byte in round trips of the path.
func firstByteRTTs(f *result.Flow) result.Opt[float64] {
	t, ok := f.FirstByte.Float()
	rtt, known := f.PathRTT.Float()
	if !ok || !known {
		return result.None[float64]()
	}
	return result.Ratio(t, rtt)
}

// closedForms returns the closed forms of a quantity, of the flows that have one.
func closedForms(fs []*result.Flow, what string) (out []float64) {
	for _, f := range fs {
		for _, t := range f.Theory {
			if t.What == what {
				out = append(out, t.Value)
			}
		}
	}
	return out
}

func one(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// distMetric merges the distributions of several flows; percentiles are those of all samples together.
func distMetric(how string, fs []*result.Flow, get func(*result.Flow) *result.Dist) result.Opt[float64] {
	var all []result.Bucket
	var n uint64
	var sum float64
	var lo, hi []float64
	for _, f := range fs {
		d := get(f)
		if d.N == 0 {
			continue
		}
		n += d.N
		sum += float64(d.Mean.Or(0)) * float64(d.N)
		lo, hi = append(lo, float64(d.Min.Or(0))), append(hi, float64(d.Max.Or(0)))
		all = append(all, d.Buckets...)
	}
	switch {
	case n == 0:
		return result.None[float64]()
	case how == "min":
		return over("min", lo)
	case how == "max":
		return over("max", hi)
	case how == "mean":
		return result.Some(sum / float64(n))
	}
	slices.SortFunc(all, func(a, b result.Bucket) int { return int(a.UpTo - b.UpTo) })
	share := 0.5
	if how == "p99" {
		share = 0.99
	}
	need, seen := uint64(math.Ceil(share*float64(n))), uint64(0)
	for _, b := range all {
		if seen += b.Count; seen >= need {
			return result.Some(min(float64(b.UpTo), slices.Max(hi)))
		}
	}
	return result.None[float64]()
}

func linkMetric(name string, ls []*result.Link) result.Opt[float64] {
	switch name {
	case "utilisation.min", "utilisation.mean", "utilisation.max":
		return over(name[len("utilisation."):], collect(ls, func(l *result.Link) result.Opt[float64] { return l.Utilisation }))
	case "queue.mean":
		return over("mean", collect(ls, func(l *result.Link) result.Opt[float64] { return l.QueueMean }))
	case "queue.max":
		return over("max", collect(ls, func(l *result.Link) result.Opt[uint64] { return result.Some(l.QueueMax) }))
	case "drops":
		return count(ls, func(l *result.Link) uint64 { return l.Drops.Total() })
	case "drops.queue":
		return count(ls, func(l *result.Link) uint64 { return l.Drops.Queue })
	case "drops.loss":
		return count(ls, func(l *result.Link) uint64 { return l.Drops.Loss })
	case "drops.error":
		return count(ls, func(l *result.Link) uint64 { return l.Drops.Error })
	case "drops.down":
		return count(ls, func(l *result.Link) uint64 { return l.Drops.Down })
	}
	return result.None[float64]()
}

func layerMetric(name string, ls []*result.Layer) result.Opt[float64] {
	if how, ok := strings.CutPrefix(name, "queue.ipcp."); ok {
		return queueMetric(how, ls)
	}
	switch name {
	case "up":
		return over("max", collect(ls, func(l *result.Layer) result.Opt[time.Duration] { return l.Up }))
	case "joined":
		return count(ls, func(l *result.Layer) uint64 { return uint64(l.Joined) })
	case "dropped":
		return count(ls, func(l *result.Layer) (n uint64) {
			for _, d := range l.Drops {
				n += d.Value
			}
			return n
		})
	case "control.packets":
		return count(ls, func(l *result.Layer) (n uint64) {
			for _, c := range l.Control {
				n += c.Packets
			}
			return n
		})
	}
	part, perMember := strings.CutPrefix(name, "control.bytes.member")
	part = strings.TrimPrefix(part, ".")
	if !perMember {
		return controlBytes(ls, "")
	}
	bytes, _ := controlBytes(ls, part).Get()
	members, _ := layerMetric("joined", ls).Get()
	return result.Ratio(bytes, members)
}

// controlBytes sums what layers sent of one part of control traffic, see [scenarios.ControlParts]; of all with
// an empty part.
func controlBytes(ls []*result.Layer, part string) result.Opt[float64] {
	return count(ls, func(l *result.Layer) (n uint64) {
		for _, c := range l.Control {
			if part == "" || part == controlPart(c.Kind) {
				n += c.Bytes
			}
		}
		return n
	})
}

// controlPart returns the part of control traffic that a kind of messages belongs to. Those of routing have the
// name of their policy.
func controlPart(kind string) string {
	switch kind {
	case "connection", "directory", "enrollment":
		return kind
	case "flow-allocation", "flow-update":
		return "flows"
	}
	return "routing"
}

func faultMetric(name string, cs []*result.Convergence) result.Opt[float64] {
	phase := map[string]func(*result.Convergence) result.Opt[time.Duration]{
		"convergence.detection":   func(c *result.Convergence) result.Opt[time.Duration] { return c.Detection },
		"convergence.flooding":    func(c *result.Convergence) result.Opt[time.Duration] { return c.Flooding },
		"convergence.computation": func(c *result.Convergence) result.Opt[time.Duration] { return c.Computation },
		"convergence.total":       func(c *result.Convergence) result.Opt[time.Duration] { return c.Total },
	}[name]
	if phase != nil {
		return over("max", collect(cs, phase))
	}
	return outageMetric(name, cs)
}
