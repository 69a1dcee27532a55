package frcp

import (
	"runtime"
	"testing"
	"time"
)

// An end of a flow that is idle is small, also an encrypted one over which something has gone: a system may have many.
func TestIdleEndsAreSmall(t *testing.T) {
	const pairs, most = 200, 16 << 10
	for name, q := range secureModes {
		for _, cipher := range []uint16{0, 895, 901, 904, 1018} {
			b := newBench(t, q, Params{})
			users := make([][2]listener, pairs)
			kept := make([][2]*Endpoint, pairs)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			for i := range kept {
				ends, _ := b.join(cipher, &users[i][0], &users[i][1])
				for range 20 {
					b.say(ends[0], "there")
					b.say(ends[1], "back")
				}
				kept[i] = ends
			}
			b.run(3 * time.Second)
			for i := range users {
				if len(users[i][0].got) != 20 || len(users[i][1].got) != 20 {
					t.Fatalf("delivered %d and %d", len(users[i][0].got), len(users[i][1].got))
				}
				users[i][0].got, users[i][1].got = nil, nil
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / (2 * pairs)
			if each > most {
				t.Errorf("%s, cipher %d: %d bytes for each end, want %d at most", name, cipher, each, most)
			}
			t.Logf("%s, cipher %d: %d bytes", name, cipher, each)
			runtime.KeepAlive(kept)
		}
	}
}
