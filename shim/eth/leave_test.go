package eth

import (
	"errors"
	"slices"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// leaver is a user of a flow that notes why it ends, and frees it as users do.
type leaver struct {
	flow core.Flow
	why  []error
}

func (l *leaver) Deliver(p *pkt.Buf) { p.Release() }
func (l *leaver) Writable()          {}
func (l *leaver) State(bool)         {}
func (l *leaver) Closed(err error) {
	l.why = append(l.why, err)
	l.flow.Close(0)
}

// TestLeaveEndsWhatTheShimHas: an administrator destroys an IPCP while its system goes on (spec 13 §13.1). Flows
// end and requests fail, each told once and not on the stack of Leave; nothing is sent, and nothing new is taken.
func TestLeaveEndsWhatTheShimHas(t *testing.T) {
	x := newNet(t, 2)
	a, b := x.shims[0], x.shims[1]
	x.serve(b)
	x.learn(a)
	got, _ := x.alloc(a, core.FlowRequest{Hash: oping, Piggyback: handshake})
	x.w.Run(10 * time.Millisecond)
	if got.err != nil || got.flow == nil {
		t.Fatalf("no flow: %v", got.err)
	}
	user := &leaver{flow: got.flow}
	got.flow.Attach(user)
	var held func(core.Code, []byte) (core.Flow, error)
	if err := a.Register(oping); err != nil {
		t.Fatal(err)
	}
	a.OnRequest(func(in core.IncomingFlow) { held = in.Respond })
	x.learn(b)
	asked, cancel := x.alloc(b, core.FlowRequest{Hash: oping, Piggyback: handshake})
	late, _ := x.alloc(a, core.FlowRequest{Hash: oping, Piggyback: handshake[4:]})
	var found []bool
	a.Query(core.SHA3_256.Sum("nobody"), func(ok bool) { found = append(found, ok) })
	x.w.Run(1500 * time.Microsecond) // the request of b has come, the reply to a has not
	sent := len(x.ends[0].Sent)

	a.Leave()
	a.Leave()
	if len(user.why)+len(found)+late.calls != 0 {
		t.Error("told on the stack of Leave")
	}
	x.w.Settle()
	if len(user.why) != 1 || !errors.Is(user.why[0], core.ErrFlowDown) || late.calls != 1 || !errors.Is(late.err, core.ErrFlowDown) || !slices.Equal(found, []bool{false}) {
		t.Errorf("flow ended with %v, request with %d × %v, query with %v", user.why, late.calls, late.err, found)
	}
	if _, err := held(0, nil); !errors.Is(err, core.ErrIPCPState) {
		t.Errorf("a request that waited is answered with %v", err)
	}
	if err := a.Register(oping); !errors.Is(err, core.ErrIPCPState) {
		t.Errorf("Register: %v", err)
	}
	again, _ := x.alloc(a, core.FlowRequest{Hash: oping})
	a.Query(oping, func(ok bool) { found = append(found, ok) })
	x.w.Run(5 * time.Second)
	if !errors.Is(again.err, core.ErrIPCPState) || !slices.Equal(found, []bool{false, false}) || a.Flows() != 0 {
		t.Errorf("afterwards: request %v, query %v, %d flows", again.err, found, a.Flows())
	}
	if n := len(x.ends[0].Sent) - sent; n != 0 {
		t.Errorf("%d frames sent", n)
	}
	if asked.calls != 0 {
		t.Errorf("the other end was told: %v", asked.err)
	}
	cancel()
}
