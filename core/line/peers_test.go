package line

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"ouroboros/core"
)

func peerAddr(i int) core.Addr {
	var ip [16]byte
	binary.BigEndian.PutUint64(ip[8:], uint64(i))
	return core.IPAddr(netip.AddrPortFrom(netip.AddrFrom16(ip), 1))
}

// A flood of spoofed addresses keeps memory bounded, and an address that is on the line stays known.
func TestPeersAreForgottenWhenTheyHaveLeft(t *testing.T) {
	var s peers
	stays := s.enter(peerAddr(-1))
	for i := range 1_000_000 {
		if n := s.enter(peerAddr(i)); n == 0 || s.leave(n) != peerAddr(i) {
			t.Fatalf("address %d: number %d", i, n)
		}
	}
	if len(s.list) > minPeers || len(s.index) > minPeers {
		t.Errorf("%d numbers, %d addresses are kept", len(s.list), len(s.index))
	}
	if s.leave(stays) != peerAddr(-1) {
		t.Error("an address was forgotten while its packet was on the line")
	}
}

// There are 65535 numbers. When all are in use, a packet has none, and each that leaves makes room again
// without a search for every packet.
func TestPeersHaveAnEnd(t *testing.T) {
	var s peers
	var on []uint16
	for i := 0; ; i++ {
		n := s.enter(peerAddr(i))
		if n == 0 {
			break
		}
		on = append(on, n)
	}
	if len(on) != maxPeers {
		t.Fatalf("%d addresses on the line", len(on))
	}
	for i, n := range on {
		if a := s.leave(n); a != peerAddr(i) {
			t.Fatalf("number %d is %v", n, a)
		}
	}
	if n := s.enter(peerAddr(99_999)); n == 0 || len(s.index) != 1 {
		t.Errorf("number %d, %d addresses are kept", n, len(s.index))
	}
}
