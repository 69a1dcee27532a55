package host_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/core/irm"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
	"ouroboros/internal/netns"
	"ouroboros/shim/host"
	"ouroboros/shim/udp"
)

// must fails the test at the first error.
func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// site is a line of three systems, each in a namespace of its own: a and c reach each other through b. There
// are IPv4 and IPv6 addresses of a, b and c.
type site struct {
	ns    []*netns.Namespace
	addrs [2][3]netip.Addr
	mute  netip.Addr // another address of b, where nobody listens
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{ns: netns.ForTest(t, 3), mute: netip.MustParseAddr("10.9.2.2")}
	a, b, c := s.ns[0], s.ns[1], s.ns[2]
	must(t,
		netns.Veth(a, "eth0", b, "eth0", netns.VethOptions{}), netns.Veth(b, "eth1", c, "eth0", netns.VethOptions{}),
		a.AddAddr("eth0", "10.9.1.1/24"), b.AddAddr("eth0", "10.9.1.2/24"), b.AddAddr("eth1", "10.9.2.2/24"), c.AddAddr("eth0", "10.9.2.3/24"),
		a.AddAddr("eth0", "fd00:9:1::1/64"), b.AddAddr("eth0", "fd00:9:1::2/64"), b.AddAddr("eth1", "fd00:9:2::2/64"), c.AddAddr("eth0", "fd00:9:2::3/64"),
		a.AddRoute("10.9.2.0/24", "10.9.1.2"), c.AddRoute("10.9.1.0/24", "10.9.2.2"),
		a.AddRoute("fd00:9:2::/64", "fd00:9:1::2"), c.AddRoute("fd00:9:1::/64", "fd00:9:2::2"),
		b.Do(func() error {
			return errors.Join(os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0),
				os.WriteFile("/proc/sys/net/ipv6/conf/all/forwarding", []byte("1"), 0))
		}))
	for v, list := range [2][3]string{{"10.9.1.1", "10.9.1.2", "10.9.2.3"}, {"fd00:9:1::1", "fd00:9:1::2", "fd00:9:2::3"}} {
		for i, a := range list {
			s.addrs[v][i] = netip.MustParseAddr(a)
		}
	}
	return s
}

// port opens a port of a system.
func (s *site) port(w *host.World, env core.Env, i, version, mtu int) (u *host.UDPPort, err error) {
	err = s.ns[i].Do(func() error {
		u, err = w.UDP(env, host.UDPConfig{Local: netip.AddrPortFrom(s.addrs[version][i], 3435), MTU: mtu})
		return err
	})
	return u, err
}

// TestUDPFlowsConform holds the rules of core.Flow for flows of the UDP shims between systems of their own,
// over IPv4 and IPv6. Their wires are shapers on the ports.
func TestUDPFlowsConform(t *testing.T) {
	s := newSite(t)
	for version, kind := range []core.LayerKind{core.KindUDP4, core.KindUDP6} {
		t.Run([]string{"udp4", "udp6"}[version], func(t *testing.T) {
			coretest.TestFlow(t, func(*testing.T) coretest.World {
				w := host.New(1)
				open := func(core.LinkSpec, core.Env, core.Env) (coretest.Medium, error) {
					return coretest.Medium{Open: func(end int, env core.Env) (core.Link, error) {
						return s.port(w, env, 2*end, version, 0)
					}}, nil
				}
				return &coretest.Shaped{World: w, New: open}
			}, func(h *coretest.Harness, spec core.LinkSpec) coretest.Pair {
				return connectUDP(t, h, spec, kind)
			})
		})
	}
}

// connectUDP sets up a flow between two systems by name.
func connectUDP(t *testing.T, h *coretest.Harness, spec core.LinkSpec, kind core.LayerKind) coretest.Pair {
	spec.Kind, spec.Name = core.LinkDatagram, "wire"
	p := coretest.Pair{Env: [2]core.Env{h.Node("a"), h.Node("b")}}
	p.Wire = h.Wire(spec, p.Env[0], p.Env[1])
	a, b := p.Wire.Ends()
	ends := [2]core.Link{a, b}
	var brokers [2]*irm.Broker
	for i, l := range ends {
		shim, err := udp.New(p.Env[i].Derive("shim"), l, udp.Config{Layer: "net", Kind: kind, Resolver: udp.Fixed(ends[1-i].Info().Addr)})
		must(t, err)
		brokers[i] = irm.New(p.Env[i].Derive("irm"), irm.Config{})
		must(t, brokers[i].AddProvider(shim))
	}
	p.Flow = coretest.Establish(h, p.Env, brokers[0], brokers[1], core.QoSRaw)
	return p
}

