package capture

import (
	"encoding/binary"
	"fmt"

	"ouroboros/core"
)

const (
	ethernetLen = 14
	ip4Len      = 20
	ip6Len      = 40
	udpLen      = 8
	protocolUDP = 17
	hopLimit    = 64
	// maxDatagram is the payload in bytes of the largest UDP datagram over IPv4.
	maxDatagram = 1<<16 - 1 - ip4Len - udpLen
)

// datagramHead is the Ethernet, IP and UDP headers of the datagrams from one end of a link to the other,
// with lengths and checksums of zero.
type datagramHead []byte

func newDatagramHead(from, to core.Addr) (datagramHead, error) {
	src, dst := from.AddrPort(), to.AddrPort()
	if !src.IsValid() || !dst.IsValid() || src.Addr().Is4() != dst.Addr().Is4() {
		return nil, fmt.Errorf("datagrams from %v to %v, accepted are IP addresses of one version", from, to)
	}
	s, d := src.Addr().AsSlice(), dst.Addr().AsSlice()
	h := append([]byte{2, 0}, d[len(d)-4:]...)
	h = append(append(h, 2, 0), s[len(s)-4:]...)
	if src.Addr().Is4() {
		h = append(h, 0x08, 0x00, 0x45, 0, 0, 0, 0, 0, 0x40, 0, hopLimit, protocolUDP, 0, 0)
	} else {
		h = append(h, 0x86, 0xDD, 0x60, 0, 0, 0, 0, 0, protocolUDP, hopLimit)
	}
	h = append(append(h, s...), d...)
	h = binary.BigEndian.AppendUint16(h, src.Port())
	h = binary.BigEndian.AppendUint16(h, dst.Port())
	return append(h, 0, 0, 0, 0), nil
}

// put writes the headers of a datagram of n bytes to the front of b. payload is the part of it that is not
// zeros.
func (h datagramHead) put(b, payload []byte, n int) {
	copy(b, h)
	ip := b[ethernetLen : len(h)-udpLen]
	udp := b[len(h)-udpLen : len(h)]
	binary.BigEndian.PutUint16(udp[4:], uint16(udpLen+n))
	addresses := ip[8:]
	if len(ip) == ip4Len {
		addresses = ip[12:]
		binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)+udpLen+n))
		binary.BigEndian.PutUint16(ip[10:], ^fold(sum(0, ip)))
	} else {
		binary.BigEndian.PutUint16(ip[4:], uint16(udpLen+n))
	}
	pseudo := uint64(protocolUDP) + uint64(udpLen+n)
	check := ^fold(sum(sum(sum(pseudo, addresses), udp), payload))
	if check == 0 {
		check = 0xFFFF // 0 would mean: not computed (RFC 768)
	}
	binary.BigEndian.PutUint16(udp[6:], check)
}

// sum adds the 16-bit words of b, the last one filled with zeros (RFC 1071).
func sum(s uint64, b []byte) uint64 {
	for ; len(b) >= 2; b = b[2:] {
		s += uint64(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		s += uint64(b[0]) << 8
	}
	return s
}

// fold adds the carries of a sum back in.
func fold(s uint64) uint16 {
	for s > 0xFFFF {
		s = s>>16 + s&0xFFFF
	}
	return uint16(s)
}
