package sim

import (
	"encoding/binary"
	"net/netip"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// udpPort is the port of every end of a datagram link: the default of the UDP shims (spec 01 §5.1).
const udpPort = 3435

// tally counts packets and their bytes.
type tally struct{ packets, bytes uint64 }

// datagram is the end of a datagram link: one that looks at the destination.
type datagram struct{ *end }

// link returns the end as its node sees it.
func (l *end) link() core.Link {
	if l.info.Kind == core.LinkDatagram {
		return datagram{l}
	}
	return l
}

// Send puts a datagram on the line. One to anybody but the other end is lost, as in any network without
// such an address; the zero address means the other end.
func (l datagram) Send(p *pkt.Buf, to core.Addr) error {
	if !to.IsZero() && to != l.peer.info.Addr && l.frame >= 0 {
		l.astray.packets++
		l.astray.bytes += uint64(p.Len())
		p.Release()
		return nil
	}
	return l.end.Send(p, to)
}

// address gives the ends of a datagram link the next two addresses of 10.0.0.0/8 or of fd00::/64, with
// the port that is the default of the UDP shims.
func (w *World) address(wi *wire, v6 bool) {
	for _, e := range wi.ends {
		w.addrs++
		ip4 := [4]byte{10, byte(w.addrs >> 16), byte(w.addrs >> 8), byte(w.addrs)}
		ip := netip.AddrFrom4(ip4)
		if v6 {
			b := [16]byte{0: 0xfd}
			binary.BigEndian.PutUint32(b[12:], w.addrs)
			ip = netip.AddrFrom16(b)
		}
		e.info.Addr = core.IPAddr(netip.AddrPortFrom(ip, udpPort))
	}
}
