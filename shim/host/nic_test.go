package host

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/internal/netns"
)

const ourType = 0xA000

// station records what a NIC tells it.
type station struct {
	nic      *NIC
	frames   [][]byte
	states   []bool
	writable int
	keep     int // frames whose bytes are kept, at most
	got      int
	receive  func(p *pkt.Buf) // instead
}

func (s *station) Receive(p *pkt.Buf, from core.Addr) {
	s.got++
	if s.receive != nil {
		s.receive(p)
		return
	}
	if want := core.MACFrom(p.Bytes()[6:]); from != want {
		panic(fmt.Sprintf("frame of %v said to be from %v", want, from))
	}
	if len(s.frames) < s.keep {
		s.frames = append(s.frames, bytes.Clone(p.Bytes()))
	}
	p.Release()
}
func (s *station) Writable() { s.writable++ }
func (s *station) LinkState(up bool) {
	if s.nic.Info().Up != up {
		panic("Info disagrees with LinkState")
	}
	s.states = append(s.states, up)
}

// lan is two nodes of a world with a NIC each, in namespaces that a veth pair joins.
type lan struct {
	t    testing.TB
	w    *World
	ns   []*netns.Namespace
	env  [2]core.Env
	nic  [2]*NIC
	user [2]*station
}

func newLAN(t testing.TB, etherType uint16, mtu int) *lan {
	t.Helper()
	l := &lan{t: t, ns: netns.ForTest(t, 2), w: New(1)}
	t.Cleanup(l.w.Close)
	if err := netns.Veth(l.ns[0], "eth0", l.ns[1], "eth0", netns.VethOptions{MTU: mtu}); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"a", "b"} {
		l.env[i] = l.w.Node(name)
		l.nic[i] = l.open(i, EthernetConfig{Device: "eth0", EtherType: etherType})
		l.user[i] = &station{nic: l.nic[i], keep: 100}
		l.nic[i].Attach(l.user[i])
	}
	l.until("both ends are up", func() bool { return l.nic[0].Info().Up && l.nic[1].Info().Up })
	for _, u := range l.user {
		u.states = nil
	}
	return l
}

// open opens a NIC in namespace i.
func (l *lan) open(i int, cfg EthernetConfig) (n *NIC) {
	l.t.Helper()
	l.in(i, func() (err error) {
		n, err = l.w.Ethernet(l.env[i], cfg)
		return err
	})
	return n
}

// in runs fn in namespace i.
func (l *lan) in(i int, fn func() error) {
	l.t.Helper()
	if err := l.ns[i].Do(fn); err != nil {
		l.t.Fatal(err)
	}
}

// must ends the test on an error.
func (l *lan) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// until runs the world until the condition holds.
func (l *lan) until(what string, cond func() bool) {
	l.t.Helper()
	for range 10000 {
		if cond() {
			return
		}
		run(l.t, l.w, time.Millisecond)
	}
	l.t.Fatalf("not after 10 s: %s", what)
}

// frame is a frame from i to the given station, with n bytes behind the type field, each of value fill.
func (l *lan) frame(i int, to core.Addr, etherType uint16, n int, fill byte) []byte {
	dst, src := to.MAC(), l.nic[i].Info().Addr.MAC()
	f := append(append(dst[:], src[:]...), byte(etherType>>8), byte(etherType))
	return append(f, bytes.Repeat([]byte{fill}, n)...)
}

// send sends a frame by the NIC of node i, as a call on the actor.
func (l *lan) send(i int, frame []byte) (err error) {
	l.t.Helper()
	done := false
	l.env[i].Post(func() {
		p := l.w.pool.GetCopy(0, frame)
		if err = l.nic[i].Send(p, core.Addr{}); errors.Is(err, core.ErrWouldBlock) {
			p.Release()
		}
		done = true
	})
	l.until("the call runs", func() bool { return done })
	return err
}

// alien opens a packet socket in namespace i that has nothing to do with the world.
func (l *lan) alien(i int) (fd int) {
	l.t.Helper()
	l.in(i, func() error {
		dev, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: 0x0300, Ifindex: dev.Index})
	})
	l.t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

