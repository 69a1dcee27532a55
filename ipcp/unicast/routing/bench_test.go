package routing

import (
	"math/rand/v2"
	"testing"

	"ouroboros/core"
)

// erdosRenyi returns the directed adjacencies of a random graph with n vertices and 2n links, that is of
// mean degree 4, with random addresses.
func erdosRenyi(n int) [][2]uint64 {
	r := rand.New(rand.NewPCG(1, 2))
	addrs := make([]uint64, n)
	for i := range addrs {
		addrs[i] = 1 + r.Uint64N(1<<32-1)
	}
	var out [][2]uint64
	seen := map[[2]uint64]bool{}
	for len(out) < 4*n {
		u, v := addrs[r.IntN(n)], addrs[r.IntN(n)]
		if u == v || seen[[2]uint64{u, v}] {
			continue
		}
		seen[[2]uint64{u, v}], seen[[2]uint64{v, u}] = true, true
		out = append(out, [2]uint64{u, v}, [2]uint64{v, u})
	}
	return out
}

// benchMachine returns a member of a converged layer of n members, with data transfer and management
// neighbours, and what it has heard.
func benchMachine(b testing.TB, n int) (*testNode, [][]byte) {
	adj := erdosRenyi(n)
	x := newNet(b).add(adj[0][0], nil)
	var heard [][]byte
	port := Port(0)
	for _, a := range adj {
		if a[0] == x.addr {
			x.AddNeighbour(0, Mgmt, a[1], port)
			x.AddNeighbour(0, DT, a[1], port)
			port++
			x.Out()
			continue
		}
		heard = append(heard, lsaLong(a[0], a[1], 1, 0, 1), lsa(a[0], a[1], 1))
	}
	for _, sdu := range heard {
		x.Recv(0, 0, sdu)
		x.Out()
	}
	x.Tick(0)
	if out := x.Out(); len(out.Routes) < n/2 {
		b.Fatalf("%d routes among %d members", len(out.Routes), n)
	}
	return x, heard
}

func BenchmarkRecvDuplicate1000(b *testing.B) {
	x, heard := benchMachine(b, 1000)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		x.Recv(0, 1, heard[i])
		x.Out()
		if i++; i == len(heard) {
			i = 0
		}
	}
}

func BenchmarkRecvRefresh1000(b *testing.B) {
	x, heard := benchMachine(b, 1000)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		sdu := heard[i]
		for k := 23; k > 16; k-- { // the next number
			if sdu[k]++; sdu[k] != 0 {
				break
			}
		}
		x.Recv(0, 1, sdu)
		x.Out()
		if i++; i == len(heard) {
			i = 0
		}
	}
}

// TestDuplicateDoesNotAllocate: nearly all messages of a large layer are duplicates.
func TestDuplicateDoesNotAllocate(t *testing.T) {
	x, heard := benchMachine(t, 100)
	if n := testing.AllocsPerRun(100, func() {
		x.Recv(core.Time(sec), 0, heard[0])
		x.Out()
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
