package eth

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/shim/internal/flows"
	"ouroboros/shim/internal/shimtest"
)

const opingDigest = "42dee3b0415b4f690fd91cbd99876f1e9bd8d9745ef7fa32b142773af0349d54"

var oping = core.SHA3_256.Sum("oping")

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// member is a shim of either kind.
type member struct {
	*flows.Machine
	user core.LinkUser
}

// net is a segment with one shim at each end: 02:aa:bb:cc:dd:01 and so on, as in spec 01 §3.9.
type net struct {
	t     testing.TB
	w     *shimtest.World
	ends  []*shimtest.End
	shims []member
	// accepted holds the server's ends. They are closed at the end of the test.
	accepted []core.Flow
}

func newNet(t testing.TB, n int) *net {
	t.Helper()
	return newNetOf(t, n, func(env core.Env, l core.Link) (member, error) {
		s, err := New(env, l, Config{Layer: "lan", Hash: core.SHA3_256})
		if err != nil {
			return member{}, err
		}
		return member{s.Machine, s}, nil
	})
}

// newNetOf is newNet with the shims that mk makes.
func newNetOf(t testing.TB, n int, mk func(core.Env, core.Link) (member, error)) *net {
	t.Helper()
	w := shimtest.New(t.Errorf)
	x := &net{t: t, w: w, ends: w.Wire(core.LinkEthernet, n, time.Millisecond)}
	for _, e := range x.ends {
		s, err := mk(w.Env("shim"), e)
		if err != nil {
			t.Fatal(err)
		}
		x.shims = append(x.shims, s)
	}
	t.Cleanup(func() {
		w.Run(10 * time.Second)
		for _, f := range x.accepted {
			f.Close(0)
		}
		if w.Pool().Live() != 0 {
			t.Errorf("%d buffers not returned", w.Pool().Live())
		}
		if w.Armed() != 0 {
			t.Errorf("%d timers armed", w.Armed())
		}
	})
	return x
}

// answer is the outcome of an allocation.
type answer struct {
	flow  core.Flow
	reply core.FlowReply
	err   error
	calls int
}

func (x *net) alloc(s member, r core.FlowRequest) (*answer, func()) {
	a := &answer{}
	cancel := s.AllocFlow(r, func(f core.Flow, reply core.FlowReply, err error) {
		a.flow, a.reply, a.err = f, reply, err
		a.calls++
	})
	if a.calls != 0 {
		x.t.Error("answer on the stack of AllocFlow")
	}
	return a, cancel
}

// serve registers oping at a shim, which accepts every request.
func (x *net) serve(s member) {
	x.t.Helper()
	if err := s.Register(oping); err != nil {
		x.t.Fatal(err)
	}
	s.OnRequest(func(in core.IncomingFlow) {
		f, err := in.Respond(0, nil)
		if err != nil {
			x.t.Error(err)
		}
		x.accepted = append(x.accepted, f)
	})
}

// learn has the shim ask for the name, so that its directory knows it.
func (x *net) learn(s member) {
	x.t.Helper()
	found := false
	s.Query(oping, func(ok bool) { found = ok })
	x.w.Run(10 * time.Millisecond)
	if !found {
		x.t.Fatal("name not found")
	}
}

// connect returns the two ends of a flow from the first shim to the second.
func (x *net) connect(qos core.QoS) (client, server core.Flow) {
	x.t.Helper()
	x.serve(x.shims[1])
	x.learn(x.shims[0])
	a, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping, QoS: qos})
	x.w.Run(10 * time.Millisecond)
	if a.err != nil || a.flow == nil || len(x.accepted) == 0 {
		x.t.Fatalf("allocation: %v, %d accepted", a.err, len(x.accepted))
	}
	return a.flow, x.accepted[len(x.accepted)-1]
}

// write sends a packet through a flow, with the headroom that it asks for.
func (x *net) write(f core.Flow, data string) error {
	info := f.Info()
	p := x.w.Pool().GetCopy(info.Headroom, []byte(data))
	err := f.Write(p)
	if errors.Is(err, core.ErrWouldBlock) {
		if string(p.Bytes()) != data {
			x.t.Errorf("the packet that came back is %q, was %q", p.Bytes(), data)
		}
		p.Release()
	}
	return err
}

// occupyEID has the shim ask for a flow that nobody answers, until free is called.
func (x *net) occupyEID(s member) (free func()) {
	x.t.Helper()
	nobody := core.SHA3_256.Sum("nobody")
	reply := unhex(x.t, "02aabbccdd02 02aabbccdd77 a000 0000 0047 00000000"+strings.Repeat("00", 33)+"0300"+nobody.String())
	s.user.Receive(x.w.Pool().GetCopy(0, reply), core.Addr{})
	_, free = x.alloc(s, core.FlowRequest{Hash: nobody})
	return free
}

func (x *net) last(i int) []byte { return x.ends[i].Sent[len(x.ends[i].Sent)-1] }

func TestConversationIsThatOfTheWorkedExamples_01_3_9(t *testing.T) {
	x := newNet(t, 2)
	// The server's first EID in the example is 65.
	x.serve(x.shims[1])
	x.learn(x.shims[0])
	defer x.occupyEID(x.shims[1])()
	x.ends[1].Sent = x.ends[1].Sent[:1]
	a, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping, QoS: core.QoSRaw})
	x.w.Run(10 * time.Millisecond)
	if a.err != nil {
		t.Fatal(a.err)
	}
	if err := x.write(a.flow, "hello"); err != nil {
		t.Fatal(err)
	}
	x.w.Run(10 * time.Millisecond)
	check := func(end, i int, want string) {
		t.Helper()
		if got := x.ends[end].Sent[i]; !bytes.Equal(got, unhex(t, want)) {
			t.Errorf("end %d frame %d:\n got %x\nwant %x", end, i, got, unhex(t, want))
		}
	}
	zeros := strings.Repeat("00", 33)
	check(0, 0, `ffffffffffff 02aabbccdd01 a000 0000 0047 00000000 `+zeros+`0200`+opingDigest)
	check(1, 0, `02aabbccdd01 02aabbccdd02 a000 0000 0047 00000000 `+zeros+`0300`+opingDigest)
	check(0, 1, `02aabbccdd02 02aabbccdd01 a000 0000 0047 00400000 00000001 0000000000000000 00000001
		ffffffff ffffffff 0001d4c0 00000000 00 00 00`+opingDigest)
	check(1, 1, `02aabbccdd01 02aabbccdd02 a000 0000 0027 00410040 `+zeros+`0100`)
	check(0, 2, `02aabbccdd02 02aabbccdd01 a000 0041 0005 68656c6c6f`)
}

// The address of a live interface can change: the shim then speaks and listens as the new one.
func TestTheAddressFollowsTheLink(t *testing.T) {
	x := newNet(t, 2)
	x.serve(x.shims[1])
	next := core.MACAddr([6]byte{2, 0, 0, 0, 0, 9})
	x.ends[1].SetAddr(next)
	x.shims[1].user.LinkState(true)
	x.learn(x.shims[0])
	a, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping, QoS: core.QoSRaw})
	x.w.Run(time.Second)
	if a.err != nil || a.flow == nil {
		t.Fatalf("allocation with the new address: %v", a.err)
	}
	a.flow.Close(0)
	if src := core.MACFrom(x.last(1)[6:]); src != next {
		t.Errorf("the shim sends as %v, its link is %v", src, next)
	}
}