func (l *lan) released() {
	l.t.Helper()
	l.until("all packets released", func() bool { return l.w.pool.Live() == 0 })
}

// Spec 01 §3.2: frames pass whole, unicast and broadcast, from the shortest to the MTU.
func TestNICCarriesFrames(t *testing.T) {
	l := newLAN(t, ourType, 1500)
	info := l.nic[1].Info()
	if info.Kind != core.LinkEthernet || info.MTU != 1500 || !info.Up || info.Addr == l.nic[0].Info().Addr {
		t.Errorf("info %+v", info)
	}
	var want [][]byte
	for i, n := range []int{0, 1, 46, 47, 1000, 1499, 1500} {
		to := info.Addr
		if i%2 == 1 {
			to = core.BroadcastMAC
		}
		f := l.frame(0, to, ourType, n, byte(i))
		want = append(want, f)
		l.must(l.send(0, f))
	}
	l.until("all frames arrive", func() bool { return l.user[1].got == len(want) })
	for i, f := range want {
		if !bytes.Equal(l.user[1].frames[i], f) {
			t.Errorf("frame %d of %d bytes arrived with %d bytes, or others", i, len(f), len(l.user[1].frames[i]))
		}
	}
	total := 0
	for _, f := range want {
		total += len(f)
	}
	sent, got := l.nic[0].Stats(), l.nic[1].Stats()
	if sent.Sent != uint64(len(want)) || sent.SentBytes != uint64(total) || got.Received != sent.Sent || got.ReceivedBytes != sent.SentBytes {
		t.Errorf("sender %+v, receiver %+v", sent, got)
	}
	l.released()
}

