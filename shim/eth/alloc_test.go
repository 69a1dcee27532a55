package eth

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
)

// handshake stands for the piggyback of the broker: an id of 16 bytes and more.
var handshake = []byte("0123456789abcdefrest")

func TestQueryOfKnownDigestSendsNothing_01_3_5(t *testing.T) {
	x := newNet(t, 2)
	if err := x.shims[1].Register(oping); err != nil {
		t.Fatal(err)
	}
	x.learn(x.shims[0])
	sent := len(x.ends[0].Sent)
	calls := 0
	x.shims[0].Query(oping, func(bool) { calls++ })
	if calls != 0 {
		t.Error("answer on the stack of Query")
	}
	x.w.Settle()
	if calls != 1 || len(x.ends[0].Sent) != sent {
		t.Errorf("%d answers, %d frames", calls, len(x.ends[0].Sent)-sent)
	}
}

func TestQueryOfUnknownNameEndsAfterTwoSeconds_01_3_5(t *testing.T) {
	x := newNet(t, 3)
	answered, found := false, true
	x.shims[0].Query(oping, func(ok bool) { answered, found = true, ok })
	x.w.Run(2*time.Second - 1)
	if answered {
		t.Error("answered early")
	}
	x.w.Run(1)
	if !answered || found {
		t.Errorf("answered %v, found %v", answered, found)
	}
	if n := len(x.ends[0].Sent); n != 1 {
		t.Errorf("%d frames: there is one broadcast and no retry", n)
	}
	if len(x.ends[1].Sent)+len(x.ends[2].Sent) != 0 {
		t.Error("a member that does not know the name answered")
	}
}

func TestLateReplyFillsTheDirectory_01_3_5(t *testing.T) {
	x := newNet(t, 2)
	if err := x.shims[1].Register(oping); err != nil {
		t.Fatal(err)
	}
	cancel := x.shims[0].Query(oping, func(bool) { t.Error("answer to a canceled query") })
	cancel()
	x.w.Run(10 * time.Millisecond)
	sent := len(x.ends[0].Sent)
	x.learn(x.shims[0])
	if len(x.ends[0].Sent) != sent {
		t.Error("asked again")
	}
}

func TestRegisterTwiceAndUnregisterUnknown_01_2_2(t *testing.T) {
	x := newNet(t, 2)
	s := x.shims[1]
	for range 2 {
		if err := s.Register(oping); err != nil {
			t.Error(err)
		}
	}
	s.Unregister(oping)
	s.Unregister(oping)
	found := true
	x.shims[0].Query(oping, func(ok bool) { found = ok })
	x.w.Run(3 * time.Second)
	if found {
		t.Error("found after Unregister")
	}
	if err := s.Register("short"); !errors.Is(err, core.ErrInvalid) {
		t.Error(err)
	}
}

func TestLatestAddressOfADigestIsUsed_01_2_2(t *testing.T) {
	x := newNet(t, 3)
	for _, i := range []int{1, 2} {
		if err := x.shims[i].Register(oping); err != nil {
			t.Fatal(err)
		}
	}
	// Both answer at the same instant; the third station's answer is the later one.
	x.learn(x.shims[0])
	_, cancel := x.alloc(x.shims[0], core.FlowRequest{Hash: oping})
	cancel()
	if dst := core.MACFrom(x.last(0)); dst != x.ends[2].Info().Addr {
		t.Errorf("request to %v", dst)
	}
}

func TestUnknownNameIsRefusedAtOnce_Decision2(t *testing.T) {
	x := newNet(t, 2)
	if err := x.shims[1].Register(oping); err != nil {
		t.Fatal(err)
	}
	x.learn(x.shims[0])
	x.shims[1].Unregister(oping)
	a, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping, Piggyback: handshake})
	x.w.Run(10 * time.Millisecond)
	if !errors.Is(a.err, core.ErrName) || a.flow != nil || a.calls != 1 {
		t.Fatalf("%+v", a)
	}
	// −1007 = fffffc11 at offset 32 of the message.
	if r := x.last(1)[18+32 : 18+36]; string(r) != "\xff\xff\xfc\x11" {
		t.Errorf("response %x", r)
	}
	// The station does not have the name: the next query asks again.
	sent := len(x.ends[0].Sent)
	x.shims[0].Query(oping, func(bool) {})()
	if len(x.ends[0].Sent) != sent+1 {
		t.Error("the refused pair still stands in the directory")
	}
	if n := x.shims[0].Flows(); n != 0 {
		t.Errorf("%d flow ends left", n)
	}
}

