package host

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// counter is a link user that counts and releases what it receives.
type counter struct {
	packets  int
	writable int
	want     int
	w        *World
}

func (c *counter) Receive(p *pkt.Buf, _ core.Addr) {
	p.Release()
	if c.packets++; c.packets == c.want {
		c.w.Stop()
	}
}
func (c *counter) Writable()      { c.writable++ }
func (c *counter) LinkState(bool) {}

// pair is a wire with a counter at each end.
type pair struct {
	w    *World
	wire *wire
	ends [2]*end
	user [2]*counter
}

func newPair(t testing.TB, spec core.LinkSpec) *pair {
	t.Helper()
	p := &pair{w: New(1)}
	t.Cleanup(p.w.Close)
	spec.Name = "wire"
	w, err := p.w.Link(spec, p.w.Node("a"), p.w.Node("b"))
	if err != nil {
		t.Fatal(err)
	}
	p.wire = w.(*wire)
	p.ends = p.wire.ends
	for i, e := range p.ends {
		p.user[i] = &counter{w: p.w}
		e.port.Attach(p.user[i])
	}
	return p
}

// send sends n frames of size bytes from end 0 and returns how many were taken.
func (p *pair) send(t testing.TB, n, size int) (taken int) {
	t.Helper()
	for range n {
		b := p.w.pool.Get(0, size)
		switch err := p.ends[0].port.Send(b, core.Addr{}); {
		case err == nil:
			taken++
		case errors.Is(err, core.ErrWouldBlock):
			b.Release()
			return taken
		default:
			t.Fatal(err)
		}
	}
	return taken
}

// settle runs until the condition holds.
func (p *pair) settle(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for range 5000 {
		if cond() {
			return
		}
		run(t, p.w, time.Millisecond)
	}
	t.Fatalf("not after 5 s: %s", what)
}

func TestKindsAndSizesThatSocketsCannotCarryAreRefused(t *testing.T) {
	w := New(1)
	defer w.Close()
	a, b := w.Node("a"), w.Node("b")
	for _, c := range []struct {
		spec core.LinkSpec
		want string
	}{
		{core.LinkSpec{Name: "x", Kind: core.LinkDirect}, `link "x": kind direct: accepted in live mode are ethernet and datagram`},
		{core.LinkSpec{Name: "x", MTU: 65500}, `link "x": mtu: 65500: accepted in live mode is 1 to 65493`},
		{core.LinkSpec{Name: "x", Kind: core.LinkDatagram, MTU: 65508}, "1 to 65507"},
		{core.LinkSpec{Name: "x", Loss: 2}, "loss"},
	} {
		if _, err := w.Link(c.spec, a, b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.spec, err, c.want)
		}
	}
	other := New(1)
	defer other.Close()
	if _, err := w.Link(core.LinkSpec{}, a, other.Node("b")); err == nil {
		t.Error("a link to a node of another world is accepted")
	}
}

// TestTheSocketHoldsBackABurst holds that a full socket blocks, that it wakes the sender once for each
// refusal, and that
// nothing is lost in the kernel.
func TestTheSocketHoldsBackABurst(t *testing.T) {
	p := newPair(t, core.LinkSpec{QueuePackets: 10, Block: true})
	p.ends[0].budget = 4 * bufferCost(1000) // as if the socket were small
	sent := p.send(t, 1000, 1000)
	if sent < 4 || sent > 100 {
		t.Errorf("%d frames were taken by 4 places in the kernel and a queue of 10", sent)
	}
	p.settle(t, "the sender is woken", func() bool { return p.user[0].writable == 1 })
	refused := 1
	more := p.send(t, 5, 1000)
	if more < 5 {
		refused++ // the other end has read too little by then
	}
	sent += more
	p.settle(t, "all frames arrive", func() bool { return p.user[1].packets == sent })
	p.settle(t, "the sender is woken again", func() bool { return p.user[0].writable >= refused })
	if st := p.wire.Stats(0); st.DeliveredPackets != uint64(sent) || st.DropQueue != 0 || p.user[0].writable != refused {
		t.Errorf("%d sent: %+v, woken %d times after %d refusals", sent, st, p.user[0].writable, refused)
	}
}

func TestTheSocketDropsWhatExceedsTheQueue(t *testing.T) {
	p := newPair(t, core.LinkSpec{QueuePackets: 10})
	p.ends[0].budget = 4 * bufferCost(1000)
	if n := p.send(t, 1000, 1000); n != 1000 {
		t.Errorf("%d frames were taken of 1000: a link that does not block takes all", n)
	}
	p.settle(t, "every frame is accounted for", func() bool {
		st := p.wire.Stats(0)
		return st.DeliveredPackets == uint64(p.user[1].packets) && st.DeliveredPackets+st.DropQueue == 1000
	})
	if st := p.wire.Stats(0); st.DropQueue == 0 || st.DeliveredPackets < 14 {
		t.Errorf("%+v", st)
	}
}

