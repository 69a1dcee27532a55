package frcp

import (
	"bytes"
	"testing"

	"ouroboros/core/pkt"
)

// A retransmission is a copy of the packet as it was sent (spec 10 §10.10), wherever the copy was kept,
// and a copy that is forgotten gives its buffer back.
func TestKeptPacketIsACopyOfTheOriginal(t *testing.T) {
	for _, tc := range []struct {
		name            string
		stored, phantom int
	}{
		{"short", 17, 0}, {"phantom", keptHere, 960}, {"one more byte", keptHere + 1, 0}, {"long", 1400, 0}, {"long with phantom", 64, 1000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pool := pkt.NewPool()
			p := pool.GetPhantom(32, tc.stored, tc.phantom)
			for i := range p.Front() {
				p.Front()[i] = byte(i + 1)
			}
			want := bytes.Clone(p.Front())
			var e sent
			e.keep(p)
			clear(p.Front()) // the original goes its own way
			p.Release()
			for range 2 {
				c := e.copy(pool, 32)
				if !bytes.Equal(c.Front(), want) || c.Phantom() != tc.phantom || c.Headroom() < 32 {
					t.Errorf("copy %x + %d phantom, headroom %d; want %x + %d, 32", c.Front(), c.Phantom(), c.Headroom(), want, tc.phantom)
				}
				c.Release()
			}
			if e.forget(); pool.Live() != 0 || e.waits {
				t.Errorf("%d buffers out after the copy was forgotten, waits %v", pool.Live(), e.waits)
			}
		})
	}
}