func TestRequestForUnlistedDigestFails_01_2_3(t *testing.T) {
	x := newNet(t, 2)
	a, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping})
	x.w.Settle()
	if !errors.Is(a.err, core.ErrName) || len(x.ends[0].Sent) != 0 {
		t.Errorf("%v", a.err)
	}
}

func TestRefusalCarriesTheCodeOfTheBroker_01_2_3_3(t *testing.T) {
	x := newNet(t, 2)
	x.serve(x.shims[1])
	x.shims[1].OnRequest(func(in core.IncomingFlow) {
		if f, err := in.Respond(core.ErrAuth, nil); f != nil || err != nil {
			t.Errorf("refusal returned %v, %v", f, err)
		}
		if _, err := in.Respond(0, nil); !errors.Is(err, core.ErrInvalid) {
			t.Errorf("second answer: %v", err)
		}
	})
	x.learn(x.shims[0])
	a, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping})
	x.w.Run(10 * time.Millisecond)
	if !errors.Is(a.err, core.ErrAuth) {
		t.Error(a.err)
	}
	if x.shims[0].Flows()+x.shims[1].Flows() != 0 {
		t.Error("flow ends left")
	}
}

func TestRequestAndReplyCarryTheirFields_01_3_6(t *testing.T) {
	x := newNet(t, 2)
	x.serve(x.shims[1])
	qos := core.QoS{Delay: 1, Bandwidth: 1 << 40, Availability: 3, Loss: 4, BER: 5, InOrder: 6, MaxGap: 7, Timeout: 8}
	var in core.IncomingFlow
	var server core.Flow
	x.shims[1].OnRequest(func(i core.IncomingFlow) {
		in = i
		server, _ = i.Respond(0, []byte("answer"))
	})
	x.learn(x.shims[0])
	a, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping, QoS: qos, Piggyback: handshake})
	x.w.Run(10 * time.Millisecond)
	if in.Hash != oping || in.QoS != qos || in.MPL != MPL || string(in.Piggyback) != string(handshake) {
		t.Errorf("request %+v", in)
	}
	if a.err != nil || a.reply.MPL != MPL || string(a.reply.Piggyback) != "answer" {
		t.Errorf("reply %+v", a)
	}
	want := core.FlowInfo{MTU: 1496, Headroom: 20, Tailroom: 1, QoS: qos, MPL: MPL, Layer: "lan", EID: 64}
	if a.flow.Info() != want || server.Info() != want {
		t.Errorf("client %+v\nserver %+v", a.flow.Info(), server.Info())
	}
}

func TestLostRequestIsRepeatedWithTheSameEID(t *testing.T) {
	x := newNet(t, 2)
	x.serve(x.shims[1])
	x.learn(x.shims[0])
	lost := 0
	x.ends[0].Lose = func([]byte) bool { lost++; return lost <= 2 }
	a, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping, Piggyback: handshake})
	x.w.Run(2 * time.Second)
	if a.err != nil || a.flow == nil || len(x.accepted) != 1 {
		t.Fatalf("%+v, %d accepted", a, len(x.accepted))
	}
	sent := x.ends[0].Sent
	if first, third := sent[1], sent[3]; string(first) != string(third) || len(sent) != 4 {
		t.Errorf("%d frames\n%x\n%x", len(sent), first, third)
	}
	if x.shims[0].Retransmitted != 2 {
		t.Errorf("%d retransmissions", x.shims[0].Retransmitted)
	}
}

// An EID that rests for long, as after an application that died, does not hold up those that are free earlier.
func TestLongRestDoesNotHoldUpOtherEIDs(t *testing.T) {
	x := newNet(t, 2)
	first, _ := x.connect(core.QoSRaw)
	second, _ := x.connect(core.QoSRaw)
	first.Close(2 * time.Minute)
	second.Close(time.Second)
	x.w.Run(2 * time.Second)
	third, _ := x.connect(core.QoSRaw)
	if eid := third.Info().EID; eid != 65 {
		t.Errorf("EID %d, 65 is free again", eid)
	}
}

func TestLostReplyIsRepeatedAndMakesNoSecondFlow(t *testing.T) {
	x := newNet(t, 2)
	x.serve(x.shims[1])
	x.learn(x.shims[0])
	x.ends[1].Lose = func([]byte) bool { return x.w.Now().Seconds() < 0.4 }
	a, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping, Piggyback: handshake})
	x.w.Run(2 * time.Second)
	if a.flow == nil || len(x.accepted) != 1 || x.shims[1].Flows() != 1 || x.shims[1].Repeated != 1 {
		t.Fatalf("%+v, %d accepted, %d repeated", a, len(x.accepted), x.shims[1].Repeated)
	}
}

