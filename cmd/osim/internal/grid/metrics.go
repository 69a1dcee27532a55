package grid

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	"ouroboros/report"
	"ouroboros/scenarios"
)

// Selection chooses the metrics of a table. The zero Selection chooses those that most comparisons are about.
type Selection struct{ patterns []pattern }

// pattern is a glob for the name of a metric, and one for what it is of; "" is the run as a whole.
type pattern struct{ flag, metric, of string }

// usual are the metrics of the zero Selection: few enough that the correction for their number leaves
// something to see. Those of parts of a run are chosen by [Selection.Choose].
var usual = []string{
	"goodput.sum", "goodput.jain" + of + "*", "loss", "delay.mean", "delay.p99", "rtt.mean", "rtt.p99", "completion.mean",
	"retransmissions", "queue.mean" + of + "*", "drops", "control.bytes", "convergence.total", "outage.mean", "outage.max", scenarios.Unended, "flows.failed",
}

// ranking is the metric that says which link is the busiest.
const ranking = "utilisation.max"

// ParseMetrics reads the values of --metric: "METRIC" or "METRIC of NAME", where both may hold *, ? and
// [a-c], and lists without "of". The error lists the metrics there are.
func ParseMetrics(flags []string) (Selection, error) {
	var s Selection
	for _, f := range flags {
		list := []string{f}
		if !strings.Contains(f, of) {
			list = strings.Split(f, ",")
		}
		for _, x := range list {
			p := pattern{flag: f}
			p.metric, p.of, _ = strings.Cut(strings.TrimSpace(x), of)
			if _, err := path.Match(p.metric, ""); err != nil {
				return s, fmt.Errorf("--metric %s: %q is not a pattern", f, p.metric)
			}
			if _, err := path.Match(p.of, ""); err != nil {
				return s, fmt.Errorf("--metric %s: %q is not a pattern", f, p.of)
			}
			if !slices.ContainsFunc(scenarios.Metrics(), func(m scenarios.Metric) bool { return glob(p.metric, m.Name) }) {
				return s, fmt.Errorf("--metric %s: %q is no metric; accepted are %s, patterns such as delay.*, and parts such as 'loss of NAME'", f, p.metric, strings.Join(names(), ", "))
			}
			s.patterns = append(s.patterns, p)
		}
	}
	return s, nil
}

func names() (out []string) {
	for _, m := range scenarios.Metrics() {
		out = append(out, m.Name)
	}
	return out
}

// glob tells whether a sound pattern names s.
func glob(pattern, s string) bool { return scenarios.Patterns{pattern}.Select([]string{s}) != nil }

// Check tells whether every pattern names something in one of the variants.
func (s Selection) Check(variants []Variant) error {
	for _, p := range s.patterns {
		if p.of == "" {
			continue
		}
		var known []string
		for i := range variants {
			for _, m := range scenarios.Metrics() {
				if glob(p.metric, m.Name) {
					known = append(known, variants[i].subjects(m.Of)...)
				}
			}
		}
		if !slices.ContainsFunc(known, func(name string) bool { return glob(p.of, name) }) {
			slices.Sort(known)
			return fmt.Errorf("--metric %s: %q names nothing that %s is of; accepted are %s", p.flag, p.of, p.metric, brief(slices.Compact(known)))
		}
	}
	return nil
}

// brief lists some of many names.
func brief(list []string) string {
	const most = 30
	switch {
	case len(list) == 0:
		return "none"
	case len(list) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
	}
	return strings.Join(list, ", ")
}

// subjects are the names that a metric of this scope can be of.
func (v *Variant) subjects(scope scenarios.Scope) (out []string) {
	switch scope {
	case scenarios.ScopeWorkload:
		for i := range v.Workload {
			out = append(out, v.Workload[i].Name)
		}
	case scenarios.ScopeLink:
		for i := range v.Graph.Links {
			out = append(out, v.Graph.Links[i].Name)
		}
	case scenarios.ScopeLayer:
		for i := range v.Layers {
			out = append(out, v.Layers[i].Name)
		}
	case scenarios.ScopeFault:
		for i := range v.Faults {
			// A fault that ends by itself is followed by an event of its own.
			name := v.Faults[i].Name
			out = append(out, name, name+" repaired", name+" ended")
		}
	case scenarios.ScopeRun:
	}
	return out
}

// Keep tells whether a metric may be in the table, or is needed to choose.
func (s Selection) Keep(name string) bool {
	metric, subject, _ := strings.Cut(name, of)
	if metric == scenarios.Unended && slices.ContainsFunc(scenarios.Metrics(), func(m scenarios.Metric) bool {
		return scenarios.Censored(m.Name) && s.Keep(strings.Replace(name, metric, m.Name, 1))
	}) {
		return true // it says why the other is missing
	}
	if len(s.patterns) == 0 {
		if subject == "" {
			return slices.Contains(usual, metric)
		}
		return metric == ranking || slices.Contains(usual, metric+of+"*")
	}
	return slices.ContainsFunc(s.patterns, func(p pattern) bool { return p.names(metric, subject) })
}

