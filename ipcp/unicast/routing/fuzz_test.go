package routing

import (
	"testing"

	"ouroboros/core"
)

// FuzzRecv feeds sequences of messages from a management neighbour and holds that the machine stays in
// order: it answers on known ports only, its tables lead over known ports, it comes to rest, and a
// repeated message changes nothing.
func FuzzRecv(f *testing.F) {
	f.Add(append([]byte{24}, lsa(101, 1, 7)...))
	f.Add(append(append([]byte{32}, lsaLong(101, 2, 7, 0, 3)...), append([]byte{32}, lsaLong(2, 101, 7, 1, 1)...)...))
	f.Add(append([]byte{24}, lsa(1, 101, 1<<63)...)) // own, from an earlier life
	f.Add(append([]byte{24}, lsa(1, 5, ^uint64(0))...))
	f.Add([]byte{3, 1, 2, 3})
	f.Fuzz(func(t *testing.T, script []byte) {
		_, x := alone(t, 2, nil)
		x.AddNeighbour(0, DT, 101, 7)
		x.Out()
		now := core.Time(0)
		for len(script) > 0 {
			n := min(int(script[0])%40, len(script)-1)
			sdu := script[1 : 1+n]
			script = script[1+n:]
			now += core.Time(ms)
			x.Recv(now, 0, sdu)
			checkEffects(t, x.Out())
			entries := len(x.db())
			x.Recv(now, 0, sdu)
			checkEffects(t, x.Out())
			if again := len(x.db()); again != entries {
				t.Fatalf("%d adjacencies, %d after the same message again", entries, again)
			}
			if x.Deadline() <= now {
				x.Tick(now)
				checkEffects(t, x.Out())
			}
			if x.Deadline() <= now {
				t.Fatalf("deadline %v at %v after a tick", x.Deadline(), now)
			}
		}
		for range 12 {
			now = x.Deadline()
			x.Tick(now)
			checkEffects(t, x.Out())
		}
		x.Database(func(a Adjacency) {
			if a.Src != 1 {
				t.Fatalf("%+v has not aged out by %v", a, now)
			}
		})
	})
}

func checkEffects(t *testing.T, out Effects) {
	for _, s := range out.Sends {
		if s.Port != 0 && s.Port != 1 || len(s.SDU) != 24 && len(s.SDU) != 32 {
			t.Fatalf("%d bytes on port %d", len(s.SDU), s.Port)
		}
	}
	for i, r := range out.Routes {
		if r.Dst == 0 || r.Dst == 1 || len(r.Ports) != 1 || r.Ports[0] != 7 || i > 0 && out.Routes[i-1].Dst >= r.Dst {
			t.Fatalf("route %+v", r)
		}
	}
}

// FuzzPathVector does the same for the policy path-vector, of whose messages it checks that they can be read, and
// that what is learned stays within its bounds.
func FuzzPathVector(f *testing.F) {
	for _, sdu := range [][]byte{
		pv(1, 9, 1, 101, 7), pv(2, 9, 2, 101, 1, 7), pvGone(3, 7), pv(1, 1<<62, 1, 101, 1), pv(4, 9, 62, longPath(63)...), {0xD2, 1, 1},
	} {
		f.Add(append([]byte{byte(len(sdu) >> 8), byte(len(sdu))}, sdu...))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		_, x := vector(t, 2, func(c *PathVectorConfig) { c.MaxDestinations = 16 })
		m := x.Routing.(*pathVector)
		now := core.Time(0)
		for len(script) > 1 {
			n := min(int(script[0])<<8+int(script[1]), len(script)-2)
			sdu := script[2 : 2+n]
			script = script[2+n:]
			now += core.Time(ms)
			x.Recv(now, Port(n%2), sdu)
			x.told(now)
			if x.Deadline() <= now {
				t.Fatalf("deadline %v at %v after a tick", x.Deadline(), now)
			}
			if len(m.dests) > 16 {
				t.Fatalf("%d destinations", len(m.dests))
			}
			for _, r := range x.routes {
				if r.Dst == 0 || r.Dst == 1 || len(r.Ports) == 0 {
					t.Fatalf("route %+v", r)
				}
			}
		}
		for range 12 {
			now = x.Deadline()
			x.told(now)
		}
		if len(m.dests) != 1 {
			t.Fatalf("%d destinations at %v, want the member itself", len(m.dests), now)
		}
	})
}
