package eth

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"ouroboros/core"
)

// requestFrame is a FLOW_REQ for oping from the first station to the second, with a handshake id.
func requestFrame(t *testing.T, seid uint16, id uint32) []byte {
	b := unhex(t, `02aabbccdd02 02aabbccdd01 a000 0000 0057 00000000`+strings.Repeat("00", 33)+`0000`+opingDigest)
	binary.BigEndian.PutUint16(b[18:], seid)
	b = append(b, make([]byte, 16)...)
	binary.BigEndian.PutUint32(b[len(b)-16:], id)
	return b
}

func TestRequestsBeyondTheLimitAreDropped(t *testing.T) {
	x := newNet(t, 2)
	x.serve(x.shims[1])
	var held []core.IncomingFlow
	x.shims[1].OnRequest(func(in core.IncomingFlow) { held = append(held, in) })
	for i := range uint32(1025) {
		x.ends[1].Frame(requestFrame(t, 64, i))
	}
	if len(held) != 1024 || x.shims[1].Drop.Refused != 1 {
		t.Errorf("%d handed over, %d dropped", len(held), x.shims[1].Drop.Refused)
	}
	// Answering one makes room for one.
	if _, err := held[0].Respond(core.ErrPerm, nil); err != nil {
		t.Fatal(err)
	}
	x.ends[1].Frame(requestFrame(t, 64, 2000))
	if len(held) != 1025 {
		t.Errorf("%d handed over", len(held))
	}
}

func TestRefusalsAreForgottenOldestFirst(t *testing.T) {
	x := newNet(t, 2)
	x.serve(x.shims[1])
	asked := 0
	x.shims[1].OnRequest(func(in core.IncomingFlow) {
		asked++
		_, _ = in.Respond(core.ErrPerm, nil)
	})
	for i := range uint32(257) {
		x.ends[1].Frame(requestFrame(t, 64, i))
	}
	x.ends[1].Frame(requestFrame(t, 64, 256))
	x.ends[1].Frame(requestFrame(t, 64, 1))
	if asked != 257 {
		t.Errorf("a remembered refusal went to the broker: asked %d times", asked)
	}
	x.ends[1].Frame(requestFrame(t, 64, 0))
	if asked != 258 {
		t.Errorf("the oldest of 257 refusals is still remembered")
	}
}

func TestManagementBeyondTheLimitIsDroppedWhileBlocked(t *testing.T) {
	x := newNet(t, 2)
	x.ends[0].Room = 0
	for range 1025 {
		x.shims[0].Query(oping, func(bool) {})()
	}
	if x.shims[0].Drop.Management != 1 {
		t.Errorf("%+v", x.shims[0].Drop)
	}
	x.ends[0].Unblock(-1)
	if n := len(x.ends[0].Sent); n != 1024 {
		t.Errorf("%d frames sent", n)
	}
}

func TestDirectoryKeepsTheLatestSixteenAddresses(t *testing.T) {
	x := newNet(t, 2)
	reply := unhex(t, `02aabbccdd01 02aabbccdd77 a000 0000 0047 00000000`+strings.Repeat("00", 33)+`0300`+opingDigest)
	for i := range byte(17) {
		reply[6+5] = 0x80 + i
		x.ends[0].Frame(reply)
	}
	// Each refusal with "unknown name" takes the pair out; after sixteen there is none.
	for i := range 16 {
		a, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping})
		frame := x.last(0)
		if dst := frame[5]; dst != 0x80+byte(16-i) {
			t.Errorf("request %d to station %x", i, dst)
		}
		refusal := unhex(t, `02aabbccdd01 02aabbccdd00 a000 0000 0027 0000`+strings.Repeat("00", 35)+`0100`)
		refusal[11] = frame[5]
		copy(refusal[20:22], frame[18:20])
		copy(refusal[50:54], "\xff\xff\xfc\x11")
		x.ends[0].Frame(refusal)
		if !errors.Is(a.err, core.ErrName) {
			t.Fatalf("request %d: %v", i, a.err)
		}
	}
	a, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping})
	x.w.Settle()
	if a.err == nil || len(x.ends[0].Sent) != 16 {
		t.Errorf("%v, %d requests", a.err, len(x.ends[0].Sent))
	}
}

func TestStrangeRefusalCodesAreErrors(t *testing.T) {
	for response, want := range map[uint32]core.Code{
		0xFFFFFFFF: core.ErrPerm, 5: core.ErrIPCP, 0x80000000: core.ErrIPCP, 0xFFFFFC11: core.ErrName,
	} {
		x := newNet(t, 2)
		if err := x.shims[1].Register(oping); err != nil {
			t.Fatal(err)
		}
		x.learn(x.shims[0])
		x.ends[0].Lose = func([]byte) bool { return true }
		a, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping})
		reply := unhex(t, `02aabbccdd01 02aabbccdd02 a000 0000 0027 00000040`+strings.Repeat("00", 33)+`0100`)
		binary.BigEndian.PutUint32(reply[50:], response)
		x.ends[0].Frame(reply)
		if !errors.Is(a.err, want) {
			t.Errorf("response %08x: %v, want %v", response, a.err, want)
		}
	}
}
