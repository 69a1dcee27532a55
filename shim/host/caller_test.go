package host

import (
	"sync"
	"testing"
	"time"

	"ouroboros/core"
)

// TestCallersHaveTheActorToThemselves: goroutines that the world has not started run calls on the actor, one at
// a time, wait for each other's Wakes, and see what was done before.
func TestCallersHaveTheActorToThemselves(t *testing.T) {
	w := New(1)
	defer w.Close()
	env := w.Node("n")
	var running sync.WaitGroup
	running.Go(func() { _ = w.Run(core.Time(time.Hour)) })
	defer running.Wait()
	defer w.Stop()
	const goroutines, each = 4, 200
	first := w.Caller(env)
	count := 0
	var all sync.WaitGroup
	for range goroutines {
		b := first.Another()
		all.Go(func() {
			for range each {
				b.Do(func() { count++ })
			}
		})
	}
	all.Wait()
	if first.Do(func() { count++ }); count != goroutines*each+1 {
		t.Errorf("%d calls ran, want %d", count, goroutines*each+1)
	}
	// A Wake that comes first is kept; one that comes later ends the Park.
	first.Do(first.Wake)
	first.Park()
	late := env.Exec
	first.Do(func() { late.NewTimer(first.Wake).Reset(5 * time.Millisecond) })
	start := first.Now()
	first.Park()
	if d := first.Now().Sub(start); d < time.Millisecond {
		t.Errorf("Park ended after %v", d)
	}
	start = first.Now()
	if first.Sleep(5 * time.Millisecond); first.Now().Sub(start) < 5*time.Millisecond {
		t.Error("Sleep is too short")
	}
}

// TestCallersOutliveTheirActor: when the node is killed, or the world closed, nothing waits and nothing runs.
func TestCallersOutliveTheirActor(t *testing.T) {
	for _, how := range []string{"killed", "closed"} {
		t.Run(how, func(t *testing.T) {
			w := New(1)
			env := w.Node("n")
			var running sync.WaitGroup
			running.Go(func() { _ = w.Run(core.Time(time.Hour)) })
			b := w.Caller(env)
			other := w.Caller(w.worldEnv(b, "other"))
			var parked sync.WaitGroup
			parked.Go(b.Another().Park)
			if how == "killed" {
				other.Do(func() { w.Kill("n") })
			} else {
				w.Close()
			}
			parked.Wait()
			ran := false
			b.Do(func() { ran = true })
			b.Park()
			b.Sleep(time.Hour)
			w.Close()
			running.Wait()
			if ran {
				t.Error("a call ran without an actor")
			}
		})
	}
}

// worldEnv makes a node while the world runs.
func (w *World) worldEnv(b core.Blocker, name string) (env core.Env) {
	b.Do(func() { env = w.Node(name) })
	return env
}