// TestFramesLostInTheKernelDoNotStopTheLink makes the receive buffer smaller than its budget says.
func TestFramesLostInTheKernelDoNotStopTheLink(t *testing.T) {
	p := newPair(t, core.LinkSpec{QueuePackets: 5000})
	if err := unix.SetsockoptInt(p.ends[1].sock.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1); err != nil {
		t.Fatal(err)
	}
	p.send(t, 500, 1000)
	p.settle(t, "the lost frames are counted", func() bool {
		st := p.wire.Stats(0)
		return st.DropQueue > 0 && st.DropQueue+uint64(p.user[1].packets) == 500
	})
	before := p.user[1].packets
	p.send(t, 1, 1000)
	p.settle(t, "a frame passes", func() bool { return p.user[1].packets == before+1 })
}

// TestTheLargestFramePasses also through a socket that has room for nothing else.
func TestTheLargestFramePasses(t *testing.T) {
	p := newPair(t, core.LinkSpec{MTU: maxDatagram - etherHeader})
	p.ends[0].budget = 1
	p.send(t, 3, maxDatagram)
	p.settle(t, "all frames arrive", func() bool { return p.user[1].packets == 3 })
	b := p.w.pool.Get(0, maxDatagram+1)
	if err := p.ends[0].port.Send(b, core.Addr{}); !errors.Is(err, core.ErrMsgSize) {
		t.Errorf("a frame beyond the MTU: %v, want %v", err, core.ErrMsgSize)
	}
}

func TestADatagramToAStrangerIsLost(t *testing.T) {
	p := newPair(t, core.LinkSpec{Kind: core.LinkDatagram})
	if err := p.ends[0].port.Send(p.w.pool.Get(0, 10), p.ends[0].port.Info().Addr); err != nil {
		t.Error(err)
	}
	if err := p.ends[0].port.Send(p.w.pool.Get(0, 10), p.ends[1].port.Info().Addr); err != nil {
		t.Error(err)
	}
	p.settle(t, "one arrives, one is lost", func() bool {
		st := p.wire.Stats(0)
		return p.user[1].packets == 1 && st.SentPackets == 2 && st.DropLoss == 1
	})
}

// TestWhatWaitedForTheSocketIsWritten follows the path that a full socket takes: loopback sockets never
// are, so the wait is begun by hand.
func TestWhatWaitedForTheSocketIsWritten(t *testing.T) {
	p := newPair(t, core.LinkSpec{})
	p.ends[0].waiting = true
	p.send(t, 3, 100)
	run(t, p.w, 2*time.Millisecond)
	if p.user[1].packets != 0 || p.ends[0].port.Queued() != 3 {
		t.Errorf("%d packets were written to a full socket, %d are queued", p.user[1].packets, p.ends[0].port.Queued())
	}
	if err := p.ends[0].sock.watcher.awaitRoom(); err != nil {
		t.Fatal(err)
	}
	p.settle(t, "the packets arrive", func() bool { return p.user[1].packets == 3 })
}

func TestASocketThatFailsEndsTheRun(t *testing.T) {
	p := newPair(t, core.LinkSpec{})
	none, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = none.Close() }()
	if err := unix.Dup3(int(none.Fd()), p.ends[1].sock.fd, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	p.w.post(nil, p.ends[1].readable)
	if err := p.w.Run(p.w.Now().Add(10 * time.Second)); !errors.Is(err, unix.ENOTSOCK) {
		t.Errorf("Run: %v, want %v", err, unix.ENOTSOCK)
	}
}

// TestAPhantomPayloadArrivesAsZeros holds that a socket stores what the simulator only counts.
func TestAPhantomPayloadArrivesAsZeros(t *testing.T) {
	p := newPair(t, core.LinkSpec{})
	if err := p.ends[0].port.Send(p.w.pool.GetPhantom(0, 14, 1000), core.Addr{}); err != nil {
		t.Fatal(err)
	}
	p.settle(t, "the frame arrives", func() bool { return p.user[1].packets == 1 })
	if st := p.wire.Stats(0); st.DeliveredBytes != 1014 {
		t.Errorf("%+v", st)
	}
}

// BenchmarkLink sends frames of 1000 bytes over loopback and waits for them in bursts of a batch.
func BenchmarkLink(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(1000)
	p := newPair(b, core.LinkSpec{})
	frames := 0
	for b.Loop() {
		p.send(b, 1, 1000)
		if frames++; frames%batchSize == 0 {
			p.user[1].want = frames
			run(b, p.w, 10*time.Second)
			p.w.halt.Store(false)
		}
	}
}
