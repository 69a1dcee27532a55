package report

import (
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"ouroboros/scenarios/result"
)

// Estimate is what replications say about one metric: the mean over them with its confidence interval.
type Estimate struct {
	Scenario   string `json:"scenario"`
	Parameters string `json:"parameters"` // path=value, separated by spaces
	Mode       string `json:"mode"`
	Of         string `json:"of"`      // flow, workload, link, layer, fairness or fault
	Subject    string `json:"subject"` // its name; of a link "name from>to", of fairness "layer: workload", of a fault "layer: fault"
	Metric     string `json:"metric"`
	Unit       string `json:"unit"` // s, bit/s, ratio, packets, bytes, ""

	N    int     `json:"n"` // replications in which it was measured, at least 1
	Mean float64 `json:"mean"`
	// HalfWidth is that of the two-sided 95 % Student-t interval of the mean; missing with less than two
	// replications, and without variance.
	HalfWidth result.Opt[float64] `json:"ci95_half"`
	// NoVariance: two or more replications, all with the same value. Nothing random reaches the metric, so
	// more seeds tell nothing about it and an interval would feign certainty.
	NoVariance bool    `json:"no_variance"`
	Min        float64 `json:"min"`
	Max        float64 `json:"max"`
}

// confidence is that of every interval in a report.
const confidence = 0.95

// estimate computes the statistics of one or more samples.
func estimate(xs []float64) Estimate {
	e := Estimate{N: len(xs), Min: slices.Min(xs), Max: slices.Max(xs)}
	e.Mean = stat.Mean(xs, nil)
	switch {
	case len(xs) < 2:
	case e.Min == e.Max:
		e.NoVariance, e.Mean = true, xs[0]
	default:
		t := distuv.StudentsT{Sigma: 1, Nu: float64(len(xs) - 1)}
		half := t.Quantile(1-(1-confidence)/2) * stat.StdErr(stat.StdDev(xs, nil), float64(len(xs)))
		e.HalfWidth = result.Some(half)
	}
	return e
}

// replications groups runs that differ in the seed alone, in order of first appearance.
func replications(runs []result.Run) [][]*result.Run {
	var out [][]*result.Run
	at := map[string]int{}
	for i := range runs {
		r := &runs[i]
		key := strings.Join([]string{r.Scenario, r.Mode, parameters(r)}, "\x00")
		k, ok := at[key]
		if !ok {
			k = len(out)
			at[key] = k
			out = append(out, nil)
		}
		out[k] = append(out[k], r)
	}
	return out
}

// parameters writes what was set from outside the scenario file.
func parameters(r *result.Run) string {
	parts := make([]string, 0, len(r.Parameters))
	for _, p := range r.Parameters {
		parts = append(parts, p.Path+"="+p.Value)
	}
	return strings.Join(parts, " ")
}

// sampleKey says what a sample measures.
type sampleKey struct{ of, subject, metric, unit string }

// samples collects one sample per run for each key, in order of first appearance.
type samples struct {
	keys   []sampleKey
	values map[sampleKey][]float64
	biased map[sampleKey]bool // those that miss values since these would be bad ones
}

func (s *samples) add(of, subject, metric, unit string, v result.Opt[float64]) {
	x, ok := v.Get()
	if !ok {
		return
	}
	k := sampleKey{of, subject, metric, unit}
	if _, ok := s.values[k]; !ok {
		s.keys = append(s.keys, k)
	}
	s.values[k] = append(s.values[k], x)
}

// Summarise estimates the main metrics of flows, workloads, links, layers and faults over replications.
// It returns nothing for scenarios that were run with one seed only.
func Summarise(runs []result.Run) []Estimate {
	var out []Estimate
	for _, reps := range replications(runs) {
		if len(reps) > 1 {
			out = append(out, summarise(reps)...)
		}
	}
	return out
}

func summarise(reps []*result.Run) []Estimate {
	s := samples{values: map[sampleKey][]float64{}, biased: map[sampleKey]bool{}}
	for _, r := range reps {
		s.run(r)
	}
	out := make([]Estimate, 0, len(s.keys))
	for _, k := range s.keys {
		if s.biased[k] {
			continue
		}
		e := estimate(s.values[k])
		e.Scenario, e.Parameters, e.Mode = reps[0].Scenario, parameters(reps[0]), reps[0].Mode
		e.Of, e.Subject, e.Metric, e.Unit = k.of, k.subject, k.metric, k.unit
		out = append(out, e)
	}
	return out
}

// run adds the samples of one run.
func (s *samples) run(r *result.Run) {
	for i := range r.Flows {
		s.flow("flow", r.Flows[i].Name, &r.Flows[i])
	}
	for _, w := range workloadRows(r) {
		s.flow("workload", w.Workload, &w.Flow)
	}
	for i := range r.Links {
		l := &r.Links[i]
		name := linkName(l)
		s.add("link", name, "utilisation", "ratio", l.Utilisation)
		s.add("link", name, "drops", "packets", result.Some(float64(l.Drops.Total())))
		s.add("link", name, "queue.mean", "packets", l.QueueMean)
		s.add("link", name, "queue.max", "packets", result.Some(float64(l.QueueMax)))
	}
	for i := range r.Layers {
		l := &r.Layers[i]
		s.add("layer", l.Name, "jain", "", jainOfAll(l))
		if l.Control != nil {
			s.add("layer", l.Name, "control", "bytes", result.Some(float64(control(l).Bytes)))
		}
		if l.Drops != nil {
			s.add("layer", l.Name, "dropped", "packets", result.Some(float64(dropped(l))))
		}
		for _, f := range l.Fairness {
			if f.Group != "" {
				s.add("fairness", l.Name+": "+f.Group, "jain", "", f.Jain)
			}
		}
		times := map[string]int{}
		for k := range l.Convergence {
			c := &l.Convergence[k]
			name := l.Name + ": " + c.Fault
			// The same fault can happen again; each time is a sample of its own.
			if times[name]++; times[name] > 1 {
				name = fmt.Sprintf("%s (%d)", name, times[name])
			}
			s.add("fault", name, "convergence", "s", inSeconds(c.Total))
			_, mean, _ := c.Outage()
			s.add("fault", name, "outage", "s", inSeconds(mean))
			if n, _ := c.Count(); n > 0 { // the runs in which all have ended are the good ones
				s.biased[sampleKey{"fault", name, "outage", "s"}] = true
			}
		}
	}
}

func (s *samples) flow(of, name string, f *result.Flow) {
	s.add(of, name, "offered", "bit/s", f.OfferedRate)
	s.add(of, name, "goodput", "bit/s", f.Goodput)
	s.add(of, name, "loss", "ratio", f.Loss)
	s.add(of, name, "delay.mean", "s", inSeconds(f.Delay.Mean))
	s.add(of, name, "rtt.mean", "s", inSeconds(f.RTT.Mean))
	if n, ok := f.Retransmissions.Float(); ok {
		s.add(of, name, "retransmissions", "packets", result.Some(n))
	}
}

func linkName(l *result.Link) string { return l.Name + " " + l.From + ">" + l.To }
