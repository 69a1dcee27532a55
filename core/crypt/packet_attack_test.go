package crypt

import (
	"bytes"
	"fmt"
	"testing"
)

// Both directions share the key, so a packet that comes back to its sender is authentic there. Random bits read
// as a number that the peer may have given once in 2^16 on a flow that stands: also then it is dropped, and
// the window does not move.
func TestReflectedPacketsWithAPlausibleNumberAreRejected(t *testing.T) {
	for _, nid := range aeads {
		a, b, pool := ends(t, nid, 0)
		for range 3 {
			mustOpen(t, pool, a, sealed(t, pool, b, "yours"), "yours")
		}
		lucky := sealed(t, pool, a, "mine")
		for a.recvMark.read(lucky[:a.suite.iv]) >= maxAhead {
			lucky = sealed(t, pool, a, "mine")
		}
		mustDrop(t, pool, a, lucky, &a.stats.Reflected)
		mustOpen(t, pool, a, sealed(t, pool, b, "yours"), "yours")
	}
}

// Who changes the numbers of packets can have the receiver look for keys far ahead, but not for each packet.
func TestChangedNumbersCostFewKeys(t *testing.T) {
	a, b, pool := ends(t, 901, 16)
	for range 3 {
		mustOpen(t, pool, b, sealed(t, pool, a, "good"), "good")
	}
	bad := sealed(t, pool, a, "bad")
	bad[randomLen+2] ^= 0x40 // 2^30 ahead
	perKey := testing.AllocsPerRun(10, func() { b.recv.following() })
	perPacket := testing.AllocsPerRun(2*maxSkip, func() {
		if _, ok := opened(pool, b, bad); ok {
			t.Fatal("opened")
		}
	})
	if perPacket > (longSkip+4)*perKey {
		t.Errorf("%.0f allocations for a changed packet, %.0f for a key", perPacket, perKey)
	}
	mustOpen(t, pool, b, sealed(t, pool, a, "good"), "good")
}

// A bit that falls over in the number of a packet, where there is no tag to tell, costs packets, not the flow.
func TestFlippedNumbersDoNotStopAFlow(t *testing.T) {
	for _, nid := range streams {
		for bit := range 8 * numberLen {
			a, b, pool := ends(t, nid, 0)
			for range 3 {
				mustOpen(t, pool, b, sealed(t, pool, a, "before"), "before")
			}
			bad := sealed(t, pool, a, "damaged")
			bad[randomLen+bit/8] ^= 1 << (bit % 8)
			opened(pool, b, bad)
			lost := 0
			for i := range 10 {
				if got, ok := opened(pool, b, bytes.Clone(sealed(t, pool, a, fmt.Sprint(i)))); !ok || got != fmt.Sprint(i) {
					lost++
				}
			}
			if lost > 1 {
				t.Errorf("cipher %d, bit %d: %d of 10 packets lost after a damaged one: %+v", nid, bit, lost, b.Stats())
			}
		}
	}
}

// A path that loses more packets in a row than numbers tell apart, at the beginning of a flow or later, stops
// nothing once it carries packets again.
func TestFlowsWithoutTagSurviveLongLosses(t *testing.T) {
	const lost = maxAheadUnknown + 5000
	for _, nid := range streams {
		for _, before := range []int{0, 3} {
			a, b, pool := ends(t, nid, 0)
			for range before {
				mustOpen(t, pool, b, sealed(t, pool, a, "before"), "before")
			}
			p := pool.Get(16, 1)
			for range lost {
				if err := a.Seal(p); err != nil {
					t.Fatal(err)
				}
				p.Pull(a.Front())
			}
			p.Release()
			got := 0
			for range 10 {
				if s, ok := opened(pool, b, sealed(t, pool, a, "after")); ok && s == "after" {
					got++
				}
			}
			if got < 9 {
				t.Errorf("cipher %d, %d packets before: %d of 10 arrive afterwards, %+v", nid, before, got, b.Stats())
			}
		}
	}
}
