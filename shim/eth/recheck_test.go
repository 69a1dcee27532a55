package eth

import (
	"errors"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/shim/internal/flows"
)

// TestSilentMemberIsLookedUpAgain: where that is asked for, a request that its member leaves without an answer goes to
// the member that has the name by now, within its own deadline. Otherwise the directory keeps what it has (spec 01
// §2.2.2), and so does a request whose member was silent for a moment.
func TestSilentMemberIsLookedUpAgain(t *testing.T) {
	for _, llc := range []bool{false, true} {
		for _, recheck := range []bool{false, true} {
			x := newNetOf(t, 3, func(env core.Env, l core.Link) (member, error) {
				cfg := Config{Layer: "lan", Hash: core.SHA3_256, Recheck: recheck}
				if llc {
					s, err := NewLLC(env, l, cfg)
					if err != nil {
						return member{}, err
					}
					return member{s.Machine, s}, nil
				}
				s, err := New(env, l, cfg)
				if err != nil {
					return member{}, err
				}
				return member{s.Machine, s}, nil
			})
			x.serve(x.shims[1])
			x.learn(x.shims[0])
			x.shims[1].Leave()
			x.serve(x.shims[2])
			got, cancel := x.alloc(x.shims[0], core.FlowRequest{Hash: oping, Piggyback: handshake})
			x.w.Run(1400 * time.Millisecond)
			if got.calls != 0 {
				t.Errorf("answered before the name is looked up again: %v", got.err)
			}
			x.w.Run(5 * time.Second)
			if has := got.flow != nil; has != recheck || got.err != nil {
				t.Errorf("llc %v, recheck %v: flow %v, %v", llc, recheck, has, got.err)
			}
			if got.flow != nil {
				if peer := got.flow.(*flows.End).Peer(); peer != x.ends[2].Info().Addr {
					t.Errorf("the flow goes to %v", peer)
				}
				got.flow.Close(0)
			}
			cancel()
		}
	}
}

// TestSilentMemberThatIsAloneIsAskedOn: the look-up finds nobody or the same member; the request is repeated as
// before, and one that is given up leaves nothing.
func TestSilentMemberThatIsAloneIsAskedOn(t *testing.T) {
	x := newNetOf(t, 2, func(env core.Env, l core.Link) (member, error) {
		s, err := New(env, l, Config{Layer: "lan", Hash: core.SHA3_256, Recheck: true})
		if err != nil {
			return member{}, err
		}
		return member{s.Machine, s}, nil
	})
	x.serve(x.shims[1])
	x.learn(x.shims[0])
	x.ends[0].Lose = func([]byte) bool { return true }
	got, cancel := x.alloc(x.shims[0], core.FlowRequest{Hash: oping, Piggyback: handshake})
	x.w.Run(10 * time.Second)
	x.ends[0].Lose = nil
	x.w.Run(10 * time.Second)
	if got.flow == nil || got.err != nil {
		t.Fatalf("the same member is back: %v", got.err)
	}
	got.flow.Close(0)
	cancel()

	x.shims[1].Leave()
	lost, cancel := x.alloc(x.shims[0], core.FlowRequest{Hash: oping, Piggyback: handshake})
	x.w.Run(4 * time.Second)
	cancel()
	x.w.Run(10 * time.Second)
	if lost.calls != 0 || x.shims[0].Flows() != 0 {
		t.Errorf("given up: answered %d times, %d flows", lost.calls, x.shims[0].Flows())
	}
	again, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping})
	x.w.Settle()
	if !errors.Is(again.err, core.ErrName) {
		t.Errorf("afterwards the directory has the name: %v", again.err)
	}
}
