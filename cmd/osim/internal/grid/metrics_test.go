package grid

import (
	"strings"
	"testing"
	"time"

	"ouroboros/report"
	"ouroboros/scenarios"
	"ouroboros/scenarios/measure"
	"ouroboros/scenarios/result"
)

// network is a made-up run with two workloads, two links, two layers and a fault.
func network() *result.Run {
	flow := func(w string, goodput float64, lost uint64) result.Flow {
		return result.Flow{Workload: w, Goodput: result.Some(goodput), SentPackets: 10, LostPackets: lost}
	}
	link := func(name string, use, queue float64) result.Link {
		return result.Link{Name: name, Utilisation: result.Some(use), QueueMean: result.Some(queue)}
	}
	cut := result.Convergence{Fault: "cut", Total: result.Some(3 * time.Millisecond), Outages: []result.Outage{{Duration: result.Some(time.Second)}}}
	mend := result.Convergence{Fault: "mend", Total: result.Some(5 * time.Millisecond)}
	return &result.Run{
		Seed:  1,
		Flows: []result.Flow{flow("raw", 1e6, 0), flow("data", 2e6, 0), flow("raw", 3e6, 2), flow("x*[y]", 1, 0)},
		Links: []result.Link{link("a-b", 0.2, 1), link("a-b", 0.3, 2), link("b-c", 0.9, 5), link("b-c", 0, 0)},
		Layers: []result.Layer{
			{Name: "net", Control: []result.Control{{Kind: "link-state", Packets: 3, Bytes: 300}}, Convergence: []result.Convergence{cut, mend}},
			{Name: "top", Control: []result.Control{{Kind: "link-state", Packets: 4, Bytes: 500}}},
		},
	}
}

// A record has what an expectation would measure, for the run and for each of its parts.
func TestRecordsAgreeWithExpectations(t *testing.T) {
	run := network()
	r := newRecord("id", run, nil)
	n := 0
	for name, v := range r.Values {
		metric, subject, isPart := strings.Cut(name, of)
		m, ok := scenarios.MetricByName(metric)
		if !ok {
			t.Errorf("%s is no metric", metric)
		}
		var only scenarios.Patterns
		if isPart {
			only = scenarios.Patterns{subject}
		}
		if want := measure.Evaluate(m, only, run); v != want {
			t.Errorf("%s: %v, want %v", name, v, want)
		}
		if v.OK() {
			n++
		}
	}
	for name, want := range map[string]float64{
		"goodput.sum": 6e6 + 1, "goodput.sum of raw": 4e6, "loss of raw": 0.1, "utilisation.max of b-c": 0.9, "queue.mean of a-b": 1.5,
		"control.bytes of top": 500, "convergence.total of cut": 3e6, "convergence.total": 5e6, "outage.max of cut": 1e9, "sent of x*[y]": 10,
	} {
		if v, ok := r.Values[name].Get(); !ok || v != want {
			t.Errorf("%s: %v, want %v", name, r.Values[name], want)
		}
	}
	if n < 60 || r.Flows["raw"] != 2 || r.Values["outage.max of mend"].OK() {
		t.Errorf("%d values, %v", n, r.Flows)
	}
}

func metricNames(ms []report.Metric) string {
	var out []string
	for _, m := range ms {
		out = append(out, m.Name)
	}
	return strings.Join(out, ", ")
}

// The usual metrics: fairness within workloads of several flows, the queue of the busiest link, and what is
// 0 everywhere only in a note.
func TestUsualMetrics(t *testing.T) {
	r := newRecord("id", network(), nil)
	r.keep(Selection{}.Keep)
	ms, notes := Selection{}.Choose([]Result{{0, r}})
	if got, want := metricNames(ms), "goodput.sum, goodput.jain of raw, loss, queue.mean of b-c, control.bytes, convergence.total, outage.mean, outage.max"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(notes) != 2 || notes[1] != "Left out, for rounding to 0 in every run: drops, outage.unended, flows.failed." || !strings.Contains(notes[0], "b-c") {
		t.Errorf("%q", notes)
	}
	for _, u := range usual {
		if m, _, _ := strings.Cut(u, of); !strings.Contains(strings.Join(names(), " "), m) {
			t.Errorf("%s is no metric", m)
		}
	}
}

