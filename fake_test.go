package ouroboros_test

import (
	"testing"
	"time"

	"ouroboros"
	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/sim"
)

// bench is an App over flows that the test scripts.
type bench struct {
	t     testing.TB
	w     *sim.World
	env   core.Env
	b     core.Blocker
	app   *ouroboros.App
	alloc *fakeAlloc
}

// script runs a program in the simulator until it ends, and holds that it releases every packet.
func script(t testing.TB, program func(x *bench)) {
	t.Helper()
	w := sim.New(1)
	defer w.Close()
	env := w.Node("n")
	ended := false
	w.Go(env, func(b core.Blocker) {
		x := &bench{t: t, w: w, env: env, b: b, alloc: &fakeAlloc{env: env}}
		x.app = ouroboros.New(env, x.alloc, b)
		x.app.Bare()
		program(x)
		ended = true
	})
	if err := w.Run(core.Time(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if !ended {
		t.Fatal("the program hangs")
	}
	if n := w.Pool().Live(); n != 0 {
		t.Errorf("%d packets were not released", n)
	}
}

// dial returns a flow over a scripted one.
func (x *bench) dial() (*ouroboros.Flow, *fakeFlow) {
	x.t.Helper()
	f, err := x.app.Dial("name")
	if err != nil {
		x.t.Fatal(err)
	}
	return f, x.alloc.flow
}

// after runs fn on the actor once d has passed.
func (x *bench) after(d time.Duration, fn func()) {
	x.env.NewTimer(fn).Reset(d)
}

// fakeAlloc answers requests as it is told.
type fakeAlloc struct {
	env      core.Env
	request  core.Request
	delay    time.Duration
	fail     error
	canceled bool
	flow     *fakeFlow
	accept   func(core.Incoming)
	stopped  bool
}

func (a *fakeAlloc) Alloc(r core.Request, done func(core.Flow, error)) (cancel func()) {
	a.request = r
	a.env.NewTimer(func() {
		switch {
		case a.canceled:
		case a.fail != nil:
			done(nil, a.fail)
		default:
			a.flow = &fakeFlow{env: a.env, on: true, qos: r.QoS}
			done(a.flow, nil)
		}
	}).Reset(a.delay)
	return func() { a.canceled = true }
}

func (a *fakeAlloc) Join(layer core.Name, done func(core.Flow, error)) (cancel func()) {
	return a.Alloc(core.Request{Name: layer, QoS: core.QoSRaw}, done)
}

func (a *fakeAlloc) Listen(_ core.Name, accept func(core.Incoming)) (stop func(), err error) {
	a.accept = accept
	return func() { a.stopped = true }, a.fail
}

// fakeIncoming is a request that records its answer.
type fakeIncoming struct {
	env      core.Env
	fail     error
	flow     *fakeFlow
	rejected error
}

func (*fakeIncoming) Name() core.Name { return "name" }
func (*fakeIncoming) QoS() core.QoS   { return core.QoSRaw }

func (i *fakeIncoming) Accept() (core.Flow, error) {
	if i.fail != nil {
		return nil, i.fail
	}
	i.flow = &fakeFlow{env: i.env, on: true, qos: core.QoSRaw}
	return i.flow, nil
}

func (i *fakeIncoming) Reject(err error) { i.rejected = err }

// fakeFlow is a provider's end: it holds what arrives while receiving is off, and takes what is written
// while there is room.
type fakeFlow struct {
	env    core.Env
	qos    core.QoS
	sink   core.Sink
	on     bool
	held   []*pkt.Buf
	room   int // packets that Write takes; negative: no limit
	limit  bool
	silent bool // do not record what is written
	fail   error
	wrote  []string
	closed bool
}

func (f *fakeFlow) Info() core.FlowInfo {
	return core.FlowInfo{MTU: 1000, Headroom: 10, QoS: f.qos, MPL: 100 * time.Millisecond}
}
func (f *fakeFlow) Queued() int         { return len(f.wrote) }
func (f *fakeFlow) Attach(s core.Sink)  { f.sink = s }
func (f *fakeFlow) Close(time.Duration) { f.closed = true }

func (f *fakeFlow) Write(p *pkt.Buf) error {
	if f.limit && f.room == 0 {
		return core.ErrWouldBlock
	}
	f.room--
	if !f.silent {
		f.wrote = append(f.wrote, string(p.Bytes()))
	}
	p.Release()
	return f.fail
}

func (f *fakeFlow) SetReceive(on bool) {
	f.on = on
	f.env.Post(f.drain)
}

func (f *fakeFlow) drain() {
	for f.on && len(f.held) > 0 && !f.closed {
		p := f.held[0]
		f.held = f.held[1:]
		f.sink.Deliver(p)
	}
}

// arrive has messages come in from the peer.
func (f *fakeFlow) arrive(msgs ...string) {
	if f.closed {
		return
	}
	for _, m := range msgs {
		f.held = append(f.held, f.env.Pool.GetCopy(0, []byte(m)))
	}
	f.drain()
}
