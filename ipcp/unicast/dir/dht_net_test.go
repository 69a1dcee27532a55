package dir

import (
	"math"
	"slices"
	"testing"
	"time"

	"ouroboros/core"
)

// layerOf returns a layer of members that have joined and registered a name each.
func layerOf(tb testing.TB, members int, seed uint64, edit func(*DHTConfig)) *memNet {
	tb.Helper()
	cfg := dhtDefaults()
	cfg.Cache = 0
	if edit != nil {
		edit(cfg)
	}
	if err := cfg.Validate(); err != nil {
		tb.Fatal(err)
	}
	n := newMemNet(cfg, seed)
	if err := n.grow(members, bringUpGap); err != nil {
		tb.Fatal(err)
	}
	n.run(settleTime)
	return n
}

// meanOf returns the mean over seeds and half of its 95 % confidence interval for 4 degrees of freedom.
func meanOf(x [5]float64) (mean, half float64) {
	for _, v := range x {
		mean += v / 5
	}
	var ss float64
	for _, v := range x {
		ss += (v - mean) * (v - mean)
	}
	return mean, 2.776 * math.Sqrt(ss/4/5)
}

// TestHops: with random identifiers and converged tables of k = 8 a greedy walk takes 1.50 hops among 64
// members, 1.93 among 256, 2.38 among 1024, and with k = 1 half as many as the number of members has bits. The
// real lookups, in layers that have grown member by member, are as good within 0.15 hops, and need
// fewer to meet one of the k members that hold a value.
func TestHops(t *testing.T) {
	for _, c := range []struct {
		members, k int
		want       float64
	}{{64, 8, 1.50}, {256, 8, 1.93}, {64, 1, 3}, {256, 1, 4}} {
		var x [5]float64
		for seed := range x {
			x[seed] = greedy(Trial{Members: c.members, K: c.k, Lookups: 1000, Seed: uint64(seed)}).Value
		}
		mean, half := meanOf(x)
		t.Logf("n %d, k %d: greedy %.3f ± %.3f, published %.2f", c.members, c.k, mean, half, c.want)
		if math.Abs(mean-c.want) > half+c.want/100 {
			t.Errorf("n %d, k %d: greedy %.3f ± %.3f hops, want %.2f", c.members, c.k, mean, half, c.want)
		}
	}
	if m := greedy(Trial{Members: 1024, K: 8, Lookups: 4000, Seed: 1}).Value; math.Abs(m-2.38) > 0.03 {
		t.Errorf("n 1024: greedy %.3f hops, want 2.38", m)
	}
	for _, members := range []int{64, 128} {
		r, err := Hops(Trial{Members: members, Seed: 1, Lookups: 300})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("n %d: %+v", members, r)
		if math.Abs(r.Node.Value-r.Greedy.Value) > 0.15 || r.Value.Value >= r.Node.Value || r.NotFound != 0 || r.Node.N != 300 {
			t.Errorf("n %d: %+v", members, r)
		}
	}
	trial := Trial{Members: 30, Seed: 1, Loss: 0.1}
	a, _ := Hops(trial)
	if b, _ := Hops(trial); a != b {
		t.Errorf("the same trial gives %+v and %+v", a, b)
	}
}

// TestGrowthLosesNoName: names registered when the layer was small are found when it has grown, because
// values are handed to members that come closer; every name is at members closest to it.
func TestGrowthLosesNoName(t *testing.T) {
	n := layerOf(t, 120, 3, nil)
	for i, m := range n.members {
		if addrs, _ := n.ask(n.members[(i+60)%120], m.name()); !slices.Equal(addrs, []uint64{m.addr}) {
			t.Errorf("name of %d: %v", m.addr, addrs)
		}
		key := prefixOf(m.name())
		byDistance := slices.Clone(n.members)
		slices.SortFunc(byDistance, func(a, b *memMember) int { return closer(&a.self, &b.self, key) })
		copies := 0
		for _, h := range byDistance[:n.cfg.K+1] {
			if h.held.byKey[m.name()] != nil {
				copies++
			}
		}
		if copies < n.cfg.K-2 {
			t.Errorf("name of %d: %d of its %d closest members hold it", m.addr, copies, n.cfg.K)
		}
	}
}