// Patterns choose in their order, and within one in that of the vocabulary; what was not measured is left
// out.
func TestChosenMetrics(t *testing.T) {
	for flags, want := range map[string]string{
		"loss;goodput.sum":                 "loss, goodput.sum",
		"loss,goodput.sum":                 "loss, goodput.sum",
		"goodput.m* of *":                  "goodput.min of data, goodput.min of raw, goodput.min of x*[y], goodput.mean of data, goodput.mean of raw, goodput.mean of x*[y], goodput.max of data, goodput.max of raw, goodput.max of x*[y]",
		"queue.mean of [ab]-[bc]":          "queue.mean of a-b, queue.mean of b-c",
		"queue.mean of b-c;queue.* of b-c": "queue.mean of b-c, queue.max of b-c",
		"control.bytes of top":             "control.bytes of top",
		"convergence.t* of c?t;loss":       "convergence.total of cut, loss",
		"rtt.*":                            "",
		"*.jain;*.jain of data":            "goodput.jain, goodput.jain of data",
	} {
		s, err := ParseMetrics(strings.Split(flags, ";"))
		if err != nil {
			t.Fatalf("%s: %v", flags, err)
		}
		r := newRecord("id", network(), nil)
		r.keep(s.Keep)
		ms, notes := s.Choose([]Result{{0, r}})
		if got := metricNames(ms); got != want || notes != nil {
			t.Errorf("%s: got %s, %q", flags, got, notes)
		}
	}
}

// What would print as 0 is left out of the usual metrics, and what would not is kept.
func TestWhatRoundsToNothingIsLeftOut(t *testing.T) {
	for _, x := range []struct {
		metric string
		v      float64
		out    bool
	}{
		{"loss", 4e-6, true},
		{"loss", 1e-5, false},
		{"drops", 1e-4, true},
		{"drops", 1, false},
		{"delay.mean", 0.4, true},
		{"delay.mean", 1, false},
		{"control.bytes", -1, false},
	} {
		m, _ := scenarios.MetricByName(x.metric)
		r := &Record{Values: map[string]result.Opt[float64]{x.metric: result.Some(x.v)}}
		if got := allZero(x.metric, m.Unit, []Result{{0, &Record{}}, {0, r}}); got != x.out {
			t.Errorf("%s of %v: left out %v", x.metric, x.v, got)
		}
	}
}

// The record knows how many outages a metric lacks, whatever was chosen: those that had not ended, if it is
// made from all of them.
func TestUnendedOutagesAreKept(t *testing.T) {
	run := network()
	c := run.Layers[0].Convergence
	c[0].Outages = append(c[0].Outages, result.Outage{AtLeast: result.Some(time.Hour)}, result.Outage{AtLeast: result.Some(time.Hour)})
	s, err := ParseMetrics([]string{"outage.max of cut", "outage.protected.max of cut"})
	if err != nil {
		t.Fatal(err)
	}
	r := newRecord("id", run, nil)
	r.keep(s.Keep)
	if len(r.Values) != 3 || r.Unended("outage.max of cut") != 2 || r.Unended("outage.protected.max of cut") != 0 || r.Unended("loss") != 0 {
		t.Errorf("%v: %d outages", r.Values, r.Unended("outage.max of cut"))
	}
	if s, _ := ParseMetrics([]string{"loss"}); s.Keep(scenarios.Unended) {
		t.Error("a selection without outages keeps their number")
	}
}

func TestMetricsThatThereAreNot(t *testing.T) {
	for _, bad := range []string{"", "los", "loss,", "loss of [", "[", "delay.p98"} {
		if _, err := ParseMetrics([]string{bad}); err == nil || !strings.Contains(err.Error(), "--metric "+bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	v := variants(t, "abilene", nil)
	for metric, ok := range map[string]bool{
		"loss of raw": true, "loss of net": false, "queue.* of Denver-*": true, "control.bytes of n?t": true,
		"outage.max of cut": true, "convergence.* of cut repaired": true, "outage.max of raw": false, "buffers.left of x": false, "loss": true,
	} {
		s, err := ParseMetrics([]string{metric})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Check(v); (err == nil) != ok {
			t.Errorf("%s: %v", metric, err)
		}
	}
}
