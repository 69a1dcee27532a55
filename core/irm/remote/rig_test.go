package remote_test

import (
	"encoding/binary"
	"errors"
	"time"

	"ouroboros/core"
	"ouroboros/core/irm"
	"ouroboros/core/irm/remote"
	"ouroboros/core/pkt"
	"ouroboros/ipcp/local"
	"ouroboros/sim"
)

// rig is a daemon with a broker and a local layer, and applications on nodes of their own, in the simulator.
type rig struct {
	t      tester
	w      *sim.World
	env    core.Env // of the daemon
	broker *irm.Broker
	layer  *local.IPCP
	apps   []*application
}

// tester is what a rig needs of a test, also one of rapid.
type tester interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// application is a process: its end of the boundary, and the daemon's.
type application struct {
	*remote.Client
	env    core.Env
	server *remote.Server
	near   *pipe // its end of the pipe
	far    *pipe // the daemon's
	why    error // why it has ended, as the daemon sees it
	ended  bool
}

func newRig(t tester, queue int) *rig {
	t.Helper()
	r := &rig{t: t, w: sim.New(1)}
	r.env = r.w.Node("daemon")
	r.broker = irm.New(r.env.Derive("irm"), irm.Config{})
	var err error
	r.layer, err = local.New(r.env.Derive("local"), local.Config{Name: "local", Layer: "loop", Hash: core.SHA3_256, Queue: queue})
	check(t, err)
	check(t, r.broker.AddProvider(r.layer))
	return r
}

// connect has an application come whose pipe takes so many messages.
func (r *rig) connect(name string, limit int) *application {
	r.t.Helper()
	a := &application{env: r.w.Node(name)}
	a.near, a.far = newPipe(a.env, r.env, limit)
	r.do(func() {
		a.server = remote.NewServer(r.env, a.far, remote.Config{
			Attach: func(h remote.Hello) (core.Allocator, func(), error) {
				c := r.broker.Attach(irm.Process{PID: h.PID, Program: h.Program})
				return c, c.Close, nil
			},
			Ended: func(err error) {
				if a.ended {
					r.t.Error("told twice that an application has ended")
				}
				a.why, a.ended = err, true
			},
		})
		a.Client = remote.NewClient(a.env, a.near, remote.Hello{PID: len(r.apps) + 1, Program: name})
	})
	r.apps = append(r.apps, a)
	return a
}

func (r *rig) run(d time.Duration) { check(r.t, r.w.Run(r.w.Now().Add(d))) }

// do runs fn as a call, and what follows from it at the same instant.
func (r *rig) do(fn func()) {
	r.env.Post(fn)
	r.run(time.Microsecond)
}

// flow sets up a flow to a name, from one application to another. The users are attached.
func (r *rig) flow(from, to *application, name core.Name, q core.QoS) (a, b *user) {
	r.t.Helper()
	a, b = &user{r: r}, &user{r: r}
	var stop func()
	r.do(func() {
		stop = to.ListenLater(name, func(in core.Incoming) {
			core.Accept(in, b.take)
		}, func(err error) { check(r.t, err) })
	})
	r.run(time.Millisecond)
	r.do(func() { from.Alloc(core.Request{Name: name, QoS: q}, a.take) })
	r.run(time.Millisecond)
	r.do(stop)
	if a.f == nil || b.f == nil {
		r.t.Fatalf("the flow does not stand: %v, %v", a.fail, b.fail)
	}
	return a, b
}

// tidy ends the applications and holds that nothing is left of them.
func (r *rig) tidy() {
	r.t.Helper()
	for _, a := range r.apps {
		r.do(a.Close)
	}
	r.do(r.layer.Leave)
	r.run(time.Minute)
	if n := r.w.Pool().Live(); n != 0 {
		r.t.Errorf("%d packets were not released", n)
	}
	if n := r.w.Pending(); n != 0 {
		r.t.Errorf("%d events are still to come", n)
	}
	for i, a := range r.apps {
		if n := a.Flows() + a.server.Flows(); n != 0 || !a.ended {
			r.t.Errorf("application %d: %d flows are left, ended %v", i, n, a.ended)
		}
	}
	if n := len(r.broker.Processes()); n != 0 {
		r.t.Errorf("the broker still knows %d processes", n)
	}
	r.w.Close()
}

// user is the user of a flow: it writes numbered packets and checks what it reads.
type user struct {
	r    *rig
	f    core.Flow
	fail error // of the allocation

	wrote, read uint32 // packets
	refused     bool   // Write has given ErrWouldBlock and Writable has not come
	off         bool
	closed      bool // by Close
	ended       error
	states      []bool
	onDeliver   func()
	onWritable  func()
}

func (u *user) take(f core.Flow, err error) {
	if u.fail = err; err == nil {
		u.f = f
		f.Attach(u)
	}
}

// write writes a packet of n bytes, at least 4, and reports whether it was taken.
func (u *user) write(n int) bool {
	p := u.r.env.Pool.Get(u.f.Info().Headroom, n)
	b := p.Bytes()
	binary.BigEndian.PutUint32(b, u.wrote)
	for i := 4; i < n; i++ {
		b[i] = byte(i) + byte(u.wrote)
	}
	err := u.f.Write(p)
	switch {
	case errors.Is(err, core.ErrWouldBlock):
		u.refused = true
		p.Release()
		return false
	case err != nil:
		if !u.closed && u.ended == nil && !errors.Is(err, core.ErrFlowDown) && !errors.Is(err, core.ErrIRMD) {
			u.r.t.Errorf("Write: %v", err)
		}
		return false
	}
	u.wrote++
	return true
}

func (u *user) Deliver(p *pkt.Buf) {
	b := p.Bytes()
	if u.closed || u.ended != nil || u.off {
		u.r.t.Errorf("Deliver: closed %v, ended %v, off %v", u.closed, u.ended, u.off)
	}
	if got := binary.BigEndian.Uint32(b); got != u.read {
		u.r.t.Errorf("packet %d arrived where %d was due", got, u.read)
	}
	for i := 4; i < len(b); i++ {
		if b[i] != byte(i)+byte(u.read) {
			u.r.t.Errorf("packet %d is damaged at byte %d", u.read, i)
			break
		}
	}
	u.read++
	p.Release()
	if u.onDeliver != nil {
		u.onDeliver()
	}
}

func (u *user) Writable() {
	if !u.refused || u.closed || u.ended != nil {
		u.r.t.Errorf("Writable: refused %v, closed %v, ended %v", u.refused, u.closed, u.ended)
	}
	u.refused = false
	if u.onWritable != nil {
		u.onWritable()
	}
}

func (u *user) State(up bool) { u.states = append(u.states, up) }

func (u *user) Closed(err error) {
	if u.ended != nil || u.closed {
		u.r.t.Errorf("Closed: closed %v, ended %v", u.closed, u.ended)
	}
	u.ended = err
}

func (u *user) receive(on bool) {
	if u.closed || u.ended != nil {
		return
	}
	u.off = !on
	u.f.SetReceive(on)
}

func (u *user) close() {
	if !u.closed && u.ended == nil {
		u.closed = true
		u.f.Close(0)
	}
}

// anything is the user of a flow whose packets may hold anything: it answers each.
type anything struct{ f core.Flow }

func (a anything) Deliver(p *pkt.Buf) {
	if errors.Is(a.f.Write(p), core.ErrWouldBlock) {
		p.Release()
	}
}

func (a anything) Writable()    {}
func (a anything) State(bool)   {}
func (a anything) Closed(error) {}
