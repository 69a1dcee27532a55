package host_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"ouroboros/core/pkt"
	"ouroboros/internal/netns"
	"ouroboros/shim/host"
)

// tunUser answers what the system sends on a virtual interface.
type tunUser struct {
	t      *host.Tun
	got    int
	answer func(b []byte) (back bool)
	gone   error
}

func (u *tunUser) Packet(p *pkt.Buf) {
	u.got++
	if u.answer != nil && u.answer(p.Bytes()) {
		u.t.Write(p)
		return
	}
	p.Release()
}
func (u *tunUser) Gone(err error) { u.gone = err }

// tunWorld is a world with a virtual interface in a namespace.
type tunWorld struct {
	w    *host.World
	ns   *netns.Namespace
	user *tunUser
	*host.Tun
}

func newTun(t *testing.T, cfg host.TunConfig) *tunWorld {
	t.Helper()
	x := &tunWorld{w: host.New(1), ns: netns.ForTest(t, 1)[0]}
	t.Cleanup(func() {
		x.w.Close()
		if n := x.w.Pool().Live(); n != 0 {
			t.Errorf("%d packets are out", n)
		}
	})
	must(t, x.ns.Do(func() (err error) {
		x.Tun, err = x.w.Tun(x.w.Node("n"), cfg)
		return err
	}))
	x.user = &tunUser{t: x.Tun}
	x.Attach(x.user)
	return x
}

func (x *tunWorld) until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !cond(); {
		if time.Now().After(end) {
			t.Fatalf("after 10 s still not: %s", what)
		}
		must(t, x.w.Run(x.w.Now().Add(time.Millisecond)))
	}
}

// turnIP makes an IP packet go back to its sender: the addresses change places, which no checksum notices.
func turnIP(b []byte) bool {
	var from, to []byte
	switch {
	case len(b) >= 28 && b[0]>>4 == 4:
		from, to = b[12:16], b[16:20]
	case len(b) >= 48 && b[0]>>4 == 6 && b[6] == 17: // no neighbour discovery
		from, to = b[8:24], b[24:40]
	default:
		return false
	}
	if to[0] >= 224 && b[0]>>4 == 4 {
		return false // multicast
	}
	swap(from, to)
	ports := b[20:24]
	if b[0]>>4 == 6 {
		ports = b[40:44]
	}
	swap(ports[:2], ports[2:])
	return true
}

func swap(a, b []byte) {
	for i := range a {
		a[i], b[i] = b[i], a[i]
	}
}

