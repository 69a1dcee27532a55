package traffic

import (
	"errors"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// Watch follows the interruption of a flow by one fault, from the last delivery before the fault until a
// message arrives that was sent after it: such a message has found its way since. Others may arrive in
// between, those that had passed the place of the fault and, on a reliable flow, those that were sent
// again. A delivery is that of a message at the receiver, of a flow that asks and waits that of the answer at the source.
// Several watches on one flow do not touch each other.
type Watch struct {
	f       *Flow
	at      core.Time
	offered uint64 // before the fault
	first   uint32 // message that had not arrived before the fault
	next    uint32 // message after the one that ended the watch
	last    core.Time
	gap     time.Duration
	resumed core.Time // end of the gap
	ended   bool
	lost    uint64
}

// Outage is what a watch has seen.
type Outage struct {
	// Length is the longest pause between two deliveries. If the flow has not come back it is a lower
	// bound: the time from the last delivery until the source stopped or nobody watched any more.
	Length  time.Duration
	Ended   bool
	Resumed core.Time // Ended: when the pause was over
	Lost    uint64    // messages missing between the fault and the end of the outage
}

// Watch begins to follow an interruption by a fault that happens now. It reports false if there is nothing to
// interrupt: the source has stopped, or nothing has arrived yet.
func (f *Flow) Watch(now core.Time) (*Watch, bool) {
	if f.Stats.Ended != clock.Never || !f.hears().any {
		return nil, false
	}
	return f.follow(now), true
}

// follow makes a watch.
func (f *Flow) follow(now core.Time) *Watch {
	w := &Watch{f: f, at: now, offered: f.Stats.Offered, first: f.hears().next, last: f.latest}
	f.watches = append(f.watches, w)
	return w
}

// hears returns what tells which messages have arrived, or which answers.
func (f *Flow) hears() *seen {
	if f.Kind == Ping {
		return &f.answers
	}
	return &f.arrived
}

// noted tells the watches of the arrival of a message that was sent at some time; expected was the next one.
func (f *Flow) noted(now, sent core.Time, id, expected uint32, late bool) {
	f.latest = now
	if late {
		for _, w := range f.watched {
			w.overtaken(id)
		}
	}
	if len(f.watches) == 0 {
		return
	}
	for _, w := range f.watches {
		w.delivery(now, sent, id, expected, late)
	}
	f.watches = slices.DeleteFunc(f.watches, func(w *Watch) bool {
		if w.ended {
			f.watched = append(f.watched, w)
		}
		return w.ended
	})
}

func (w *Watch) delivery(now, sent core.Time, id, expected uint32, late bool) {
	if late {
		w.overtaken(id)
	} else {
		w.lost += uint64(id - expected)
		w.next = id + 1
	}
	if gap := now.Sub(w.last); gap > w.gap {
		w.gap, w.resumed = gap, now
	}
	w.last = now
	w.ended = sent > w.at
}

// overtaken counts a message as arrived that was missing.
func (w *Watch) overtaken(id uint32) {
	if w.lost > 0 && int32(id-w.first) >= 0 && int32(id-w.next) < 0 {
		w.lost--
	}
}

// Ended reports whether the flow has come back.
func (w *Watch) Ended() bool { return w.ended }

// Outage returns what the watch has seen up to now. It reports false if the fault could not show: the
// source has sent nothing since, and nothing was under way.
func (w *Watch) Outage(now core.Time) (Outage, bool) {
	o := Outage{Length: w.gap, Ended: w.ended, Resumed: w.resumed, Lost: w.lost}
	if w.ended {
		return o, true
	}
	st := &w.f.Stats
	missing := uint32(st.Sent) - w.f.expected()
	if missing == 0 && st.Offered == w.offered && !w.f.stalled() {
		return Outage{}, false
	}
	end := now
	if st.Failure == nil || errors.Is(st.Failure, ErrKilled) {
		end = min(now, st.Ended) // nobody has asked for more
	}
	o.Length = max(w.gap, end.Sub(w.last))
	o.Lost += uint64(missing)
	return o, true
}
