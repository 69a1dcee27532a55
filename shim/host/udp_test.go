package host

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// udpUser is the user of a port that notes what it receives.
type udpUser struct {
	w      *World
	got    [][]byte
	from   []core.Addr
	want   int // packets until the world stops
	onGot  func(p *pkt.Buf, from core.Addr)
	wakes  int
	onRoom func()
}

func (u *udpUser) Receive(p *pkt.Buf, from core.Addr) {
	u.got, u.from = append(u.got, bytes.Clone(p.Bytes())), append(u.from, from)
	if u.onGot != nil {
		u.onGot(p, from)
	}
	p.Release()
	if len(u.got) == u.want {
		u.w.Stop()
	}
}

func (u *udpUser) Writable() {
	if u.wakes++; u.onRoom != nil {
		u.onRoom()
	}
}
func (u *udpUser) LinkState(bool) {}

// udpPorts is a world with ports on the loopback interface.
type udpPorts struct {
	t     testing.TB
	w     *World
	ports []*UDPPort
	users []*udpUser
}

func newUDPPorts(t testing.TB, cfgs ...UDPConfig) *udpPorts {
	t.Helper()
	x := &udpPorts{t: t, w: New(1)}
	t.Cleanup(func() {
		x.w.Close()
		if n := x.w.Pool().Live(); n != 0 {
			t.Errorf("%d packets are out", n)
		}
	})
	for i, cfg := range cfgs {
		u, err := x.w.UDP(x.w.Node(string(rune('a'+i))), cfg)
		if err != nil {
			t.Fatal(err)
		}
		user := &udpUser{w: x.w}
		u.Attach(user)
		x.ports, x.users = append(x.ports, u), append(x.users, user)
	}
	return x
}

func loopback4() UDPConfig { return UDPConfig{Local: netip.MustParseAddrPort("127.0.0.1:0")} }
func loopback6() UDPConfig { return UDPConfig{Local: netip.MustParseAddrPort("[::1]:0")} }

func (x *udpPorts) addr(i int) core.Addr { return x.ports[i].Info().Addr }

func (x *udpPorts) send(from int, to core.Addr, data []byte) error {
	p := x.w.pool.GetCopy(0, data)
	err := x.ports[from].Send(p, to)
	if errors.Is(err, core.ErrWouldBlock) {
		p.Release()
	}
	return err
}

// until runs the world until a condition holds.
func (x *udpPorts) until(what string, cond func() bool) {
	x.t.Helper()
	for end := time.Now().Add(10 * time.Second); !cond(); {
		if time.Now().After(end) {
			x.t.Fatalf("after 10 s still not: %s", what)
		}
		x.run(time.Millisecond)
	}
}

func (x *udpPorts) run(d time.Duration) {
	x.t.Helper()
	if err := x.w.Run(x.w.Now().Add(d)); err != nil {
		x.t.Fatal(err)
	}
}

// pattern is a datagram of n bytes that can be told from others.
func pattern(seq, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(seq + i*7)
	}
	if n >= 4 {
		binary.BigEndian.PutUint32(b, uint32(seq))
	}
	return b
}

// One socket carries everything to and from all peers (spec 01 §5.2): datagrams of every size arrive whole,
// in order, with the address of their sender, whether or not the kernel merges them on the way.
func TestUDPCarriesDatagrams_01_5_2(t *testing.T) {
	for name, cfg := range map[string]UDPConfig{"ipv4": loopback4(), "ipv6": loopback6()} {
		for _, plain := range []bool{false, true} {
			cfg.NoOffload = plain
			x := newUDPPorts(t, cfg, cfg, cfg)
			sizes := []int{1200, 1200, 1200, 1200, 300, 0, 1200, 1, 1, 1, 8900, 8900, 8900, 0, 0, 4}
			var sent [3][][]byte
			for seq := range 160 {
				to := []int{1, 1, 2, 1, 2}[seq/8%5]
				data := pattern(seq, sizes[seq%len(sizes)])
				if err := x.send(0, x.addr(to), data); err != nil {
					t.Fatal(err)
				}
				sent[to] = append(sent[to], data)
			}
			x.until("all arrive", func() bool { return len(x.users[1].got)+len(x.users[2].got) == 160 })
			for i, u := range x.users {
				for k, got := range u.got {
					if !bytes.Equal(got, sent[i][k]) || u.from[k] != x.addr(0) {
						t.Fatalf("%s: datagram %d at %d: %d bytes from %v, want %d from %v", name, k, i, len(got), u.from[k], len(sent[i][k]), x.addr(0))
					}
				}
			}
			st := x.ports[0].Stats()
			if st.Sent != 160 || plain && (st.Segments || st.Merges || st.Split != 0) {
				t.Errorf("%s: %+v", name, st)
			}
			if !plain && st.Segments != (st.Split > 0) {
				t.Errorf("%s: the kernel splits datagrams: %v; %d were split", name, st.Segments, st.Split)
			}
			if st := x.ports[1].Stats(); st.Received != uint64(len(sent[1])) || st.Merges != (st.Merged > 0) {
				t.Errorf("%s: %+v", name, st)
			}
		}
	}
}

