package fa

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
)

// establish returns the user of a flow to endpoint 64 of the member first.
func (b *bench) establish() *user {
	b.names.Add(core.SHA3_256.Sum("x"), first)
	b.alloc("x")
	b.run(0)
	var last uint64
	for _, f := range b.fa.flows {
		if f != nil && f.state == requested {
			last = f.eid
		}
	}
	b.message(wire.FA{REID: last, SEID: 64, Code: wire.FlowReply}, "", "")
	return b.users[len(b.users)-1]
}

// TestMessagesToTheByte: the examples of spec 03 §7, with the numbers of this member in place of those
// that are random there.
func TestMessagesToTheByte(t *testing.T) {
	b := newBench(t, wire.DefaultPCI, 10)
	name := core.SHA3_256.Sum("oping")
	b.names.Add(name, first)
	b.fa.AllocFlow(core.FlowRequest{Hash: name, QoS: core.QoSRaw}, func(core.Flow, core.FlowReply, error) {})
	b.run(0)
	be := func(n uint64) string { return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, n)) }
	want := "c8000000003c000000000000000000" + be(self) + be(0) + be(b.fa.flows[0].eid) +
		"0000000000000000" + "00000000ffffffff0000000100000001" + "ffffffff0001d4c00000000000" +
		"42dee3b0415b4f690fd91cbd99876f1e9bd8d9745ef7fa32b142773af0349d54"
	if got := hex.EncodeToString(b.below.raw[0]); got != want {
		t.Errorf("FLOW_REQ\n%s, want\n%s", got, want)
	}
	b.request(first, 0xDEADBEEF00000040, "x")
	if _, err := b.reqs[0].Respond(0, nil); err != nil {
		t.Fatal(err)
	}
	own := b.fa.flows[1].eid
	want = "c8000000003c000000000000000000" + be(0) + "deadbeef00000040" + be(own) + strings.Repeat("00", 32) + "0000010000"
	if got := hex.EncodeToString(b.below.raw[1]); got != want {
		t.Errorf("FLOW_REPLY\n%s, want\n%s", got, want)
	}
	b.pace.report = true
	b.arrive(own, []byte("data"))
	want = "c8000000003c000000000000000000" + be(0) + "deadbeef00000040" + strings.Repeat("00", 40) + "0120020000"
	if got := hex.EncodeToString(b.below.raw[2]); got != want {
		t.Errorf("FLOW_UPDATE\n%s, want\n%s", got, want)
	}
}

// TestEndpointIDs: at least 64, unique, the number in the low bits and the rest random (spec 03 §3), for
// every length that the header can have (decision 11).
func TestEndpointIDs(t *testing.T) {
	for length := 1; length <= 8; length++ {
		n := numberingOf(length)
		if n.limit() < 100 || length >= 5 && n.number != 32 {
			t.Errorf("%d bytes: %+v, %d flows", length, n, n.limit())
		}
		for _, slot := range []uint32{0, 1, uint32(n.limit()) - 1} {
			id := n.id(slot, 0xFFFFFFFF)
			if id < FirstNumber || length < 8 && id>>(8*length) != 0 || n.slot(id) != uint64(slot) {
				t.Errorf("%d bytes, slot %d: id %#x is that of slot %d", length, slot, id, n.slot(id))
			}
			if length > 1 && id == n.id(slot, 0) {
				t.Errorf("%d bytes: no random bits", length)
			}
		}
		for id := range uint64(FirstNumber) {
			if n.slot(id) < uint64(n.limit()) {
				t.Errorf("%d bytes: id %d of a component is a flow", length, id)
			}
		}
	}
	if got := numberingOf(8).id(1, 0xCAFEBABE); got != 0xCAFEBABE00000041 {
		t.Errorf("%#x, want that of spec 02 §2.3", got)
	}
}

// TestFlowTableIsBounded: with one byte there are 192 numbers; the next flow is refused.
func TestFlowTableIsBounded(t *testing.T) {
	b := newBench(t, wire.PCI{Addr: 4, EID: 1}, 10)
	b.below.quiet = true
	for range 192 {
		b.alloc("x")
	}
	if b.alloc("y"); len(b.fa.flows) != 192 {
		t.Fatalf("%d flows", len(b.fa.flows))
	}
	b.run(0)
	if got := strings.Count(b.log.String(), "refused: "+core.ErrAgain.Error()); got != 1 {
		t.Errorf("%d requests were refused with %v, want 1", got, core.ErrAgain)
	}
}