func (p *pattern) names(metric, subject string) bool {
	return glob(p.metric, metric) && (p.of == "") == (subject == "") && (subject == "" || glob(p.of, subject))
}

// Choose returns the metrics of the table: those of the selection that were measured in at least one run,
// in the order of the patterns, and within a pattern in that of the vocabulary. The notes say what was left
// out.
func (s Selection) Choose(results []Result) (out []report.Metric, notes []string) {
	if len(s.patterns) == 0 {
		return chooseUsual(results)
	}
	measured := measuredIn(results)
	for _, p := range s.patterns {
		for _, m := range scenarios.Metrics() {
			for _, name := range measured {
				metric, subject, _ := strings.Cut(name, of)
				x := report.Metric{Name: name, Unit: m.Unit}
				if metric == m.Name && p.names(metric, subject) && !slices.Contains(out, x) {
					out = append(out, x)
				}
			}
		}
	}
	return out, nil
}

// measuredIn lists the metrics with a value in at least one of the runs, sorted.
func measuredIn(results []Result) []string {
	seen := map[string]bool{}
	for _, r := range results {
		for name, v := range r.Values {
			if v.OK() {
				seen[name] = true
			}
		}
	}
	out := make([]string, 0, len(seen))
	for name := range seen {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// chooseUsual fills in which workloads and links the usual metrics are of: the workloads of several flows
// and the busiest link. Metrics that round to 0 in every run are left out.
func chooseUsual(results []Result) (out []report.Metric, notes []string) {
	measured := measuredIn(results)
	var zero []string
	for _, u := range usual {
		metric, _, parts := strings.Cut(u, of)
		m, _ := scenarios.MetricByName(metric)
		wanted := []string{u}
		if parts {
			wanted = nil
			for _, subject := range subjectsOf(m, measured, results) {
				wanted = append(wanted, metric+of+subject)
			}
		}
		for _, name := range wanted {
			switch {
			case !slices.Contains(measured, name):
			case allZero(name, m.Unit, results):
				zero = append(zero, name)
			default:
				out = append(out, report.Metric{Name: name, Unit: m.Unit})
			}
		}
	}
	for _, m := range out {
		if metric, link, ok := strings.Cut(m.Name, of); ok && metric == "queue.mean" {
			notes = append(notes, link+" is the link with the highest utilisation, in the mean over all runs.")
		}
	}
	if len(zero) > 0 {
		notes = append(notes, "Left out, for rounding to 0 in every run: "+strings.Join(zero, ", ")+".")
	}
	return out, notes
}

// subjectsOf chooses what a usual metric is of.
func subjectsOf(m scenarios.Metric, measured []string, results []Result) (out []string) {
	if m.Of == scenarios.ScopeLink {
		if l, ok := busiest(measured, results); ok {
			out = append(out, l)
		}
		return out
	}
	for _, name := range measured {
		metric, subject, _ := strings.Cut(name, of)
		several := slices.ContainsFunc(results, func(r Result) bool { return r.Flows[subject] > 1 })
		if metric == m.Name && subject != "" && several {
			out = append(out, subject)
		}
	}
	return out
}

// busiest returns the link with the highest utilisation, in the mean over all runs.
func busiest(measured []string, results []Result) (link string, ok bool) {
	best := 0.0
	for _, name := range measured {
		metric, subject, _ := strings.Cut(name, of)
		if metric != ranking || subject == "" {
			continue
		}
		sum, n := 0.0, 0.0
		for _, r := range results {
			if v, ok := r.Values[name].Get(); ok {
				sum, n = sum+v, n+1
			}
		}
		if sum/n > best {
			best, link, ok = sum/n, subject, true
		}
	}
	return link, ok
}

// allZero tells whether a metric rounds to 0 in every run: whole bytes, bit/s and ns, thousandths of packets and
// of percent.
func allZero(name, unit string, results []Result) bool {
	least := 0.5
	switch unit {
	case scenarios.UnitRatio:
		least = 5e-6
	case scenarios.UnitCount:
		least = 5e-4
	}
	return !slices.ContainsFunc(results, func(r Result) bool { return math.Abs(r.Values[name].Or(0)) >= least })
}

// Unended returns how many outages are missing in a metric, for not having ended.
func (r *Record) Unended(name string) uint64 {
	metric, subject, _ := strings.Cut(name, of)
	if !scenarios.Censored(metric) || r.Values[name].OK() {
		return 0
	}
	by := scenarios.Unended
	if subject != "" {
		by += of + subject
	}
	return uint64(r.Values[by].Or(0))
}
