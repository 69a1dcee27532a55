package dir

import (
	"fmt"
	"math/rand/v2"
	"time"

	"ouroboros/core"
)

// Trial describes an experiment on the policy dht in a layer of its own in memory, with delays of 5 to
// 15 ms. The same trial gives the same result.
type Trial struct {
	Members int     // 2 or more
	K       int     // bucket size and copies, 1 to 20; 0 = 8
	Alpha   int     // parallel requests, 1 to 10; 0 = 3
	Lookups int     // of each kind; 0 = 4 per member
	Seed    uint64  // of identifiers, delays and choices
	Loss    float64 // share of messages lost, 0 to below 1
}

// complete fills in the defaults, checks the trial and returns the configuration of the members.
func (t *Trial) complete() (*DHTConfig, error) {
	cfg := dhtDefaults()
	cfg.Cache = 0
	if t.K != 0 {
		cfg.K = t.K
	}
	if t.Alpha != 0 {
		cfg.Alpha = t.Alpha
	}
	if t.Lookups == 0 {
		t.Lookups = 4 * t.Members
	}
	t.K = cfg.K
	if t.Members < 2 || t.Loss < 0 || t.Loss >= 1 {
		return nil, fmt.Errorf("trial: %d members, loss %v, accepted are 2 or more and 0 to below 1", t.Members, t.Loss)
	}
	return cfg, cfg.Validate()
}

// Mean is the mean of a number of observations.
type Mean struct {
	Value float64
	N     int
}

func (m *Mean) add(x float64) {
	m.N++
	m.Value += (x - m.Value) / float64(m.N)
}

// HopsResult is the result of Hops.
type HopsResult struct {
	// Greedy is the mean number of hops from a random member to a random one, itself among them, when every
	// member has k contacts in each bucket that has so many, and each hop goes to the contact closest to
	// the destination: the measure of published figures. With k = 1 it is (log2 n)/2.
	Greedy Mean
	// Node is the mean number of successive requests of the real lookups of FIND_NODE to the member whose
	// identifier is looked for, in a layer whose members have joined one after the other.
	Node Mean
	// Value is the same of queries for names until a member answers that holds the value: one of k.
	Value Mean
	// Requests is the mean number of requests of one of these queries.
	Requests Mean
	// NotFound counts the queries without an answer.
	NotFound int
}

// Hops measures the hops of lookups. Lookups of one trial share a layer; for confidence intervals take the
// means of trials with different seeds.
func Hops(t Trial) (HopsResult, error) {
	cfg, err := t.complete()
	if err != nil {
		return HopsResult{}, err
	}
	r := HopsResult{Greedy: greedy(t)}
	n := newMemNet(cfg, t.Seed)
	n.loss = t.Loss
	if err := n.grow(t.Members, bringUpGap); err != nil {
		return r, err
	}
	n.run(settleTime)
	for range t.Lookups {
		from, to := n.pair()
		if depth, ok := n.lookup(from, to.self.id); ok {
			r.Node.add(float64(depth))
		}
		before := from.stats
		addrs, _ := n.ask(from, to.name())
		if len(addrs) == 0 {
			r.NotFound++
			continue
		}
		for h := range before.Hops {
			if from.stats.Hops[h] > before.Hops[h] {
				r.Value.add(float64(h))
				r.Requests.add(float64(from.stats.Sent[codeFindValueReq] - before.Sent[codeFindValueReq]))
			}
		}
		if from.stats.Local > before.Local {
			r.Value.add(0)
			r.Requests.add(0)
		}
	}
	return r, nil
}

const (
	bringUpGap = 5 * time.Millisecond // between two members that join
	settleTime = 30 * time.Second     // for the last of them to fill their tables
)

// greedy walks over converged contact tables.
func greedy(t Trial) Mean {
	r := rand.New(rand.NewPCG(t.Seed, 1))
	all := make([]contact, t.Members)
	for i := range all {
		prefix := r.Uint64()
		all[i] = contact{id: core.Hash(addrValue(prefix)), prefix: prefix, addr: uint64(i) + 1}
	}
	tables := make([]table, len(all))
	for i := range tables {
		tables[i].reset(all[i], t.K)
		for _, j := range r.Perm(len(all)) {
			tables[i].told(all[j])
		}
	}
	var m Mean
	var next []contact
	for range t.Lookups {
		from, to := r.IntN(len(all)), r.IntN(len(all))
		hops := 0
		for at := from; at != to; hops++ {
			next = tables[at].closest(next[:0], all[to].prefix, 1, false)
			at = int(next[0].addr) - 1
		}
		m.add(float64(hops))
	}
	return m
}

// twoOf draws two different numbers below n.
func twoOf(r *rand.Rand, n int) (a, b int) {
	a = r.IntN(n)
	if b = r.IntN(n - 1); b >= a {
		b++
	}
	return a, b
}

// pair returns two different members.
func (n *memNet) pair() (from, to *memMember) {
	a, b := twoOf(n.rand, len(n.members))
	return n.members[a], n.members[b]
}

// lookup looks for a member by its identifier and returns the number of successive requests to it.
func (n *memNet) lookup(from *memMember, id core.Hash) (depth int, ok bool) {
	l := &lookup{key: id}
	from.do(func() {
		from.begun()
		from.start(n.now, l)
	})
	n.runUntil(n.now.Add(queryTime), func() bool { return l.over })
	for i := range l.peers {
		if p := &l.peers[i]; p.id == id && p.state == answered {
			return p.depth, true
		}
	}
	return 0, false
}

// ask makes a query and returns the answer and how long it took.
func (n *memNet) ask(from *memMember, h core.Hash) (addrs []uint64, took time.Duration) {
	answered := false
	start := n.now
	from.do(func() {
		from.Query(n.now, h, func(a []uint64) { addrs, answered, took = a, true, n.now.Sub(start) })
	})
	n.runUntil(n.now.Add(2*queryTime), func() bool { return answered })
	return addrs, took
}
