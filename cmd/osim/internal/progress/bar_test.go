package progress

import (
	"bytes"
	"testing"
	"time"

	"ouroboros/cmd/osim/internal/runner"
	"ouroboros/core"
)

func TestOnlyATerminalHasABar(t *testing.T) {
	if New(&bytes.Buffer{}) != nil {
		t.Error("a buffer is no terminal")
	}
}

func TestNothingIsShownOfAShortRun(t *testing.T) {
	var out bytes.Buffer
	b := &Bar{w: &out}
	b.draw(2 * time.Second) // nothing is known yet
	b.Show(runner.Progress{Runs: 1, Now: 1, End: 2})
	b.draw(patience - 1)
	if out.Len() != 0 {
		t.Errorf("%q", out.String())
	}
}

func TestALongRunShowsTimeEventsAndEstimate(t *testing.T) {
	var out bytes.Buffer
	b := &Bar{w: &out}
	b.Show(runner.Progress{Over: 1, Runs: 2, Now: core.Time(60 * time.Second), End: core.Time(80 * time.Second), Events: 4_000_000})
	b.draw(2 * time.Second)
	for _, want := range []string{"1 of 2 runs, 60.0 of 80.0 s, 2.00 million events/s, 1s left", " 75% "} {
		if !bytes.Contains(out.Bytes(), []byte(want)) {
			t.Errorf("%q is not in %q", want, out.String())
		}
	}
}

func TestDescription(t *testing.T) {
	// 60 of 160 s took 3 s: the other 100 s take 5 s.
	p := runner.Progress{Over: 1, Runs: 4, Now: core.Time(60 * time.Second), End: core.Time(160 * time.Second), Events: 9_000_000}
	if got, want := describe(p, 3*time.Second), "1 of 4 runs, 60.0 of 160.0 s, 3.00 million events/s, 5s left"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	// The live world counts no events, and the first instants allow no estimate.
	if got, want := describe(runner.Progress{Runs: 1, End: core.Time(time.Second)}, time.Second), "0.0 of 1.0 s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
