package frcp

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// impaired draws a path that loses, duplicates and reorders within the packet lifetime.
func impaired(t *rapid.T, w *world) {
	for i := range w.ch {
		w.ch[i] = channel{
			rate: w.ch[i].rate, delay: time.Duration(rapid.IntRange(0, 20_000).Draw(t, "delay us")) * time.Microsecond,
			jitter: time.Duration(rapid.IntRange(0, 60_000).Draw(t, "jitter us")) * time.Microsecond,
			loss:   float64(rapid.IntRange(0, 40).Draw(t, "loss %")) / 100,
			dup:    float64(rapid.IntRange(0, 20).Draw(t, "dup %")) / 100,
		}
	}
}

// drawWorld makes two ends with drawn parameters; sequence numbers often start just before a wrap.
func drawWorld(t *rapid.T, mode core.Mode) *world {
	params := Params{
		Window:    rapid.SampledFrom([]int{64, 256, 1024}).Draw(t, "window"),
		Recovery:  rapid.SampledFrom([]Recovery{RecoveryRACK, RecoveryPrototype}).Draw(t, "recovery"),
		PlainAcks: rapid.Bool().Draw(t, "plain acks"),
		NoRanges:  rapid.Bool().Draw(t, "no ranges"), NoUndo: rapid.Bool().Draw(t, "no undo"), NoTailProbe: rapid.Bool().Draw(t, "no tail probe"),
	}
	params.OwnPeer = !params.PlainAcks && rapid.Bool().Draw(t, "own peer")
	isn := rapid.SampledFrom([]uint32{0, 1<<32 - 20, 1<<24 - 10, 1<<31 - 5, 0x12345678}).Draw(t, "isn")
	w := newWorld(mode, params, rapid.Uint64().Draw(t, "seed"), isn)
	for i, c := range w.conn {
		if us := rapid.SampledFrom([]int{0, 0, 30, 500, 5000}).Draw(t, "layer us per packet"); us > 0 { // as it says
			c.cfg.Rate = func() int64 { return 48 * 8e6 / int64(us) }
			us := us * rapid.SampledFrom([]int{1, 1, 3}).Draw(t, "slower by") // as it is
			w.ch[i].rate = func(clock.Time) time.Duration { return time.Duration(us) * time.Microsecond }
		}
	}
	return w
}

// converse lets both ends send in bursts, with pauses that may be long enough for a new run, and readers
// that stop. It returns how many messages each end sent.
func converse(t *rapid.T, w *world) (sent [2]uint32) {
	for range rapid.IntRange(1, 8).Draw(t, "bursts") {
		i := rapid.IntRange(0, 1).Draw(t, "end")
		for range rapid.SampledFrom([]int{1, 2, 5, 70, 400}).Draw(t, "burst") {
			w.send(i, sent[i])
			sent[i]++
		}
		r := rapid.IntRange(0, 1).Draw(t, "reader")
		w.read(r, rapid.IntRange(0, 3).Draw(t, "reads") > 0)
		w.run(rapid.SampledFrom([]time.Duration{
			0, time.Millisecond, 30 * time.Millisecond, time.Second, 20 * time.Second, 135 * time.Second,
		}).Draw(t, "pause"))
	}
	w.read(0, true)
	w.read(1, true)
	return sent
}

// Validation §7, delta-t: nothing is delivered twice or out of order on a reliable flow, ever, under any
// faults that respect MPL; and what is not delivered is reported.
func TestReliableDeliversExactlyOnceInOrderOrFails(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, core.ModeReliable)
		impaired(t, w)
		sent := converse(t, w)
		// Time-outs back off to a minute, and with plain acks a hole behind many losses takes several of them.
		w.run(20 * time.Minute)
		for i, c := range w.conn {
			got := w.got[1-i]
			for k, v := range got {
				if v != uint32(k) {
					t.Fatalf("end %d: message %d delivered as number %d", i, v, k)
				}
			}
			// The prototype's timers can back off beyond every test; and who fails discards what it got.
			done := w.conn[0].cfg.Recovery == RecoveryRACK && w.conn[0].Err() == nil && w.conn[1].Err() == nil
			if done && (uint32(len(got)) != sent[i] || c.Unacked()) {
				t.Fatalf("end %d: %d of %d delivered, unacked %v, stats %+v", i, len(got), sent[i], c.Unacked(), c.Stats())
			}
		}
		if n := w.end(); n != 0 {
			t.Fatalf("%d buffers leaked", n)
		}
	})
}

