package frcp

import (
	"errors"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// TestForgedKeepalivesDoNotKeepAFlowAlive: between our own members the keepalives of an encrypted flow are encrypted.
// Who sends empty packets, or sends again what has passed, cannot hide that the other end is dead.
func TestForgedKeepalivesDoNotKeepAFlowAlive(t *testing.T) {
	for name, q := range secureModes {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, withQoS(q, func(q *core.QoS) { q.Timeout = 8000 }), Params{})
			var users [2]listener
			ends, pipes := b.join(901, &users[0], &users[1])
			var seen []*pkt.Buf // by the attacker, from end 0 to end 1
			dead := false
			pipes[0].tap = func(p *pkt.Buf) bool {
				if !dead {
					seen = append(seen, p.Clone())
				}
				return !dead
			}
			pipes[1].tap = func(*pkt.Buf) bool { return !dead }
			for range 2 { // by which each learns that the other numbers its packets
				b.say(ends[0], "request")
				b.say(ends[1], "reply")
			}
			b.run(60 * time.Second) // idle: only keepalives pass, and are enough
			if users[0].closed != nil || users[1].closed != nil {
				t.Fatalf("an idle flow ended: %v, %v", users[0].closed, users[1].closed)
			}
			dead = true
			forge := func(d time.Duration) {
				for range d / (100 * time.Millisecond) {
					for _, e := range ends {
						e.Deliver(b.pool.Get(0, 0))
					}
					for _, p := range seen {
						ends[1].Deliver(p.Clone())
					}
					b.run(100 * time.Millisecond)
				}
			}
			forge(8500 * time.Millisecond)
			for i, u := range users {
				if !errors.Is(u.closed, core.ErrFlowPeer) {
					t.Errorf("end %d of a dead flow lives: %v, %+v", i, u.closed, ends[i].Stats())
				}
				if ends[i].Stats().Hollow == 0 {
					t.Errorf("end %d has not counted the forged keepalives", i)
				}
			}
			for _, p := range seen {
				p.Release()
			}
			for _, e := range ends {
				e.Close(0)
			}
		})
	}
}
