package dir

import (
	"math/rand/v2"
	"testing"

	"ouroboros/core"
)

// TestRuledOutAgreesWithDistances: what the numbers of contacts rule out, the distances rule out as well, and
// they leave only a small share of the keys of a member to be looked at.
func TestRuledOutAgreesWithDistances(t *testing.T) {
	n := newMemNet(dhtDefaults(), 4)
	if err := n.grow(120, bringUpGap); err != nil {
		t.Fatal(err)
	}
	n.run(settleTime)
	r := rand.New(rand.NewPCG(1, 2))
	keys, left, over := 0, 0, 0
	for _, m := range n.members {
		for b := range m.table.buckets { // some contacts are given up
			if live := m.table.buckets[b].live; len(live) > 2 {
				live[r.IntN(len(live))].failures = maxFailures
			}
		}
		for _, x := range n.members {
			if x == m {
				continue
			}
			c := x.self
			others := m.table.countOthers(&c)
			for _, key := range []uint64{r.Uint64(), c.prefix ^ r.Uint64()>>r.IntN(65), m.self.prefix ^ r.Uint64()>>r.IntN(65), m.self.prefix, c.prefix} {
				keys++
				hands := m.handsOver(key, &c)
				if hands {
					over++
				}
				if !m.ruledOut(key, &c, &others) {
					left++
				} else if hands {
					t.Fatalf("key %x is to be handed over from %x to %x", key, m.self.prefix, c.prefix)
				}
			}
		}
	}
	if over == 0 || left > keys/4 {
		t.Errorf("of %d keys %d are handed over and %d looked at", keys, over, left)
	}
}

// TestContactsAreFoundByTheirWholeIdentifier: two identifiers may agree in the bits that count for distances.
func TestContactsAreFoundByTheirWholeIdentifier(t *testing.T) {
	a, b := core.Hash("same 8 bits, one way"), core.Hash("same 8 bits, another")
	in := []known{{contact: contact{id: a, prefix: prefixOf(a)}}, {contact: contact{id: b, prefix: prefixOf(b)}}}
	for want, id := range []core.Hash{a, b} {
		if got := find(in, prefixOf(id), id); got != want {
			t.Errorf("%s: found at %d, want %d", id, got, want)
		}
	}
	if got := find(in, prefixOf(a), "same 8 bits, neither"); got != -1 {
		t.Errorf("found at %d what is not there", got)
	}
}
