package line

import (
	"slices"
	"time"

	"ouroboros/core/clock"
)

// retime gives the packets that wait new times after a change of rate or delay. Those in service or
// behind keep theirs.
func (l *Line) retime(now clock.Time, oldDelay time.Duration) {
	var wait []flight
	keep := l.flights
	l.flights = ring[flight]{}
	l.busy, l.last, l.rem = now, 0, 0
	for i := range keep.len() {
		f := *keep.at(i)
		if f.start > now {
			l.unserve(now, f)
			wait = append(wait, f)
			continue
		}
		l.busy = max(l.busy, f.depart)
		l.last = max(l.last, f.at)
		l.insert(f)
	}
	slices.SortStableFunc(wait, func(a, b flight) int { return int(a.start - b.start) })
	l.waiting, l.waitB = ring[waiter]{}, 0
	for _, f := range wait {
		extra := f.at - f.depart - clock.Time(oldDelay) // jitter and hold of this packet
		size := f.p.Len()
		f.start = l.busy
		ser := l.service(size)
		f.depart = f.start + ser
		l.busy = f.depart
		f.at = max(f.depart+clock.Time(l.spec.Delay)+extra, l.last)
		l.last = f.at
		l.st.Busy += time.Duration(ser)
		l.st.QueueTime += f.start.Sub(now)
		if f.start > now {
			*l.waiting.push() = waiter{start: f.start, size: int32(size)}
			l.waitB += int64(size)
		}
		l.insert(f)
	}
}
