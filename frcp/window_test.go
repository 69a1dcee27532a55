package frcp

import (
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// pour has end 0 send n messages and returns how long they took.
func pour(t *testing.T, w *world, n int) time.Duration {
	t.Helper()
	for i := range n {
		w.queue[0] = append(w.queue[0], uint32(i))
	}
	w.service()
	for len(w.got[1]) < n && w.now < clock.Time(100*time.Second) && w.conn[0].Err() == nil {
		w.run(time.Millisecond)
	}
	if len(w.got[1]) != n {
		t.Fatalf("%d of %d delivered, stats %+v", len(w.got[1]), n, w.conn[0].Stats())
	}
	return time.Duration(w.now)
}

// longPath is a world with a path of the given round trip that takes a packet in each interval.
func longPath(params Params, rtt, interval time.Duration) *world {
	w := newWorld(core.ModeReliable, params, 1, 1<<24-1000)
	for i := range w.ch {
		w.ch[i].delay = rtt / 2
		w.ch[i].rate = func(clock.Time) time.Duration { return interval }
	}
	return w
}

// The window grows to what the path can have under way, and to a few times of that at most, without being
// told anything of the path.
func TestWindowGrowsToThePath(t *testing.T) {
	for _, c := range []struct {
		rtt, interval time.Duration
	}{
		{200 * time.Millisecond, 100 * time.Microsecond}, // 2000 packets under way
		{100 * time.Millisecond, 10 * time.Microsecond},  // 10000
		{time.Millisecond, 10 * time.Microsecond},        // 100
	} {
		path := int(c.rtt / c.interval)
		w := longPath(Params{OwnPeer: true}, c.rtt, c.interval)
		n := 20 * max(path, 1000)
		took := pour(t, w, n)
		win := w.conn[1].rcv.win
		if win < path || win > max(growFactor*growStart, 12*path) {
			t.Errorf("rtt %v: window %d for %d packets under way", c.rtt, win, path)
		}
		if limit := time.Duration(n)*c.interval + 16*c.rtt; took > limit {
			t.Errorf("rtt %v: %d messages took %v, more than %v", c.rtt, n, took, limit)
		}
		if st := w.conn[0].Stats(); st.Retransmitted != 0 {
			t.Errorf("rtt %v: stats %+v", c.rtt, st)
		}
		if live := w.end(); live != 0 {
			t.Errorf("%d buffers leaked", live)
		}
	}
}

// A window stays where its reader does not keep up, where nothing is under way, where it is given, and with a
// peer that sends no extensions (decision 15).
func TestWindowDoesNotGrowWithoutNeed(t *testing.T) {
	const rtt, interval = 100 * time.Millisecond, 10 * time.Microsecond
	for name, c := range map[string]struct {
		params Params
		want   int
	}{
		"given":     {Params{OwnPeer: true, Window: 300}, 300},
		"bounded":   {Params{OwnPeer: true, MaxWindow: 777}, 777},
		"prototype": {Params{PlainAcks: true}, 256},
		"memory":    {Params{OwnPeer: true, Memory: minMemory}, minMemory / 4}, // messages of 4 bytes
	} {
		n := 5000
		if name == "memory" {
			n = 400_000
		}
		w := longPath(c.params, rtt, interval)
		pour(t, w, n)
		if win := w.conn[1].rcv.win; win > c.want || name != "memory" && win != c.want {
			t.Errorf("%s: window %d, want %d", name, win, c.want)
		}
		if st := w.conn[0].Stats(); st.Retransmitted != 0 {
			t.Errorf("%s: stats %+v", name, st)
		}
		w.end()
	}
	w := longPath(Params{OwnPeer: true}, rtt, interval) // a message now and then
	for i := range 3000 {
		w.send(0, uint32(i))
		w.run(2 * time.Millisecond)
	}
	if win := w.conn[1].rcv.win; win > growFactor*growStart {
		t.Errorf("window %d for 50 packets under way", win)
	}
	w.end()
	w = longPath(Params{OwnPeer: true}, rtt, interval) // a reader that stands still
	w.read(1, false)
	for i := range 5000 {
		w.queue[0] = append(w.queue[0], uint32(i))
	}
	w.service()
	w.run(5 * time.Second)
	if win, n := w.conn[1].rcv.win, w.conn[1].Waiting(); win != growStart || n != growStart {
		t.Errorf("window %d, %d wait", win, n)
	}
	w.end()
}

// An end that only sends has no way to show that it is one of ours but to ask. It does when the window of the
// prototype holds it back.
func TestWindowGrowsOnceThePeerIsKnown(t *testing.T) {
	w := longPath(Params{}, 100*time.Millisecond, 10*time.Microsecond)
	pour(t, w, 100_000)
	if win := w.conn[1].rcv.win; win < 5000 {
		t.Errorf("window %d, %+v, %+v, %+v", win, w.conn[0].Stats(), w.conn[1].Stats(), w.conn[1].tuner)
	}
	if st := w.conn[0].Stats(); st.Retransmitted != 0 || st.Probes > 2 {
		t.Errorf("stats %+v", st)
	}
	w.end()
}

// What waits at either end stays within the memory, also when messages get longer than those that the window was
// granted for, and everything arrives once there is room.
func TestMemoryBoundsWhatWaits(t *testing.T) {
	const memory = 1 << 17
	w := newWorld(core.ModeReliable, Params{OwnPeer: true, Memory: memory, Window: 4096}, 1, 7)
	w.ch[0].delay, w.ch[1].delay = 5*time.Millisecond, 5*time.Millisecond
	w.read(1, false)
	a, b := w.conn[0], w.conn[1]
	sent := 0
	for range 2000 {
		for a.CanSend(w.now) && sent < 2000 {
			p := w.pool.Get(64, 1000)
			p.Bytes()[2], p.Bytes()[3] = byte(sent>>8), byte(sent)
			if a.Send(w.now, p) != nil {
				t.Fatal("refused although CanSend")
			}
			sent++
		}
		w.service()
		w.run(time.Millisecond)
		if a.snd.bytes > memory+1100 || b.rcv.bytes > memory {
			t.Fatalf("%d bytes wait for acks, %d for the reader", a.snd.bytes, b.rcv.bytes)
		}
	}
	if b.rcv.bytes < memory/2 || sent == 2000 {
		t.Fatalf("%d bytes wait for the reader, %d messages sent: the test shows nothing; %+v; %+v", b.rcv.bytes, sent, a.Stats(), b.Stats())
	}
	w.read(1, true)
	w.run(20 * time.Second)
	if len(w.got[1]) != sent || a.Err() != nil || a.snd.bytes != 0 || b.rcv.bytes != 0 {
		t.Errorf("%d of %d delivered, %v, %d and %d bytes left", len(w.got[1]), sent, a.Err(), a.snd.bytes, b.rcv.bytes)
	}
	if live := w.end(); live != 0 {
		t.Errorf("%d buffers leaked", live)
	}
}