// Spec 10 §10.12: an ordered flow may skip, never go back.
func TestOrderedNeverGoesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, core.ModeOrdered)
		impaired(t, w)
		converse(t, w)
		w.run(30 * time.Second)
		for i := range w.got {
			for k := 1; k < len(w.got[i]); k++ {
				if w.got[i][k] <= w.got[i][k-1] {
					t.Fatalf("end %d: %d after %d", i, w.got[i][k], w.got[i][k-1])
				}
			}
			if len(w.queue[i]) > 0 {
				t.Fatalf("end %d: %d messages still wait for the window, stats %+v", i, len(w.queue[i]), w.conn[i].Stats())
			}
		}
		if n := w.end(); n != 0 {
			t.Fatalf("%d buffers leaked", n)
		}
	})
}

// lossFree lets both ends talk over a path that keeps the order and loses nothing. Its rate changes during
// the run, up to 10,000 times, and what it holds back grows to minutes in front of the acks.
func lossFree(t *rapid.T, params Params, ends int, back []int) {
	params.Window = rapid.SampledFrom([]int{64, 1024, 8192}).Draw(t, "window")
	w := newWorld(core.ModeReliable, params, rapid.Uint64().Draw(t, "seed"), rapid.Uint32().Draw(t, "isn"))
	pace := [2]time.Duration{}
	paces := [2][]int{{1, 12, 120, 1200, 8000}, back}
	for i := range w.ch {
		w.ch[i].delay = time.Duration(rapid.IntRange(0, 80).Draw(t, "delay ms")) * time.Millisecond
		w.ch[i].rate = func(clock.Time) time.Duration { return pace[i] }
	}
	sent := [2]uint32{}
	for range rapid.IntRange(1, 8).Draw(t, "phases") {
		for i := range pace {
			pace[i] = time.Duration(rapid.SampledFrom(paces[i]).Draw(t, "us per packet")) * time.Microsecond
		}
		i := rapid.IntRange(0, ends-1).Draw(t, "end")
		for range rapid.SampledFrom([]int{1, 3, 64, 1000}).Draw(t, "burst") {
			w.send(i, sent[i])
			sent[i]++
		}
		r := rapid.IntRange(0, 1).Draw(t, "reader")
		w.read(r, rapid.IntRange(0, 3).Draw(t, "reads") > 0)
		w.run(rapid.SampledFrom([]time.Duration{0, time.Millisecond, 100 * time.Millisecond, 3 * time.Second, 30 * time.Second}).Draw(t, "pause"))
	}
	w.read(0, true)
	w.read(1, true)
	pace = [2]time.Duration{time.Millisecond, time.Millisecond}
	w.run(300 * time.Second)
	for i, c := range w.conn {
		if st := c.Stats(); st.Retransmitted != 0 || st.Duplicates != 0 || c.Err() != nil {
			t.Fatalf("end %d: %v, stats %+v", i, c.Err(), st)
		}
		if len(w.got[1-i]) != int(sent[i]) {
			t.Fatalf("end %d: %d of %d delivered, stats %+v", i, len(w.got[1-i]), sent[i], c.Stats())
		}
	}
	if n := w.end(); n != 0 {
		t.Fatalf("%d buffers leaked", n)
	}
}

// Decision 14: a loss-free path causes no retransmission, ever, between ends that know each other.
func TestLossFreePathCausesNoRetransmission(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lossFree(t, Params{OwnPeer: true}, 2, []int{1, 12, 120, 1200, 8000})
	})
}

// Decision 14, for a peer of which nothing is known: what grows in front of the first ack is a queue on
// this system, which the timer waits for.
func TestLossFreePathCausesNoRetransmissionToAnUnknownPeer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { lossFree(t, Params{}, 1, []int{1, 12, 120}) })
}

// The initial RTO is 1 s; 1023 packets of others at 10 ms each stand before the first packet.
func TestSourceQueueInFrontOfTheFirstAckCausesNoRetransmission(t *testing.T) {
	w := newWorld(core.ModeReliable, Params{}, 1, 7)
	w.ch[0].rate = func(clock.Time) time.Duration { return 10 * time.Millisecond }
	for i := range 1023 {
		w.ch[0].waiting = append(w.ch[0].waiting, clock.Time(time.Duration(i+1)*10*time.Millisecond))
	}
	w.ch[0].busy = w.ch[0].waiting[1022]
	for i := range 500 {
		w.send(0, uint32(i))
	}
	w.run(60 * time.Second)
	if st := w.conn[0].Stats(); st.Retransmitted != 0 || len(w.got[1]) != 500 {
		t.Fatalf("%d delivered, stats %+v", len(w.got[1]), st)
	}
}
