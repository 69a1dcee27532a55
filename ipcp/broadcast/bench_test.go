package broadcast_test

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkFlood is one packet of 100 bytes from a user to others on the same system, each of whom gets it.
func BenchmarkFlood(b *testing.B) {
	for _, n := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("%d receivers", n), func(b *testing.B) {
			net := newNetwork(b, 1, nil, nil)
			net.bootstrap(nil)
			f, _ := net.join(0)
			users := make([]count, n)
			for i := range users {
				g, _ := net.join(0)
				g.Attach(&users[i])
			}
			b.ReportAllocs()
			for b.Loop() {
				_ = f.Write(net.w.Pool().Get(0, 100)) // with a room of 1023 packets it takes each
				_ = net.w.Run(net.w.Now())            // a simulated world has no error
			}
		})
	}
}

// BenchmarkForward is one packet of 100 bytes on its way over a member in the middle, from wire to wire.
func BenchmarkForward(b *testing.B) {
	net := newNetwork(b, 3, row(3), nil)
	net.bootstrap(row(3))
	f, _ := net.join(0)
	g, _ := net.join(2)
	var u count
	g.Attach(&u)
	headroom := f.Info().Headroom
	b.ReportAllocs()
	for b.Loop() {
		_ = f.Write(net.w.Pool().Get(headroom, 100))
		_ = net.w.Run(net.w.Now().Add(300 * time.Microsecond))
	}
}