// A run is datagrams of one size to one address; the last may be shorter, none is empty, and a run is no
// longer than the kernel takes.
func TestRunsOfDatagrams(t *testing.T) {
	a, b := core.IPAddr(netip.MustParseAddrPort("192.0.2.1:1")), core.IPAddr(netip.MustParseAddrPort("192.0.2.1:2"))
	repeat := func(n, size int) (l []int) {
		for range n {
			l = append(l, size)
		}
		return l
	}
	for _, c := range []struct {
		sizes   []int
		other   int // index from which datagrams go to b
		segment int
		want    []int
	}{
		{[]int{100, 100, 100}, 9, 1400, []int{3}},
		{[]int{100, 100, 50, 100}, 9, 1400, []int{3, 1}},
		{[]int{100, 101}, 9, 1400, []int{1, 1}},
		{[]int{0, 0, 5, 0}, 9, 1400, []int{1, 1, 1, 1}},
		{[]int{100, 100, 100}, 1, 1400, []int{1, 2}},
		{[]int{100, 100, 100}, 9, 99, []int{1, 1, 1}},
		{[]int{100, 100}, 9, 0, []int{1, 1}},
		{repeat(70, 10), 99, 1400, []int{64, 6}},
		{repeat(20, 8000), 99, 8980, []int{8, 8, 4}},
		{repeat(300, 1), 999, 1400, []int{64, 64, 64, 64}}, // the rest goes with the next call
	} {
		w := New(1)
		var q fifo[outgoing]
		for i, n := range c.sizes {
			to := a
			if i >= c.other {
				to = b
			}
			q.push(outgoing{w.pool.Get(0, n), to})
		}
		s := newUDPSender(0, true)
		n := s.pack(&q, c.segment)
		got := s.count[:n]
		if !equal(got, c.want) {
			t.Errorf("sizes %v, %d to another address, segment %d: runs %v, want %v", c.sizes, len(c.sizes)-c.other, c.segment, got, c.want)
		}
		for q.n > 0 {
			q.pop().p.Release()
		}
		w.Close()
	}
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// The address is one of this system and names it to its peers (spec 01 §5.1); what is not accepted is said.
func TestUDPConfigurations_01_5_1(t *testing.T) {
	taken := newUDPPorts(t, loopback4()).addr(0).String()
	w := New(1)
	defer w.Close()
	env := w.Node("n")
	for _, c := range []struct {
		local string
		mtu   int
		says  string
	}{
		{"0.0.0.0:3435", 0, "unspecified"},
		{"[::]:3435", 0, "unspecified"},
		{"224.0.0.1:3435", 0, "multicast"},
		{"255.255.255.255:1", 0, "broadcast"},
		{"[fe80::1]:3435", 0, "fe80::1%eth0"},
		{"[fe80::1%nosuch]:3435", 0, `zone "nosuch"`},
		{"192.0.2.1:3435", 0, "cannot assign requested address"},
		{"127.0.0.1:0", 100, "accepted is 576 to 65507"},
		{"127.0.0.1:0", 65508, "accepted is 576 to 65507"},
		{"[::1]:0", 70000, "accepted is 576 to 65527"},
		{taken, 0, "address already in use"},
	} {
		_, err := w.UDP(env, UDPConfig{Local: netip.MustParseAddrPort(c.local), MTU: c.mtu})
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s, MTU %d: %v; want %q", c.local, c.mtu, err, c.says)
		}
	}
	if _, err := w.UDP(env, UDPConfig{}); err == nil || !strings.Contains(err.Error(), "IPv4 or IPv6 address") {
		t.Errorf("no address: %v", err)
	}
	if len(w.devices) != 0 {
		t.Errorf("%d devices are open", len(w.devices))
	}
	u, err := w.UDP(env, UDPConfig{Local: netip.MustParseAddrPort("[::ffff:127.0.0.1]:0")})
	if err != nil || !u.Info().Addr.AddrPort().Addr().Is4() {
		t.Errorf("an IPv4 address in an IPv6 one: %v", err)
	}
	if got := u.Info(); got.MTU != 8980 || got.Kind != core.LinkDatagram || !got.Up || !got.Shared {
		t.Errorf("%+v", got)
	}
	w.Kill("n")
	if _, err := w.UDP(env, loopback4()); err == nil || u.fd >= 0 {
		t.Errorf("a port of a killed node: %v; descriptor %d", err, u.fd)
	}
}