// Foreign frames are dropped by the filter in the kernel: other types, other stations, VLAN tags, our own
// frames. Nothing of them reaches this process.
func TestNICFilter(t *testing.T) {
	l := newLAN(t, ourType, 1500)
	self, other := l.nic[1].Info().Addr, core.MACAddr([6]byte{2, 9, 9, 9, 9, 9})
	fd := l.alien(0)
	tagged := l.frame(0, self, 0x8100, 50, 1)
	copy(tagged[14:], []byte{0, 5, ourType >> 8, ourType & 0xFF})
	for _, f := range [][]byte{
		l.frame(0, self, 0x0800, 50, 1), l.frame(0, self, ourType+1, 50, 1), l.frame(0, self, 0x0040, 64, 1),
		l.frame(0, other, ourType, 50, 1), l.frame(0, core.MACAddr([6]byte{1, 0, 0x5e, 0, 0, 1}), ourType, 50, 1),
		tagged, l.frame(0, core.BroadcastMAC, 0x0806, 50, 1),
	} {
		if _, err := unix.Write(fd, f); err != nil {
			t.Fatal(err)
		}
	}
	last := l.frame(0, self, ourType, 50, 7)
	if _, err := unix.Write(fd, last); err != nil {
		t.Fatal(err)
	}
	l.until("our frame arrives", func() bool { return l.user[1].got > 0 })
	st := l.nic[1].Stats()
	if l.user[1].got != 1 || !bytes.Equal(l.user[1].frames[0], last) || st.Received != 1 || st.Unheard+st.Oversize+st.Runts+st.RingDrops != 0 {
		t.Errorf("%d frames reached the user, stats %+v", l.user[1].got, st)
	}
	if seen, err := unix.GetsockoptTpacketStats(l.nic[1].fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err != nil || seen.Packets > 1 {
		t.Errorf("%d frames passed the filter, want 1 (%v)", seen.Packets, err)
	}
	if l.user[0].got != 0 {
		t.Errorf("the sender received %d of its own frames", l.user[0].got)
	}
}

// Spec 01 §4.2: LLC frames have a length where others have a type.
func TestNICTakesLLCFrames(t *testing.T) {
	l := newLAN(t, 0, 1500)
	self := l.nic[1].Info().Addr
	long := l.frame(0, self, 0x05DC, 1500, 0x42)
	for _, f := range [][]byte{l.frame(0, self, 0x0800, 50, 0x42), l.frame(0, self, 0x0600, 50, 0x42), long} {
		l.must(l.send(0, f))
	}
	l.until("the LLC frame arrives", func() bool { return l.user[1].got > 0 })
	if l.user[1].got != 1 || !bytes.Equal(l.user[1].frames[0], long) {
		t.Errorf("received %d frames, want the one with a length", l.user[1].got)
	}
}

// A frame beyond the MTU is refused by the sender and dropped by the receiver, each counted.
func TestNICDropsOversize(t *testing.T) {
	l := newLAN(t, ourType, 1500)
	self := l.nic[1].Info().Addr
	var size core.SizeError
	if err := l.send(0, l.frame(0, self, ourType, 1501, 1)); !errors.As(err, &size) || size.MTU != 1514 || size.Len != 1515 {
		t.Errorf("Send beyond the MTU: %v", err)
	}
	// The interface of the sender takes more; veth hands on what its peer's MTU and a VLAN header allow.
	l.must(l.ns[0].SetMTU("eth0", 1504))
	l.until("the MTU is known", func() bool { return l.nic[0].Info().MTU == 1504 })
	l.must(l.send(0, l.frame(0, self, ourType, 1504, 1)))
	l.must(l.send(0, l.frame(0, self, ourType, 100, 1)))
	l.until("the last frame arrives", func() bool { return l.user[1].got > 0 })
	if st := l.nic[1].Stats(); l.user[1].got != 1 || st.Oversize != 1 {
		t.Errorf("%d frames received, stats %+v: want one dropped", l.user[1].got, st)
	}
	if st := l.nic[0].Stats(); st.SendOversize != 1 {
		t.Errorf("sender %+v", st)
	}
	l.released()
}

// Spec 01 §3.8: the administrative state is told, and so is the carrier: here a far end that is down.
func TestNICFollowsTheState(t *testing.T) {
	l := newLAN(t, ourType, 1500)
	l.must(l.ns[0].SetUp("eth0", false))
	l.until("both ends see it", func() bool { return !l.nic[0].Info().Up && !l.nic[1].Info().Up })
	if err := l.nic[0].Err(); !errors.Is(err, errAdminDown) {
		t.Errorf("the end that was taken down says: %v", err)
	}
	if err := l.nic[1].Err(); !errors.Is(err, errNoCarrier) {
		t.Errorf("the other end says: %v", err)
	}
	if err := l.send(0, l.frame(0, core.BroadcastMAC, ourType, 50, 1)); !errors.Is(err, core.ErrFlowDown) {
		t.Errorf("Send on a link that is down: %v", err)
	}
	l.must(l.ns[0].SetUp("eth0", true))
	l.until("both ends are up again", func() bool { return l.nic[0].Info().Up && l.nic[1].Info().Up })
	for i, u := range l.user {
		if !slices.Equal(u.states, []bool{false, true}) || l.nic[i].Err() != nil {
			t.Errorf("end %d was told %v, error %v", i, u.states, l.nic[i].Err())
		}
	}
	l.must(l.send(0, l.frame(0, core.BroadcastMAC, ourType, 50, 1)))
	l.until("a frame passes", func() bool { return l.user[1].got == 1 })
	if st := l.nic[0].Stats(); st.SendDown != 1 {
		t.Errorf("stats %+v", st)
	}
	l.released()
}

// MTU and address follow the interface, each told by LinkState; the ring grows with the MTU.
func TestNICFollowsMTUAndAddress(t *testing.T) {
	l := newLAN(t, ourType, 1500)
	for i := range l.ns {
		l.must(l.ns[i].SetMTU("eth0", 9000))
	}
	l.until("the MTU is known", func() bool { return l.nic[0].Info().MTU == 9000 && l.nic[1].Info().MTU == 9000 })
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 77}
	l.must(l.ns[1].SetMAC("eth0", mac))
	want := core.MACAddr([6]byte(mac))
	l.until("the address is known", func() bool { return l.nic[1].Info().Addr == want })
	if !slices.Equal(l.user[1].states, []bool{true, true}) {
		t.Errorf("told %v, want a call for each change", l.user[1].states)
	}
	f := l.frame(0, want, ourType, 9000, 3)
	l.must(l.send(0, f))
	l.until("a frame of the new size to the new address arrives", func() bool { return l.user[1].got == 1 })
	if !bytes.Equal(l.user[1].frames[0], f) {
		t.Error("the frame was damaged")
	}
}

