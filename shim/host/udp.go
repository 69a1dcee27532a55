package host

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/shim/udp"
)

const (
	udpBatch  = 64      // datagrams, or runs of them, in one system call
	udpBuffer = 4 << 20 // bytes that a socket asks for; the kernel may give less

	minUDPMTU  = 576                          // what every host takes (RFC 1122 §3.3.2)
	maxUDPMTU6 = 65535 - 8                    // the same as maxDatagram over IPv6
	maxUDPMTU4 = maxDatagram                  // largest payload of a datagram over IPv4
	splitAgain = clock.Time(10 * time.Second) // from a run that could not be split to the next try
)

// UDPConfig describes a port of the IP network.
type UDPConfig struct {
	// Local is the address and port that the socket is bound to: an IPv4 or IPv6 address of this system, not
	// the unspecified one (spec 01 §5.1), and no multicast address. A link-local IPv6 address needs a zone, for
	// instance fe80::1%eth0; the addresses of its peers, which are on the same link, have none. Port 0 lets the
	// system choose one.
	Local netip.AddrPort
	// MTU is the largest payload of a datagram in bytes, the EID of the shim included: 576 to 65507, over IPv6 to
	// 65527; 0 = 8980, over IPv6 8952, as large as the receive buffer of the prototype (spec 01 §5.6).
	MTU int
	// NoOffload has every datagram pass the kernel by itself: no UDP_SEGMENT, no UDP_GRO.
	NoOffload bool
}

func (c UDPConfig) validate() error {
	ip := c.Local.Addr()
	switch {
	case !ip.IsValid():
		return errors.New("accepted is an IPv4 or IPv6 address of this system with a port")
	case ip.IsUnspecified():
		return errors.New("the unspecified address is not accepted: peers would not know where flows come from")
	case ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return errors.New("a multicast or broadcast address is not accepted")
	case ip.Is6() && ip.IsLinkLocalUnicast() && ip.Zone() == "":
		return fmt.Errorf("a link-local address needs the interface that it is of, as in %s%%eth0", ip)
	}
	if largest := c.largest(); c.MTU != 0 && (c.MTU < minUDPMTU || c.MTU > largest) {
		return fmt.Errorf("mtu: %d: accepted is %d to %d, or 0", c.MTU, minUDPMTU, largest)
	}
	return nil
}

func (c UDPConfig) largest() int {
	if c.Local.Addr().Is4() {
		return maxUDPMTU4
	}
	return maxUDPMTU6
}

func (c UDPConfig) mtu() int {
	switch {
	case c.MTU != 0:
		return c.MTU
	case c.Local.Addr().Is4():
		return udp.MaxMTU4
	}
	return udp.MaxMTU6
}

// UDPStats counts what a port has sent, received and dropped. Bytes are those of payloads.
type UDPStats struct {
	Sent, SentBytes         uint64 // taken by the kernel
	Received, ReceivedBytes uint64 // handed to the user
	SocketDrops             uint64 // not received: the socket was full, the actor behind
	Unheard                 uint64 // received while nobody was attached
	Oversize                uint64 // received, longer than the MTU
	ReceiveErrors           uint64 // errors of the network that reading has met
	SendOversize            uint64 // not sent: longer than the MTU, or than the kernel takes
	SendAddress             uint64 // not sent: no address of this IP version
	SendUnreachable         uint64 // not sent: no route, no neighbour, the interface or the address gone
	SendErrors              uint64 // not sent: refused by the kernel for another reason
	SendDown                uint64 // not sent: the port was closed, or the system has not the address
	Waits                   uint64 // times that the kernel had no room for a datagram, which waited

	Split  uint64 // of those sent, by UDP_SEGMENT
	Merged uint64 // of those received, by UDP_GRO

	Segments, Merges bool // whether the kernel splits and merges datagrams
	ReceiveBuffer    int  // bytes that the kernel keeps for the port
	SendBuffer       int
}

