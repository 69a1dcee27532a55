package sim

import (
	"crypto/sha3"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/core/trace"
)

// Epoch is the wall-clock time at which every simulated run begins: 2026-01-01 00:00:00 UTC, in ns.
const Epoch int64 = 1_767_225_600_000_000_000

// World is a simulated world. It implements core.World.
type World struct {
	k     *kernel
	seed  uint64
	pool  *pkt.Pool
	hub   *trace.Hub
	nodes map[string]*node
	order []*node
	wires []*wire
	names map[string]int // components made per path
	addrs uint32         // IP addresses given to datagram links
}

// node is the actor of one system.
type node struct {
	w      *World
	name   string
	index  uint32
	count  uint32 // objects made
	ports  int
	dead   bool
	procs  []*proc // programs, some of which may have ended
	gone   int     // how many have
	x      *exec
	env    core.Env
	offset int64 // of its wall clock
}

func (n *node) nextID() uint64 {
	n.count++
	return uint64(n.index)<<32 | uint64(n.count)
}

// New returns an empty world whose random numbers all come from seed.
func New(seed uint64) *World {
	return &World{
		k: newKernel(), seed: seed, pool: pkt.NewPool(), hub: trace.NewHub(nil),
		nodes: map[string]*node{}, names: map[string]int{},
	}
}

// Node makes a node. A name can be used again after a Kill.
func (w *World) Node(name string) core.Env {
	if old := w.nodes[name]; old != nil && !old.dead {
		panic("sim: node " + strconv.Quote(name) + " exists")
	}
	return w.newNode(name).env
}

func (w *World) newNode(name string) *node {
	n := &node{w: w, name: name, index: uint32(len(w.order) + 1)}
	w.nodes[name] = n
	w.order = append(w.order, n)
	n.x = w.k.newExec(n)
	n.env = w.component(n, w.unique(name), n.x)
	return n
}

// unique makes a path that no component of this world has.
func (w *World) unique(path string) string {
	c := w.names[path]
	w.names[path] = c + 1
	if c == 0 {
		return path
	}
	return w.unique(path + "~" + strconv.Itoa(c+1))
}

// component makes the Env of a component of node n.
func (w *World) component(n *node, path string, x *exec) core.Env {
	x.path = path
	env := core.Env{
		Exec: x, Path: path, Pool: w.pool,
		Wall:    func() int64 { return Epoch + w.k.now + n.offset },
		Rand:    rand.New(w.source(path)),
		Entropy: &entropy{w: w, path: path},
		Trace:   w.hub.Stream(x.id, path),
		Over:    func() bool { return n.dead },
	}
	return core.NewEnv(env, func(parent core.Env, name string) core.Env {
		return w.component(n, w.unique(parent.Path+"/"+name), w.k.newExec(n))
	})
}

// nodeOf returns the node that a component belongs to, nil for one of another world.
func (w *World) nodeOf(env core.Env) *node {
	if x, ok := env.Exec.(*exec); ok && x.k == w.k {
		return x.node
	}
	return nil
}

// digest hashes the seed and a path.
func (w *World) digest(path string) [32]byte {
	b := binary.LittleEndian.AppendUint64(nil, w.seed)
	return sha3.Sum256(append(b, path...))
}

func (w *World) source(path string) rand.Source {
	d := w.digest(path)
	return rand.NewPCG(binary.LittleEndian.Uint64(d[:]), binary.LittleEndian.Uint64(d[8:]))
}

// entropy is the key material of a component, made when it is first read.
type entropy struct {
	w    *World
	path string
	r    io.Reader
}

func (e *entropy) Read(b []byte) (int, error) {
	if e.r == nil {
		e.r = rand.NewChaCha8(e.w.digest(e.path + "\x00entropy"))
	}
	return e.r.Read(b)
}

// SetClock sets the offset of a node's wall clock from the epoch of the run in ns.
func (w *World) SetClock(node string, offset int64) {
	if n := w.nodes[node]; n != nil {
		n.offset = offset
	}
}

// Kill ends a node: its links go down, its timers, posts and programs are void. Deferred calls of its
// programs run, and reach nobody.
func (w *World) Kill(name string) {
	n := w.nodes[name]
	if n == nil || n.dead {
		return
	}
	n.dead = true
	for _, wi := range w.wires {
		wi.update()
	}
	n.killProcs()
}

// Revive starts a killed node again, on the wires that it had.
func (w *World) Revive(name string) (core.Env, error) {
	old := w.nodes[name]
	if old == nil || !old.dead {
		return core.Env{}, fmt.Errorf("revive node %q: it is no killed node of this world", name)
	}
	n := w.newNode(name)
	n.offset = old.offset
	for _, wi := range w.wires {
		wi.revive(old, n)
	}
	return n.env, nil
}

// Run executes events until the given time.
func (w *World) Run(until clock.Time) error {
	w.k.run(until)
	return nil
}

// Stop ends Run after the current event. It may be called from another goroutine.
func (w *World) Stop() { w.k.stop.Store(true) }

// Stopped reports whether Stop was called.
func (w *World) Stopped() bool { return w.k.stop.Load() }

// Now returns the simulated time.
func (w *World) Now() clock.Time { return w.k.time() }

// Events returns the number of events executed.
func (w *World) Events() uint64 { return w.k.events }

// Pending returns the number of events in the queue.
func (w *World) Pending() int { return w.k.q.len() }

// Armed calls yield for each timer of a living node that is armed, with the path of its component and its
// deadline.
func (w *World) Armed(yield func(path string, at clock.Time)) {
	for _, t := range w.k.timers.at {
		if t != nil && t.armed && !t.x.node.dead {
			yield(t.x.path, t.deadline)
		}
	}
}

// Pool returns the buffer pool of the run.
func (w *World) Pool() *pkt.Pool { return w.pool }

// Observe sets who is told of the control events of the run.
func (w *World) Observe(o trace.Observer) { w.hub.Observe(o) }

// Fingerprint returns the hash of everything observable that has happened so far.
func (w *World) Fingerprint() uint64 { return w.hub.Fingerprint() }

// SetTap has every frame shown to tap when it is sent; nil ends that.
func (w *World) SetTap(tap Tap) { w.k.tap = tap }

// Close ends the programs and releases what is still on the wires. The world is not used afterwards.
func (w *World) Close() {
	for _, n := range w.order {
		n.killProcs()
	}
	for _, wi := range w.wires {
		for _, e := range wi.ends {
			e.line.Abandon()
		}
	}
}
