package oap

import (
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/wire"
)

const (
	// ReplayWindow is how old a request may be (spec 11 §11.6).
	ReplayWindow = 20 * time.Second
	// ClockSlack is how far in the future its timestamp may lie.
	ClockSlack = 100 * time.Millisecond
	// MaxReplay is how many requests a server accepts within a window. The list of the prototype has no
	// bound; a request beyond it is refused, because forgetting one would open the door to its replay.
	MaxReplay = 1 << 16
)

// replay is the list of the requests seen within the window. The zero replay is ready.
type replay struct {
	seen map[seenKey]struct{}
	// order holds the same requests oldest first, from head on.
	order []seenAt
	head  int
}

type seenKey struct {
	id        [wire.OAPIDLen]byte
	timestamp uint64
}

type seenAt struct {
	key  seenKey
	wall int64
}

// check refuses a request that is stale, from the future or repeated (spec 11 §11.6). With the error it returns
// the counter of stats that the request belongs to.
func (r *replay) check(m *wire.OAP, wall int64, stats *Stats) (*uint64, error) {
	if m.Timestamp > 1<<63-1 || wall < 0 {
		return &stats.Stale, fmt.Errorf("%w: request: timestamp %d ns out of range", core.ErrAuth, m.Timestamp)
	}
	// Truncated to milliseconds, as the prototype compares: 20.0009 s is still in time.
	switch age := (wall - int64(m.Timestamp)) / int64(time.Millisecond); {
	case age > ReplayWindow.Milliseconds():
		return &stats.Stale, fmt.Errorf("%w: request: %d ms old, accepted are %d", core.ErrAuth, age, ReplayWindow.Milliseconds())
	case age < -ClockSlack.Milliseconds():
		return &stats.Stale, fmt.Errorf("%w: request: %d ms in the future, accepted are %d", core.ErrAuth, -age, ClockSlack.Milliseconds())
	}
	r.forget(wall)
	if _, dup := r.seen[seenKey{m.ID, m.Timestamp}]; dup {
		return &stats.Repeated, fmt.Errorf("%w: request: repeated", core.ErrAuth)
	}
	if len(r.seen) >= MaxReplay {
		return &stats.Excess, fmt.Errorf("%w: %d requests within %v", core.ErrAgain, MaxReplay, ReplayWindow)
	}
	return nil, nil
}

// note remembers a request that was checked. Requests of senders that fail to authenticate are not noted: they
// fail again, and must not fill the list.
func (r *replay) note(m *wire.OAP, wall int64) {
	if r.seen == nil {
		r.seen = make(map[seenKey]struct{})
	}
	key := seenKey{m.ID, m.Timestamp}
	r.seen[key] = struct{}{}
	r.order = append(r.order, seenAt{key, wall})
}

// forget drops the requests that are too old to be accepted again whatever their timestamp was.
func (r *replay) forget(wall int64) {
	const keep = int64(ReplayWindow + ClockSlack + time.Millisecond)
	if n := len(r.order); n > r.head && r.order[n-1].wall-wall > keep {
		// The clock was set back. Requests from before count as seen now, or the list would stay full until the
		// clock is there again.
		for i := r.head; i < n; i++ {
			r.order[i].wall = wall
		}
	}
	for r.head < len(r.order) && wall-r.order[r.head].wall > keep {
		delete(r.seen, r.order[r.head].key)
		r.head++
	}
	// Moving the rest down only when half is gone keeps the cost of a request constant.
	if r.head > len(r.order)/2 {
		n := copy(r.order, r.order[r.head:])
		r.order, r.head = r.order[:n], 0
	}
}