// UDPPort is a port of the IP network as a link: one socket for all peers (spec 01 §5.2). Its methods belong
// to the actor.
//
// The socket stays bound when the address goes away or the interface goes down. The link is down then, and up when
// the address is back. Datagrams that have no way to go are not sent, and counted.
type UDPPort struct {
	outlet[outgoing]
	cfg  UDPConfig
	info core.LinkInfo

	fd      int          // -1 when shut
	monitor *addrMonitor // nil where the system does not tell
	rx      *udpReceiver
	drops   uint32 // of the socket, as the kernel counted them last

	tx         *udpSender
	segment    int        // bytes of the largest datagram that the kernel splits off; 0 = none
	whole      int        // the same when nothing is in the way
	splitAgain clock.Time // when whole is tried again

	stats UDPStats
}

// outgoing is a datagram on its way to the kernel.
type outgoing struct {
	p  *pkt.Buf
	to core.Addr
}

var (
	_ core.Link = (*UDPPort)(nil)
	_ device    = (*UDPPort)(nil)
)

// UDP opens a port of the IP network, in the network namespace of the calling thread.
func (w *World) UDP(env core.Env, cfg UDPConfig) (*UDPPort, error) {
	cfg.Local = netip.AddrPortFrom(cfg.Local.Addr().Unmap(), cfg.Local.Port())
	fail := func(err error) (*UDPPort, error) { return nil, fmt.Errorf("udp address %v: %w", cfg.Local, err) }
	owner, err := w.owner(env)
	if err != nil {
		return fail(err)
	}
	if err := cfg.validate(); err != nil {
		return fail(err)
	}
	u := &UDPPort{cfg: cfg, fd: -1}
	u.init(w, owner, u.flush)
	if err := u.start(); err != nil {
		u.shut()
		return fail(err)
	}
	w.open(u)
	return u, nil
}

// start opens the socket.
func (u *UDPPort) start() (err error) {
	s, err := openUDP(u.cfg)
	if err != nil {
		return err
	}
	u.fd = s.fd
	u.stats.ReceiveBuffer, u.stats.SendBuffer = s.receiveBuffer, s.sendBuffer
	u.stats.Segments, u.stats.Merges = s.segments, s.merges
	if s.segments {
		u.whole = u.cfg.mtu()
		u.segment = u.whole
	}
	u.info = core.LinkInfo{
		Kind: core.LinkDatagram, MTU: u.cfg.mtu(), Addr: core.IPAddr(s.local),
		Shared: true, // by all members
		Up:     true,
	}
	u.tx = newUDPSender(s.zone, s.local.Addr().Is4())
	u.rx = newUDPReceiver(u.info.MTU, s.merges)
	if u.watcher, err = u.w.watch(u.node, u.fd, u.readable, u.writable); err != nil {
		return err
	}
	// Without a monitor the port is up for good, and sending counts what fails.
	u.monitor, _ = newAddrMonitor(u, s.local.Addr(), s.zone)
	return nil
}

// Info describes the port.
func (u *UDPPort) Info() core.LinkInfo { return u.info }

// Stats returns the counters.
func (u *UDPPort) Stats() UDPStats {
	u.countDrops()
	u.stats.Waits = u.waits
	return u.stats
}

// countDrops adds what the kernel has dropped since it was asked last.
func (u *UDPPort) countDrops() {
	if u.fd < 0 {
		return
	}
	if n, err := socketDrops(u.fd); err == nil {
		u.stats.SocketDrops += uint64(n - u.drops)
		u.drops = n
	}
}

// Close gives the port back. It is called on the actor, or while the world does not run; Send drops
// afterwards.
func (u *UDPPort) Close() {
	u.shut()
	u.release()
	u.w.forget(u)
}

func (u *UDPPort) shut() {
	u.countDrops()
	u.info.Up = false
	u.close()
	u.monitor.close()
	if u.fd >= 0 {
		_ = unix.Close(u.fd) // a UDP socket has nothing left to fail
		u.fd = -1
	}
	u.dropOutput()
}

// dropOutput drops what waits on a port that went down.
func (u *UDPPort) dropOutput() {
	for u.out.n > 0 {
		u.stats.SendDown++
		u.out.pop().p.Release()
	}
	u.wake()
}
