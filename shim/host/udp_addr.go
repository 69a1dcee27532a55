package host

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"ouroboros/core"
)

// sockName is an IP address and port as the kernel has it. Both versions fit.
type sockName struct{ raw unix.RawSockaddrInet6 }

// port returns the bytes of the port, which is big-endian and stands at the same place in both versions.
func (n *sockName) port() []byte { return (*[2]byte)(unsafe.Pointer(&n.raw.Port))[:] }

// set makes n the name of a and returns its length. a is of the version of the socket.
func (n *sockName) set(a netip.AddrPort, zone uint32) uint32 {
	ip := a.Addr()
	if ip.Is4() {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&n.raw))
		*v4 = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: ip.As4()}
		binary.BigEndian.PutUint16(n.port(), a.Port())
		return unix.SizeofSockaddrInet4
	}
	n.raw = unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: ip.As16()}
	if ip.IsLinkLocalUnicast() {
		n.raw.Scope_id = zone
	}
	binary.BigEndian.PutUint16(n.port(), a.Port())
	return unix.SizeofSockaddrInet6
}

// addr returns the address, the zero Addr when it is of another family.
func (n *sockName) addr() core.Addr {
	port := binary.BigEndian.Uint16(n.port())
	switch n.raw.Family {
	case unix.AF_INET:
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&n.raw))
		return core.IPAddr(netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), port))
	case unix.AF_INET6:
		return core.IPAddr(netip.AddrPortFrom(netip.AddrFrom16(n.raw.Addr), port))
	}
	return core.Addr{}
}