// An interface that is removed takes the link down with an error; one of the same name brings it back.
func TestNICSurvivesRemoval(t *testing.T) {
	l := newLAN(t, ourType, 1500)
	l.must(l.ns[0].Delete("eth0"))
	l.until("both ends are down", func() bool { return !l.nic[0].Info().Up && !l.nic[1].Info().Up })
	for i, n := range l.nic {
		if !errors.Is(n.Err(), errRemoved) {
			t.Errorf("end %d: %v", i, n.Err())
		}
	}
	run(t, l.w, 5*time.Millisecond) // nothing turns round and round
	l.must(netns.Veth(l.ns[0], "eth0", l.ns[1], "eth0", netns.VethOptions{MTU: 1500}))
	l.until("both ends are up", func() bool { return l.nic[0].Info().Up && l.nic[1].Info().Up })
	l.must(l.send(0, l.frame(0, l.nic[1].Info().Addr, ourType, 50, 1)))
	l.until("a frame passes", func() bool { return l.user[1].got == 1 })
	if first, last := l.user[0].states[0], l.user[0].states[len(l.user[0].states)-1]; first || !last {
		t.Errorf("told %v", l.user[0].states)
	}
}

// A flood that is faster than the actor costs frames, which are counted, and nothing else: service goes on
// afterwards and every buffer comes back.
func TestNICSurvivesAFlood(t *testing.T) {
	l := newLAN(t, ourType, 1500)
	fd := l.alien(0)
	f := l.frame(0, l.nic[1].Info().Addr, ourType, 50, 1)
	l.user[1].keep = 0
	const flood = 20000 // the actor does not run meanwhile
	for range flood {
		if _, err := unix.Write(fd, f); err != nil && !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, unix.EAGAIN) {
			t.Fatal(err)
		}
	}
	l.until("the ring is empty", func() bool { return l.nic[1].ring.peek() == nil })
	st := l.nic[1].Stats()
	if slots := len(l.nic[1].ring.slots); st.Received < uint64(slots) || st.RingDrops == 0 || st.Received+st.RingDrops > flood {
		t.Errorf("of %d frames %d received, %d dropped by the ring of %d", flood, st.Received, st.RingDrops, slots)
	}
	if peak := l.w.pool.Peak(); peak > nicTurn {
		t.Errorf("%d buffers were out at one time: the flood was taken in", peak)
	}
	got := l.user[1].got
	l.must(l.send(0, f))
	l.until("service goes on", func() bool { return l.user[1].got > got })
	l.released()
}

// A frame that comes before a user attaches is dropped and counted.
func TestNICWithoutUser(t *testing.T) {
	l := newLAN(t, ourType, 1500)
	l.nic[1].Attach(nil)
	l.must(l.send(0, l.frame(0, core.BroadcastMAC, ourType, 50, 1)))
	l.until("the frame is counted", func() bool { return l.nic[1].Stats().Unheard == 1 })
	l.released()
}

