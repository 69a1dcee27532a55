package sim

import (
	"slices"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// listener notes when it is told of the state of its link.
type listener struct {
	w    *World
	told []string
}

func (l *listener) Receive(p *pkt.Buf, _ core.Addr) { p.Release() }
func (l *listener) Writable()                       {}
func (l *listener) LinkState(up bool) {
	state := " down"
	if up {
		state = " up"
	}
	l.told = append(l.told, time.Duration(l.w.Now()).String()+state)
}

// The ends of a wire notice its state after Detect, and a flap that is shorter not at all. What is sent
// before they notice is lost without an error.
func TestDetectDelaysTheNewsOfALink(t *testing.T) {
	w := New(1)
	a, b := w.Node("a"), w.Node("b")
	wi, err := w.Link(core.LinkSpec{Name: "ab", Detect: 10 * time.Millisecond}, a, b)
	if err != nil {
		t.Fatal(err)
	}
	la, lb := wi.Ends()
	ua, ub := &listener{w: w}, &listener{w: w}
	la.Attach(ua)
	lb.Attach(ub)
	at := func(ms int, fn func()) {
		a.NewTimer(fn).Reset(time.Duration(ms) * time.Millisecond)
	}
	at(1, func() { wi.SetUp(false) })
	at(5, func() { wi.SetUp(true) }) // a flap of 4 ms
	at(100, func() { wi.SetUp(false) })
	at(105, func() {
		if err := la.Send(w.Pool().Get(0, 64), core.Addr{}); err != nil {
			t.Errorf("send before the news: %v", err)
		}
	})
	at(150, func() {
		if err := la.Send(w.Pool().Get(0, 64), core.Addr{}); err == nil {
			t.Error("send on a wire that is known to be down succeeds")
		}
	})
	at(200, func() { wi.SetUp(true) })
	if err := w.Run(core.Time(time.Second)); err != nil {
		t.Fatal(err)
	}
	for _, u := range []*listener{ua, ub} {
		if len(u.told) != 2 || u.told[0] != "110ms down" || u.told[1] != "210ms up" {
			t.Errorf("told %v, want 110ms down, 210ms up", u.told)
		}
	}
	if st := wi.Stats(0); st.DropDown != 2 || w.Pool().Live() != 0 {
		t.Errorf("%d dropped, %d buffers left, want 2 and 0", st.DropDown, w.Pool().Live())
	}
}

// A node that restarts within the time its neighbour needs to notice leaves the neighbour's link as it was;
// a longer absence is told once each way (core.World.Revive, core.LinkSpec.Detect).
func TestRestartIsNoticedAfterDetect(t *testing.T) {
	for _, c := range []struct {
		away time.Duration
		told []string
	}{{4 * time.Millisecond, nil}, {20 * time.Millisecond, []string{"11ms down", "31ms up"}}} {
		w := New(1)
		a := w.Node("a")
		wi, err := w.Link(core.LinkSpec{Detect: 10 * time.Millisecond}, a, w.Node("b"))
		if err != nil {
			t.Fatal(err)
		}
		la, _ := wi.Ends()
		user := &listener{w: w}
		la.Attach(user)
		a.NewTimer(func() { w.Kill("b") }).Reset(time.Millisecond)
		a.NewTimer(func() {
			if _, err := w.Revive("b"); err != nil {
				t.Error(err)
			}
			if _, lb := wi.Ends(); !lb.Info().Up {
				t.Error("the new life must not wait for a carrier that is there")
			}
		}).Reset(time.Millisecond + c.away)
		_ = w.Run(core.Time(100 * time.Millisecond))
		if !slices.Equal(user.told, c.told) || !la.Info().Up {
			t.Errorf("away for %v: told %v, want %v; up: %v", c.away, user.told, c.told, la.Info().Up)
		}
		w.Close()
	}
}