// dialIn opens a UDP socket in the namespace, connected to an address.
func (x *tunWorld) dialIn(t *testing.T, to string) (c net.Conn) {
	t.Helper()
	must(t, x.ns.Do(func() (err error) {
		c, err = net.Dial("udp", to)
		return err
	}))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// What the system sends to the addresses behind a virtual interface is read as IP packets, and what is written
// the system receives, over IPv4 and IPv6, of every size up to the MTU.
func TestTunCarriesIP(t *testing.T) {
	x := newTun(t, host.TunConfig{MTU: 8976, Headroom: 20, Addrs: []netip.Prefix{
		netip.MustParsePrefix("10.7.0.1/24"), netip.MustParsePrefix("fd07::1/64"),
	}})
	x.user.answer = turnIP
	if x.Name() != "tun0" || x.MTU() != 8976 {
		t.Errorf("name %q, MTU %d", x.Name(), x.MTU())
	}
	for _, to := range []string{"10.7.0.2:7", "[fd07::2]:7"} {
		c := x.dialIn(t, to)
		for _, n := range []int{0, 1, 100, 1400, 8976 - 48} {
			sent := strings.Repeat("x", n)
			_, err := c.Write([]byte(sent))
			must(t, err)
			back := make(chan string, 1)
			go func() {
				buf := make([]byte, 9000)
				must(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
				n, err := c.Read(buf)
				back <- fmt.Sprint(string(buf[:n]), err)
			}()
			var got string
			x.until(t, fmt.Sprintf("%d bytes come back", n), func() bool {
				select {
				case got = <-back:
					return true
				default:
					return false
				}
			})
			if got != sent+"<nil>" {
				t.Errorf("%s: %d bytes came back as %d: %.40s", to, n, len(got), got)
			}
		}
	}
	if st := x.Stats(); st.Read < 10 || st.Written < 10 || st.WriteErrors+st.ReadErrors+st.WriteDrops != 0 {
		t.Errorf("%+v", st)
	}
}

// An Ethernet interface has whole frames: the system asks who has an address, and sends there.
func TestTapCarriesEthernet(t *testing.T) {
	x := newTun(t, host.TunConfig{MTU: 1486, Ethernet: true, Name: "lan%d", Addrs: []netip.Prefix{netip.MustParsePrefix("10.8.0.1/24")}})
	if x.Name() != "lan0" {
		t.Errorf("name %q", x.Name())
	}
	mac := []byte{2, 0, 0, 0, 0, 9}
	asked := 0
	x.user.answer = func(b []byte) bool {
		switch binary.BigEndian.Uint16(b[12:]) {
		case 0x0806: // ARP: the answer has the addresses turned round, and ours
			asked++
			copy(b[:6], b[6:12])
			copy(b[6:12], mac)
			b[21] = 2
			swap(b[22:32], b[32:42])
			copy(b[22:28], mac)
			return true
		case 0x0800:
			swap(b[:6], b[6:12])
			return turnIP(b[14:])
		}
		return false
	}
	c := x.dialIn(t, "10.8.0.2:7")
	_, err := c.Write([]byte("hello"))
	must(t, err)
	back := make(chan error, 1)
	go func() {
		buf := make([]byte, 100)
		must(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
		n, err := c.Read(buf)
		if err == nil && string(buf[:n]) != "hello" {
			err = fmt.Errorf("%q", buf[:n])
		}
		back <- err
	}()
	x.until(t, "the datagram comes back", func() bool { return len(back) > 0 })
	if err := <-back; err != nil || asked == 0 {
		t.Errorf("%v; asked %d times for the address", err, asked)
	}
}

// While it is paused nothing is read: packets wait in the interface.
func TestTunPauses(t *testing.T) {
	x := newTun(t, host.TunConfig{MTU: 1400, Addrs: []netip.Prefix{netip.MustParsePrefix("10.7.0.1/24")}})
	x.Pause(true)
	c := x.dialIn(t, "10.7.0.2:7")
	for range 20 {
		_, err := c.Write([]byte("hello"))
		must(t, err)
	}
	must(t, x.w.Run(x.w.Now().Add(20*time.Millisecond)))
	if x.user.got != 0 {
		t.Errorf("%d packets while it is paused", x.user.got)
	}
	x.Pause(false)
	x.until(t, "all come", func() bool { return x.Stats().ReadBytes >= 20*33 })
}

// What is no packet is not taken by the system and counted; an interface that somebody removes says so, and
// one that is closed is gone.
func TestTunEnds(t *testing.T) {
	x := newTun(t, host.TunConfig{MTU: 1400, Name: "one"})
	for _, b := range []string{"", "\x00", "\x10nonsense", strings.Repeat("\xff", 100)} {
		x.Write(x.w.Pool().GetCopy(0, []byte(b)))
	}
	x.until(t, "the errors are counted", func() bool { return x.Stats().WriteErrors == 4 })
	must(t, x.ns.Delete("one"))
	x.until(t, "the user is told", func() bool { return x.user.gone != nil })
	x.Write(x.w.Pool().Get(0, 20))
	if st := x.Stats(); st.WriteDrops != 1 || st.Written != 0 {
		t.Errorf("%+v", st)
	}
	for _, ethernet := range []bool{false, true} {
		var y *host.Tun
		must(t, x.ns.Do(func() (err error) {
			y, err = x.w.Tun(x.w.Node(fmt.Sprint(ethernet)), host.TunConfig{MTU: 1400, Name: "two", Ethernet: ethernet})
			return err
		}))
		y.Close()
		must(t, x.ns.Do(func() error {
			if _, err := netlink.LinkByName("two"); !errors.As(err, new(netlink.LinkNotFoundError)) {
				t.Errorf("a closed interface: %v", err)
			}
			return nil
		}))
	}
}

func TestTunConfigurations(t *testing.T) {
	ns := netns.ForTest(t, 1)[0]
	w := host.New(1)
	defer w.Close()
	env := w.Node("n")
	v6 := []netip.Prefix{netip.MustParsePrefix("fd07::1/64")}
	for _, c := range []struct {
		cfg  host.TunConfig
		says string
	}{
		{host.TunConfig{MTU: 1400, Name: "sixteen-bytes-xx"}, "at most 15 bytes"},
		{host.TunConfig{MTU: 1400, Name: "a/b"}, "invalid argument"},
		{host.TunConfig{MTU: 1400, Name: "lo"}, "invalid argument"},
		{host.TunConfig{MTU: 67}, "accepted is 68 to 65535"},
		{host.TunConfig{MTU: 1279, Addrs: v6}, "accepted is 1280 to 65535"},
		{host.TunConfig{MTU: 1400, Addrs: make([]netip.Prefix, 1)}, "with a prefix length"},
		{host.TunConfig{MTU: 1400, Addrs: append(v6, v6...)}, "file exists"},
	} {
		err := ns.Do(func() error {
			_, err := w.Tun(env, c.cfg)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want %q", c.cfg, err, c.says)
		}
	}
}

// BenchmarkTun is a datagram of 1000 bytes from a socket to the interface, read, turned round, written, and back at
// the socket.
func BenchmarkTun(b *testing.B) {
	ns := netns.ForTest(b, 1)[0]
	w := host.New(1)
	defer w.Close()
	var x *host.Tun
	var c net.Conn
	must(b, ns.Do(func() (err error) {
		x, err = w.Tun(w.Node("n"), host.TunConfig{MTU: 1400, Addrs: []netip.Prefix{netip.MustParsePrefix("10.7.0.1/24")}})
		if err == nil {
			c, err = net.Dial("udp", "10.7.0.2:7")
		}
		return err
	}))
	defer c.Close()
	u := &tunUser{t: x, answer: turnIP}
	x.Attach(u)
	done := make(chan error, 1)
	go func() { done <- w.Run(w.Now().Add(time.Hour)) }()
	buf := make([]byte, 1000)
	b.SetBytes(1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(buf); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
	w.Stop()
	must(b, <-done)
}
