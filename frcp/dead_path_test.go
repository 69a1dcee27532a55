package frcp

import (
	"errors"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

// A path that was dead for longer than the receiver remembers the run, with a writer that waits for a window: the
// receiver cannot answer, so the writer comes to send a packet that begins a run there (spec 10 §10.6, §10.11).
func TestAWriterGetsOverAPathThatWasDeadForLong(t *testing.T) {
	for _, mode := range []core.Mode{core.ModeOrdered, core.ModeReliable} {
		t.Run(mode.String(), func(t *testing.T) {
			params := Params{A: time.Second, R: 5 * time.Second, Window: StartWindow, OwnPeer: true}
			a, pool := newTestConn(t, mode, params, 1)
			b, _ := newTestConn(t, mode, params, 2)
			var now clock.Time
			got := 0
			take := func(p *pkt.Buf) { got++; p.Release() }
			send := func() (n int) {
				for {
					p := pool.Get(32, 10)
					if err := a.Send(now, p); errors.Is(err, core.ErrWouldBlock) {
						p.Release()
						return n
					} else if err != nil {
						t.Fatal(err)
					}
					n++
				}
			}
			send()
			pump(now, a, b, take)
			// The reader stops, and the window closes; on ordered flows what is sent then is lost with it.
			send()
			for p := a.Next(now); p != nil; p = a.Next(now) {
				b.Recv(now, p)
			}
			for p := b.Next(now); p != nil; p = b.Next(now) {
				a.Recv(now, p)
			}
			for until := now.Add(30 * time.Second); now < until; now = now.Add(100 * time.Millisecond) { // nothing arrives
				for _, c := range []*Conn{a, b} {
					if c.Deadline() <= now {
						c.Tick(now)
					}
					for p := c.Next(now); p != nil; p = c.Next(now) {
						p.Release()
					}
				}
				if a.CanSend(now) {
					p := pool.Get(32, 10)
					if err := a.Send(now, p); errors.Is(err, core.ErrWouldBlock) {
						p.Release()
					}
				}
			}
			if mode == core.ModeReliable && a.Err() != nil {
				return // the packet that was to show it was not acknowledged in time, which is told
			}
			for p := b.Deliver(); p != nil; p = b.Deliver() {
				take(p)
			}
			before := got
			for until := now.Add(10 * time.Second); now < until; now = now.Add(100 * time.Millisecond) {
				for _, c := range []*Conn{a, b} {
					if c.Deadline() <= now {
						c.Tick(now)
					}
				}
				if a.CanSend(now) {
					send()
				}
				pump(now, a, b, take)
			}
			if got < before+StartWindow {
				t.Errorf("%d messages were delivered after the path came back", got-before)
			}
			a.Release()
			b.Release()
		})
	}
}

// A writer that the flow below refused asks for a window when that has closed meanwhile.
func TestAWriterThatWasRefusedBelowAsksForAWindow(t *testing.T) {
	b := newBench(t, core.QoSBestEffort, Params{})
	for range StartWindow - 1 {
		if err := b.write("x"); err != nil {
			t.Fatal(err)
		}
	}
	b.full = true
	if err := b.write("held"); err != nil { // it uses the window up, and waits for the flow below
		t.Fatal(err)
	}
	if err := b.write("y"); !errors.Is(err, core.ErrWouldBlock) {
		t.Fatalf("%v, want a refusal", err)
	}
	b.full = false
	b.e.Writable()
	sent := len(b.written)
	b.run(time.Second)
	if len(b.written) == sent {
		t.Error("nobody has asked for the window")
	}
}

// A peer that delays the acks of lone packets, and answers a retransmission that fills a gap at once, is not taken for
// one that has got the first transmission: with that, the round trip would be taken for as long as the gap was.
func TestAnAckAtOnceIsNotTooSoon(t *testing.T) {
	c, _ := newTestConn(t, core.ModeReliable, Params{AckDelay: 10 * time.Millisecond, FirstAckDelay: 10 * time.Millisecond}, 1)
	const path = 15 * time.Millisecond
	for range 20 {
		c.rtt.answered(path+10*time.Millisecond, c.ackMayWait(1))
	}
	if c.rtt.tooSoon(path) {
		t.Errorf("an ack after %v is too soon: the least round trip is %v", path, c.rtt.prompt)
	}
	if !c.rtt.tooSoon(path / 2) {
		t.Errorf("an ack after %v is not too soon: the least round trip is %v", path/2, c.rtt.prompt)
	}
}

// A sender is in a new run of which nothing has arrived, the receiver takes strays of the old run for the present
// one, and answers questions with its window: that does not end the questions for a window, and the questions do not
// keep the old run alive once there was data of the new one.
func TestQuestionsOfANewRunDoNotKeepTheOldOneAlive(t *testing.T) {
	for seed := range uint64(20) {
		params := Params{A: time.Second, R: 5 * time.Second, OwnPeer: true}
		old, pool := newTestConn(t, core.ModeOrdered, params, 100+seed)
		a, _ := newTestConn(t, core.ModeOrdered, params, 200+seed)
		b, _ := newTestConn(t, core.ModeOrdered, params, 300+seed)
		if err := old.Send(0, pool.Get(32, 10)); err != nil {
			t.Fatal(err)
		}
		b.Recv(0, old.Next(0)) // longer on its way than packets live
		b.Deliver().Release()
		for a.CanSend(0) { // the first window is lost
			if err := a.Send(0, pool.Get(32, 10)); err != nil {
				t.Fatal(err)
			}
			a.Next(0).Release()
		}
		if err := a.Send(0, pool.Get(32, 10)); !errors.Is(err, core.ErrWouldBlock) {
			t.Fatal(err)
		}
		got := 0
		for now := clock.Time(0); now < clock.Time(60*time.Second); now = now.Add(100 * time.Millisecond) {
			if a.Deadline() <= now {
				a.Tick(now)
			}
			if p := pool.Get(32, 10); a.Send(now, p) != nil {
				p.Release()
			}
			pump(now, a, b, func(p *pkt.Buf) { got++; p.Release() })
		}
		if got < 100 {
			t.Errorf("seed %d: %d messages of the new run were delivered", seed, got)
		}
	}
}

// The rest of the window of an ordered flow is lost while the peer goes on to send: each of its packets shows the
// same window again, which must not put off the rendez-vous that tells the peer of the loss (spec 10 §10.11).
func TestTrafficFromThePeerDoesNotPutOffARendezvous(t *testing.T) {
	params := Params{Window: StartWindow, OwnPeer: true}
	a, pool := newTestConn(t, core.ModeOrdered, params, 1)
	b, _ := newTestConn(t, core.ModeOrdered, params, 2)
	var now clock.Time
	release := func(p *pkt.Buf) { p.Release() }
	send := func(c *Conn) error {
		p := pool.Get(32, 10)
		err := c.Send(now, p)
		if errors.Is(err, core.ErrWouldBlock) {
			p.Release()
		}
		return err
	}
	for _, c := range []*Conn{a, b} { // both runs are known
		if err := send(c); err != nil {
			t.Fatal(err)
		}
		pump(now, a, b, release)
	}
	for send(a) == nil { // the rest of the window, lost
		for p := a.Next(now); p != nil; p = a.Next(now) {
			p.Release()
		}
	}
	for now < clock.Time(10*time.Second) && !a.CanSend(now) {
		now = now.Add(50 * time.Millisecond)
		for _, c := range []*Conn{a, b} {
			if c.Deadline() <= now {
				c.Tick(now)
			}
		}
		_ = send(b)
		pump(now, a, b, release)
		for p := b.Deliver(); p != nil; p = b.Deliver() {
			p.Release()
		}
		for p := a.Deliver(); p != nil; p = a.Deliver() {
			p.Release()
		}
	}
	if !a.CanSend(now) {
		t.Fatalf("the writer waits for ever: %+v", a.Stats())
	}
	a.Release()
	b.Release()
}
