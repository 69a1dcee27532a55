package fleet

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/scenarios"
	"ouroboros/scenarios/experiment"
	"ouroboros/scenarios/node"
	"ouroboros/shim/host"
)

// agent is a process with one node of an experiment.
type agent struct {
	*channel
	version string
	sc      *scenarios.Scenario
	graph   node.Catalog
	prepare *prepare

	part     *experiment.Part
	world    *ground
	orders   chan message // from the coordinator, but for news
	stopped  atomic.Bool
	killed   bool
	priority string
	late     []time.Duration // by how much timers were late
	began    core.Time
}

// Agent is the program of an agent: it does what the coordinator at the other end of in and out says, until in
// ends. version is the identity of the executable.
func Agent(in io.Reader, out io.Writer, version string) error {
	signal.Ignore(os.Interrupt) // the terminal sends it to all; the coordinator says what it means
	a := &agent{channel: newChannel(in, out), version: version, orders: make(chan message, 16)}
	err := a.run()
	if err != nil && !errors.Is(err, io.EOF) {
		_ = a.send(message{Error: err.Error()})
		return err
	}
	return nil
}

func (a *agent) run() error {
	if err := a.send(message{Hello: &hello{Version: a.version, PID: os.Getpid()}}); err != nil {
		return err
	}
	for {
		m, err := a.receive()
		if err != nil {
			return err
		}
		switch {
		case m.Clock != nil:
			err = a.send(message{Clock: &clockReading{time.Now().UnixNano()}})
		case m.Prepare != nil:
			err = a.load(m.Prepare)
		case m.Start != nil:
			return a.live(m.Start)
		default:
			err = errors.New("an agent that has not started takes clock, prepare and start")
		}
		if err != nil {
			return err
		}
	}
}

// load reads the scenario.
func (a *agent) load(p *prepare) (err error) {
	a.graph = node.Catalog{Read: func(string) ([]byte, error) { return p.File, nil }}
	if a.sc, err = scenarios.Load("scenario", p.Scenario, scenarios.Options{Catalog: a.graph}); err != nil {
		return err
	}
	a.prepare = p
	return a.send(message{Prepared: true})
}

// live is the life of the node: from time 0, or from now if it was killed before, to the end.
func (a *agent) live(s *start) error {
	if a.prepare == nil {
		return errors.New("start before prepare")
	}
	g, err := a.graph.Graph(&a.sc.Topology)
	if err != nil {
		return err
	}
	a.priority = hurry()
	ahead := time.Duration(a.prepare.Ahead)
	now := time.Now()
	epoch := now.Add(-now.Add(ahead).Sub(time.Unix(0, s.Epoch)))
	a.world = newGround(host.NewAt(a.prepare.Seed, host.Clock{Epoch: epoch, Ahead: ahead}), a.prepare.Node, a.prepare.Ports)
	defer a.world.Close()
	cfg := experiment.PartConfig{Node: a.prepare.Node, Role: a.prepare.Role, Tell: a.tell, Killed: func() { a.killed = true }}
	if cfg.Role == experiment.Apps {
		if cfg.Users, err = a.dial(); err != nil {
			return err
		}
	}
	if a.part, err = experiment.NewPart(a.world, a.sc, g, a.prepare.Seed, cfg); err != nil {
		return err
	}
	if cfg.Role == experiment.System {
		s := a.part.Network.System(a.prepare.Node)
		if _, err := a.world.ServeApps(s.Env.Derive("apps"), a.prepare.Socket, 0o600, s.Broker); err != nil {
			return err
		}
	}
	for _, n := range s.News {
		a.part.Hear(n)
	}
	a.began = a.world.Now()
	if err := a.send(message{Started: true}); err != nil {
		return err
	}
	go a.read()
	a.watchTimers()
	return a.work()
}

// dial connects the applications of the node to its layers, as soon as those are there.
func (a *agent) dial() (core.Allocator, error) {
	for end := time.Now().Add(starting); ; time.Sleep(time.Millisecond) {
		c, err := a.world.DialApps(a.world.root, a.prepare.Socket, "osim")
		if err == nil {
			return c, nil
		}
		if time.Now().After(end) {
			return nil, err
		}
	}
}

// tell passes news on to the others.
func (a *agent) tell(n experiment.News) { _ = a.send(message{News: []experiment.News{n}}) }

// read takes what the coordinator sends. When it has gone the process ends at once, with all that it holds.
func (a *agent) read() {
	for {
		m, err := a.receive()
		if err != nil {
			os.Exit(0)
		}
		switch {
		case m.News != nil:
			a.part.Env().Post(func() {
				for _, n := range m.News {
					a.part.Hear(n)
				}
			})
		case m.Stop:
			a.stopped.Store(true)
		default:
			a.orders <- m
		}
	}
}

// Times between two looks at what the coordinator wants.
const slice = 5 * time.Millisecond

// until lets time pass up to t, or until done.
func (a *agent) until(t core.Time, done func() bool) error {
	for a.world.Now() < t && !done() {
		if err := a.world.Run(min(t, a.world.Now().Add(slice))); err != nil {
			return err
		}
	}
	return nil
}

// work is the run and what comes after it.
func (a *agent) work() error {
	if err := a.until(a.part.End(), func() bool { return a.killed || a.stopped.Load() }); err != nil {
		return err
	}
	usage := cpu()
	p := a.part.Piece()
	if a.killed {
		if err := a.send(message{Piece: &p, Killed: true}); err != nil {
			return err
		}
		select {} // the coordinator kills what is left
	}
	a.part.Halt()
	if err := a.send(message{Piece: &p}); err != nil {
		return err
	}
	for {
		var m message
		asked := func() bool {
			select {
			case m = <-a.orders:
				return true
			default:
				return false
			}
		}
		if err := a.until(clock.Never, asked); err != nil {
			return err
		}
		switch {
		case m.Count:
			if err := a.send(message{Late: &late{a.part.Late()}}); err != nil {
				return err
			}
		case m.Close:
			return a.close(usage)
		}
	}
}

// closing is how long a network that is taken down may take to return its buffers.
const closing = 300 * time.Millisecond

// close takes the node out of the network.
func (a *agent) close(usage float64) error {
	a.part.Close()
	if err := a.until(a.world.Now().Add(closing), func() bool { return false }); err != nil {
		return err
	}
	l := &left{Buffers: a.part.BuffersLeft(), CPU: usage, Priority: a.priority, Began: int64(a.began)}
	if n := len(a.late); n > 0 {
		slices.Sort(a.late)
		l.LateP99, l.LateMax = int64(a.late[n*99/100]), int64(a.late[n-1])
	}
	return a.send(message{Left: l})
}

// watchTimers measures by how much timers fire late: what the machine cannot do in time shows there first.
func (a *agent) watchTimers() {
	const every = 10 * time.Millisecond
	env := a.part.Env()
	var due core.Time
	var t core.Timer
	t = env.NewTimer(func() {
		now := env.Now()
		if len(a.late) < 1<<20 {
			a.late = append(a.late, now.Sub(due))
		}
		due = now.Add(every)
		t.Reset(every)
	})
	due = env.Now().Add(every)
	t.Reset(every)
}

// cpu returns the processor time of this process so far, in seconds.
func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

var errEnded = errors.New("the agent has ended")