// members are three systems with a shim each, which find each other by a hosts file.
type members struct {
	t       *testing.T
	w       *host.World
	env     [3]core.Env
	ports   [3]*host.UDPPort
	shims   [3]*udp.Shim
	brokers [3]*irm.Broker
	server  *flowEnd // at c
}

// flowEnd is a user of a flow.
type flowEnd struct {
	flow   core.Flow
	got    [][]byte
	states []bool
	echo   bool
}

func (f *flowEnd) Deliver(p *pkt.Buf) {
	f.got = append(f.got, bytes.Clone(p.Bytes()))
	if f.echo && f.flow.Write(p) == nil {
		return
	}
	if !f.echo {
		p.Release()
	}
}
func (*flowEnd) Writable()       {}
func (f *flowEnd) State(up bool) { f.states = append(f.states, up) }
func (*flowEnd) Closed(error)    {}

// newMembers joins the systems of a site. The name "oping" is at c, which echoes.
func newMembers(t *testing.T, s *site, version int) *members {
	t.Helper()
	m := &members{t: t, w: host.New(1)}
	t.Cleanup(func() {
		m.w.Close()
		if n := m.w.Pool().Live(); n != 0 {
			t.Errorf("%d packets are out", n)
		}
	})
	path := filepath.Join(t.TempDir(), "hosts")
	line := fmt.Sprintf("%v %v\n%v %v\n", s.addrs[version][2], core.MD5.Sum("oping"), s.mute, core.MD5.Sum("mute"))
	must(t, os.WriteFile(path, []byte(line), 0o600))
	for i := range m.env {
		m.env[i] = m.w.Node(string(rune('a' + i)))
		var err error
		m.ports[i], err = s.port(m.w, m.env[i], i, version, 0)
		must(t, err)
		r, err := m.w.Resolver(m.env[i], host.ResolverConfig{Hosts: path, IPv6: version == 1})
		must(t, err)
		kind := []core.LayerKind{core.KindUDP4, core.KindUDP6}[version]
		m.shims[i], err = udp.New(m.env[i].Derive("shim"), m.ports[i], udp.Config{Layer: "net", Kind: kind, Resolver: r})
		must(t, err)
		m.brokers[i] = irm.New(m.env[i].Derive("irm"), irm.Config{})
		must(t, m.brokers[i].AddProvider(m.shims[i]))
	}
	m.on(2, func() {
		_, err := m.brokers[2].Listen("oping", func(in core.Incoming) {
			core.Accept(in, func(f core.Flow, err error) {
				must(t, err)
				m.server = &flowEnd{flow: f, echo: true}
				f.Attach(m.server)
				f.SetReceive(true)
			})
		})
		must(t, err)
	})
	return m
}

// on runs a call on the actor.
func (m *members) on(i int, fn func()) {
	m.t.Helper()
	ran := false
	m.env[i].Post(func() { fn(); ran = true })
	m.until("a call runs", func() bool { return ran })
}

func (m *members) until(what string, cond func() bool) {
	m.t.Helper()
	for end := time.Now().Add(15 * time.Second); !cond(); {
		if time.Now().After(end) {
			m.t.Fatalf("after 15 s still not: %s", what)
		}
		must(m.t, m.w.Run(m.w.Now().Add(time.Millisecond)))
	}
}

// dial asks for a raw flow to oping.
func (m *members) dial(i int) *flowEnd {
	m.t.Helper()
	e := &flowEnd{}
	m.on(i, func() {
		m.brokers[i].Alloc(core.Request{Name: "oping", QoS: core.QoSRaw}, func(f core.Flow, err error) {
			if err != nil {
				m.t.Errorf("Alloc: %v", err)
				return
			}
			e.flow = f
			f.Attach(e)
			f.SetReceive(true)
		})
	})
	m.until("the flow stands", func() bool { return e.flow != nil })
	return e
}

