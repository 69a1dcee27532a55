package host

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ouroboros/core"
	"ouroboros/core/coretest"
	proto "ouroboros/core/wire"
	"ouroboros/shim/eth"
)

// hostile is what somebody else on the segment sends to a shim: frames behind their addresses. Each of
// these cases stops the C prototype or fills its memory.
func hostile(rng *rand.Rand) map[string][][]byte {
	frame := func(eid, length int, payload []byte) []byte {
		f := binary.BigEndian.AppendUint16(nil, ourType)
		f = binary.BigEndian.AppendUint16(f, uint16(eid))
		f = binary.BigEndian.AppendUint16(f, uint16(length))
		return append(f, payload...)
	}
	management := func(code proto.DIXCode, n int) []byte {
		m := make([]byte, max(n, proto.DIXMessageLen))
		m[37] = byte(code)
		return frame(0, n, m[:n])
	}
	cases := map[string][][]byte{
		"a FLOW_REQ without its hash":        {management(proto.DIXFlowRequest, proto.DIXMessageLen)},
		"large management messages":          {management(proto.DIXFlowRequest, 3000), management(proto.DIXFlowRequest, 8900)},
		"a name query storm":                 nil,
		"requests for a name that is unused": nil,
	}
	for range 500 {
		b := make([]byte, 1+rng.IntN(1400))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		cases["random payloads"] = append(cases["random payloads"], append([]byte{ourType >> 8, ourType & 0xFF}, b...))
		cases["random management"] = append(cases["random management"], frame(0, len(b), b))
	}
	for _, n := range []int{0, 1, 1500, 9000, 65535} {
		for _, eid := range []int{0, 1, eth.FirstEID, 4095, 65535} {
			cases["length fields"] = append(cases["length fields"], frame(eid, n, make([]byte, 46)), frame(eid, n, make([]byte, 1400)))
		}
	}
	reply := proto.DIXMessage{Code: proto.DIXFlowReply, SEID: 64, DEID: 60000}
	raw := make([]byte, reply.Len())
	reply.Put(raw)
	cases["a FLOW_REPLY for a flow far outside the table"] = [][]byte{frame(0, len(raw), raw)}
	for i := range 400 {
		query := management(proto.DIXNameQueryRequest, proto.DIXMessageLen+32)
		binary.BigEndian.PutUint32(query[len(query)-4:], uint32(i))
		cases["a name query storm"] = append(cases["a name query storm"], query)
		request := management(proto.DIXFlowRequest, proto.DIXMessageLen+32)
		binary.BigEndian.PutUint32(request[len(request)-4:], uint32(i))
		cases["requests for a name that is unused"] = append(cases["requests for a name that is unused"], request)
	}
	for eid := range 300 { // data for the flow that runs, from a station that has none
		cases["spoofed data"] = append(cases["spoofed data"], frame(eid, 100, make([]byte, 100)))
	}
	return cases
}

