package routing

import (
	"testing"
	"time"

	"ouroboros/core"
)

// BenchmarkBringUp1000 brings a layer of 1000 members and 2000 links up, all at one instant, and runs it
// until its tables stand: every message of every flow, without anything below. It is the share of
// routing in a large experiment.
func BenchmarkBringUp1000(b *testing.B) {
	for _, form := range []string{LongAlways, LongNeeded} {
		b.Run(form, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s := bringUp(b, 1000, form)
				b.ReportMetric(float64(s.Received), "messages/op")
				b.ReportMetric(float64(s.Computations), "computations/op")
			}
		})
	}
}

// bringUp runs rounds of 1 ms: what is sent in one round arrives in the next.
func bringUp(b testing.TB, size int, form string) (sum Stats) {
	type end struct {
		to   int32
		port Port
	}
	type letter struct {
		to   end
		n    uint8
		body [32]byte
	}
	net := newNet(b)
	index := map[uint64]int32{}
	nodes := make([]*testNode, 0, size)
	ends := make([][]end, 0, size)
	node := func(addr uint64) int32 {
		if _, ok := index[addr]; !ok {
			index[addr] = int32(len(nodes))
			nodes = append(nodes, net.add(addr, func(c *LinkStateConfig) { c.LongForm = form }))
			ends = append(ends, nil)
		}
		return index[addr]
	}
	var now, next []letter
	collect := func(i int32) {
		for _, s := range nodes[i].Out().Sends {
			l := letter{to: ends[i][s.Port], n: uint8(len(s.SDU))}
			copy(l.body[:], s.SDU)
			next = append(next, l)
		}
	}
	adj := erdosRenyi(size)
	for k := 0; k < len(adj); k += 2 {
		u, v := node(adj[k][0]), node(adj[k][1])
		pu, pv := Port(len(ends[u])), Port(len(ends[v]))
		ends[u], ends[v] = append(ends[u], end{v, pv}), append(ends[v], end{u, pu})
		for _, kind := range []Kind{Mgmt, DT} {
			nodes[u].AddNeighbour(0, kind, nodes[v].addr, pu)
			collect(u)
			nodes[v].AddNeighbour(0, kind, nodes[u].addr, pv)
			collect(v)
		}
	}
	for at := core.Time(0); at < core.Time(200*time.Millisecond); at = at.Add(time.Millisecond) {
		now, next = next, now[:0]
		for i := range now {
			l := &now[i]
			nodes[l.to.to].Recv(at, l.to.port, l.body[:l.n])
			collect(l.to.to)
		}
		for i, x := range nodes {
			if x.Deadline() <= at {
				x.Tick(at)
				collect(int32(i))
			}
		}
	}
	for _, x := range nodes {
		s := x.Stats()
		sum.Received += s.Received
		sum.Computations += s.Computations
		sum.Installs += s.Installs
		if s.Installs == 0 {
			b.Fatal("a member without a table")
		}
	}
	return sum
}
