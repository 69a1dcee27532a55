package routing

import (
	"fmt"
	"testing"

	"ouroboros/core"
	"ouroboros/ipcp/unicast/pff"
)

// benchDatabase is a random layer of n members with 2n links of costs 1 to cost, as one member knows it.
func benchDatabase(n int, cost uint32) *lsdb {
	d := &lsdb{}
	for i, a := range erdosRenyi(n) {
		d.insert(entry{src: a[0], dst: a[1], cost: 1 + uint32(i/2)*7919%cost})
	}
	d.link()
	return d
}

var benchWants = []struct {
	name string
	want pff.Want
}{{"first", pff.WantFirst}, {"lfa", pff.WantAlternates}, {"ecmp", pff.WantEqual}}

// BenchmarkFull computes the next hops of one member from scratch.
func BenchmarkFull(b *testing.B) {
	for _, n := range []int{100, 1000, 5000} {
		for _, cost := range []uint32{1, 10} {
			for _, w := range benchWants {
				b.Run(fmt.Sprintf("%d/cost%d/%s", n, cost, w.name), func(b *testing.B) {
					d := benchDatabase(n, cost)
					var g graph
					var p paths
					p.begin(&g, w.want)
					b.ReportAllocs()
					for b.Loop() {
						g.build(d, true)
						p.compute(0)
					}
				})
			}
		}
	}
}

// BenchmarkUpdate fails and mends one link after the other: two updates an iteration.
func BenchmarkUpdate(b *testing.B) {
	for _, n := range []int{100, 1000, 5000} {
		for _, cost := range []uint32{1, 10} {
			for _, w := range benchWants {
				b.Run(fmt.Sprintf("%d/cost%d/%s", n, cost, w.name), func(b *testing.B) {
					d := benchDatabase(n, cost)
					var g graph
					var p paths
					var log []arcChange
					p.begin(&g, w.want)
					g.build(d, true)
					p.compute(0)
					i := 0
					b.ReportAllocs()
					for b.Loop() {
						for _, withdrawn := range []bool{true, false} {
							e := &d.entries[i]
							e.withdrawn = withdrawn
							log = log[:0]
							if !g.change(d, e, &log) {
								b.Fatal("no update in place")
							}
							p.update(log)
						}
						if i++; i == len(d.entries) {
							i = 0
						}
					}
				})
			}
		}
	}
}

// BenchmarkTable1000 compares a table with the one that is installed, line by line.
func BenchmarkTable1000(b *testing.B) {
	x, _ := benchMachine(b, 1000)
	m := x.Routing.(*linkState)
	b.ReportAllocs()
	for b.Loop() {
		m.install(0, len(m.graph.order))
	}
}

// BenchmarkFlood passes a new number of each adjacency of a layer of 1000 on to the other neighbours.
func BenchmarkFlood(b *testing.B) {
	x, heard := benchMachine(b, 1000)
	m := x.Routing.(*linkState)
	m.cfg.Pace = 0
	seq := uint64(1)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		sdu := heard[i]
		for k := range 8 {
			sdu[16+k] = byte(seq >> (56 - 8*k))
		}
		x.Recv(0, 0, sdu)
		x.Out()
		if i++; i == len(heard) {
			i = 0
			seq++
		}
	}
}

// BenchmarkPathVector takes one message of 20 routes that change every time, chooses, and tells three
// other neighbours.
func BenchmarkPathVector(b *testing.B) {
	_, x := vector(b, 4, nil)
	msgs := [2][]byte{}
	for v := range msgs {
		msgs[v] = append(msgs[v], pv(0, 9, uint64(4+v), 101, 5, 6, 1000)...)
		for dst := range uint64(19) {
			msgs[v] = appendRoute(msgs[v], uint64(4+v), 101, 5, 6, 1001+dst)
		}
	}
	now := core.Time(0)
	number := uint32(0)
	b.ReportAllocs()
	for b.Loop() {
		number++
		msg := msgs[number%2]
		for k := range 4 {
			msg[5+k] = byte(number >> (24 - 8*k))
		}
		now++
		x.Recv(now, 0, msg)
		x.Out()
		x.Tick(now)
		x.Out()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20, "ns/route")
}

// BenchmarkOffline brings whole layers up; those that flood over a tree of management flows.
func BenchmarkOffline(b *testing.B) {
	for _, policy := range []string{"link-state", "path-vector", "static"} {
		for _, n := range []int{100, 1000} {
			if n == 1000 && policy == "path-vector" {
				continue
			}
			b.Run(fmt.Sprintf("%s/%d", policy, n), func(b *testing.B) {
				var links [][2]int
				index := map[uint64]int{}
				number := func(a uint64) int {
					if _, ok := index[a]; !ok {
						index[a] = len(index)
					}
					return index[a]
				}
				for i, a := range erdosRenyi(n) {
					if i%2 == 0 {
						links = append(links, [2]int{number(a[0]), number(a[1])})
					}
				}
				for b.Loop() {
					members := offlineLayer(b, policy, len(index), links)
					if policy == "link-state" {
						OfflineTree(members)
					}
					if _, err := Offline(members, pff.WantAlternates); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
