package frcp

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ouroboros/core"
)

// A FIN is the end of a flow whatever the path does: on a reliable flow the other end gets all that was sent, and then
// the end; on an ordered one nothing comes after it. Both are settled in the end, and an end that was told has
// nothing left to send.
func TestFinComesAfterAllData(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mode := rapid.SampledFrom([]core.Mode{core.ModeReliable, core.ModeOrdered}).Draw(t, "mode")
		w := drawWorld(t, mode)
		w.conn[0].cfg.PlainAcks, w.conn[1].cfg.PlainAcks = false, false
		impaired(t, w)
		sent := converse(t, w)
		if w.conn[0].Err() != nil || w.conn[1].Err() != nil {
			w.end()
			return
		}
		closer := rapid.IntRange(0, 1).Draw(t, "closer")
		w.run(rapid.SampledFrom([]time.Duration{0, 50 * time.Millisecond, 10 * time.Second}).Draw(t, "pause before the end"))
		sent[closer] -= uint32(len(w.queue[closer])) // what the user still has
		w.queue[closer] = nil
		w.conn[closer].Close()
		w.service()
		for range 1200 { // the user of the other end stops to write when it is told
			if w.conn[1-closer].PeerClosed() {
				w.queue[1-closer] = nil
			}
			w.run(time.Second)
		}
		c, other := w.conn[closer], w.conn[1-closer]
		if c.Err() != nil || other.Err() != nil || w.conn[0].cfg.Recovery == RecoveryPrototype {
			w.end()
			return
		}
		if !c.Settled() || !other.Settled() {
			t.Fatalf("settled: %v, %v; %+v, %+v", c.Settled(), other.Settled(), c.Stats(), other.Stats())
		}
		got := w.got[1-closer]
		if mode == core.ModeReliable && other.PeerClosed() && uint32(len(got)) != sent[closer] {
			t.Fatalf("at the end with %d of %d messages", len(got), sent[closer])
		}
		if lossy := w.ch[0].loss+w.ch[1].loss > 0; !lossy && !other.PeerClosed() {
			t.Fatalf("nothing was lost, and the other end does not know: %+v, %+v", c.Stats(), other.Stats())
		}
		if n := w.end(); n != 0 {
			t.Fatalf("%d buffers leaked", n)
		}
	})
}

// The user of an Endpoint hears of the end once it has taken what came before, and whoever writes then is told too.
// The flow below is closed a while later, so that repeated FINs find somebody.
func TestEndOfThePeerIsTheLastThingThatTheUserHears(t *testing.T) {
	for _, reads := range []string{"at once", "later", "never"} {
		b := newBench(t, core.QoSData, Params{})
		b.e.SetReceive(reads == "at once")
		b.arrive("03 000000 00000005 00000000 61")
		b.arrive("00 000000 00000000 00000000 04 09 01 00000006 00000000")
		b.run(0)
		if w := b.take(); len(w) != 1 || w[0] != "000000000000000000000000"+"05090100000006"+"00000000" {
			t.Fatalf("wrote %q", w)
		}
		if err := b.write("x"); !errors.Is(err, core.ErrPeerClosed) {
			t.Errorf("Write after the end: %v", err)
		}
		if reads == "later" {
			if len(b.ups) != 0 {
				t.Fatalf("told %q before it has read", b.ups)
			}
			b.e.SetReceive(true)
			b.run(0)
		}
		ups := []string{"down", "closed: closed by the peer: EOF"}
		if reads == "never" {
			ups = nil
			b.e.Close(0)
		} else if !slices.Equal(b.got, []string{"a"}) || !slices.Equal(b.ups, ups) {
			t.Fatalf("got %q, told %q", b.got, b.ups)
		}
		if len(b.closed) != 0 {
			t.Fatal("nobody is there for a repeated FIN")
		}
		b.run(5 * time.Second)
		b.gone(127*time.Second, ups...)
	}
}

// An end whose peer has closed first, and that has closed itself, rests: the flow below is told that the program may end,
// once nothing of its own is under way and the FIN is answered, with the time of delta-t (core.Rester, spec 10 §10.16).
func TestAnEndThatOnlyAnswersRests(t *testing.T) {
	const data, fin = "03 000000 00000005 00000000 61", "00 000000 00000000 00000000 04 09 01 00000006 00000000"
	for _, q := range []core.QoS{core.QoSData, core.QoSBestEffort} {
		for _, late := range []bool{false, true} { // the user closes before the FIN comes
			b := newBench(t, q, Params{})
			b.arrive(data)
			if late {
				b.e.Close(0)
			}
			b.arrive(fin)
			b.run(0)
			if !late {
				if len(b.rests) != 0 {
					t.Fatal("it rests while its user has it")
				}
				b.take()
				b.e.Close(0)
			} else if w := b.take(); len(w) == 0 || w[len(w)-1][:24] != "000000000000000000000000" {
				t.Fatalf("wrote %q, no answer", w)
			}
			if len(b.rests) == 0 || b.rests[0] < b.e.conn.Wait(b.now) || len(b.closed) != 0 {
				t.Fatalf("%v, late %v: rests %v, closed below %v", q.Mode(), late, b.rests, b.closed)
			}
			n := len(b.rests)
			b.full = true // the answer to the FIN that is repeated waits here
			b.arrive(fin)
			b.run(0)
			if len(b.rests) != n {
				t.Error("it rests with an answer that has not gone out")
			}
			b.full = false
			b.e.Writable()
			if w := b.take(); len(b.rests) == n || !strings.HasSuffix(strings.Join(w, " "), "0509010000000600000000") {
				t.Errorf("%v, late %v: after a second answer it rests %d times instead of %d, wrote %q", q.Mode(), late, len(b.rests), n, w)
			}
			b.run(5 * time.Second)
			if len(b.closed) != 1 || b.pool.Live() != 0 {
				t.Errorf("closed below %v, %d buffers out", b.closed, b.pool.Live())
			}
		}
	}
}

// An end with something of its own to be acknowledged does not rest, and neither does one whose FIN is not answered.
func TestAnEndWithWorkLeftDoesNotRest(t *testing.T) {
	b := newBench(t, core.QoSData, Params{OwnPeer: true})
	if err := b.write("x"); err != nil {
		t.Fatal(err)
	}
	b.e.Close(0)
	b.run(time.Second)
	b.arrive("0c 345779 00000000 12345679 010100") // acknowledged; the FIN is out
	b.run(150 * time.Second)
	if len(b.rests) != 0 || len(b.closed) != 1 {
		t.Errorf("rests %v, closed below %v", b.rests, b.closed)
	}
}

// Close tells the peer, and keeps telling it until it answers.
func TestCloseTellsThePeer(t *testing.T) {
	b := newBench(t, core.QoSData, Params{OwnPeer: true})
	if err := b.write("x"); err != nil {
		t.Fatal(err)
	}
	b.arrive("0c 345779 00000000 12345679 010100")
	b.take()
	b.e.Close(0)
	b.run(150 * time.Second)
	fin := "000000000000000000000000" + "040901" + "12345679" + "00000000"
	if w := b.take(); !slices.Equal(w, slices.Repeat([]string{fin}, finTries)) {
		t.Fatalf("wrote %q", w)
	}
	if len(b.closed) != 1 || b.pool.Live() != 0 {
		t.Errorf("closed below %v, %d buffers out", b.closed, b.pool.Live())
	}
}
