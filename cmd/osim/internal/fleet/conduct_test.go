package fleet

import (
	"io"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/scenarios/experiment"
)

// corpse is an agent that was killed and says nothing more.
type corpse struct {
	io.ReadWriter
	killed int
}

func (c *corpse) Kill()                    { c.killed++ }
func (c *corpse) Wait(time.Duration) error { return nil }

// A node that is to start again before its agents have said what they measured starts when both are buried, the layers
// first: otherwise the move that buries the old agent would kill the new one.
func TestANodeStartsAgainBehindItsBurial(t *testing.T) {
	const kill, again = core.Time(2800 * time.Millisecond), core.Time(3000 * time.Millisecond)
	old := [2]*corpse{{}, {}}
	system := &member{name: "c", role: experiment.System, proc: old[0], alive: true}
	apps := &member{name: "c", role: experiment.Apps, proc: old[1], alive: true}
	f := &fleet{epoch: time.Now().Add(-time.Duration(kill)), members: []*member{system, apps}}
	f.moves = []move{{at: again, m: system, start: true}, {at: again, m: apps, start: true}, {at: 2 * again, m: system}}
	for _, m := range f.members {
		if err := f.carryOut(move{at: kill, m: m}); err != nil {
			t.Fatal(err)
		}
	}
	f.buried(apps, nil) // it was quick
	for range 2 {
		x := f.moves[0]
		f.moves = f.moves[1:]
		if err := f.carryOut(x); err != nil { // starting an agent would panic: there is no site
			t.Fatal(err)
		}
	}
	late := kill.Add(lastWords)
	want := []move{{at: late, m: system}, {at: late, m: system, start: true}, {at: late, m: apps, start: true}, {at: 2 * again, m: system}}
	if len(f.moves) != len(want) {
		t.Fatalf("moves to come: %+v", f.moves)
	}
	for i, x := range want {
		if f.moves[i] != x {
			t.Errorf("move %d: %+v, want %+v", i, f.moves[i], x)
		}
	}
	if err := f.carryOut(f.moves[0]); err != nil {
		t.Fatal(err)
	}
	if old[0].killed != 1 || system.dying || system.alive {
		t.Errorf("killed %d times, dying %v, alive %v", old[0].killed, system.dying, system.alive)
	}
	if _, dying := f.lastWordsOf("c"); dying {
		t.Error("the node does not start")
	}
}