// A queue that is full holds the sender back, loses nothing, and wakes it once. The socket is the bottleneck:
// it is not written to while it waits.
func TestNICHoldsBackTheSender(t *testing.T) {
	l := newLAN(t, ourType, 1500)
	f := l.frame(0, l.nic[1].Info().Addr, ourType, 50, 1)
	taken := 0
	l.env[0].Post(func() {
		l.nic[0].waiting = true // as after EAGAIN
		for {
			p := l.w.pool.GetCopy(0, f)
			if err := l.nic[0].Send(p, core.Addr{}); err != nil {
				if !errors.Is(err, core.ErrWouldBlock) {
					t.Error(err)
				}
				p.Release()
				break
			}
			taken++
		}
		if q := l.nic[0].Queued(); q != taken || taken != outletQueue {
			t.Errorf("%d frames taken, %d queued, want %d", taken, q, outletQueue)
		}
		if err := l.nic[0].watcher.awaitRoom(); err != nil {
			t.Error(err)
		}
	})
	l.until("all arrive", func() bool { return taken > 0 && l.user[1].got == taken })
	l.until("the sender is woken", func() bool { return l.user[0].writable > 0 })
	run(t, l.w, 2*time.Millisecond)
	if l.user[0].writable != 1 || l.nic[0].Queued() != 0 {
		t.Errorf("woken %d times, %d queued", l.user[0].writable, l.nic[0].Queued())
	}
	l.released()
}

// The frames of a turn are no queue while the kernel takes what it is given: a burst that goes out at the end of the
// turn must not be marked as congestion (spec 06, 16 packets that wait are a level).
func TestNICBurstsAreNoQueue(t *testing.T) {
	l := newLAN(t, ourType, 1500)
	f := l.frame(0, l.nic[1].Info().Addr, ourType, 50, 1)
	const burst = 31 // fewer than are written at once
	l.env[0].Post(func() {
		for range burst {
			l.must(l.nic[0].Send(l.w.pool.GetCopy(0, f), core.Addr{}))
		}
		if n, q := l.nic[0].out.n, l.nic[0].Queued(); n == 0 || q != 0 {
			t.Errorf("%d frames go out at the end of the turn, %d are queued, want some and 0", n, q)
		}
	})
	l.until("all arrive", func() bool { return l.user[1].got == burst })
	l.released()
}

// A queue below the socket that is full is waited for; a frame that the kernel refuses is dropped.
func TestNICErrorsOfTheKernel(t *testing.T) {
	l := newLAN(t, ourType, 1500)
	f := l.frame(0, l.nic[1].Info().Addr, ourType, 50, 1)
	l.env[0].Post(func() {
		n := l.nic[0]
		push := func() { n.out.push(l.w.pool.GetCopy(0, f)) }
		push()
		n.refused(unix.ENOBUFS) // it stays, and is sent after a while
		for _, err := range []error{unix.EMSGSIZE, unix.ENETDOWN, unix.EIO} {
			push()
			n.refused(err)
		}
	})
	l.until("the frame that was kept arrives", func() bool { return l.user[1].got == 1 })
	if st := l.nic[0].Stats(); st.Waits != 1 || st.SendErrors != 2 || st.SendOversize != 1 || st.Sent != 1 {
		t.Errorf("stats %+v", st)
	}
	l.released()
}

// The link of a killed node is silent, and so is one that was closed.
func TestNICEnds(t *testing.T) {
	l := newLAN(t, ourType, 1500)
	l.w.Kill("b")
	l.must(l.send(0, l.frame(0, core.BroadcastMAC, ourType, 50, 1)))
	run(t, l.w, 5*time.Millisecond)
	if l.user[1].got != 0 || len(l.user[1].states) != 0 || l.nic[1].Info().Up {
		t.Errorf("the killed node received %d frames, was told %v", l.user[1].got, l.user[1].states)
	}
	l.nic[0].Close()
	l.nic[0].Close()
	p := l.w.pool.Get(0, 60)
	if err := l.nic[0].Send(p, core.Addr{}); !errors.Is(err, core.ErrFlowDown) {
		t.Errorf("Send on a closed link: %v", err)
	}
	l.nic[0].Stats()
	l.released()
	if _, err := l.w.Revive("b"); err != nil {
		t.Fatal(err)
	}
}

