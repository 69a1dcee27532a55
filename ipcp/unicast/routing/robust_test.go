package routing

import (
	"maps"
	"math"
	"testing"

	"pgregory.net/rapid"

	"ouroboros/core"
)

// TestForgedMessagesAreCounted: spec 04 §4.6 has no authentication and no limit. What cannot be true, or would take
// more than its share of memory, is not taken, not forwarded, and counted by name.
func TestForgedMessagesAreCounted(t *testing.T) {
	const far = wallEpoch + 1<<32 + 1000
	for name, tc := range map[string]struct {
		sdu     []byte
		counter func(Stats) uint64
		sent    int // on two ports
	}{
		"neither length":             {make([]byte, 28), func(s Stats) uint64 { return s.Invalid }, 0},
		"number beyond any clock":    {lsa(101, 5, far), func(s Stats) uint64 { return s.Ahead }, 0},
		"highest number":             {lsa(101, 5, math.MaxUint64), func(s Stats) uint64 { return s.Ahead }, 0},
		"own, beyond any clock":      {lsa(1, 101, math.MaxUint64), func(s Stats) uint64 { return s.Ahead }, 0},
		"own, of an earlier life":    {lsa(1, 5, 1<<31), func(s Stats) uint64 { return s.Stale }, 2}, // overruled
		"own, ahead of what it said": {lsa(1, 101, wallEpoch+500), func(s Stats) uint64 { return s.Stale }, 4},
		"own, older":                 {lsa(1, 101, 3), func(s Stats) uint64 { return s.Duplicates }, 0},
		"a number that jumps":        {lsa(101, 5, wallEpoch+1<<31), nil, 1},
	} {
		_, x := alone(t, 2, nil)
		x.AddNeighbour(0, DT, 101, 7)
		x.Out()
		if got := x.sends(func() { x.Recv(0, 0, tc.sdu) }); len(got) != tc.sent {
			t.Errorf("%s: %d sent, want %d", name, len(got), tc.sent)
		}
		s := x.Stats()
		sum := s.Invalid + s.Ahead + s.Stale + s.Full + s.Duplicates
		if tc.counter == nil && sum != 0 || tc.counter != nil && (sum != 1 || tc.counter(s) != 1) {
			t.Errorf("%s: counted %+v", name, s)
		}
		if _, known := x.entry(101, 5); known != (tc.counter == nil) {
			t.Errorf("%s: entry is there: %v", name, known)
		}
	}
}

// TestDatabaseIsBounded: beyond max_entries nothing new of others is taken, own adjacencies and news of known ones
// are, and room comes back when the forged ones have aged away.
func TestDatabaseIsBounded(t *testing.T) {
	_, x := alone(t, 1, func(c *LinkStateConfig) { c.MaxEntries = 20 })
	for i := range uint64(100) {
		x.Recv(0, 0, lsa(1000+i, 5, 7))
		x.Recv(0, 0, lsa(1, 2000+i, 1<<31)) // own, of which each would leave an entry
		x.Out()
	}
	if s := x.Stats(); len(x.db()) > 20 || s.Full == 0 || s.Full+uint64(len(x.Routing.(*linkState).db.entries)) < 150 {
		t.Errorf("%d entries, counted %+v", len(x.db()), s)
	}
	x.AddNeighbour(0, DT, 101, 7)
	x.Recv(0, 0, lsa(1000, 5, 8))
	x.Out()
	if _, ok := x.entry(1, 101); !ok {
		t.Error("the own adjacency is not there")
	}
	if e, _ := x.entry(1000, 5); e.Seq != 8 {
		t.Errorf("known adjacency %+v, want number 8", e)
	}
	for now := core.Time(15 * sec); now < core.Time(180*sec); now += core.Time(15 * sec) {
		x.Tick(now)
		x.Out()
	}
	x.Recv(core.Time(180*sec), 0, lsa(101, 1, 1))
	if _, ok := x.entry(101, 1); !ok {
		t.Error("no room after the forged ones have aged away")
	}
	if s := x.Stats(); s.TimedOut == 0 {
		t.Error("nothing is counted as timed out")
	}
}

// TestForgeriesHeal: messages in the name of members that live, announcements, withdrawals and costs with higher
// numbers, sent from anywhere: their sources overrule them and all tables are right again within
// two refreshes: by the second the number of the source has left the forged one behind, if they met at
// the first. Nobody is taken for a double that has been struck less than three times.
func TestForgeriesHeal(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n, links := randomLayer(rt, t, nil)
		n.run(sec)
		l := rapid.SampledFrom(n.links).Draw(rt, "link")
		forged := lsaLong(l.a.addr, l.b.addr, wallEpoch+rapid.Uint64Range(2, 1<<20).Draw(rt, "ahead"),
			rapid.Uint32Range(0, 1).Draw(rt, "withdrawn"), rapid.Uint32Range(1, 9).Draw(rt, "cost"))
		x := rapid.SampledFrom(n.nodes).Draw(rt, "victim")
		x.do(func() { x.Recv(n.now, 0, forged) })
		n.run(31 * sec)
		checkTables(rt, n, links)
		for _, y := range n.nodes {
			if y.hits > 0 {
				rt.Fatalf("%d gives up its address", y.addr)
			}
		}
		if !maps.Equal(oracle(links, x.addr), x.hops()) {
			rt.Fatal("the victim has another table")
		}
	})
}