// What cannot be sent is taken, counted by cause, and answered with an error that says why; the port goes on.
func TestUDPSendErrors(t *testing.T) {
	x := newUDPPorts(t, loopback4(), loopback4())
	for _, c := range []struct {
		to   core.Addr
		n    int
		want error
		at   func(*UDPStats) uint64
	}{
		{x.addr(1), 8981, core.ErrMsgSize, func(s *UDPStats) uint64 { return s.SendOversize }},
		{core.Addr{}, 8, core.ErrInvalid, func(s *UDPStats) uint64 { return s.SendAddress }},
		{core.IPAddr(netip.MustParseAddrPort("[::1]:9")), 8, core.ErrInvalid, func(s *UDPStats) uint64 { return s.SendAddress }},
		{core.IPAddr(netip.MustParseAddrPort("127.0.0.1:0")), 8, nil, func(s *UDPStats) uint64 { return s.SendErrors }},
		{core.IPAddr(netip.MustParseAddrPort("255.255.255.255:9")), 8, nil, func(s *UDPStats) uint64 { return s.SendErrors }},
		{core.IPAddr(netip.MustParseAddrPort("240.0.0.1:9")), 8, nil, func(s *UDPStats) uint64 { return s.SendUnreachable + s.SendErrors }},
	} {
		before := x.ports[0].Stats()
		if err := x.send(0, c.to, pattern(1, c.n)); !errors.Is(err, c.want) {
			t.Errorf("to %v, %d bytes: %v, want %v", c.to, c.n, err, c.want)
		}
		x.run(time.Millisecond)
		after := x.ports[0].Stats()
		if c.at(&after) != c.at(&before)+1 || after.Sent != before.Sent {
			t.Errorf("to %v, %d bytes: counters %+v", c.to, c.n, after)
		}
	}
	// A port where nobody listens: the datagram leaves, and the refusal harms no other.
	closed := newUDPPorts(t, loopback4()).ports[0]
	nobody := closed.Info().Addr
	closed.Close()
	for i := range 20 {
		_ = x.send(0, nobody, pattern(i, 100))
		_ = x.send(0, x.addr(1), pattern(i, 100))
		x.run(time.Millisecond)
	}
	x.until("all arrive", func() bool { return len(x.users[1].got) == 20 })
	x.ports[0].Close()
	if err := x.send(0, x.addr(1), nil); !errors.Is(err, core.ErrFlowDown) {
		t.Errorf("Send on a closed port: %v", err)
	}
}

// Datagrams that are longer than the MTU, or come when nobody listens, are dropped and counted, also those
// that the kernel has merged.
func TestUDPDropsAndCounts(t *testing.T) {
	for _, plain := range []bool{false, true} {
		small := loopback4()
		small.MTU, small.NoOffload = 1000, plain
		x := newUDPPorts(t, loopback4(), small)
		for i := range 12 {
			_ = x.send(0, x.addr(1), pattern(i, 1001))
			_ = x.send(0, x.addr(1), pattern(i, 60000%8980))
		}
		for i := range 10 {
			_ = x.send(0, x.addr(1), pattern(i, 1000))
		}
		x.until("the good ones arrive", func() bool { return len(x.users[1].got) == 10 })
		x.ports[1].Attach(nil)
		x.ports[1].user = nil
		for i := range 10 {
			_ = x.send(0, x.addr(1), pattern(i, 1000))
		}
		x.until("the others are counted", func() bool { return x.ports[1].Stats().Unheard == 10 })
		if st := x.ports[1].Stats(); st.Oversize != 24 || st.Received != 10 {
			t.Errorf("plain %v: %+v", plain, st)
		}
	}
}

