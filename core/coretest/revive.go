package coretest

import (
	"errors"
	"slices"
	"time"

	"ouroboros/core"
)

// revive starts node i again and takes its end of the wire, which has no user.
func (l *links) revive(i int) {
	l.h.t.Helper()
	env, err := l.h.Revive([2]string{"a", "b"}[i])
	if err != nil {
		l.h.t.Fatalf("Revive: %v", err)
	}
	l.env[i] = env
	l.link[0], l.link[1] = l.wire.Ends()
	l.user[i] = &linkUser{h: l.h, env: env, link: l.link[i]}
}

// kill kills the nodes given by their numbers.
func (l *links) kill(nodes ...int) {
	l.h.t.Helper()
	for _, i := range nodes {
		l.h.Down("Kill", func() { l.h.Kill([2]string{"a", "b"}[i]) })
	}
}

// revived kills and revives a node twice. The neighbour keeps its link and its user.
func (l *links) revived() {
	l.attach()
	was := l.link
	for round := range 2 {
		info := l.link[1].Info()
		l.kill(1)
		l.h.Until("the neighbour sees the link go down", func() bool { return len(l.user[0].states) == 2*round+1 })
		l.revive(1)
		l.h.Until("the neighbour sees the link come up", func() bool { return len(l.user[0].states) == 2*round+2 })
		if l.link[0] != was[0] || l.link[1] == was[1] {
			l.h.t.Error("the revived node has its old link, or the neighbour a new one")
		}
		if now := l.link[1].Info(); now != info {
			l.h.t.Errorf("the revived node has the link %+v, before %+v", now, info)
		}
		l.h.Down("Attach", func() { l.link[1].Attach(l.user[1]) })
		l.sendAll(0, 2*round, 2*round+1, 100)
		l.sendAll(1, 2*round, 2*round+1, 100)
		l.h.Until("frames pass both ways", func() bool { return len(l.user[1].got) == 1 && len(l.user[0].got) == round+1 })
	}
	if want := []bool{false, true, false, true}; !slices.Equal(l.user[0].states, want) || len(l.user[1].states) != 0 {
		l.h.t.Errorf("told %v and %v, want %v and nothing", l.user[0].states, l.user[1].states, want)
	}
	if st := l.balance(0); st.SentPackets != 2 || st.DeliveredPackets != 2 {
		l.h.t.Errorf("stats %+v: want 2 packets, counted over all lives", st)
	}
}

// inert uses the link of the first life in the second.
func (l *links) inert() {
	l.attach()
	old, user := l.link[1], l.user[1]
	l.kill(1)
	l.revive(1)
	l.h.Down("Attach", func() { l.link[1].Attach(l.user[1]) })
	l.h.On(l.env[1], func() {
		if err := old.Send(makeFrame(l.env[1], old.Info(), 1, 100), l.link[0].Info().Addr); !errors.Is(err, core.ErrFlowDown) {
			l.h.t.Errorf("Send on a link of an old life: %v", err)
		}
		old.Attach(user)
		if old.Info().Up {
			l.h.t.Error("a link of an old life is up")
		}
	})
	l.setUp(false)
	l.setUp(true)
	l.sendAll(0, 2, 3, 100)
	l.h.Until("the new life receives and is told", func() bool { return len(l.user[1].got) == 1 && len(l.user[1].states) == 2 })
	l.h.Advance(2 * time.Millisecond)
	if len(user.got) != 0 || len(user.states) != 0 || len(l.user[0].got) != 0 {
		l.h.t.Errorf("the old life received %v and was told %v; %v came from it", user.got, user.states, l.user[0].got)
	}
}

// revivedBlocked kills a node while its link is blocked.
func (l *links) revivedBlocked() {
	l.attach()
	user := l.user[1]
	l.h.On(l.env[1], func() {
		for i := 0; !errors.Is(l.send(1, i, 1000), core.ErrWouldBlock); i++ {
			if i > 100 {
				l.h.t.Fatal("the queue did not fill")
			}
		}
		l.h.Kill("b")
	})
	l.revive(1)
	l.h.Down("Attach", func() { l.link[1].Attach(l.user[1]) })
	l.h.Advance(10 * time.Millisecond)
	if user.writable != 0 || l.user[1].writable != 0 {
		l.h.t.Errorf("Writable %d and %d times; who was blocked is dead", user.writable, l.user[1].writable)
	}
	got := len(l.user[0].got)
	l.sendAll(1, 50, 51, 100)
	l.h.Until("the new life sends", func() bool { return len(l.user[0].got) == got+1 })
}

// upRule puts the wire through the cases of core.Wire.SetUp and asks its ends.
func (l *links) upRule() {
	l.attach()
	steps := []struct {
		what string
		do   func()
		up   bool
	}{
		{"a cut", func() { l.wire.SetUp(false) }, false},
		{"a second cut", func() { l.wire.SetUp(false) }, false},
		{"one repair, for cuts do not nest", func() { l.wire.SetUp(true) }, true},
		{"the end of a node", func() { l.h.Kill("b") }, false},
		{"a repair of a wire to a dead node", func() { l.wire.SetUp(true) }, false},
		{"its revival", func() { l.revive(1) }, true},
		{"the end of both nodes", func() { l.h.Kill("a"); l.h.Kill("b") }, false},
		{"the revival of one", func() { l.revive(1) }, false},
		{"the revival of the other", func() { l.revive(0) }, true},
		{"a cut", func() { l.wire.SetUp(false) }, false},
		{"the end of a node at a wire that is cut", func() { l.h.Kill("a") }, false},
		{"its revival", func() { l.revive(0) }, false},
		{"the repair", func() { l.wire.SetUp(true) }, true},
		{"the end of a node", func() { l.h.Kill("a") }, false},
		{"a cut meanwhile", func() { l.wire.SetUp(false) }, false},
		{"its revival", func() { l.revive(0) }, false},
		{"the repair", func() { l.wire.SetUp(true) }, true},
	}
	for _, s := range steps {
		l.h.Down(s.what, s.do)
		l.h.Advance(2 * time.Millisecond)
		for i, link := range l.link {
			// The end at a dead node has nobody who could know.
			if !l.dead(i) && link.Info().Up != s.up {
				l.h.t.Errorf("after %s: end %d is up: %v, want %v", s.what, i, link.Info().Up, s.up)
			}
		}
		var err error
		for i := range l.link {
			if !l.dead(i) {
				l.h.On(l.env[i], func() { err = l.send(i, 0, 100) })
				if (err == nil) != s.up {
					l.h.t.Errorf("after %s: Send at end %d: %v", s.what, i, err)
				}
			}
		}
	}
}

// dead reports whether the actor of node i takes no calls.
func (l *links) dead(i int) bool {
	ran := false
	l.env[i].Post(func() { ran = true })
	l.h.Advance(time.Millisecond)
	return !ran
}

// findsState has the new life attach at once, and be told of later changes only.
func (l *links) findsState() {
	l.attach()
	for _, up := range []bool{true, false} {
		l.kill(1)
		l.wire.SetUp(up)
		l.revive(1)
		if now := l.link[1].Info().Up; now != up {
			l.h.t.Errorf("the new life finds the wire up: %v, it is %v", now, up)
		}
		l.h.Down("Attach", func() { l.link[1].Attach(l.user[1]) })
		l.h.Advance(2 * time.Millisecond)
		if len(l.user[1].states) != 0 {
			l.h.t.Errorf("told %v of what it found", l.user[1].states)
		}
		l.setUp(!up)
		l.h.Until("the change is told", func() bool { return slices.Equal(l.user[1].states, []bool{!up}) })
	}
}