// echo writes a message and waits for it to come back.
func (m *members) echo(i int, e *flowEnd, data []byte) {
	m.t.Helper()
	n := len(e.got)
	m.on(i, func() {
		info := e.flow.Info()
		if err := e.flow.Write(m.w.Pool().GetCopy(info.Headroom, data)); err != nil {
			m.t.Errorf("Write of %d bytes: %v", len(data), err)
		}
	})
	m.until(fmt.Sprintf("%d bytes come back", len(data)), func() bool { return len(e.got) > n })
	if !bytes.Equal(e.got[n], data) {
		m.t.Errorf("%d bytes came back as %d", len(data), len(e.got[n]))
	}
}

// A system finds a name by its digest in the hosts file and gets flows that carry every SDU from 0 bytes to
// 8976, over IPv6 8948 (spec 01 §2.5, §5.5, §5.6), through a router and in fragments.
func TestUDPMembers_01_5_6(t *testing.T) {
	s := newSite(t)
	for version, largest := range []int{8976, 8948} {
		t.Run([]string{"udp4", "udp6"}[version], func(t *testing.T) {
			m := newMembers(t, s, version)
			for i := range 2 {
				e := m.dial(i)
				if mtu := e.flow.Info().MTU; mtu != largest {
					t.Errorf("largest SDU %d, want %d", mtu, largest)
				}
				for _, n := range []int{0, 1, 64, 1400, 1472, 1473, largest} {
					m.echo(i, e, bytes.Repeat([]byte{byte(n)}, n))
				}
				m.on(i, func() {
					p := m.w.Pool().Get(64, largest+1)
					if err := e.flow.Write(p); !errors.Is(err, core.ErrMsgSize) {
						t.Errorf("an SDU of %d bytes: %v", largest+1, err)
					}
					e.flow.Close(0)
				})
			}
		})
	}
}