// TestFloodOfRequestsIsBounded: requests that nobody answers, and requests that are refused, take a
// bounded number of records.
func TestFloodOfRequestsIsBounded(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		b := newBench(t, wire.DefaultPCI, 10)
		b.below.quiet = true
		if refuse {
			b.fa.OnRequest(func(in core.IncomingFlow) { _, _ = in.Respond(core.ErrName, nil) })
		}
		for i := range uint64(maxPending + 100) {
			b.request(first, 64+i, "x")
		}
		if n := len(b.fa.flows); n > maxPending+1 || len(b.fa.asked) > maxPending || len(b.fa.past.answers) > maxPast {
			t.Errorf("refuse %v: %d flows, %d requests, %d remembered", refuse, n, len(b.fa.asked), len(b.fa.past.answers))
		}
		if st := b.fa.Stats(); !refuse && st.Overload != 100 {
			t.Errorf("%d requests were dropped and counted, want 100", st.Overload)
		}
		b.run(time.Minute)
		b.request(first, 64, "x")
		if n := len(b.fa.past.answers); refuse && n != 1 {
			t.Errorf("%d refused requests are remembered for ever", n-1)
		}
	}
}

// TestTransmitQueue: 1023 packets wait behind a pause, the next is refused, and Writable comes once when
// one has left (design, queues that must exist).
func TestTransmitQueue(t *testing.T) {
	b := newBench(t, wire.DefaultPCI, 0)
	u := b.establish()
	b.below.quiet, u.quiet = true, true
	calls := 0
	u.onTouch = func() { calls++ }
	b.pace.wait = time.Millisecond
	for i := range QueueLen {
		if err := u.write("x"); err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
	}
	for range 3 {
		if err := u.write("x"); !errors.Is(err, core.ErrWouldBlock) {
			t.Fatalf("%v, want %v", err, core.ErrWouldBlock)
		}
	}
	if u.flow.Queued() != QueueLen || calls != 0 {
		t.Errorf("%d wait, %d calls", u.flow.Queued(), calls)
	}
	b.run(2 * time.Second)
	if calls != 1 || u.flow.Queued() != 0 {
		t.Errorf("Writable %d times, %d wait", calls, u.flow.Queued())
	}
	if err := u.write("x"); err != nil {
		t.Error(err)
	}
}

// TestReceiveQueue: a reader that does not read holds 1023 packets; the rest is dropped and counted.
func TestReceiveQueue(t *testing.T) {
	b := newBench(t, wire.DefaultPCI, 0)
	u := b.establish()
	u.quiet = true
	u.flow.SetReceive(false)
	eid := u.flow.Info().EID
	for range QueueLen + 7 {
		b.arrive(eid, []byte("x"))
	}
	info, ok := b.fa.Flow(eid)
	if !ok || info.Stats.ReceiveFailed != 7 {
		t.Errorf("%+v", info)
	}
	u.flow.SetReceive(true)
	u.onTouch = func() {
		if u.got == 5 {
			u.flow.SetReceive(false)
		}
	}
	if b.run(0); u.got != 5 {
		t.Errorf("%d packets were delivered before the reader stopped, want 5", u.got)
	}
	u.flow.SetReceive(true)
	if b.run(0); u.got != QueueLen {
		t.Errorf("%d packets were delivered, want %d", u.got, QueueLen)
	}
}

// TestMTU: that of the N-1 flow without the header; a longer packet is refused and taken.
func TestMTU(t *testing.T) {
	b := newBench(t, wire.DefaultPCI, 10)
	u := b.establish()
	i := u.flow.Info()
	if i.MTU != 1385 || i.Headroom != 33 || i.QoS != core.QoSRaw || i.MPL != MPL || i.Layer != "net" {
		t.Errorf("%+v", i)
	}
	if err := u.write(strings.Repeat("x", i.MTU)); err != nil {
		t.Error(err)
	}
	if err := u.write(strings.Repeat("x", i.MTU+1)); !errors.Is(err, core.ErrMsgSize) {
		t.Errorf("%v, want %v", err, core.ErrMsgSize)
	}
}

// TestNoReportForAFlowThatIsClosed: decision 4; the user may close it in the delivery.
func TestNoReportForAFlowThatIsClosed(t *testing.T) {
	b := newBench(t, wire.DefaultPCI, 10)
	u := b.establish()
	u.onTouch = func() { u.flow.Close(0) }
	b.pace.report = true
	n := len(b.below.raw)
	b.arrive(u.flow.Info().EID, []byte("x"))
	if len(b.below.raw) != n {
		t.Errorf("%x was sent", b.below.raw[n:])
	}
}

