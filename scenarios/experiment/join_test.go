package experiment_test

import (
	"encoding/json"
	"testing"

	"ouroboros/scenarios"
	"ouroboros/scenarios/experiment"
	"ouroboros/scenarios/measure"
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/result"
	"ouroboros/sim"
)

// TestPiecesMakeUpTheWhole: what the nodes of a run have seen, each for itself, written as JSON and read again,
// gives the same results as who has seen all of it.
func TestPiecesMakeUpTheWhole(t *testing.T) {
	if raced {
		t.Skip("whole scenarios take too long under the race detector")
	}
	for _, info := range scenarios.Embedded() {
		t.Run(info.Name, func(t *testing.T) {
			t.Parallel()
			sc := embedded(t, info.Name)
			want, got := cutAndJoined(t, sc, 1)
			if diff := differs(t, want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// cutAndJoined runs a scenario and returns its results, as measured and as put together from those of the nodes.
func cutAndJoined(t *testing.T, sc *scenarios.Scenario, seed uint64) (whole, joined result.Run) {
	t.Helper()
	g, err := node.Catalog{}.Graph(&sc.Topology)
	if err != nil {
		t.Fatal(err)
	}
	w := sim.New(seed)
	defer w.Close()
	e, err := experiment.NewToCut(w, sc, g, seed)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Run(1, nil); err != nil {
		t.Fatal(err)
	}
	var pieces []measure.Piece
	for _, p := range e.Cut() {
		pieces = append(pieces, passOn(t, p))
	}
	end := w.Now()
	whole, err = e.Finish()
	if err != nil {
		t.Fatal(err)
	}
	late := map[int]uint64{}
	for _, f := range e.Flows {
		late[f.ID] = f.Stats.Delivered
	}
	shadows := sim.New(seed)
	defer shadows.Close()
	joined, err = experiment.Join(shadows, experiment.Parts{
		Scenario: sc, Graph: g, Seed: seed, Mode: result.ModeSim, End: end, Pieces: pieces, Late: late, Left: whole.Totals.BuffersLeft,
	})
	if err != nil {
		t.Fatal(err)
	}
	return whole, joined
}

// passOn is the way of a piece from one process to another.
func passOn(t *testing.T, p measure.Piece) (out measure.Piece) {
	t.Helper()
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// differs compares all results but what one process alone counts: the fingerprint and the peak of the buffers.
func differs(t *testing.T, want, got result.Run) string {
	t.Helper()
	want.Fingerprint, got.Fingerprint = "", ""
	want.Totals.BuffersPeak = got.Totals.BuffersPeak
	lines := func(r result.Run) []byte {
		data, err := json.MarshalIndent(r, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	a, b := lines(want), lines(got)
	if string(a) == string(b) {
		return ""
	}
	return difference(a, b)
}
