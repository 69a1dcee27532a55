package routing

import (
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/ipcp/unicast/pff"
)

// OfflineMember is one member of a layer that Offline runs.
type OfflineMember struct {
	Addr  uint64 // unique, not 0
	Links []OfflineLink
	// Policy is a fresh machine of the policy, which Offline starts. Its Env needs a wall clock and a random
	// stream, if the policy uses them, and nothing else.
	Policy Routing
}

// OfflineLink is a link as one of its ends sees it; the other end has one in return.
type OfflineLink struct {
	To       int    // index of the member at the far end
	Cost     uint32 // of a packet in this direction; 0 counts as 1
	DataOnly bool   // no management flow runs over the link, as both ends see it; see OfflineTree
}

// OfflineRoute is one line of a table: the next hops towards Dst in order of preference, as positions in
// the Links of the member.
type OfflineRoute struct {
	Dst  uint64
	Next []int
}

// Times of Offline.
const (
	offlineHop   = time.Millisecond
	offlineQuiet = time.Second
	offlineLimit = 10 * time.Minute
)

// Offline runs the policies of all members to convergence without a world and returns the tables that they
// have installed, sorted by destination. There is no second computation of routes in it: it starts
// the machines, tells them of their links, carries every message over its link in 1 ms without loss, and
// lets their timers expire. The layer has converged when no table has changed for 1 s of its time
// and as long again as it took; what hold times and pacing of the policies add must be
// shorter than that. A layer that does not come to rest within 10 minutes of its time is an error.
//
// It is linear in the messages that the policies send. Under link-state these are as many as there are
// directed adjacencies, times the links with a management flow, nearly twice if those have circles.
func Offline(members []OfflineMember, want pff.Want) ([][]OfflineRoute, error) {
	o := &offline{members: members, tables: make([][]OfflineRoute, len(members))}
	if err := o.wire(); err != nil {
		return nil, err
	}
	for i := range members {
		members[i].Policy.Start(0, members[i].Addr, want)
		o.carryOut(i)
	}
	for i := range members {
		o.connect(i)
	}
	if err := o.run(); err != nil {
		return nil, err
	}
	return o.tables, nil
}

// OfflineTree leaves management flows on the links of a tree only, in each connected part of the layer. Members
// that flood hear everything over it that they would hear over all links, each message once, and come
// to the same tables; link-state does. A policy that talks to its neighbours about themselves, as path-vector does,
// needs a management flow on every link.
func OfflineTree(members []OfflineMember) {
	seen := make([]bool, len(members))
	in := map[[2]int]bool{}
	for root := range members {
		if seen[root] {
			continue
		}
		seen[root] = true
		for todo := []int{root}; len(todo) > 0; todo = todo[1:] {
			i := todo[0]
			for _, l := range members[i].Links {
				if l.To >= 0 && l.To < len(members) && !seen[l.To] {
					seen[l.To], in[[2]int{i, l.To}], in[[2]int{l.To, i}] = true, true, true
					todo = append(todo, l.To)
				}
			}
		}
	}
	for i := range members {
		for k := range members[i].Links {
			l := &members[i].Links[k]
			l.DataOnly = !in[[2]int{i, l.To}]
		}
	}
}

// offline is a run of Offline.
type offline struct {
	members []OfflineMember
	back    [][]int // for each link of each member its position in the links of the far end
	tables  [][]OfflineRoute
	now     core.Time
	changed core.Time // when a table changed last
	flight  []letter  // messages that arrive in the next round
	body    []byte    // of these
}

// letter is a message on its way, the bytes of the flight from from to to.
type letter struct {
	member   int32
	port     Port
	from, to int
}

// wire finds the other end of every link. The n-th link to a member is the n-th one back.
func (o *offline) wire() error {
	o.back = make([][]int, len(o.members))
	for i := range o.members {
		o.back[i] = make([]int, len(o.members[i].Links))
		for k, l := range o.members[i].Links {
			if l.To < 0 || l.To >= len(o.members) || l.To == i {
				return fmt.Errorf("link %d of member %d leads to member %d of %d", k, i, l.To, len(o.members))
			}
			nth := 0
			for _, x := range o.members[i].Links[:k] {
				if x.To == l.To {
					nth++
				}
			}
			o.back[i][k] = nthLink(o.members[l.To].Links, i, nth)
			if o.back[i][k] < 0 {
				return fmt.Errorf("link %d of member %d has no other end at member %d", k, i, l.To)
			}
			if l.DataOnly != o.members[l.To].Links[o.back[i][k]].DataOnly {
				return fmt.Errorf("link %d of member %d has a management flow at one end only", k, i)
			}
		}
	}
	return nil
}

// nthLink returns the position of the n-th link to a member, -1 if there is none.
func nthLink(links []OfflineLink, to, n int) int {
	for k, l := range links {
		if l.To != to {
			continue
		}
		if n == 0 {
			return k
		}
		n--
	}
	return -1
}

// connect establishes the connections of a member, management first (spec 04 §2.2).
func (o *offline) connect(i int) {
	m := &o.members[i]
	for _, kind := range []Kind{Mgmt, DT} {
		for k, l := range m.Links {
			if kind == Mgmt && l.DataOnly {
				continue
			}
			m.Policy.AddNeighbour(0, kind, o.members[l.To].Addr, Port(k))
			o.carryOut(i)
		}
	}
	for k, l := range m.Links {
		if l.Cost > 1 {
			m.Policy.SetCost(0, Port(k), l.Cost)
			o.carryOut(i)
		}
	}
}

// carryOut takes the effects of a member.
func (o *offline) carryOut(i int) {
	out := o.members[i].Policy.Out()
	for _, s := range out.Sends {
		l := o.members[i].Links[s.Port]
		from := len(o.body)
		o.body = append(o.body, s.SDU...)
		o.flight = append(o.flight, letter{int32(l.To), Port(o.back[i][s.Port]), from, len(o.body)})
	}
	if !out.Install {
		return
	}
	o.changed = o.now
	table := make([]OfflineRoute, len(out.Routes))
	var next []int
	for k, r := range out.Routes {
		from := len(next)
		for _, p := range r.Ports {
			next = append(next, int(p))
		}
		table[k] = OfflineRoute{Dst: r.Dst, Next: next[from:len(next):len(next)]}
	}
	o.tables[i] = table
}

// run lets rounds pass until the tables stand. What is sent in one round arrives in the next, before timers.
func (o *offline) run() error {
	var flight []letter
	var body []byte
	for o.now <= core.Time(offlineLimit) {
		next := clock.Never
		for i := range o.members {
			if p := o.members[i].Policy; p.Deadline() <= o.now {
				p.Tick(o.now)
				o.carryOut(i)
			}
			next = min(next, max(o.members[i].Policy.Deadline(), o.now.Add(offlineHop)))
		}
		if len(o.flight) > 0 {
			next = o.now.Add(offlineHop)
		} else if next > o.changed+max(o.changed, core.Time(offlineQuiet)) {
			return nil
		}
		o.now = next
		flight, o.flight = o.flight, flight[:0]
		body, o.body = o.body, body[:0]
		for _, l := range flight {
			o.members[l.member].Policy.Recv(o.now, l.port, body[l.from:l.to])
			o.carryOut(int(l.member))
		}
	}
	return fmt.Errorf("the layer has not come to rest within %v: last change of a table at %v", offlineLimit, o.changed)
}