// stranger is a socket of a system that is no member.
func (s *site) stranger(t testing.TB, i int) (fd int) {
	t.Helper()
	must(t, s.ns[i].Do(func() (err error) {
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		return err
	}))
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// Datagrams of a stranger, forged replies among them, are dropped and counted by cause; a flood of them does
// not stop a flow for longer than it lasts, and leaks nothing (spec 01 D2, D13, D14).
func TestUDPStrangers(t *testing.T) {
	s := newSite(t)
	m := newMembers(t, s, 0)
	e := m.dial(0)
	m.echo(0, e, []byte("before"))
	fd := s.stranger(t, 1)
	to := &unix.SockaddrInet4{Port: 3435, Addr: s.addrs[0][2].As4()}
	send := func(b []byte) {
		if err := unix.Sendto(fd, b, 0, to); err != nil {
			t.Fatal(err)
		}
	}
	before := m.shims[2].Drop
	eid := uint32(m.server.flow.Info().EID)
	header := make([]byte, 4)
	wire.PutUDPEID(header, eid)
	reply := wire.UDPMessage{Code: wire.UDPFlowReply, SEID: eid, DEID: 99}
	forged := make([]byte, reply.Len())
	reply.Put(forged)
	huge := make([]byte, 3000) // a management datagram that is too long
	for _, b := range [][]byte{nil, {1, 2, 3}, make([]byte, 20), append(header, "data"...), forged, huge, {0xff, 0xff, 0xff, 0xff, 1}, make([]byte, 8900)} {
		send(b)
	}
	drops := func() (n uint64) {
		d := m.shims[2].Drop
		return d.Short - before.Short + d.EID - before.EID + d.Source - before.Source + d.Size - before.Size + d.Type - before.Type
	}
	m.until("all are dropped", func() bool { return drops() == 8 })
	if d := m.shims[2].Drop; d.Source-before.Source != 1 || d.Short-before.Short != 3 || d.Size-before.Size != 2 {
		t.Errorf("%+v, before %+v", d, before)
	}
	m.echo(0, e, []byte("after"))

	m.forgeReplies(s, fd)

	st := m.ports[2].Stats()
	const flood = 50_000
	for range flood {
		send(make([]byte, 64))
	}
	m.until("the flood is accounted for", func() bool {
		now := m.ports[2].Stats()
		return now.Received+now.SocketDrops-st.Received-st.SocketDrops >= flood
	})
	m.echo(0, e, []byte("after the flood"))
}

// forgeReplies asks for a flow to a member that does not answer, and has a stranger accept it.
func (m *members) forgeReplies(s *site, fd int) {
	m.t.Helper()
	answers := 0
	var cancel func()
	m.on(0, func() {
		cancel = m.brokers[0].Alloc(core.Request{Name: "mute", QoS: core.QoSRaw}, func(core.Flow, error) { answers++ })
	})
	m.until("the request is sent", func() bool { return m.shims[0].Retransmitted > 0 })
	before := m.shims[0].Drop
	const eids = 20
	for eid := range uint32(eids) {
		reply := wire.UDPMessage{Code: wire.UDPFlowReply, SEID: udp.FirstEID + eid, DEID: 99}
		b := make([]byte, reply.Len())
		reply.Put(b)
		must(m.t, unix.Sendto(fd, b, 0, &unix.SockaddrInet4{Port: 3435, Addr: s.addrs[0][0].As4()}))
	}
	m.until("all replies are dropped", func() bool {
		return m.shims[0].Drop.EID+m.shims[0].Drop.Source-before.EID-before.Source == eids
	})
	if m.shims[0].Drop.Source == before.Source || answers != 0 {
		m.t.Errorf("a forged reply was taken: %d answers, %+v", answers, m.shims[0].Drop)
	}
	m.on(0, cancel)
}

// The link is down while no interface that is up has its address, and up when one has it again: flows are told
// both times and go on. The socket stays bound.
func TestUDPFollowsItsAddress(t *testing.T) {
	for version, cidr := range []string{"10.9.1.1/24", "fd00:9:1::1/64"} {
		s := newSite(t)
		m := newMembers(t, s, version)
		e := m.dial(0)
		m.echo(0, e, []byte("before"))
		back := func() error {
			add := s.ns[0].AddAddr("eth0", cidr)
			if errors.Is(add, os.ErrExist) {
				add = nil // IPv4 addresses outlive their interface, IPv6 ones do not
			}
			route := s.ns[0].AddRoute([]string{"10.9.2.0/24", "fd00:9:2::/64"}[version], []string{"10.9.1.2", "fd00:9:1::2"}[version])
			if errors.Is(route, os.ErrExist) {
				route = nil
			}
			return errors.Join(add, route)
		}
		changes := []struct {
			what    string
			off, on func() error
		}{
			{"address", func() error { return s.removeAddr(0, cidr) }, func() error { return nil }},
			{"interface", func() error { return s.ns[0].SetUp("eth0", false) }, func() error { return s.ns[0].SetUp("eth0", true) }},
		}
		for i, c := range changes {
			must(t, c.off())
			m.until("the flow is told that it is down", func() bool { return len(e.states) == 2*i+1 && !e.states[2*i] })
			m.on(0, func() {
				if err := e.flow.Write(m.w.Pool().Get(64, 100)); !errors.Is(err, core.ErrFlowDown) || m.ports[0].Info().Up {
					t.Errorf("without %s: Write: %v, the link is up: %v", c.what, err, m.ports[0].Info().Up)
				}
			})
			must(t, c.on(), back())
			m.until("the flow is told that it is up", func() bool { return len(e.states) == 2*i+2 && e.states[2*i+1] })
			m.echo(0, e, []byte(c.what+" is back"))
		}
		m.w.Close()
	}
}

// Where there is no way to the peer, datagrams are not sent, and counted; the flow goes on when there is one again.
func TestUDPWithoutRoute(t *testing.T) {
	s := newSite(t)
	m := newMembers(t, s, 0)
	e := m.dial(0)
	m.echo(0, e, []byte("before"))
	must(t, s.route(0, "10.9.2.0/24", netlink.RouteDel))
	m.on(0, func() {
		for range 5 {
			_ = e.flow.Write(m.w.Pool().Get(64, 100))
		}
	})
	m.until("the sender counts", func() bool { return m.ports[0].Stats().SendUnreachable == 5 })
	must(t, s.ns[0].AddRoute("10.9.2.0/24", "10.9.1.2"))
	m.echo(0, e, []byte("after"))
	if len(e.states) != 0 {
		t.Errorf("the flow was told %v", e.states)
	}
}

// route does something with the route of a system to a network.
func (s *site) route(i int, cidr string, do func(*netlink.Route) error) error {
	return s.ns[i].Do(func() error {
		_, dst, err := net.ParseCIDR(cidr)
		if err != nil {
			return err
		}
		return do(&netlink.Route{Dst: dst})
	})
}

func (s *site) removeAddr(i int, cidr string) error {
	return s.ns[i].Do(func() error {
		dev, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		addr, err := netlink.ParseAddr(cidr)
		if err != nil {
			return err
		}
		return netlink.AddrDel(dev, addr)
	})
}

// Datagrams that the path takes in fragments only are not sent in runs; none is lost.
func TestUDPFragments(t *testing.T) {
	s := newSite(t)
	for version := range 2 {
		w := host.New(1)
		a, err := s.port(w, w.Node("a"), 0, version, 0)
		must(t, err)
		b, err := s.port(w, w.Node("b"), 1, version, 0)
		must(t, err)
		got := &counting{w: w}
		b.Attach(got)
		a.Attach(got)
		const n = 60
		for i := range n {
			must(t, a.Send(w.Pool().Get(0, []int{4000, 1000}[i/10%2]), b.Info().Addr))
		}
		got.until(t, n)
		st := a.Stats()
		if st.Sent != n || st.SendErrors+st.SendOversize != 0 || st.Segments && st.Split != n/2 {
			t.Errorf("version %d: %+v", version, st)
		}
		w.Close()
	}
}

// counting is a link user that counts.
type counting struct {
	w        *host.World
	got      int
	writable int
}

func (c *counting) Receive(p *pkt.Buf, _ core.Addr) { c.got++; p.Release() }
func (c *counting) Writable()                       { c.writable++ }
func (c *counting) LinkState(bool)                  {}

func (c *counting) until(t *testing.T, n int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); c.got < n; {
		if time.Now().After(end) {
			t.Fatalf("%d of %d datagrams after 10 s", c.got, n)
		}
		must(t, c.w.Run(c.w.Now().Add(time.Millisecond)))
	}
}

