package remote_test

import (
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/frcp"
)

// stream is the user of a flow that FRCP runs on.
type stream struct {
	t     *testing.T
	env   core.Env
	end   *frcp.Endpoint
	below core.Flow
	told  error
}

func (s *stream) take(f core.Flow, err error) {
	check(s.t, err)
	s.below = f
	s.end, err = frcp.Wrap(s.env, f)
	check(s.t, err)
	s.end.Attach(closer{s})
}

// closer closes when it is told of the end.
type closer struct{ *stream }

func (s closer) Closed(err error) {
	s.told = err
	s.end.Close(0)
}

func (s closer) Deliver(p *pkt.Buf) { p.Release() }
func (s closer) Writable()          {}
func (s closer) State(bool)         {}

// A program whose peer has closed first is idle as soon as FRCP only stays for FINs that are repeated: it need not wait
// for the end of that (spec 10 §10.16). When it leaves, the layer keeps the flow for the time of delta-t. The peer, whom
// nobody answers any more, comes to its own end.
func TestIdleDoesNotWaitForFlowsThatRest(t *testing.T) {
	for name, q := range map[string]core.QoS{"reliable": core.QoSData, "ordered": core.QoSBestEffort} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 100)
			a, b := r.connect("a", 50), r.connect("b", 50)
			first, second := &stream{t: t, env: a.env}, &stream{t: t, env: b.env}
			r.do(func() {
				b.ListenLater("name", func(in core.Incoming) { core.Accept(in, second.take) }, func(err error) { check(t, err) })
			})
			r.do(func() { a.Alloc(core.Request{Name: "name", QoS: q}, first.take) })
			p := a.env.Pool.GetCopy(first.end.Info().Headroom, []byte("hello"))
			r.do(func() { check(t, first.end.Write(p)) })
			r.run(10 * time.Millisecond)
			idle := 0
			r.do(func() { b.Idle(func() { idle++ }) })
			r.run(time.Second)
			if idle != 0 {
				t.Fatal("idle with an open flow")
			}
			a.near.stick(true) // the answer does not arrive, and FINs are repeated
			r.do(func() { first.end.Close(0) })
			r.run(time.Millisecond)
			if idle != 1 || second.told == nil || b.Flows() != 1 {
				t.Fatalf("idle %d, told %v, %d flows: it should rest", idle, second.told, b.Flows())
			}
			r.do(b.Close)
			r.run(time.Millisecond)
			if n := b.server.Flows(); n != 0 || !b.ended || b.why != nil {
				t.Errorf("the daemon has %d flows of it, ended %v: %v", n, b.ended, b.why)
			}
			a.near.stick(false)
			r.run(5 * time.Minute)
			if n := a.Flows(); n != 0 {
				t.Errorf("the peer still has %d flows", n)
			}
			r.tidy()
		})
	}
}

// While the pipe is full, a flow that rests does not make its program idle: the answer to the FIN would be lost.
func TestIdleWaitsForTheLastWords(t *testing.T) {
	r := newRig(t, 100)
	a, b := r.connect("a", 50), r.connect("b", 1)
	from, _ := r.flow(b, a, "name", core.QoSRaw)
	idle := 0
	r.do(func() {
		b.far.stick(true)
		from.fill(1000)
		b.Idle(func() { idle++ })
		from.f.(core.Rester).Rest(time.Second)
		from.f.(core.Rester).Rest(time.Minute)
	})
	if idle != 0 {
		t.Error("idle with packets in the application")
	}
	r.do(func() { b.far.stick(false) })
	r.run(time.Second)
	if idle != 1 {
		t.Errorf("idle %d times when they are gone", idle)
	}
	r.do(from.close)
	r.run(time.Second)
	if n := b.Flows(); n != 0 {
		t.Errorf("%d flows are left", n)
	}
	r.do(func() { b.Idle(func() { idle++ }) })
	if idle != 2 {
		t.Error("not idle without flows")
	}
	r.tidy()
}
