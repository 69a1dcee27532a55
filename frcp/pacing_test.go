package frcp

import (
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// paced makes the layer of an end forward a packet in each interval, and tell that. Packets of a world have 4
// bytes, 12 of PCI, and 32 of headroom are charged.
func paced(w *world, end int, interval time.Duration) {
	w.ch[end].rate = func(clock.Time) time.Duration { return interval }
	w.conn[end].cfg.Rate = func() int64 { return 48 * 8e9 / int64(interval) }
}

// The source has more than the layer forwards: what is too much waits before it has a number, the queue of the
// layer stays short, and the goodput is that of the layer.
func TestPacingKeepsTheQueueOfTheLayerShort(t *testing.T) {
	const n, interval = 4000, 100 * time.Microsecond
	for _, pacing := range []Pacing{PacingRate, PacingOff} {
		w := newWorld(core.ModeReliable, Params{Window: 1024, OwnPeer: true, Pacing: pacing}, 1, 7)
		w.ch[0].delay, w.ch[1].delay = 10*time.Millisecond, 10*time.Millisecond
		paced(w, 0, interval)
		if pacing == PacingOff {
			w.conn[0].cfg.Rate = nil
		}
		longest := 0
		for i := range n {
			w.queue[0] = append(w.queue[0], uint32(i))
		}
		w.service()
		for len(w.got[1]) < n && w.now < clock.Time(2*time.Second) {
			w.run(50 * time.Microsecond)
			longest = max(longest, w.ch[0].backlog(w.now))
		}
		st := w.conn[0].Stats()
		if pacing == PacingRate && (longest > queueHigh+paceBurst || st.SRTT > 35*time.Millisecond) {
			t.Errorf("%v: %d packets in the layer, stats %+v", pacing, longest, st)
		}
		if pacing == PacingOff && longest < 500 {
			t.Errorf("%v: only %d packets in the layer: the test shows nothing", pacing, longest)
		}
		// 64 packets in the first round trip, then all that the layer takes.
		if limit := clock.Time(50*time.Millisecond + n*interval); w.now > limit || st.Retransmitted != 0 {
			t.Errorf("%v: %d messages took %v, more than %v, stats %+v", pacing, len(w.got[1]), w.now, limit, st)
		}
		if live := w.end(); live != 0 {
			t.Errorf("%d buffers leaked", live)
		}
	}
}

// After a pause no more than a burst goes at once, however much the window and the queue of the layer allow.
func TestPacingBoundsBursts(t *testing.T) {
	w := newWorld(core.ModeReliable, Params{OwnPeer: true}, 1, 7)
	w.conn[0].cfg.Rate = func() int64 { return 48 * 8 * 1000 } // a packet in 1 ms, but nothing queues
	for round := range 3 {
		for i := range 40 {
			w.send(0, uint32(round*40+i))
		}
		if n := w.conn[0].stats.Sent - uint64(round*40); n > paceBurst+1 {
			t.Errorf("round %d: %d packets at one instant", round, n)
		}
		w.run(40 * time.Millisecond)
		if n := len(w.got[1]); n != (round+1)*40 {
			t.Errorf("round %d: %d delivered", round, n)
		}
	}
	w.end()
}

// A retransmission does not wait behind what the source has written since: what waits has no number yet.
func TestRetransmissionPassesWhatIsPaced(t *testing.T) {
	const interval = time.Millisecond
	took := map[Pacing]time.Duration{}
	for _, pacing := range []Pacing{PacingRate, PacingOff} {
		w := newWorld(core.ModeReliable, Params{Window: 1024, OwnPeer: true, Pacing: pacing}, 1, 7)
		w.ch[0].delay, w.ch[1].delay = 5*time.Millisecond, 5*time.Millisecond
		paced(w, 0, interval)
		if pacing == PacingOff {
			w.conn[0].cfg.Rate = nil
		}
		for i := range 2000 {
			w.queue[0] = append(w.queue[0], uint32(i))
		}
		w.service()
		w.run(500 * time.Millisecond)
		w.ch[0].loss = 1
		at := w.conn[0].snd.seq - 7 // the next message that gets a number
		for w.conn[0].snd.seq-7 == at {
			w.run(interval / 10)
		}
		w.ch[0].loss = 0
		start := w.now
		for len(w.got[1]) <= int(at) {
			w.run(interval)
		}
		took[pacing] = w.now.Sub(start)
		w.end()
	}
	if took[PacingRate] > 100*time.Millisecond || took[PacingOff] < 4*took[PacingRate] {
		t.Errorf("a lost message arrived after %v", took)
	}
}
