package line

import (
	"slices"

	"ouroboros/core/clock"
)

// begin empties the line for a change at time now: it puts back the packets that stay as they are and
// returns the others in the order of their service.
func (l *Line) begin(stays func(f *flight) bool) (rest []flight) {
	all := l.flights
	l.flights = ring[flight]{}
	l.last = 0
	for i := range all.len() {
		f := *all.at(i)
		if !stays(&f) {
			rest = append(rest, f)
			continue
		}
		if f.mark&held == 0 {
			l.last = max(l.last, f.at)
		}
		l.insert(f)
	}
	slices.SortStableFunc(rest, func(a, b flight) int { return int(int32(a.ord - b.ord)) })
	return rest
}

// retime gives the packets that wait the arrivals of the spec in force, and with serve new times of
// service. Those in service or behind keep theirs.
func (l *Line) retime(now clock.Time, serve bool) {
	busy := min(l.busy, now)
	wait := l.begin(func(f *flight) bool {
		if f.start <= now {
			busy = max(busy, f.depart)
		}
		return f.start <= now
	})
	if serve {
		l.busy, l.waiting, l.waitB = busy, ring[waiter]{}, 0
	}
	for i, f := range wait {
		switch {
		case f.mark&twin != 0: // stands behind its original
			f.start, f.depart = wait[i-1].start, wait[i-1].depart
		case serve:
			l.unserve(now, f)
			f.start, f.depart = l.serve(now, f.p.Len())
		}
		wait[i] = f
		l.enter(f)
	}
}

// SetUp takes the line down or up. On down, packets that are not wholly on the line are dropped.
func (l *Line) SetUp(now clock.Time, up bool) {
	if l.down != up {
		return
	}
	l.down = !up
	if up {
		return
	}
	for _, f := range l.begin(func(f *flight) bool { return f.depart <= now }) {
		l.unserve(now, f)
		l.peers.leave(f.peer)
		l.drop(now, f.p, lostDown)
	}
	l.waiting, l.waitB = ring[waiter]{}, 0
	l.busy, l.rem = min(l.busy, now), 0
}

// unserve takes the time that a packet will not be served back out of the counters.
func (l *Line) unserve(now clock.Time, f flight) {
	if f.mark&twin != 0 {
		return
	}
	l.st.Busy -= f.depart.Sub(max(f.start, now))
	l.st.QueueTime -= max(f.start, now).Sub(now)
}
