package host

import (
	"testing"
	"time"

	"ouroboros/core"
)

// A world that goes on for ever does not remember what has come and gone: parts of components, and programs. The
// paths of parts tell them apart all the same.
func TestAWorldForgetsWhatHasGone(t *testing.T) {
	w := New(1)
	defer w.Close()
	env := w.Node("n")
	names := len(w.names)
	ended := 0
	paths := map[string]bool{}
	for range 1000 {
		flow := env.Derive("flow")
		paths[flow.Path], paths[flow.Derive("frcp").Path], paths[flow.Derive("frcp").Path] = true, true, true
		w.Go(env, func(core.Blocker) { ended++ })
		if err := w.Run(w.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Run(w.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if len(paths) != 3000 || !paths["n/flow~1000/frcp~2"] {
		t.Errorf("%d paths", len(paths))
	}
	if ended != 1000 || len(w.names) != names || len(w.procs) > 10 {
		t.Errorf("%d programs have ended, %d names and %d programs are remembered", ended, len(w.names)-names, len(w.procs))
	}
}
