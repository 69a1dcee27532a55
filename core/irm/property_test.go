package irm

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"ouroboros/core"
)

// actor is a process in a random history, and what the test knows of it.
type actor struct {
	c     *Client
	p     Process
	dead  bool
	wild  int               // calls of Listen("") in force
	named map[core.Name]int // calls of Listen(name) in force
	stops map[int]func()    // by number
	held  []core.Incoming   // requests that it has not answered
	flows []core.Flow       // that it holds
}

// history is a random sequence of what processes, layers and the administrator do, next to a plain model of it.
type history struct {
	*system
	rng      *rand.Rand
	lan      *fakeLayer
	actors   []*actor
	pid      int
	stop     int
	programs map[string]map[core.Name]bool
	procs    map[int]map[core.Name]bool
	ran      int
	asked    int // requests for flows that must be told of
	told     int
	arrivals []*arrival
}

var (
	someNames    = []core.Name{"a", "b", "c"}
	somePrograms = []string{"x", "y"}
)

func (h *history) name() core.Name { return someNames[h.rng.IntN(len(someNames))] }
func (h *history) program() string { return somePrograms[h.rng.IntN(len(somePrograms))] }
func (h *history) alive() []*actor {
	return slices.DeleteFunc(slices.Clone(h.actors), func(x *actor) bool { return x.dead })
}

// listens is the rule: a process gets requests for names that it listens to by their name, or that are bound to
// it or to its program while it listens to whatever is bound.
func (h *history) listens(x *actor, n core.Name) bool {
	return !x.dead && (x.named[n] > 0 || x.wild > 0 && (h.programs[x.p.Program][n] || h.procs[x.p.PID][n]))
}

func (h *history) attach() {
	h.pid++
	p := Process{PID: h.pid, Program: h.program(), UID: uint32(h.rng.IntN(2))}
	h.actors = append(h.actors, &actor{c: h.b.Attach(p), p: p, named: map[core.Name]int{}, stops: map[int]func(){}})
}

func (h *history) listen(x *actor) {
	n := h.name()
	if h.rng.IntN(2) == 0 {
		n = ""
	}
	stop, err := x.c.Listen(n, func(in core.Incoming) {
		if !h.listens(x, in.Name()) {
			h.t.Errorf("process %d, dead %v, got a request for %q, to which it does not listen", x.p.PID, x.dead, in.Name())
		}
		if h.rng.IntN(3) == 0 {
			x.held = append(x.held, in)
			return
		}
		h.answer(x, in)
	})
	if err != nil {
		h.t.Error(err)
		return
	}
	h.stop++
	k := h.stop
	count := func(d int) {
		if n == "" {
			x.wild += d
		} else {
			x.named[n] += d
		}
	}
	count(1)
	x.stops[k] = func() { delete(x.stops, k); count(-1); stop() }
}

func (h *history) answer(x *actor, in core.Incoming) {
	if h.rng.IntN(3) == 0 {
		in.Reject(core.ErrPerm)
		return
	}
	if f, err := in.Accept(); err == nil {
		x.flows = append(x.flows, f)
	}
}

func (h *history) alloc(x *actor) {
	r := core.Request{Name: h.name(), Timeout: time.Duration(1+h.rng.IntN(3000)) * time.Millisecond}
	if h.rng.IntN(4) == 0 {
		r.Name = "far"
	}
	calls, canceled := 0, false
	h.asked++
	cancel := x.c.Alloc(r, func(f core.Flow, err error) {
		if calls++; calls > 1 || canceled || x.dead || (f == nil) == (err == nil) {
			h.t.Errorf("told %d times, canceled %v, dead %v: %v, %v", calls, canceled, x.dead, f, err)
		}
		h.told++
		if f != nil {
			x.flows = append(x.flows, f)
		}
	})
	if h.rng.IntN(6) == 0 {
		h.asked--
		canceled = true
		cancel()
	}
}

// die ends a process: nothing that it asked for is told any more.
func (h *history) die(x *actor) {
	h.asked -= len(x.c.asks)
	x.dead = true
	delete(h.procs, x.p.PID)
	x.c.Close()
	for _, in := range x.held {
		if _, err := in.Accept(); err == nil {
			h.t.Error("the dead accepted a flow")
		}
	}
	for _, f := range x.flows {
		f.Close(0)
	}
}