// What the kernel drops at a full socket is counted, and the port goes on when the flood ends.
func TestUDPSocketOverflowIsCounted(t *testing.T) {
	x := newUDPPorts(t, loopback4())
	if err := unix.SetsockoptInt(x.ports[0].fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 8192); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("udp4", x.addr(0).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const flood = 1000
	for i := range flood {
		if _, err := c.Write(pattern(i, 64)); err != nil {
			t.Fatal(err)
		}
	}
	x.until("everything is accounted for", func() bool {
		st := x.ports[0].Stats()
		return st.Received+st.SocketDrops == flood
	})
	if st := x.ports[0].Stats(); st.SocketDrops == 0 || st.Received == 0 {
		t.Errorf("%+v", st)
	}
	if _, err := c.Write(pattern(1, 64)); err != nil {
		t.Fatal(err)
	}
	before := len(x.users[0].got)
	x.until("a datagram after the flood arrives", func() bool { return len(x.users[0].got) > before })
}

// A user may close the port while it is handed what has arrived.
func TestUDPClosedByItsUser(t *testing.T) {
	x := newUDPPorts(t, loopback4(), loopback4())
	x.users[1].onGot = func(*pkt.Buf, core.Addr) { x.ports[1].Close() }
	for i := range 100 {
		_ = x.send(0, x.addr(1), pattern(i, 100))
	}
	x.run(20 * time.Millisecond)
	if len(x.users[1].got) != 1 {
		t.Errorf("%d datagrams after Close", len(x.users[1].got)-1)
	}
}

// A killed node gives back what it has sent in the same turn.
func TestUDPOfAKilledNode(t *testing.T) {
	x := newUDPPorts(t, loopback4(), loopback4())
	for i := range 10 {
		_ = x.send(0, x.addr(1), pattern(i, 100))
	}
	x.w.Kill("a")
	if n := x.w.Pool().Live(); n != 0 || x.ports[0].Stats().SendDown != 10 {
		t.Errorf("%d packets are out, %+v", n, x.ports[0].Stats())
	}
	x.run(20 * time.Millisecond)
	if len(x.users[1].got) != 0 {
		t.Errorf("%d datagrams of a killed node", len(x.users[1].got))
	}
}

// The packet path allocates nothing, whether datagrams go alone or in runs.
func TestUDPAllocatesNothing(t *testing.T) {
	for _, plain := range []bool{false, true} {
		cfg := loopback4()
		cfg.NoOffload = plain
		x := newUDPPorts(t, cfg, cfg)
		n := 0
		for _, p := range x.ports {
			p.Attach(sinkFunc(func(p *pkt.Buf, _ core.Addr) { n++; p.Release() }))
		}
		to := x.addr(1)
		turn := func() {
			for range 100 {
				_ = x.ports[0].Send(x.w.pool.Get(0, 1000), to)
			}
			x.ports[0].flush()
			for want := n + 100; n < want; {
				x.ports[1].readable()
			}
		}
		for range 10 {
			turn()
		}
		if a := testing.AllocsPerRun(50, turn); a != 0 {
			t.Errorf("plain %v: %v allocations per 100 datagrams", plain, a)
		}
	}
}

// sinkFunc is a link user that only receives.
type sinkFunc func(p *pkt.Buf, from core.Addr)

func (f sinkFunc) Receive(p *pkt.Buf, from core.Addr) { f(p, from) }
func (sinkFunc) Writable()                            {}
func (sinkFunc) LinkState(bool)                       {}

// FuzzMergedSize holds that no control message leads beyond what was received.
func FuzzMergedSize(f *testing.F) {
	s := newUDPSender(0, true)
	hdr := bytes.Clone((*[24]byte)(unsafe.Pointer(&s.ctls[0]))[:])
	hdr[12] = unix.UDP_GRO
	f.Add(append(hdr, 1, 0, 0, 0), 100)
	f.Add(hdr[:10], 5)
	f.Add([]byte{}, 0)
	f.Fuzz(func(t *testing.T, ctl []byte, n int) {
		if len(ctl) == 0 || n < 0 || n > maxMerged {
			return
		}
		w := New(1)
		defer w.Close()
		total := 0
		u := &UDPPort{info: core.LinkInfo{MTU: 1500}, rx: newUDPReceiver(1500, true)}
		u.init(w, nil, u.dropOutput)
		u.user = sinkFunc(func(p *pkt.Buf, _ core.Addr) { total += p.Len(); p.Release() })
		m := &u.rx.msgs[0]
		m.Len = uint32(n)
		m.Hdr.SetControllen(copy(u.rx.ctls[0][:], ctl))
		u.take(0)
		if total > n || w.pool.Live() != 0 {
			t.Errorf("%d bytes of %d were handed over", total, n)
		}
	})
}
