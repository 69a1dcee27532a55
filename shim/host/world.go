package host

import (
	"crypto/rand"
	"crypto/sha3"
	"encoding/binary"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"strconv"
	"sync"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/core/trace"
)

// World is a live world in one process: nodes on one actor, wired by sockets. It implements core.World.
// Run, Stop and posting to an Env may be called from any goroutine; everything else is called between
// two Runs or on the actor.
type World struct {
	*actor
	seed    uint64
	pool    *pkt.Pool
	hub     *trace.Hub
	nodes   map[string]*node
	order   []*node
	wires   []*wire
	procs   []*proc
	names   map[string]int // components made per path
	ahead   time.Duration  // of the wall clock that all systems of an experiment share
	devices []device
	appBuf  []byte // see appBuffer

	closed  chan struct{} // closed when the readers shall end
	readers sync.WaitGroup
	running sync.Mutex // held by Run
	fault   error      // of a socket: it ends the run
}

var _ core.World = (*World)(nil)

// errClosed is returned by Run after Close.
var errClosed = errors.New("host: the world is closed")

// node is one system of the world.
type node struct {
	name  string
	index uint32
	count uint32 // components made
	ports int
	dead  bool
	gone  chan struct{} // closed when it dies
}

// New returns an empty world. seed is that of the pseudo-random streams, so that a live run draws the
// same losses and start phases as the simulated one; key material comes from the operating system.
func New(seed uint64) *World { return NewAt(seed, Clock{Epoch: time.Now()}) }

// Clock is the time of a world that shares it with other systems.
type Clock struct {
	Epoch time.Time     // time 0, with a monotonic reading
	Ahead time.Duration // added to the wall clock of this system it is the one that all have
}

// NewAt returns an empty world with a clock of its own.
func NewAt(seed uint64, c Clock) *World {
	w := &World{
		actor: newActor(), seed: seed, pool: pkt.NewPool(), hub: trace.NewHub(nil),
		nodes: map[string]*node{}, names: map[string]int{}, closed: make(chan struct{}),
	}
	w.epoch, w.ahead = c.Epoch, c.Ahead
	return w
}

// Node makes a node. It panics when a node of that name lives; the name of a killed one can be used
// again.
func (w *World) Node(name string) core.Env {
	if old := w.nodes[name]; old != nil && !old.dead {
		panic("host: node " + strconv.Quote(name) + " exists")
	}
	_, env := w.newNode(name)
	return env
}

func (w *World) newNode(name string) (*node, core.Env) {
	n := &node{name: name, index: uint32(len(w.order) + 1), gone: make(chan struct{})}
	w.nodes[name] = n
	w.order = append(w.order, n)
	return n, w.component(n, w.unique(name))
}

// unique makes a path that no component of this world has.
func (w *World) unique(path string) string { return numbered(w.names, "", path) }

// numbered returns a name behind its prefix, with a number unless it is the first of that name.
func numbered(names map[string]int, prefix, name string) string {
	c := names[name]
	names[name] = c + 1
	if c == 0 {
		return prefix + name
	}
	return prefix + name + "~" + strconv.Itoa(c+1)
}

// component makes the Env of a component of node n.
func (w *World) component(n *node, path string) core.Env {
	n.count++
	env := core.Env{
		Exec: handle{w.actor, n}, Path: path, Pool: w.pool,
		Wall:    func() int64 { return time.Now().Add(w.ahead).UnixNano() },
		Rand:    mrand.New(w.source(path)),
		Entropy: rand.Reader,
		Trace:   w.hub.Passing(uint64(n.index)<<32|uint64(n.count), path),
		Over:    func() bool { return n.dead },
	}
	// Parts come and go as long as the world lives, so the numbers that tell those of one name apart go with their
	// whole.
	var parts map[string]int
	return core.NewEnv(env, func(parent core.Env, name string) core.Env {
		if parts == nil {
			parts = map[string]int{}
		}
		return w.component(n, numbered(parts, parent.Path+"/", name))
	})
}

// source is the random stream of the component with the given path.
func (w *World) source(path string) mrand.Source {
	b := binary.LittleEndian.AppendUint64(nil, w.seed)
	d := sha3.Sum256(append(b, path...))
	return mrand.NewPCG(binary.LittleEndian.Uint64(d[:]), binary.LittleEndian.Uint64(d[8:]))
}

// nodeOf returns the node that env belongs to, nil when it is not one of this world.
func (w *World) nodeOf(env core.Env) *node {
	if h, ok := env.Exec.(handle); ok && h.actor == w.actor {
		return h.owner
	}
	return nil
}

// Kill ends a node: its timers, posts and programs are void, its links go down.
func (w *World) Kill(name string) {
	n := w.nodes[name]
	if n == nil || n.dead {
		return
	}
	n.dead = true
	close(n.gone)
	for _, p := range w.procs {
		if p.h.owner == n {
			p.kill()
		}
	}
	w.shutDevices(n)
	for _, wi := range w.wires {
		wi.update()
	}
}

// Revive starts a killed node again, on the wires that it had.
func (w *World) Revive(name string) (core.Env, error) {
	old := w.nodes[name]
	if old == nil || !old.dead {
		return core.Env{}, fmt.Errorf("revive node %q: it is no killed node of this world", name)
	}
	n, env := w.newNode(name)
	for _, wi := range w.wires {
		wi.revive(old, n)
	}
	return env, nil
}

// Run is the actor: it takes turns on the calling goroutine until the given time, until Stop, or until a
// socket fails, whose error it returns.
func (w *World) Run(until clock.Time) error {
	if !w.running.TryLock() {
		return errors.New("host: the world is running already")
	}
	defer w.running.Unlock()
	if w.isClosed() {
		return errClosed
	}
	if err := w.run(until); err != nil {
		w.fail(err)
	}
	return w.fault
}

// Stop ends Run after the current call, and every later Run before its first. Any goroutine may call it.
func (w *World) Stop() { w.stop() }

// Stopped reports whether Stop was called.
func (w *World) Stopped() bool { return w.halt.Load() }

// fail ends the run with an error.
func (w *World) fail(err error) {
	if w.fault == nil {
		w.fault = fmt.Errorf("host: %w", err)
	}
	w.stop()
}

// Pool returns the buffer pool of the world.
func (w *World) Pool() *pkt.Pool { return w.pool }

// Observe sets who is told of the control events of the run.
func (w *World) Observe(o trace.Observer) { w.hub.Observe(o) }

// Fingerprint returns 0: a live run happens once, and a world that goes on for ever keeps no record of it.
func (w *World) Fingerprint() uint64 { return w.hub.Fingerprint() }

func (w *World) isClosed() bool {
	select {
	case <-w.closed:
		return true
	default:
		return false
	}
}

// Close stops the run, ends the programs, closes the sockets, waits for their readers, and releases
// the packets on the links. It must not be called on the actor. The world is not used afterwards.
func (w *World) Close() {
	w.stop()
	w.running.Lock()
	defer w.running.Unlock()
	if w.isClosed() {
		return
	}
	for _, p := range w.procs {
		p.kill()
	}
	close(w.closed)
	for _, wi := range w.wires {
		for _, e := range wi.ends {
			e.sock.close()
		}
	}
	for _, d := range w.devices {
		d.shut()
	}
	w.readers.Wait()
	for _, d := range w.devices {
		d.release()
	}
	if w.poller != nil {
		w.poller.close()
	}
	for _, wi := range w.wires {
		for _, e := range wi.ends {
			e.release()
		}
	}
}