func (h *history) step() {
	live := h.alive()
	pick := func() *actor { return live[h.rng.IntN(len(live))] }
	k := h.rng.IntN(14)
	if len(live) == 0 {
		k = 0
	}
	switch n := h.name(); k {
	case 0:
		if len(live) < 8 {
			h.attach()
		}
	case 1, 2:
		h.listen(pick())
	case 3:
		x := pick()
		if keys := slices.Sorted(maps.Keys(x.stops)); len(keys) > 0 {
			x.stops[keys[h.rng.IntN(len(keys))]]()
		}
	case 4:
		if h.rng.IntN(3) == 0 {
			h.die(pick())
		}
	case 5, 6, 7:
		h.alloc(pick())
	case 8:
		h.arrivals = append(h.arrivals, h.lan.arrive(h.t, n))
	case 9:
		p := h.program()
		h.ok(h.b.BindProgram("/bin/"+p, n, h.rng.IntN(2) == 0, nil))
		set(h.programs, p, n)
	case 10:
		p := h.program()
		if err := h.b.UnbindProgram(p, n); (err == nil) != h.programs[p][n] {
			h.t.Errorf("unbind %q from %q: %v", p, n, err)
		}
		delete(h.programs[p], n)
	case 11:
		x := pick()
		h.ok(h.b.BindProcess(x.p.PID, n))
		set(h.procs, x.p.PID, n)
	case 12:
		if h.rng.IntN(4) == 0 {
			h.destroy(n)
		}
	case 13:
		x := pick()
		if len(x.held) > 0 {
			in := x.held[0]
			x.held = x.held[1:]
			h.answer(x, in)
		}
	}
}

func (h *history) destroy(n core.Name) {
	_ = h.b.DestroyName(n)
	for _, names := range h.programs {
		delete(names, n)
	}
	for _, names := range h.procs {
		delete(names, n)
	}
}

func set[K comparable](m map[K]map[core.Name]bool, k K, n core.Name) {
	if m[k] == nil {
		m[k] = map[core.Name]bool{}
	}
	m[k][n] = true
}

// agree holds the lists that the broker shows to the model.
func (h *history) agree(step int) {
	for i, p := range h.b.Processes() {
		x := h.alive()[i]
		for _, n := range someNames {
			if got := slices.Contains(p.Listening, n); got != h.listens(x, n) || p.PID != x.p.PID {
				h.t.Fatalf("step %d: process %d listens to %q: %v, by the rule %v", step, p.PID, n, got, !got)
			}
		}
	}
	if len(h.b.waiting) > MaxIncoming || !slices.IsSortedFunc(h.b.waiting, func(a, b *incoming) int { return int(a.deadline - b.deadline) }) {
		h.t.Fatalf("step %d: %d requests wait", step, len(h.b.waiting))
	}
}

// settled holds that no request waits for somebody to listen while somebody does.
func (h *history) settled(step int) {
	for _, r := range h.b.waiting {
		e := h.b.names[r.name]
		if r.offer == nil && e != nil && slices.ContainsFunc(e.listeners, r.fits) {
			h.t.Errorf("step %d: a request for %q waits, and %d listen", step, r.name, len(e.listeners))
		}
	}
}

// Whatever processes, administrator and network do, in whatever order: a request reaches only who listens to its name
// by the rules of spec 13 §13.1; every request for a flow is told of once, and every request from the network is answered
// once, within its time; the dead are not told and cannot answer; and when all have gone, nothing is left.
func TestRandomHistories_13_1_13_3(t *testing.T) {
	var direct, started, told, arrived int
	for seed := range uint64(150) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h := &history{rng: rand.New(rand.NewPCG(seed, 39)), programs: map[string]map[core.Name]bool{}, procs: map[int]map[core.Name]bool{}}
			h.system = newSystem(t, Config{Explicit: true, Direct: true, Spawn: func(string, []string) error {
				h.ran++
				if h.rng.IntN(4) == 0 {
					return errors.New("no such file")
				}
				return nil
			}})
			h.lan = h.layer("lan", core.KindEthDIX, "far")
			h.lan.after = 5 * time.Millisecond
			for _, n := range someNames {
				h.ok(h.b.RegisterName(n, "lan"))
			}
			for step := range 300 {
				h.step()
				if h.rng.IntN(2) == 0 {
					h.run(time.Duration(h.rng.IntN(100)) * time.Millisecond)
					h.settled(step)
				}
				h.agree(step)
			}
			h.run(time.Minute)
			if h.told != h.asked {
				t.Errorf("%d of %d requests were told of", h.told, h.asked)
			}
			for _, a := range h.arrivals {
				if a.answers != 1 {
					t.Errorf("a request from the network was answered %d times", a.answers)
				}
			}
			for _, x := range h.alive() {
				h.die(x)
			}
			for _, n := range someNames {
				h.destroy(n)
				h.ok(h.b.UnregisterName(n, "lan"))
			}
			direct += int(h.b.Stats().Direct)
			started += h.ran
			told += h.told
			arrived += len(h.arrivals)
			if st := h.b.Stats(); st.DirectOpen != 0 || len(h.b.names) != 0 || h.b.gate.taken != 0 || len(h.b.clients) != 0 {
				t.Errorf("%+v, %d names, %d lookups, %d processes left", st, len(h.b.names), h.b.gate.taken, len(h.b.clients))
			}
		})
	}
	if direct < 100 || started < 100 || told < 1000 || arrived < 1000 {
		t.Errorf("the histories have %d direct flows, %d starts, %d requests from here and %d from the network", direct, started, told, arrived)
	}
}