// TestNobodyIsCalledAfterClose: not with what was held, not with Closed, also when the layer ends the
// flow at the same instant.
func TestNobodyIsCalledAfterClose(t *testing.T) {
	b := newBench(t, wire.DefaultPCI, 10)
	u, v := b.establish(), b.establish()
	u.flow.SetReceive(false)
	b.arrive(u.flow.Info().EID, []byte("x"))
	u.flow.SetReceive(true)
	b.fa.Close()
	u.flow.Close(0)
	b.log.Reset()
	b.run(time.Second)
	if got := b.log.String(); got != "0s user 1: closed: flow is down\n" {
		t.Errorf("%q", got)
	}
	if err := v.write("x"); !errors.Is(err, core.ErrFlowDown) {
		t.Errorf("write to a flow that has ended: %v", err)
	}
}

// TestUserThatComesLate: what happened before Attach is told from a posted call.
func TestUserThatComesLate(t *testing.T) {
	b := newBench(t, wire.DefaultPCI, 1)
	var flows []core.Flow
	b.fa.OnRequest(func(in core.IncomingFlow) {
		f, err := in.Respond(0, nil)
		if err != nil {
			t.Fatal(err)
		}
		flows = append(flows, f)
	})
	b.request(first, 64, "x")
	b.request(first, 65, "x")
	b.arrive(flows[0].Info().EID, []byte("early"))
	b.pace.wait = time.Millisecond
	for _, want := range []error{nil, core.ErrWouldBlock} {
		p := b.env.Pool.Get(64, 1)
		if err := flows[0].Write(p); !errors.Is(err, want) {
			t.Fatal(err)
		} else if err != nil {
			p.Release()
		}
	}
	b.run(10 * time.Millisecond)
	b.log.Reset()
	u := b.use(flows[0])
	if b.log.Len() != 0 {
		t.Error("called on the stack of Attach")
	}
	b.run(0)
	u.flow.Close(0)
	b.fa.Close()
	b.use(flows[1])
	b.run(0)
	want := "10ms user 0: writable\n10ms user 0: got \"early\"\n10ms user 1: closed: flow is down\n"
	if got := b.log.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestPiggybackThatDoesNotFit: 2048 bytes are the longest message (spec 03 §1.1); nothing would bring a
// longer one, so both ends hear of it.
func TestPiggybackThatDoesNotFit(t *testing.T) {
	b := newBench(t, wire.DefaultPCI, 10)
	b.names.Add(core.SHA3_256.Sum("x"), first)
	var got error
	b.fa.AllocFlow(core.FlowRequest{Hash: core.SHA3_256.Sum("x"), Piggyback: make([]byte, 1956)},
		func(_ core.Flow, _ core.FlowReply, err error) { got = err })
	if b.run(0); !errors.Is(got, core.ErrMsgSize) {
		t.Errorf("request: %v", got)
	}
	for i, code := range []core.Code{0, core.ErrPerm} {
		b.request(first, 64+uint64(i), "x")
		b.log.Reset()
		if f, err := b.reqs[i].Respond(code, make([]byte, 1988)); f != nil || !errors.Is(err, core.ErrMsgSize) {
			t.Errorf("reply: %v, %v", f, err)
		}
		if code == 0 {
			code = core.ErrMsgSize
		}
		if want := fmt.Sprintf("response -%d \"\"", code); !strings.Contains(b.log.String(), want) {
			t.Errorf("%q was sent, want %q", b.log.String(), want)
		}
	}
	if len(b.fa.asked) != 0 || b.fa.pending != 0 {
		t.Error("the requests are still there")
	}
}

// FuzzMessages: hostile messages and packets through data transfer never panic, leave a flow that exists
// usable, and leave no reservation behind.
func FuzzMessages(f *testing.F) {
	req := wire.FA{Source: first, SEID: 70, Bandwidth: 9e5, Code: wire.FlowReq}
	buf := make([]byte, wire.FAFixed, 200)
	req.Put(buf)
	f.Add(uint64(0), append(buf, core.SHA3_256.Sum("x")...))
	for _, eid := range []uint64{64, 65} { // the flow that stands, the one that is asked for
		(&wire.FA{REID: eid, SEID: 64, Code: wire.FlowReply}).Put(buf)
		f.Add(uint64(0), bytes.Clone(buf))
		(&wire.FA{REID: eid, SEID: 64, Response: -1 << 31, Code: wire.FlowReply}).Put(buf)
		f.Add(uint64(0), bytes.Clone(buf))
		(&wire.FA{REID: eid, ECE: 9, Code: wire.FlowUpdate}).Put(buf)
		f.Add(uint64(0), bytes.Clone(buf))
		f.Add(eid, []byte("data"))
	}
	f.Add(uint64(1<<63|65), []byte{})
	f.Fuzz(func(t *testing.T, eid uint64, payload []byte) {
		if len(payload) > 1<<16 {
			return
		}
		b := newBenchWith(t, setup{
			queue: 10, cube: true, shaping: policyOf{"police", map[string]any{"burst": 100}},
			admission: policyOf{"bandwidth", map[string]any{"capacity": 1_000_000}},
		})
		u := b.establish()
		b.qos = core.QoSVoice
		b.names.Add(core.SHA3_256.Sum("x"), second)
		b.alloc("x") // stays without an answer, first from one address, then from the other
		b.run(0)
		number := func(eid uint64) uint64 { // a small number stands for the id of a flow, so that some hit
			if i := eid - FirstNumber; i < uint64(len(b.fa.flows)) && b.fa.flows[i] != nil {
				return b.fa.flows[i].eid
			}
			return eid
		}
		payload = bytes.Clone(payload)
		if eid == EID && len(payload) >= wire.FAFixed {
			be := binary.BigEndian
			be.PutUint64(payload[8:], number(be.Uint64(payload[8:])))
		}
		for range 2 {
			b.arrive(number(eid), payload)
		}
		for _, in := range b.reqs {
			_, _ = in.Respond(0, nil)
			_, _ = in.Respond(core.ErrName, nil)
		}
		b.run(30 * time.Second)
		if err := u.write("x"); err != nil {
			t.Errorf("write to a flow that exists: %v", err)
		}
	})
}

// loop is an N-1 flow back to the same data transfer component: what is sent arrives.
type loop struct {
	below
	to core.Sink
}

func (l *loop) Write(p *pkt.Buf) error {
	l.to.Deliver(p)
	return nil
}

// BenchmarkWriteToReceive is one packet from the user of a flow through flow allocator and data transfer
// of two members to the user at the other end, without what is between them.
func BenchmarkWriteToReceive(b *testing.B) {
	src, dst := newBench(b, wire.DefaultPCI, 10), newBench(b, wire.DefaultPCI, 10)
	u := src.establish()
	dst.below.quiet, src.below.quiet = true, true
	dst.request(first, 64, "x")
	f, err := dst.reqs[0].Respond(0, nil)
	if err != nil {
		b.Fatal(err)
	}
	r := dst.use(f)
	r.quiet = true
	// The flow of src is to the endpoint of dst; both have the address 7.
	src.fa.flows[0].raddr, src.fa.flows[0].reid = first, f.Info().EID
	l := &loop{to: dst.below.sink}
	src.dt.RemovePort(0, false)
	if _, err := src.dt.AddPort(first, l, portUser{}); err != nil {
		b.Fatal(err)
	}
	dst.dt.SetAddress(first)
	b.ReportAllocs()
	for b.Loop() {
		if err := u.flow.Write(src.env.Pool.Get(64, 8)); err != nil {
			b.Fatal(err)
		}
	}
	if r.got == 0 {
		b.Fatal("nothing arrived")
	}
}

// TestCarriedCountsFlowsThatHaveEnded: what was sent and received stays in the sums.
func TestCarriedCountsFlowsThatHaveEnded(t *testing.T) {
	b := newBench(t, wire.DefaultPCI, 10)
	u, v := b.establish(), b.establish()
	for _, x := range []*user{u, u, v} {
		if err := x.write("abc"); err != nil {
			t.Fatal(err)
		}
	}
	b.arrive(u.flow.Info().EID, []byte("four"))
	b.run(time.Second)
	check := func(what string) {
		t.Helper()
		if got := b.fa.Carried(); got.Sent != 3 || got.SentBytes != 9 || got.Received != 1 || got.ReceivedBytes != 4 {
			t.Errorf("%s: %+v", what, got)
		}
	}
	check("at first")
	u.flow.Close(0)
	check("after a flow has been closed")
	b.fa.Close()
	check("after the member has left")
}
