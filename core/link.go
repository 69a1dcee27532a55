package core

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"ouroboros/core/pkt"
)

// Link moves frames to whatever is wired to the other side: a simulated wire, a NIC, a socket, or a
// decorator around one of these.
type Link interface {
	// Info describes the link. It may change only where LinkState is called.
	Info() LinkInfo
	// Queued returns the number of packets that the next packet sent here would wait behind, on this
	// system.
	Queued() int
	// Send takes the packet, except with ErrWouldBlock. to is the destination on links that need one
	// beside the frame (UDP); on Ethernet and point-to-point links it is ignored.
	Send(p *pkt.Buf, to Addr) error
	// Attach sets the user. Frames that arrive before are dropped and counted.
	Attach(u LinkUser)
}

// LinkUser is the user of a link: a shim.
type LinkUser interface {
	// Receive hands over a frame. The user owns it. from is the sender on links that know one.
	Receive(p *pkt.Buf, from Addr)
	// Writable is called once after Send has returned ErrWouldBlock and there is room again.
	Writable()
	// LinkState tells that the link went down or came up.
	LinkState(up bool)
}

// LinkKind says what a frame on a link looks like.
type LinkKind uint8

// The kinds of links.
const (
	LinkEthernet LinkKind = iota // whole Ethernet frames without FCS
	LinkDatagram                 // payloads of datagrams to an Addr (UDP)
	LinkDirect                   // anything: simulator only, carries buffer metadata
)

// LinkInfo describes one end of a link.
type LinkInfo struct {
	Kind     LinkKind
	MTU      int           // largest payload in bytes: without the Ethernet header, with everything behind it
	Headroom int           // bytes that the link itself pushes
	Tailroom int           // bytes that the link itself appends
	Addr     Addr          // own address
	Shared   bool          // more than two ends
	Rate     int64         // bit/s, 0 when unknown or unlimited
	Delay    time.Duration // propagation delay as configured; 0 = unknown or none
	Up       bool
}

// Addr is an address of a lower layer: a MAC or an IP address with port. It is comparable and holds no
// pointer. The zero Addr is no address.
type Addr struct {
	hi, lo uint64
	port   uint16
	kind   addrKind
}

type addrKind uint8

const (
	addrNone addrKind = iota
	addrMAC
	addrIP4
	addrIP6
)

// MACAddr returns the Addr of an Ethernet address.
func MACAddr(m [6]byte) Addr {
	return Addr{kind: addrMAC, lo: uint64(binary.BigEndian.Uint16(m[:]))<<32 | uint64(binary.BigEndian.Uint32(m[2:]))}
}

// MACFrom returns the Addr of the Ethernet address in the first six bytes of b.
func MACFrom(b []byte) Addr { return MACAddr([6]byte(b[:6])) }

// BroadcastMAC is ff:ff:ff:ff:ff:ff.
var BroadcastMAC = MACAddr([6]byte{255, 255, 255, 255, 255, 255})

// MAC returns the Ethernet address, zeros for another kind of address.
func (a Addr) MAC() (m [6]byte) {
	if a.kind == addrMAC {
		binary.BigEndian.PutUint16(m[:], uint16(a.lo>>32))
		binary.BigEndian.PutUint32(m[2:], uint32(a.lo))
	}
	return m
}

// IPAddr returns the Addr of an IP address and port; IPv4-mapped addresses become IPv4, an IPv6 zone is
// dropped. An invalid address gives the zero Addr.
func IPAddr(ap netip.AddrPort) Addr {
	ip := ap.Addr().Unmap()
	if !ip.IsValid() {
		return Addr{}
	}
	if ip.Is4() {
		b := ip.As4()
		return Addr{kind: addrIP4, lo: uint64(binary.BigEndian.Uint32(b[:])), port: ap.Port()}
	}
	b := ip.As16()
	return Addr{kind: addrIP6, hi: binary.BigEndian.Uint64(b[:8]), lo: binary.BigEndian.Uint64(b[8:]), port: ap.Port()}
}

// AddrPort returns the IP address and port, the zero value for another kind of address.
func (a Addr) AddrPort() netip.AddrPort {
	switch a.kind {
	case addrIP4:
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(a.lo))
		return netip.AddrPortFrom(netip.AddrFrom4(b), a.port)
	case addrIP6:
		var b [16]byte
		binary.BigEndian.PutUint64(b[:8], a.hi)
		binary.BigEndian.PutUint64(b[8:], a.lo)
		return netip.AddrPortFrom(netip.AddrFrom16(b), a.port)
	}
	return netip.AddrPort{}
}

// IsZero reports whether a is no address.
func (a Addr) IsZero() bool { return a == Addr{} }

// String prints the address in its usual form.
func (a Addr) String() string {
	switch a.kind {
	case addrMAC:
		m := a.MAC()
		return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
	case addrIP4, addrIP6:
		return a.AddrPort().String()
	}
	return "none"
}
