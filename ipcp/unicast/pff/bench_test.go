package pff

import (
	"math"
	"strconv"
	"testing"
)

// benchRoutes are routes to n destinations, each with a list of the given length.
func benchRoutes(n, ports int) []Route {
	routes := make([]Route, n)
	for i := range routes {
		routes[i].Dst = uint64(i+1) * 2654435761 & math.MaxUint32
		for k := range ports {
			routes[i].Ports = append(routes[i].Ports, Port((i+k)%4))
		}
	}
	return routes
}

// BenchmarkNext makes 16 look-ups an iteration, so that the loop itself does not count.
func BenchmarkNext(b *testing.B) {
	for _, name := range Policies().Names() {
		for _, n := range []int{11, 1000} {
			b.Run(name+"/"+strconv.Itoa(n), func(b *testing.B) {
				p := newTest(b, name)
				routes := benchRoutes(n, 2)
				p.Replace(routes)
				var dst [16]uint64
				for i := range dst {
					dst[i] = routes[i*7%n].Dst
				}
				b.ReportAllocs()
				sum := Port(0)
				for b.Loop() {
					for i, d := range dst {
						sum += p.Next(d, uint32(i))
					}
				}
				if sum < 0 {
					b.Fatal("no next hop")
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(dst)), "ns/look-up")
			})
		}
	}
}

func BenchmarkReplace1000(b *testing.B) {
	for _, name := range Policies().Names() {
		b.Run(name, func(b *testing.B) {
			p := newTest(b, name)
			routes := benchRoutes(1000, 2)
			b.ReportAllocs()
			for b.Loop() {
				p.Replace(routes)
			}
		})
	}
}

func BenchmarkPortDown1000(b *testing.B) {
	for _, name := range Policies().Names() {
		b.Run(name, func(b *testing.B) {
			p := newTest(b, name)
			p.Replace(benchRoutes(1000, 2))
			b.ReportAllocs()
			for b.Loop() {
				p.PortDown(1)
				p.PortUp(1)
			}
		})
	}
}
