package report

import (
	"strings"
	"testing"
	"time"

	"ouroboros/scenarios/result"
)

// levels is a run of three layers on each other whose pings differ by a few µs.
func levels() result.Run {
	ping := func(name, layer, from string, rtt time.Duration) result.Flow {
		return result.Flow{
			Name: name, Workload: name, Layer: layer, From: from, To: "z", Allocated: ms(6.2), OfferedPackets: 10, OfferedBytes: 640,
			RTT: result.Dist{N: 10, Min: result.Some(rtt), Mean: result.Some(rtt), P50: result.Some(rtt), P99: result.Some(rtt), Max: result.Some(rtt)},
		}
	}
	load := result.Load{Header: result.Some[uint64](15)}
	r := result.Run{
		Scenario: "levels", Seed: 1, Mode: result.ModeSim,
		Flows: []result.Flow{
			ping("low", "low", "a", 6_005_104), ping("mid", "mid", "a", 6_005_824), ping("far", "mid", "b", 10_006_592), ping("top", "top", "a", 6_006_544),
		},
		Layers: []result.Layer{
			{Name: "low", Kind: "unicast", Over: []string{"links"}, Load: load},
			{Name: "mid", Kind: "unicast", Over: []string{"links", "low"}, Load: load},
			{Name: "top", Kind: "unicast", Over: []string{"mid"}, Load: load},
		},
	}
	r.Flows = append(r.Flows, result.Flow{Name: "never", Workload: "top", Layer: "top", From: "b", To: "z", Failure: "not allocated by the end of the run"})
	return r
}

// Each level is held against the next below it in which the same nodes ping each other, whatever else there
// is, and pings that differ by less than a µs look different.
func TestLevelsAreComparedWithTheNextBelow(t *testing.T) {
	run := levels()
	rows := map[string]levelRow{}
	for _, x := range levelsOf(&run) {
		rows[x.workload] = x
	}
	for name, want := range map[string]struct {
		below string
		extra time.Duration
	}{"low": {}, "mid": {"low", 720}, "far": {}, "top": {"mid", 720}} {
		x := rows[name]
		if x.below != want.below || x.extra.Or(0) != want.extra || x.extra.OK() != (want.below != "") {
			t.Errorf("%s: %q, %v more, want %+v", name, x.below, x.extra, want)
		}
	}
	if top := rows["top"]; top.flows != 2 || top.have != 1 || top.failed != 1 || top.mean != ms(6.2) {
		t.Errorf("top: %+v", top)
	}
	var b strings.Builder
	if err := Write(&b, []result.Run{run}, Text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{" 6.005 ", " 6.006 ", " 6.007 ", "720.0", " 15 "} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is missing:\n%s", want, b.String())
		}
	}
}

// What a layer does not count prints as missing, never as 0: a shim or local layer has no control messages.
func TestWhatIsNotCountedIsMissing(t *testing.T) {
	run := result.Run{Scenario: "x", Layers: []result.Layer{
		{Name: "wire", Kind: "shim"},
		{Name: "net", Kind: "unicast", Control: []result.Control{{Kind: "connection"}}, Drops: []result.Count{{Name: "ttl"}}},
	}}
	data := layersData([]*result.Run{&run})
	for c, col := range data.cols {
		switch col.name {
		case "control_packets", "control_bytes", "dropped_packets":
			if got, want := data.rows[0][c].data()+"/"+data.rows[1][c].data(), "/0"; got != want {
				t.Errorf("%s: %s, want %s", col.name, got, want)
			}
		}
	}
}

// A mean queue of a few packets in a million moments is printed as 0; data files have it as it is.
func TestNoiseOfQueuesIsNotPrinted(t *testing.T) {
	var vs []value
	for _, f := range []float64{0.000008, 0.0004, 0.0005, 12.5} {
		vs = append(vs, optMean(result.Some(f)))
	}
	s := newStyle(plain, vs)
	for i, want := range []string{"0.00000", "0.00000", "0.00050", "12.50000"} {
		if got := s.print(vs[i]); got != want {
			t.Errorf("%d: %s, want %s", i, got, want)
		}
	}
	if vs[0].data() != "8e-06" {
		t.Error(vs[0].data())
	}
}

// Under load the closed form is a lower bound: nothing is said to deviate from it.
func TestLoadedPathsDoNotDeviate(t *testing.T) {
	x := result.Theory{Value: 1, Measured: result.Some(131.0), Loaded: true}
	if d := x.Deviation(); d.OK() {
		t.Error(d)
	}
	run := result.Run{Scenario: "x", Flows: []result.Flow{{Name: "f", Theory: []result.Theory{x, {Value: 1, Measured: result.Some(1.5)}}}}}
	rows := printTheory([]*result.Run{&run}).rows
	if got := rows[0][4].s; got != "never idle" {
		t.Errorf("%q", got)
	}
	if got := rows[1][4].f; got != 0.5 {
		t.Errorf("%v", got)
	}
}
