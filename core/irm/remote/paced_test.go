package remote_test

import (
	"errors"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/irm/remote"
	"ouroboros/core/pkt"
	"ouroboros/sim"
)

// script is an allocator that hands out one flow, whose provider the test plays.
type script struct {
	env  core.Env
	flow core.Flow
	sink core.Sink
	info core.FlowInfo
	room int // packets that Write takes
	pace int64
	q    int
	took int
	on   bool
	shut time.Duration
}

func (s *script) Alloc(_ core.Request, done func(core.Flow, error)) (cancel func()) {
	s.env.Post(func() { done(s.flow, nil) })
	return func() {}
}

func (s *script) Join(core.Name, func(core.Flow, error)) (cancel func()) { return func() {} }

func (s *script) Listen(core.Name, func(core.Incoming)) (stop func(), err error) {
	return nil, core.ErrPerm
}

func (s *script) Info() core.FlowInfo      { return s.info }
func (s *script) Queued() int              { return s.q }
func (s *script) SetReceive(on bool)       { s.on = on }
func (s *script) Attach(k core.Sink)       { s.sink = k }
func (s *script) Close(wait time.Duration) { s.shut = wait }

func (s *script) Write(p *pkt.Buf) error {
	if s.room == 0 {
		return core.ErrWouldBlock
	}
	s.room--
	s.took++
	p.Release()
	return nil
}

// paced is the script of a layer with a rate of its own.
type paced struct{ *script }

func (p paced) Pace() int64 { return p.pace }

// play connects an application to a scripted broker and has it ask for the flow.
func play(t *testing.T, s *script, ownRate bool) (w *sim.World, u *user, do func(func())) {
	t.Helper()
	w = sim.New(1)
	t.Cleanup(w.Close)
	daemon, app := w.Node("daemon"), w.Node("app")
	s.env = daemon
	s.flow = s
	if ownRate {
		s.flow = paced{s}
	}
	near, far := newPipe(app, daemon, 50)
	u = &user{r: &rig{t: t, w: w, env: daemon}}
	do = u.r.do
	do(func() {
		attach := func(remote.Hello) (core.Allocator, func(), error) { return s, nil, nil }
		remote.NewServer(daemon, far, remote.Config{Attach: attach})
		c := remote.NewClient(app, near, remote.Hello{})
		c.Alloc(core.Request{Name: "x"}, u.take)
		var refused error
		c.ListenLater("x", nil, func(err error) { refused = err })
		t.Cleanup(func() {
			if !errors.Is(refused, core.ErrPerm) || c.Refusals() != 1 {
				t.Errorf("the broker refuses the listener: %v, counted %d", refused, c.Refusals())
			}
		})
	})
	u.r.run(time.Millisecond)
	if u.f == nil {
		t.Fatal("the flow does not stand")
	}
	return w, u, do
}

// What the provider says of a flow reaches the application: what it is like, its pace, rate and queue as they change
// (core.Flow, core.Paced), its state, and the wait of a Close.
func TestWhatTheLayerSaysReachesTheApplication(t *testing.T) {
	info := core.FlowInfo{
		MTU: 1400, Headroom: 40, Tailroom: 8, QoS: core.QoSVideo, MPL: 3 * time.Second, Rate: 1e9, Delay: time.Millisecond,
		Layer: "layer", Peer: "somebody", EID: 1 << 60,
	}
	for _, own := range []bool{false, true} {
		s := &script{info: info, room: 1000, pace: 5e6, q: 3, on: true}
		_, u, do := play(t, s, own)
		if got := u.f.Info(); got != info {
			t.Errorf("info %+v, want %+v", got, info)
		}
		pace := core.PaceOf(u.f)
		if (pace != nil) != own || own && pace() != 5e6 {
			t.Errorf("own rate %v: pace %v", own, pace != nil)
		}
		if u.f.Queued() != 3 {
			t.Errorf("Queued gives %d, want 3", u.f.Queued())
		}
		s.pace, s.info.Rate, s.q = 7e6, 2e9, 100
		do(func() {
			for range 20 {
				u.write(100)
			}
		})
		if s.took != 20 || u.f.Queued() != 100 {
			t.Errorf("the layer took %d packets, Queued gives %d", s.took, u.f.Queued())
		}
		if own && pace() != 7e6 || !own && u.f.Info().Rate != 2e9 {
			t.Errorf("own rate %v: the new rate is not known: %d", own, u.f.Info().Rate)
		}
		s.q = 0
		if u.r.run(10 * time.Millisecond); u.f.Queued() != 0 {
			t.Errorf("Queued gives %d when the layer has sent all", u.f.Queued())
		}
		do(func() { s.sink.State(false) })
		do(func() { s.sink.State(true) })
		if len(u.states) != 2 || u.states[0] || !u.states[1] {
			t.Errorf("states %v", u.states)
		}
		do(func() { u.closed = true; u.f.Close(42 * time.Second) })
		if s.shut != 42*time.Second {
			t.Errorf("Close with a wait of %v", s.shut)
		}
	}
}

// The credit of a flow comes back while the layer takes packets one at a time, and its writer never waits for ever.
func TestALayerThatTakesOnePacketAtATime(t *testing.T) {
	s := &script{info: core.FlowInfo{MTU: 65535}, on: true}
	_, u, do := play(t, s, false)
	const n = 50
	u.onWritable = func() {
		for u.wrote < n && !u.refused {
			u.write(60_000)
		}
	}
	do(u.onWritable)
	if !u.refused || u.wrote > 4 {
		t.Errorf("%d packets of 60 kB were taken by nobody", u.wrote)
	}
	for range n {
		do(func() {
			s.room = 1
			s.sink.Writable()
		})
	}
	if s.took != n || u.wrote != n {
		t.Errorf("%d packets of %d, the layer took %d", u.wrote, n, s.took)
	}
}
