package traffic

import (
	"testing"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// arrival is that of message id at some time; it was sent at another.
type arrival struct {
	at, sent core.Time
	id       uint32
}

func watchedFlow() *Flow {
	f := &Flow{blocked: clock.Never}
	f.Stats.Ended, f.Stats.Completed = clock.Never, clock.Never
	return f
}

// hear lets messages arrive as record does.
func (f *Flow) hear(as ...arrival) {
	for _, a := range as {
		expected := f.arrived.next
		dup, late := f.arrived.note(a.id)
		if !dup {
			f.noted(a.at, a.sent, a.id, expected, late)
		}
	}
}

func mustWatch(t *testing.T, f *Flow, now core.Time) *Watch {
	t.Helper()
	w, ok := f.Watch(now)
	if !ok {
		t.Fatal("there is nothing to watch")
	}
	return w
}

// An outage is the longest pause up to the first message that was sent after the fault. What had passed the
// place of the fault still arrives, what is sent again may have been sent long before, and a pause
// later on is none of the fault's.
func TestOutageEndsWithAMessageSentSince(t *testing.T) {
	f := watchedFlow()
	f.hear(arrival{100, 90, 0}, arrival{110, 100, 1})
	w := mustWatch(t, f, 111)
	f.Stats.Sent, f.Stats.Offered = 9, 9
	f.hear(arrival{120, 110, 2}, arrival{160, 111, 3}, arrival{170, 140, 6}, arrival{900, 150, 7})
	o, ok := w.Outage(1000)
	if want := (Outage{Length: 40, Ended: true, Resumed: 160, Lost: 2}); !ok || o != want {
		t.Errorf("%+v, %v, want %+v", o, ok, want)
	}
	f.hear(arrival{910, 120, 4}, arrival{911, 10, 0}, arrival{920, 400, 20}, arrival{921, 401, 19})
	if o, _ := w.Outage(1000); o.Lost != 1 {
		t.Errorf("%d messages lost; one of the two missing has come late, and others are not the outage's", o.Lost)
	}
}

// A flow that does not come back is out for as long as anybody has looked or asked, and what it has sent since
// is missing.
func TestOutageThatDoesNotEnd(t *testing.T) {
	f := watchedFlow()
	f.hear(arrival{100, 90, 0}, arrival{110, 100, 1})
	w := mustWatch(t, f, 111)
	f.Stats.Sent, f.Stats.Offered = 60, 60
	f.hear(arrival{115, 105, 2})
	if o, ok := w.Outage(1000); !ok || o.Ended || o.Length != 885 || o.Lost != 57 {
		t.Errorf("%+v, %v", o, ok)
	}
	f.Stats.Ended = 600 // the source has stopped
	if o, _ := w.Outage(1000); o.Length != 485 {
		t.Errorf("%+v", o)
	}
	f.Stats.Failure = core.ErrFlowDown // it has been told that the flow is down
	if o, _ := w.Outage(1000); o.Length != 885 {
		t.Errorf("%+v", o)
	}
}

// Every fault has its own watch: a later one neither ends nor shortens that of the first.
func TestWatchesAreApart(t *testing.T) {
	f := watchedFlow()
	f.hear(arrival{100, 90, 0})
	first := mustWatch(t, f, 105)
	second := mustWatch(t, f, 150) // while the flow is out
	f.Stats.Sent, f.Stats.Offered = 12, 12
	f.hear(arrival{300, 290, 5})
	third := mustWatch(t, f, 305)
	f.hear(arrival{330, 320, 8})
	for i, x := range []struct {
		w    *Watch
		want Outage
	}{
		{first, Outage{Length: 200, Ended: true, Resumed: 300, Lost: 4}},
		{second, Outage{Length: 200, Ended: true, Resumed: 300, Lost: 4}},
		{third, Outage{Length: 30, Ended: true, Resumed: 330, Lost: 2}},
	} {
		if o, ok := x.w.Outage(1000); !ok || o != x.want {
			t.Errorf("watch %d: %+v, want %+v", i, o, x.want)
		}
	}
}

// What a source does not ask for cannot be interrupted.
func TestNothingToInterrupt(t *testing.T) {
	f := watchedFlow()
	if _, ok := f.Watch(10); ok {
		t.Error("a flow is watched on which nothing has arrived")
	}
	f.hear(arrival{100, 90, 0})
	f.Stats.Sent, f.Stats.Offered = 1, 1
	w := mustWatch(t, f, 105)
	if o, ok := w.Outage(1000); ok {
		t.Errorf("%+v of a source that has sent nothing since", o)
	}
	f.blocked = 200 // it wants to
	if o, ok := w.Outage(1000); !ok || o.Ended || o.Length != 900 {
		t.Errorf("%+v, %v", o, ok)
	}
	f.Stats.Ended = 500
	if _, ok := f.Watch(600); ok {
		t.Error("a flow is watched whose source has stopped")
	}
}

// On a flow that asks and waits the answer counts, not what the receiver has heard.
func TestPingIsWatchedAtItsSource(t *testing.T) {
	f := watchedFlow()
	f.Kind = Ping
	f.arrived.note(0)
	if _, ok := f.Watch(10); ok {
		t.Error("a flow is watched that has had no answer")
	}
	f.answers.note(0)
	f.latest = 20
	w := mustWatch(t, f, 25)
	f.arrived.note(1)
	f.Stats.Sent, f.Stats.Offered = 5, 5
	if o, ok := w.Outage(100); !ok || o.Ended || o.Length != 80 || o.Lost != 4 {
		t.Errorf("%+v, %v", o, ok)
	}
}
