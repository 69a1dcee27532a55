package dir

import (
	"fmt"
	"slices"
	"time"
)

// ChurnResult is the result of Churn.
type ChurnResult struct {
	Queries int
	// Found is the share of queries that were answered with the address of a member that is alive, among
	// them those for names that are registered by one.
	Found float64
	// Median, P99 and Longest are times until the answer, of those found.
	Median, P99, Longest time.Duration
	// Hops is the mean number of successive requests until the value.
	Hops Mean
	// Later is Found for as many queries ten minutes later, when the contacts that do not answer have been
	// given up.
	Later float64
}

// Churn lets a share of the members fall silent at one instant and another one join, each as a share of
// t.Members, and asks at random surviving members for names of surviving members from that instant on,
// one query every 100 ms.
func Churn(t Trial, fail, join float64) (ChurnResult, error) {
	var r ChurnResult
	if fail < 0 || fail >= 1 || join < 0 || join > 1 {
		return r, fmt.Errorf("shares of %v and %v, accepted are 0 to below 1 that fail, 0 to 1 that join", fail, join)
	}
	cfg, err := t.complete()
	if err != nil {
		return r, err
	}
	n := newMemNet(cfg, t.Seed)
	n.loss = t.Loss
	if err := n.grow(t.Members, bringUpGap); err != nil {
		return r, err
	}
	n.run(settleTime)
	for _, i := range n.rand.Perm(t.Members)[:int(fail*float64(t.Members))] {
		n.members[i].dead = true
	}
	fresh := int(join * float64(t.Members))
	if r, err = n.askAll(t, fresh); err != nil {
		return r, err
	}
	n.run(10 * time.Minute)
	later, err := n.askAll(t, 0)
	r.Later = later.Found
	return r, err
}

// askAll makes t.Lookups queries while members join.
func (n *memNet) askAll(t Trial, join int) (ChurnResult, error) {
	r := ChurnResult{Queries: t.Lookups}
	var took []time.Duration
	for i := range t.Lookups {
		if join > 0 && i%max(t.Lookups/join, 1) == 0 {
			join--
			if err := n.grow(1, 0); err != nil {
				return r, err
			}
		}
		from, to := n.random(), n.members[n.rand.IntN(t.Members)]
		for to.dead || to == from {
			from, to = n.random(), n.members[n.rand.IntN(t.Members)]
		}
		before := from.stats.Hops
		addrs, d := n.ask(from, to.name())
		if slices.Contains(addrs, to.addr) {
			took = append(took, d)
		}
		for h := range before {
			if from.stats.Hops[h] > before[h] {
				r.Hops.add(float64(h))
			}
		}
		n.run(100 * time.Millisecond)
	}
	slices.Sort(took)
	r.Found = float64(len(took)) / float64(t.Lookups)
	if len(took) > 0 {
		r.Median, r.P99, r.Longest = took[len(took)/2], took[len(took)*99/100], took[len(took)-1]
	}
	return r, nil
}
