package unicast_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/frcp"
	"ouroboros/sim"
)

// kinds are the kinds of flows that an application can have.
var kinds = map[string]core.Request{
	"raw":                 {QoS: core.QoSRaw},
	"ordered":             {QoS: core.QoSBestEffort},
	"reliable":            {QoS: core.QoSData},
	"encrypted, raw":      {QoS: core.QoSRaw, Encrypt: true},
	"encrypted, ordered":  {QoS: core.QoSBestEffort, Encrypt: true},
	"encrypted, reliable": {QoS: core.QoSData, Encrypt: true},
}

// The times of these tests: the peer time-out, and how long packets are retransmitted.
const (
	silence = 4 * time.Second
	retry   = 12 * time.Second
)

// living is a user of one end of a flow.
type living struct {
	env core.Env
	e   *frcp.Endpoint
	got []string
	err error     // why it ended
	at  core.Time // and when
}

func (u *living) Deliver(p *pkt.Buf) {
	u.got = append(u.got, string(p.Bytes()))
	p.Release()
}
func (u *living) Writable()        {}
func (u *living) State(bool)       {}
func (u *living) Closed(err error) { u.err, u.at = err, u.env.Now() }

// say writes a message and returns what became of it.
func (u *living) say(text string) error {
	p := u.env.Pool.GetCopy(u.e.Info().Headroom, []byte(text))
	err := u.e.Write(p)
	if errors.Is(err, core.ErrWouldBlock) {
		p.Release()
		return nil
	}
	return err
}

// path is a flow of an application through a layer of two members on an Ethernet.
type path struct {
	t     *testing.T
	w     *sim.World
	l     *line
	users [2]*living
	spec  core.LinkSpec
}

func newPath(t *testing.T, r core.Request, timeout time.Duration) *path {
	t.Helper()
	l, w := simLine(t, 2, options{kind: core.LinkEthernet})
	x := &path{t: t, w: w, l: l}
	run(t, w, 2*time.Second)
	r.Name, r.Layer, r.QoS.Timeout = "app", "net", uint32(timeout/time.Millisecond)
	a, b := l.ask(0, 1, r)
	if t := b.Info().QoS.Timeout; t != r.QoS.Timeout { // one for both ends: they cannot differ
		x.t.Errorf("the server has a time-out of %d ms, the client asked for %d", t, r.QoS.Timeout)
	}
	for i, f := range []core.Flow{a, b} {
		env := l.envs[i].Derive("app")
		e, err := frcp.WrapWith(env, f, frcp.Params{R: retry})
		check(t, err)
		x.users[i] = &living{env: env, e: e}
		e.Attach(x.users[i])
	}
	x.spec = l.wires[0].Spec(0)
	for range 3 { // so that each knows the other
		for _, u := range x.users {
			check(t, u.say("hello"))
		}
		run(t, w, time.Second)
	}
	return x
}

// cut makes a direction of the path lose everything, or restores it.
func (x *path) cut(dead bool, dirs ...int) core.Time {
	for _, d := range dirs {
		s := x.spec
		if dead {
			s.Loss = 1
		}
		check(x.t, x.l.wires[0].Set(d, s))
	}
	return x.l.envs[0].Now()
}

// ended holds why and when after cut an end heard that the flow is over.
func (x *path) ended(i int, want error, cut core.Time, least, most time.Duration) {
	x.t.Helper()
	u := x.users[i]
	if d := u.at.Sub(cut); !errors.Is(u.err, want) || want != nil && (d < least || d > most) {
		x.t.Errorf("end %d: %v after %v, want %v after %v to %v", i, u.err, d, want, least, most)
	}
}

// eachKind runs a test on flows of every kind.
func eachKind(t *testing.T, timeout time.Duration, test func(x *path, q core.QoS)) {
	for name, r := range kinds {
		t.Run(name, func(t *testing.T) {
			x := newPath(t, r, timeout)
			test(x, r.QoS)
			for _, u := range x.users {
				u.e.Close(0)
			}
			run(t, x.w, 3*retry) // nothing is left of it then: simLine looks
		})
	}
}