// A device that is slower than the sender makes the kernel refuse datagrams: they wait, the link blocks, wakes
// its user once, and loses nothing.
func TestUDPBlocksWhenTheKernelIsFull(t *testing.T) {
	s := newSite(t)
	w := host.New(1)
	defer w.Close()
	a, err := s.port(w, w.Node("a"), 0, 0, 0)
	must(t, err)
	b, err := s.port(w, w.Node("b"), 1, 0, 0)
	must(t, err)
	got := &counting{w: w}
	a.Attach(got)
	b.Attach(got)
	must(t, s.ns[0].Do(func() error {
		dev, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		return netlink.QdiscReplace(&netlink.Tbf{
			QdiscAttrs: netlink.QdiscAttrs{LinkIndex: dev.Attrs().Index, Parent: netlink.HANDLE_ROOT, Handle: netlink.MakeHandle(1, 0)},
			Rate:       20e6, Limit: 64 << 20, Buffer: 1 << 20, // 160 Mbit/s
		})
	}))
	sent := 0
	for ; sent < 1_000_000; sent++ {
		p := w.Pool().Get(0, 1400)
		if err := a.Send(p, b.Info().Addr); err != nil {
			p.Release()
			if !errors.Is(err, core.ErrWouldBlock) {
				t.Fatal(err)
			}
			break
		}
	}
	if sent == 1_000_000 {
		t.Fatal("the link did not block")
	}
	got.until(t, sent)
	if st := a.Stats(); st.Waits == 0 || got.writable != 1 || st.Sent != uint64(sent) {
		t.Errorf("%d sent, Writable %d times, %+v", sent, got.writable, st)
	}
}