func TestRepeatedRequestWaitsForTheBroker(t *testing.T) {
	x := newNet(t, 2)
	x.serve(x.shims[1])
	var held []core.IncomingFlow
	x.shims[1].OnRequest(func(in core.IncomingFlow) { held = append(held, in) })
	x.learn(x.shims[0])
	a, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping, Piggyback: handshake})
	x.w.Run(900 * time.Millisecond)
	if len(held) != 1 || x.shims[0].Retransmitted != 1 {
		t.Fatalf("%d requests handed over, %d repeated", len(held), x.shims[0].Retransmitted)
	}
	if _, err := held[0].Respond(0, nil); err != nil {
		t.Fatal(err)
	}
	x.w.Run(10 * time.Millisecond)
	if a.flow == nil {
		t.Error(a.err)
	}
}

func TestRepeatedRefusalIsAnsweredWithoutTheBroker(t *testing.T) {
	x := newNet(t, 2)
	x.serve(x.shims[1])
	asked := 0
	x.shims[1].OnRequest(func(in core.IncomingFlow) {
		asked++
		_, _ = in.Respond(core.ErrPerm, nil)
	})
	x.learn(x.shims[0])
	x.ends[1].Lose = func([]byte) bool { return x.w.Now().Seconds() < 0.4 }
	a, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping, Piggyback: handshake})
	x.w.Run(time.Second)
	if !errors.Is(a.err, core.ErrPerm) || asked != 1 {
		t.Errorf("%v, asked %d times", a.err, asked)
	}
}

func TestCanceledAllocationSendsNothingAndIgnoresTheReply_01_2_3(t *testing.T) {
	x := newNet(t, 2)
	x.serve(x.shims[1])
	x.learn(x.shims[0])
	a, cancel := x.alloc(x.shims[0], core.FlowRequest{Hash: oping, Piggyback: handshake})
	sent := len(x.ends[0].Sent)
	cancel()
	x.w.Run(30 * time.Second)
	if a.calls != 0 || len(x.ends[0].Sent) != sent || x.shims[0].Drop.EID != 1 || x.shims[0].Flows() != 0 {
		t.Errorf("%d answers, %d frames, %d replies dropped", a.calls, len(x.ends[0].Sent)-sent, x.shims[0].Drop.EID)
	}
}

func TestReplyFromAnotherStationIsIgnored(t *testing.T) {
	x := newNet(t, 3)
	if err := x.shims[1].Register(oping); err != nil {
		t.Fatal(err)
	}
	x.shims[1].OnRequest(func(core.IncomingFlow) {})
	x.learn(x.shims[0])
	a, cancel := x.alloc(x.shims[0], core.FlowRequest{Hash: oping})
	x.ends[0].Frame(unhex(t, `02aabbccdd01 02aabbccdd03 a000 0000 0027 00410040`+strings.Repeat("00", 33)+`0100`))
	if a.calls != 0 || x.shims[0].Drop.Source != 1 {
		t.Errorf("%+v", a)
	}
	cancel()
}

func TestEIDRestsAfterClose(t *testing.T) {
	x := newNet(t, 2)
	client, _ := x.connect(core.QoSRaw)
	client.Close(time.Second)
	next := func() uint64 {
		a, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping})
		x.w.Run(10 * time.Millisecond)
		if a.err != nil {
			t.Fatal(a.err)
		}
		return a.flow.Info().EID
	}
	if eid := next(); eid != 65 {
		t.Errorf("EID %d, 64 rests", eid)
	}
	x.w.Run(time.Second)
	if eid := next(); eid != 64 {
		t.Errorf("EID %d, 64 is free again", eid)
	}
}

func TestAllEIDsInUseIsErrAgain(t *testing.T) {
	x := newNet(t, 2)
	if err := x.shims[1].Register(oping); err != nil {
		t.Fatal(err)
	}
	x.learn(x.shims[0])
	x.ends[0].Lose = func([]byte) bool { return true }
	var cancels []func()
	for range 65535 - 64 + 1 {
		_, c := x.alloc(x.shims[0], core.FlowRequest{Hash: oping})
		cancels = append(cancels, c)
	}
	x.ends[0].Sent = nil
	a, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping})
	x.w.Settle()
	if !errors.Is(a.err, core.ErrAgain) {
		t.Error(a.err)
	}
	for _, c := range cancels {
		c()
	}
}

func TestJoinIsNotSupported(t *testing.T) {
	x := newNet(t, 2)
	var got error
	x.shims[0].Join(func(_ core.Flow, err error) { got = err })
	x.w.Settle()
	if !errors.Is(got, core.ErrUnsupp) {
		t.Error(got)
	}
}