// An idle flow lives by its keepalives (spec 10 §10.13), and one whose reader never reads by those that arrive: they
// need no reader (§10.19, D11).
func TestFlowsLiveByWhatArrives_10_13(t *testing.T) {
	for _, reads := range []bool{true, false} {
		t.Run(fmt.Sprintf("reads=%v", reads), func(t *testing.T) {
			eachKind(t, silence, func(x *path, _ core.QoS) {
				x.users[1].e.SetReceive(reads)
				for range 100 {
					if !reads {
						check(x.t, x.users[0].say("unread"))
					}
					run(x.t, x.w, 600*time.Millisecond)
				}
				x.ended(0, nil, 0, 0, 0)
				x.ended(1, nil, 0, 0, 0)
				for i, u := range x.users {
					if n := u.e.Stats().Keepalives; n < 40 && (reads || i == 1) {
						x.t.Errorf("end %d sent %d keepalives in 60s", i, n)
					}
				}
			})
		})
	}
}

// A path that is dead in one direction or both ends the flow at both ends: after T of silence at the end that hears
// nothing, and at the other, which still hears keepalives, T after that has given up. Whoever writes then is refused.
func TestADeadPathEndsTheFlow_10_13(t *testing.T) {
	const slack = 100 * time.Millisecond
	for name, dead := range map[string][]int{"both": {0, 1}, "there": {0}, "back": {1}} {
		for _, writes := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/writes=%v", name, writes), func(t *testing.T) {
				eachKind(t, silence, func(x *path, _ core.QoS) {
					cut := x.cut(true, dead...)
					for range 20 {
						if u := x.users[0]; writes && u.err == nil {
							check(x.t, u.say("lost"))
						}
						run(x.t, x.w, 500*time.Millisecond)
					}
					deaf := map[int]bool{}
					for _, d := range dead {
						deaf[1-d] = true
					}
					for i, u := range x.users {
						most := silence + slack
						if !deaf[i] {
							most += silence
						}
						x.ended(i, core.ErrFlowPeer, cut, silence*3/4-slack, most)
						if err := u.say("too late"); !errors.Is(err, core.ErrFlowDown) {
							x.t.Errorf("end %d: Write after the end: %v", i, err)
						}
					}
				})
			})
		}
	}
}

// Timeout 0 is never: on a dead path nobody hears anything, but who has sent what must arrive. That one hears that
// the flow is down when R is over (spec 10 §10.6), also when the peer has got it and only the acks are lost.
func TestWithoutATimeoutUnacknowledgedDataEndsTheFlow(t *testing.T) {
	for name, dead := range map[string][]int{"both": {0, 1}, "there": {0}, "back": {1}} {
		t.Run(name, func(t *testing.T) {
			eachKind(t, 0, func(x *path, q core.QoS) {
				cut := x.cut(true, dead...)
				check(x.t, x.users[0].say("lost"))
				run(x.t, x.w, 10*time.Minute)
				var want error
				if q.Mode() == core.ModeReliable {
					want = core.ErrFlowDown
				}
				x.ended(0, want, cut, retry, retry+time.Second)
				x.ended(1, nil, 0, 0, 0)
			})
		})
	}
}

// Close does not wait, and what was written on a reliable flow arrives all the same once the path is back, followed by
// the end. The end comes on ordered flows too; a raw one has no packet for it, and its peer times out.
func TestCloseLingersOverAnOutage_10_16(t *testing.T) {
	eachKind(t, silence, func(x *path, q core.QoS) {
		cut := x.cut(true, 0, 1)
		check(x.t, x.users[0].say("last words"))
		x.users[0].e.Close(0)
		run(x.t, x.w, 2*time.Second)
		x.cut(false, 0, 1)
		run(x.t, x.w, 20*time.Second)
		got := x.users[1].got
		if arrived := got[len(got)-1] == "last words"; arrived != (q.Mode() == core.ModeReliable) {
			x.t.Errorf("got %q", got)
		}
		if q.Mode() == core.ModeRaw {
			x.ended(1, core.ErrFlowPeer, cut, silence*3/4, silence+time.Second)
		} else {
			x.ended(1, core.ErrPeerClosed, cut, 2*time.Second, 4*time.Second)
		}
		x.ended(0, nil, 0, 0, 0) // who has closed hears nothing
	})
}