// Whatever comes in from the segment, a flow beside it does not notice, memory stays bounded, and what was
// dropped is counted.
func TestNICAndShimWithstandHostileFrames(t *testing.T) {
	l := newLAN(t, ourType, 9000)
	h := coretest.New(t, l.w)
	var shims []*eth.Shim
	flow := establish(h, l, func(env core.Env, link core.Link) (core.Provider, error) {
		s, err := eth.New(env, link, eth.Config{Layer: "lan", EtherType: ourType, Hash: core.SHA3_256})
		shims = append(shims, s)
		return s, err
	})
	var got sink
	h.On(l.env[1], func() { flow[1].Attach(&got); flow[1].SetReceive(true) })
	fd := l.alien(0)
	self, stranger := l.nic[1].Info().Addr.MAC(), [6]byte{2, 0xbb, 0, 0, 0, 1}
	sent := 0
	for name, frames := range hostile(rand.New(rand.NewPCG(1, 2))) {
		before := shims[1].Drop
		for len(frames) > 0 {
			burst := frames[:min(20, len(frames))]
			frames = frames[len(burst):]
			for i, f := range burst {
				dst := self
				if i%2 == 1 {
					dst = core.BroadcastMAC.MAC()
				}
				f = append(append(bytes.Clone(dst[:]), stranger[:]...), f...)
				if _, err := unix.Write(fd, f); err != nil && !errors.Is(err, unix.ENOBUFS) {
					t.Fatal(err)
				}
			}
			h.On(l.env[0], func() {
				p := l.w.pool.Get(flow[0].Info().Headroom, 4)
				binary.BigEndian.PutUint32(p.Bytes(), uint32(sent))
				l.must(flow[0].Write(p))
			})
			sent++
			h.Until("the message beside arrives, during "+name, func() bool { return len(got.got) == sent })
		}
		h.Advance(time.Millisecond)
		if name != "a name query storm" && name != "requests for a name that is unused" && shims[1].Drop == before {
			t.Errorf("%s: nothing was counted as dropped", name)
		}
	}
	for i, m := range got.got {
		if !bytes.Equal(m, binary.BigEndian.AppendUint32(nil, uint32(i))) {
			t.Fatalf("message %d arrived as %x", i, m)
		}
	}
	if st := l.nic[1].Stats(); st.RingDrops != 0 || st.Received == 0 {
		t.Errorf("the bursts were meant to fit: %+v", st)
	}
	// A flood that fills the ring while the actor does not run: the flow resumes when it ends.
	small := append(append(bytes.Clone(self[:]), stranger[:]...), ourType>>8, ourType&0xFF, 0, eth.FirstEID, 0, 46)
	for range 5000 {
		if _, err := unix.Write(fd, append(small, make([]byte, 46)...)); err != nil && !errors.Is(err, unix.ENOBUFS) {
			t.Fatal(err)
		}
	}
	h.Until("the flood has passed", func() bool { return l.nic[1].ring.peek() == nil })
	h.On(l.env[0], func() { l.must(flow[0].Write(l.w.pool.Get(flow[0].Info().Headroom, 4))) })
	h.Until("a message arrives after the flood", func() bool { return len(got.got) == sent+1 })
	if st := l.nic[1].Stats(); st.RingDrops == 0 {
		t.Errorf("the flood was meant to be too much: %+v", st)
	}
	if peak := l.w.pool.Peak(); peak > 2*nicTurn {
		t.Errorf("%d buffers were out at one time", peak)
	}
	h.On(l.env[0], func() { flow[0].Close(0); flow[1].Close(0) })
	h.Released()
}

// FuzzNICFrame puts frames of anything into the shims as a NIC hands them over.
func FuzzNICFrame(f *testing.F) {
	for _, frames := range hostile(rand.New(rand.NewPCG(3, 4))) {
		for _, b := range frames[:min(len(frames), 20)] {
			f.Add(b)
		}
	}
	w := New(1)
	f.Cleanup(w.Close)
	n := &NIC{fd: -1}
	n.init(w, nil, n.dropOutput)
	n.info = linkState{mtu: 9000, mac: [6]byte{2, 0, 0, 0, 0, 1}}.info()
	env := w.Node("n")
	dix, err := eth.New(env.Derive("dix"), n, eth.Config{Layer: "dix", EtherType: ourType, Hash: core.SHA3_256})
	if err != nil {
		f.Fatal(err)
	}
	llc, err := eth.NewLLC(env.Derive("llc"), n, eth.Config{Layer: "llc", Hash: core.SHA3_256})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		live := w.pool.Live()
		for _, dst := range []core.Addr{n.info.Addr, core.BroadcastMAC} {
			for _, u := range []core.LinkUser{dix, llc} {
				mac := dst.MAC()
				frame := append(append(mac[:], 2, 0xbb, 0, 0, 0, 1), b...)
				u.Receive(w.pool.GetCopy(rxHeadroom, frame), core.MACFrom(frame[6:]))
			}
		}
		run(t, w, 0) // what they have posted
		if now := w.pool.Live(); now != live {
			t.Errorf("%d buffers are missing", now-live)
		}
	})
}
