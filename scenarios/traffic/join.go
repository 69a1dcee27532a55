package traffic

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/frcp"
	"ouroboros/scenarios/node"
)

// halves are what a flow has that is put together from halves.
type halves struct {
	stats    *frcp.Stats
	rejected uint64
	there    uint32
	back     uint32
	next     uint32 // delivery that is expected
	stalled  bool
	held     bool
	watches  []HalfWatch
}

func (h *halves) transport() (frcp.Stats, bool) {
	if h.stats == nil {
		return frcp.Stats{}, false
	}
	return *h.stats, true
}

// killedError is a failure that another process has told of.
type killedError struct{ text string }

func (e killedError) Error() string { return e.text }
func (e killedError) Unwrap() error { return ErrKilled }

// Join makes the flow what its halves say. They come in the order of time: of an end that has been killed and
// started again there are several. system finds a node by name.
func (f *Flow) Join(all []Half, system func(string) *node.System) error {
	f.halves = &halves{}
	f.Delay, f.RTT = Samples{}, Samples{}
	for i := range all {
		if s := all[i].Source; s != nil {
			if err := f.joinSource(s); err != nil {
				return fmt.Errorf("flow %s: %w", f.Name, err)
			}
		}
		if b := all[i].Below; b != nil && (b.There != 0 || b.Back != 0) {
			f.halves.there, f.halves.back, f.halves.held = b.There, b.Back, b.Held
		}
		if r := all[i].Receiver; r != nil {
			if err := f.joinReceiver(r, system); err != nil {
				return fmt.Errorf("flow %s: %w", f.Name, err)
			}
		}
		f.joinWatches(all[i].Watches)
	}
	return nil
}

// joinSource takes the half of a source. Of several lives the first in which it began counts, beside the figures
// of the failure that ended it.
func (f *Flow) joinSource(h *SourceHalf) error {
	x, st := f.halves, &f.Stats
	rtt, err := h.RTT.Import()
	if err != nil {
		return err
	}
	if f.began && !h.Began {
		return nil
	}
	st.Offered, st.OfferedBytes, st.Sent, st.SentBytes = h.Offered, h.OfferedBytes, h.Sent, h.SentBytes
	st.Asked, st.Allocated, st.First, st.Last, st.Ended, st.Blocked = h.Asked, h.Allocated, h.First, h.Last, h.Ended, h.Blocked
	st.Failure = nil
	switch {
	case h.Killed:
		st.Failure = killedError{h.Failure}
	case h.Failure != "":
		st.Failure = errors.New(h.Failure)
	}
	f.began, f.Size, f.cipher = h.Began, h.Size, h.Cipher
	f.RTT.Merge(rtt)
	x.stats, x.stalled = h.Transport, h.Stalled
	x.rejected += h.Rejected
	if f.Kind == Ping {
		x.next = h.Answers
	}
	return nil
}

func (f *Flow) joinReceiver(h *ReceiverHalf, system func(string) *node.System) error {
	x, st := f.halves, &f.Stats
	delay, err := h.Delay.Import()
	if err != nil {
		return err
	}
	st.Delivered += h.Delivered
	st.Bytes += h.Bytes
	st.Duplicates += h.Duplicates
	st.Reordered += h.Reordered
	st.MeasuredBytes += h.MeasuredBytes
	st.LastDelivery = max(st.LastDelivery, h.LastDelivery)
	st.FirstDelivery = min(st.FirstDelivery, h.FirstDelivery)
	st.Completed = min(st.Completed, h.Completed)
	f.Delay.Merge(delay)
	x.rejected += h.Rejected
	if f.Kind != Ping {
		x.next = max(x.next, h.Next)
	}
	if h.Accepted {
		s := system(h.At)
		if s == nil {
			return fmt.Errorf("receiver %q: there is no such node", h.At)
		}
		f.To = s
	}
	return nil
}

// joinWatches takes what one end has seen of the interruptions.
func (f *Flow) joinWatches(ws []HalfWatch) {
	x := f.halves
	for _, w := range ws {
		i, ok := slices.BinarySearchFunc(x.watches, w.Event, func(a HalfWatch, event int) int { return cmp.Compare(a.Event, event) })
		if !ok {
			x.watches = slices.Insert(x.watches, i, w)
			continue
		}
		old := &x.watches[i]
		if w.Sends {
			old.Sends, old.Offered = true, w.Offered
		}
		if w.Heard {
			offered, sends := old.Offered, old.Sends
			*old = w
			old.Offered, old.Sends = offered, sends
		}
	}
}

// WatchOf begins to follow an interruption by an event with a number; of a flow that was put together from halves
// it is what they have seen. It reports false if there is nothing to interrupt.
func (f *Flow) WatchOf(event int, now core.Time) (*Watch, bool) {
	if f.halves == nil {
		return f.Watch(now)
	}
	for _, h := range f.halves.watches {
		if h.Event == event && h.Sends && h.Heard {
			return &Watch{
				f: f, at: now, offered: h.Offered, first: h.First, next: h.Next, last: h.Last, gap: h.Gap,
				resumed: h.Resumed, ended: h.Ended, lost: h.Lost,
			}, true
		}
	}
	return nil, false
}

// expected returns the number of the next delivery.
func (f *Flow) expected() uint32 {
	if f.halves != nil {
		return f.halves.next
	}
	return f.hears().next
}

// stalled reports whether the source stands still.
func (f *Flow) stalled() bool {
	if f.halves != nil {
		return f.halves.stalled
	}
	return f.blocked != clock.Never
}