// TestChurn: 30 % of the members fall silent at once and others join. All 8 holders of a name are among
// those with a probability of 0.3^8 < 0.0001, so at least 99 % of the names of the others must be found,
// whether no message gets lost or one in ten.
func TestChurn(t *testing.T) {
	for _, loss := range []float64{0, 0.1} {
		r, err := Churn(Trial{Members: 80, Seed: 2, Lookups: 250, Loss: loss}, 0.3, 0.1)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("loss %v: %+v", loss, r)
		if r.Found < 0.99 || r.Later < 0.99 || r.Longest > 5*time.Second {
			t.Errorf("loss %v: %+v", loss, r)
		}
	}
	if _, err := Churn(Trial{Members: 3}, 1, 0); err == nil {
		t.Error("a layer without survivors")
	}
	for _, bad := range []Trial{{Members: 3, K: 21}, {Members: 1}, {Members: 3, Loss: 1}} {
		if _, err := Hops(bad); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}

// TestAnycast: a name at several members is found at all of them, each being the first about as often; one
// that leaves the name is not what others are sent to first for ever.
func TestAnycast(t *testing.T) {
	n := layerOf(t, 40, 4, func(c *DHTConfig) {
		c.Replicate, c.Refresh, c.Expire = 10*time.Second, 60*time.Second, 300*time.Second
	})
	web := core.SHA3_256.Sum("web")
	servers := n.members[10:13]
	for _, m := range servers {
		m.do(func() {
			if err := m.Register(n.now, web); err != nil {
				t.Error(err)
			}
		})
	}
	n.run(5 * time.Second)
	first := map[uint64]int{}
	for range 150 {
		addrs, _ := n.ask(n.random(), web)
		if len(addrs) == 0 {
			t.Fatal("not found")
		}
		first[addrs[0]]++
	}
	for _, m := range servers {
		if first[m.addr] < 25 {
			t.Errorf("of 150 queries %v have each server first", first)
		}
	}
	if addrs, _ := n.ask(servers[0], web); addrs[len(addrs)-1] != servers[0].addr || len(addrs) != 3 {
		t.Errorf("a server sees %v, itself is %d", addrs, servers[0].addr)
	}
	servers[0].do(func() { servers[0].Unregister(n.now, web) })
	if addrs, _ := n.ask(servers[0], web); slices.Contains(addrs, servers[0].addr) || len(addrs) != 2 {
		t.Errorf("a former server sees %v", addrs)
	}
	n.run(60 * time.Second)
	for range 50 {
		if addrs, _ := n.ask(n.random(), web); len(addrs) == 0 || addrs[0] == servers[0].addr {
			t.Errorf("who does not renew its registration is sent as %v", addrs)
		}
	}
	n.run(300 * time.Second)
	if addrs, _ := n.ask(n.members[0], web); slices.Contains(addrs, servers[0].addr) || len(addrs) != 2 {
		t.Errorf("after its expiry %v", addrs)
	}
}

// TestValuesOutliveTheirHolders: while their owner lives, names survive the death of all who hold them, and
// while their holders live, that of the owner until t_expire.
func TestValuesOutliveTheirHolders(t *testing.T) {
	n := layerOf(t, 30, 5, func(c *DHTConfig) {
		c.Replicate, c.Refresh, c.Expire = 10*time.Second, 30*time.Second, 120*time.Second
	})
	owner := n.members[7]
	for _, m := range n.members {
		if m != owner && m.held.byKey[owner.name()] != nil {
			m.dead = true
		}
	}
	n.run(30 * time.Second)
	if addrs, _ := n.ask(n.random(), owner.name()); !slices.Equal(addrs, []uint64{owner.addr}) {
		t.Errorf("after the death of its holders: %v", addrs)
	}
	owner.dead = true
	n.run(60 * time.Second)
	if addrs, _ := n.ask(n.random(), owner.name()); !slices.Equal(addrs, []uint64{owner.addr}) {
		t.Errorf("after the death of its owner: %v", addrs)
	}
	n.run(120 * time.Second)
	if addrs, _ := n.ask(n.random(), owner.name()); len(addrs) != 0 {
		t.Errorf("after its expiry: %v", addrs)
	}
}

// TestRestart: a member that stops and joins again under its address has a new identifier and is found.
func TestRestart(t *testing.T) {
	n := layerOf(t, 30, 6, nil)
	m := n.members[5]
	id := m.ID()
	m.do(func() { m.Stop(n.now) })
	n.run(10 * time.Second)
	m.do(func() {
		m.SetAddress(n.now, m.addr)
		m.Join(n.now, 1)
		if err := m.Register(n.now, "short"); err == nil {
			t.Error("a digest of 5 bytes is registered")
		}
		if err := m.Register(n.now, m.name()); err != nil {
			t.Error(err)
		}
	})
	n.run(5 * time.Second)
	if m.ID() == id || len(m.ID()) != 32 {
		t.Errorf("identifier %v after %v", m.ID(), id)
	}
	for _, x := range n.members {
		x.Contacts(func(c Contact) {
			if c.ID == id && c.Seen > n.now.Add(-time.Second*5) {
				t.Errorf("%d still knows the old identifier", x.addr)
			}
		})
	}
	if depth, ok := n.lookup(n.members[20], m.ID()); !ok || depth == 0 {
		t.Error("the new identifier is not found")
	}
}

// TestManyQueriesAtOnce: no more than 128 lookups are under way (spec 05 §5.1); the queries beyond wait,
// those beyond them are refused, and each is answered once.
func TestManyQueriesAtOnce(t *testing.T) {
	n := layerOf(t, 20, 7, nil)
	m := n.members[3]
	const queries = maxQueries + maxWaiting + 10
	answers := make([]int, queries)
	m.do(func() {
		for i := range answers {
			h := core.SHA3_256.Sum(core.Name("name" + string(rune(0x4e00+i))))
			m.Query(n.now, h, func([]uint64) { answers[i]++ })
		}
		if p := m.Stats().Pending; p > maxLookups {
			t.Errorf("%d lookups under way", p)
		}
	})
	n.run(30 * time.Second)
	for i, a := range answers {
		if a != 1 {
			t.Fatalf("query %d was answered %d times", i, a)
		}
	}
	if st := m.Stats(); st.Gone != 10 || st.NotFound != queries || st.Pending != 0 {
		t.Errorf("%+v", st)
	}
}

// TestSilence: in a layer at rest a member sends a few messages a minute, and none between the refreshes.
func TestSilence(t *testing.T) {
	n := layerOf(t, 50, 8, nil)
	n.run(time.Minute)
	sent := n.sent
	n.run(5 * time.Minute)
	if n.sent != sent {
		t.Errorf("%d messages in five minutes before the first refresh", n.sent-sent)
	}
	n.run(time.Hour)
	if perMember := float64(n.sent-sent) / 50 / 65; perMember > 6 {
		t.Errorf("%.1f messages per member and minute", perMember)
	}
}

// TestOtherDigests: a layer with longer digests has identifiers of that length.
func TestOtherDigests(t *testing.T) {
	d := newDHT(nil, func() int64 { return 0 }, newMemNet(dhtDefaults(), 1).rand, dhtDefaults())
	d.SetHash(core.SHA3_512)
	d.SetAddress(0, 5)
	if len(d.ID()) != 64 {
		t.Errorf("identifier of %d bytes", len(d.ID()))
	}
	if d.Register(0, core.SHA3_512.Sum("web")) != nil || d.Register(0, core.SHA3_256.Sum("web")) == nil {
		t.Error("digests are not told by their length")
	}
	var own []core.Hash
	d.Registered(func(h core.Hash) { own = append(own, h) })
	if !slices.Equal(own, []core.Hash{core.SHA3_512.Sum("web")}) {
		t.Errorf("registered %v", own)
	}
}

// TestDHTConfig: the ranges are those of spec 05 §2, in whole seconds.
func TestDHTConfig(t *testing.T) {
	for _, c := range []struct {
		name string
		v    any
		ok   bool
	}{
		{"alpha", 1, true},
		{"alpha", 10, true},
		{"alpha", 0, false},
		{"alpha", 11, false},
		{"k", 1, true},
		{"k", 20, true},
		{"k", 0, false},
		{"k", 21, false},
		{"t_expire", "10s", true},
		{"t_expire", "24h", true},
		{"t_expire", "9s", false},
		{"t_expire", "86401s", false},
		{"t_refresh", "3s", true},
		{"t_refresh", "1h", true},
		{"t_refresh", "2s", false},
		{"t_refresh", "3500ms", false},
		{"t_replicate", "3s", true},
		{"t_replicate", "1h", true},
		{"t_replicate", "3601s", false},
		{"cache", "0s", true},
		{"cache", "60s", true},
		{"cache", "61s", false},
		{"cache", "-1s", false},
	} {
		if _, err := Policies(nil).Choose("dht", map[string]any{c.name: c.v}); (err == nil) != c.ok {
			t.Errorf("%s %v: %v", c.name, c.v, err)
		}
	}
}

var _ Networked = (*DHT)(nil)
