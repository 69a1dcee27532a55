package crypt

import "testing"

// An empty packet is a keepalive in clear (spec 11 §11.10) as long as the peer may be a prototype; encrypted once it
// is known to number its packets, if the cipher has a tag to protect it with. Replayed and forged ones are dropped.
func TestKeepalivesAreEncryptedForAKnownPeer(t *testing.T) {
	for nid, vouches := range map[uint16]bool{901: true, 1018: true, 906: false} {
		a, b, pool := ends(t, nid, 0)
		if p := sealed(t, pool, a, ""); len(p) != 0 || a.Vouches() {
			t.Fatalf("%d: %d bytes to a peer that is not known", nid, len(p))
		}
		mustOpen(t, pool, b, nil, "")
		for range ownPeer {
			mustOpen(t, pool, a, sealed(t, pool, b, "x"), "x")
		}
		p := sealed(t, pool, a, "")
		if a.Vouches() != vouches || (len(p) > 0) != vouches {
			t.Fatalf("%d: %d bytes to a known peer", nid, len(p))
		}
		if !vouches {
			continue
		}
		if len(p) != a.Front()+a.Back() {
			t.Errorf("%d: %d bytes", nid, len(p))
		}
		mustOpen(t, pool, b, p, "")
		mustDrop(t, pool, b, p, &b.stats.Replayed)
		next := sealed(t, pool, a, "")
		next[len(next)-1] ^= 1
		mustDrop(t, pool, b, next, &b.stats.Forged)
	}
}
