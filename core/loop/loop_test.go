package loop_test

import (
	"errors"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/core/loop"
	"ouroboros/core/pkt"
	"ouroboros/sim"
)

// TestFlowConforms holds both ends to the rules of core.Flow, with and without a delay.
func TestFlowConforms(t *testing.T) {
	for _, delay := range []time.Duration{0, 100 * time.Microsecond} {
		connect := func(h *coretest.Harness, _ core.LinkSpec) coretest.Pair {
			env := h.Node("n")
			l := &loop.Layer{Env: env, Queue: 64, Info: core.FlowInfo{MTU: 1500, Delay: delay}}
			p := coretest.Pair{Env: [2]core.Env{env, env}, Routed: true}
			a, b := l.Connect(core.QoSRaw, 64, 65)
			p.Flow = [2]core.Flow{a, b}
			return p
		}
		t.Run(delay.String(), func(t *testing.T) {
			coretest.TestFlow(t, func(*testing.T) coretest.World { return sim.New(1) }, connect)
		})
	}
}

// user keeps what it gets, or gives it back at once.
type user struct {
	keep   bool
	got    []*pkt.Buf
	closed error
}

func (u *user) Deliver(p *pkt.Buf) {
	if u.keep {
		u.got = append(u.got, p)
		return
	}
	p.Release()
}
func (u *user) Writable()        {}
func (u *user) State(bool)       {}
func (u *user) Closed(err error) { u.closed = err }

// The reason for which a layer ends a flow reaches its user behind what was written before, and the end is told once.
func TestAbortTellsTheReasonLast(t *testing.T) {
	w := sim.New(1)
	env := w.Node("n")
	gone := 0
	l := &loop.Layer{Env: env, Queue: 8, Info: core.FlowInfo{MTU: 10}, Gone: func(*loop.End) { gone++ }}
	a, b := l.Connect(core.QoSData, 1, 2)
	if a.Peer() != 2 || b.Peer() != 1 || a.Info().EID != 1 || a.Info().QoS != core.QoSData {
		t.Errorf("%d, %d, %+v", a.Peer(), b.Peer(), a.Info())
	}
	u := &user{keep: true}
	b.Attach(u)
	if err := a.Write(env.Pool.Get(0, 10)); err != nil {
		t.Fatal(err)
	}
	if err := a.Write(env.Pool.Get(0, 11)); !errors.Is(err, core.ErrMsgSize) || l.Stats().DropSize != 1 {
		t.Errorf("%v, %+v", err, l.Stats())
	}
	b.Abort(core.ErrPerm)
	b.Abort(core.ErrAgain)
	if err := w.Run(w.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if len(u.got) != 1 || !errors.Is(u.closed, core.ErrPerm) || a.Peer() != 0 || gone != 1 {
		t.Errorf("%d packets, %v, peer %d, %d ends gone", len(u.got), u.closed, a.Peer(), gone)
	}
	if c := b.Counters(); c.Received != 1 || c.ReceivedBytes != 10 || c.Waiting != 0 {
		t.Errorf("%+v", c)
	}
	u.got[0].Release()
	a.Close(0)
	if n := env.Pool.Live(); n != 0 {
		t.Errorf("%d packets are out", n)
	}
}

// BenchmarkHop measures a packet from one user to the other, in bursts of 64. It allocates nothing.
func BenchmarkHop(b *testing.B) {
	const burst = 64
	w := sim.New(1)
	env := w.Node("n")
	l := &loop.Layer{Env: env, Queue: loop.QueueLen, Info: core.FlowInfo{MTU: loop.MTU}}
	x, y := l.Connect(core.QoSRaw, 1, 2)
	y.Attach(&user{})
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if err := x.Write(env.Pool.GetPhantom(0, 0, 1000)); err != nil {
			b.Fatal(err)
		}
		if n%burst == 0 {
			if err := w.Run(w.Now().Add(time.Microsecond)); err != nil {
				b.Fatal(err)
			}
		}
	}
}