// A user may close the link while it receives.
func TestNICClosedByItsUser(t *testing.T) {
	l := newLAN(t, ourType, 1500)
	l.user[1].receive = func(p *pkt.Buf) {
		p.Release()
		l.nic[1].Close()
	}
	f := l.frame(0, core.BroadcastMAC, ourType, 50, 1)
	l.env[0].Post(func() {
		for range 10 {
			l.must(l.nic[0].Send(l.w.pool.GetCopy(0, f), core.Addr{}))
		}
	})
	l.until("a frame arrives", func() bool { return l.user[1].got > 0 })
	run(t, l.w, 5*time.Millisecond)
	if l.user[1].got != 1 {
		t.Errorf("%d frames after the end", l.user[1].got-1)
	}
	l.released()
}

// A link that cannot be is refused with a reason that helps.
func TestNICErrors(t *testing.T) {
	ns := netns.ForTest(t, 2)
	if err := netns.Veth(ns[0], "eth0", ns[1], "eth1", netns.VethOptions{}); err != nil {
		t.Fatal(err)
	}
	w := New(1)
	defer w.Close()
	env := w.Node("n")
	for _, c := range []struct {
		cfg  EthernetConfig
		want string
	}{
		{EthernetConfig{Device: "eth0", EtherType: 0x05FF}, "ethertype 0x05FF: accepted are 0x0600 to 0xFFFE"},
		{EthernetConfig{Device: "eth0", EtherType: 0xFFFF}, "ethertype 0xFFFF"},
		{EthernetConfig{EtherType: ourType}, "device: no name"},
		{EthernetConfig{Device: "eth1", EtherType: ourType}, `ethernet device "eth1": the interface does not exist; there are: eth0, lo`},
	} {
		if err := ns[0].Do(func() error { _, err := w.Ethernet(env, c.cfg); return err }); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.cfg, err, c.want)
		}
	}
	other := New(1)
	defer other.Close()
	if _, err := w.Ethernet(other.Node("x"), EthernetConfig{Device: "lo"}); err == nil || !strings.Contains(err.Error(), "no component of a living node") {
		t.Errorf("a node of another world: %v", err)
	}
	other.Close()
	if _, err := other.Ethernet(other.Node("y"), EthernetConfig{Device: "lo"}); !errors.Is(err, errClosed) {
		t.Errorf("a closed world: %v", err)
	}
}

// Spec 01 §3.7: at most 9000 bytes on the loopback interface, whose own MTU is 65536. What is sent to its
// address comes back.
func TestNICOnLoopback(t *testing.T) {
	ns := netns.ForTest(t, 1)[0]
	w := New(1)
	defer w.Close()
	env := w.Node("n")
	var n *NIC
	if err := ns.Do(func() (err error) {
		n, err = w.Ethernet(env, EthernetConfig{Device: "lo", EtherType: ourType})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if info := n.Info(); info.MTU != 9000 || !info.Up {
		t.Errorf("info %+v", info)
	}
	l := &lan{t: t, w: w, env: [2]core.Env{env}, nic: [2]*NIC{n}}
	u := &station{nic: n, keep: 1}
	n.Attach(u)
	f := l.frame(0, n.Info().Addr, ourType, 9000, 5)
	l.must(l.send(0, f))
	l.until("the frame comes back", func() bool { return u.got == 1 })
	if !bytes.Equal(u.frames[0], f) {
		t.Error("it was damaged")
	}
	l.released()
}

// Without the capability the error says which one is missing, and what for.
func TestNICNeedsCapability(t *testing.T) {
	if os.Getenv("HOST_TEST_UNPRIVILEGED") != "" {
		w := New(1)
		defer w.Close()
		_, err := w.Ethernet(w.Node("n"), EthernetConfig{Device: "lo", EtherType: ourType})
		fmt.Printf("got: %v\n", err)
		return
	}
	ns := netns.ForTest(t, 1)[0]
	cmd := ns.Command("/proc/self/exe", "-test.run", "^TestNICNeedsCapability$")
	cmd.Env = append(os.Environ(), "HOST_TEST_UNPRIVILEGED=1")
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "CAP_NET_RAW") {
		t.Errorf("without the capability: %v\n%s", err, out)
	}
}
