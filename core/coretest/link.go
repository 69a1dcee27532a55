package coretest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// TestLink holds the rules of core.Link and core.Wire for wires of one kind.
func TestLink(t *testing.T, mk Make, kind core.LinkKind) {
	with := func(spec core.LinkSpec, hold func(l *links)) func(h *Harness) {
		return func(h *Harness) {
			spec.Kind, spec.Name = kind, "wire"
			l := newLinks(h, spec)
			hold(l)
			h.Released()
		}
	}
	plain := core.LinkSpec{}
	slow := core.LinkSpec{Rate: 2e6, QueuePackets: 4, Block: true}
	slowDrop := core.LinkSpec{Rate: 2e6, QueuePackets: 4}
	rules(t, mk, []rule{
		{"EndsDescribeThemselves", with(plain, (*links).describe)},
		{"FramesArriveWholeOnceAndInOrder", with(plain, (*links).order)},
		{"ABurstWithinTheQueueIsNotLost", with(plain, (*links).burst)},
		{"ReceiveMaySend", with(plain, (*links).echo)},
		{"AFrameBeyondTheMTUIsTaken", with(plain, (*links).oversize)},
		{"FramesBeforeAttachAreCountedAsDropped", with(plain, (*links).unattached)},
		{"ABlockedQueueLosesNothingAndWakesOnce", with(slow, (*links).blocked)},
		{"AFullQueueDropsAndCounts", with(slowDrop, (*links).full)},
		{"AFrameTakesItsDelay", with(core.LinkSpec{Delay: 3 * time.Millisecond}, (*links).delayed)},
		{"TargetedFramesAreLost", with(core.LinkSpec{Drop: []uint64{2, 5}}, (*links).targeted)},
		{"EveryFrameIsLost", with(core.LinkSpec{Loss: 1}, (*links).lossy)},
		{"EveryFrameIsDuplicated", with(core.LinkSpec{Duplicate: 1}, (*links).duplicated)},
		{"SetChangesTheWireDuringTheRun", with(plain, (*links).reset)},
		{"SetRefusesAnImpossibleSpec", with(plain, (*links).refuse)},
		{"AFlapIsToldOnceAndFramesPassAfterwards", with(plain, (*links).flap)},
		{"AFlapWakesABlockedSender", with(slow, (*links).flapBlocked)},
		{"AKilledNodeIsSilent", with(plain, (*links).killed)},
		{"ANodeOfTheSameNameCanBeWiredAgain", with(plain, (*links).reborn)},
		{"ARevivedNodeHasItsWires", with(plain, (*links).revived)},
		{"ALinkOfAnOldLifeIsInert", with(plain, (*links).inert)},
		{"ABlockedLinkDoesNotWakeTheNextLife", with(slow, (*links).revivedBlocked)},
		{"AWireIsUpWhenItIsNotCutAndBothNodesLive", with(plain, (*links).upRule)},
		{"ARevivedNodeFindsTheWireAsItIs", with(plain, (*links).findsState)},
	})
}

// links is a wire with a recording user at each end.
type links struct {
	h    *Harness
	env  [2]core.Env
	wire core.Wire
	link [2]core.Link
	user [2]*linkUser
}

func newLinks(h *Harness, spec core.LinkSpec) *links {
	l := &links{h: h, env: [2]core.Env{h.Node("a"), h.Node("b")}}
	l.wire = h.Wire(spec, l.env[0], l.env[1])
	l.link[0], l.link[1] = l.wire.Ends()
	for i := range l.user {
		l.user[i] = &linkUser{h: h, env: l.env[i], link: l.link[i]}
	}
	return l
}

func (l *links) attach() {
	for i, u := range l.user {
		l.h.Down("Attach", func() { l.link[i].Attach(u) })
	}
}

// linkUser records what a link tells it.
type linkUser struct {
	h    *Harness
	env  core.Env
	link core.Link

	got      []int // sequence numbers in the order of arrival
	at       []core.Time
	from     core.Addr
	writable int
	states   []bool
	reply    bool // send every frame back
	onRoom   func()
}

func (u *linkUser) Receive(p *pkt.Buf, from core.Addr) {
	u.h.Up("Receive")
	seq, ok := openFrame(u.link.Info(), p)
	if !ok {
		u.h.t.Errorf("a frame of %d bytes arrived damaged", p.Len())
	}
	u.got, u.at, u.from = append(u.got, seq), append(u.at, u.env.Now()), from
	if u.reply {
		u.h.Down("Send", func() { _ = u.link.Send(p, from) }) // a lost echo shows at the other end
		return
	}
	p.Release()
}

func (u *linkUser) Writable() {
	u.h.Up("Writable")
	u.writable++
	if u.onRoom != nil {
		u.onRoom()
	}
}

func (u *linkUser) LinkState(up bool) {
	u.h.Up("LinkState")
	u.states = append(u.states, up)
	if u.link.Info().Up != up {
		u.h.t.Errorf("LinkState(%v), but Info().Up is %v", up, !up)
	}
}

// send sends one frame from end i and returns the result; the frame is released if the caller keeps it.
func (l *links) send(i, seq, n int) (err error) {
	p := makeFrame(l.env[i], l.link[i].Info(), seq, n)
	l.h.Down("Send", func() { err = l.link[i].Send(p, l.link[1-i].Info().Addr) })
	if errors.Is(err, core.ErrWouldBlock) {
		p.Release()
	}
	return err
}

// sendAll sends frames from..to-1 of n bytes in one call on the actor.
func (l *links) sendAll(i, from, to, n int) {
	l.h.t.Helper()
	l.h.On(l.env[i], func() {
		for seq := from; seq < to; seq++ {
			if err := l.send(i, seq, n); err != nil {
				l.h.t.Errorf("Send of frame %d: %v", seq, err)
			}
		}
	})
}

// balance waits until every packet that was taken in direction dir is accounted for.
func (l *links) balance(dir int) core.LinkStats {
	l.h.t.Helper()
	var st core.LinkStats
	l.h.Until("sent + duplicated = delivered + dropped", func() bool {
		st = l.wire.Stats(dir)
		return st.SentPackets+st.Duplicated == st.DeliveredPackets+st.DropQueue+st.DropLoss+st.DropError+st.DropDown
	})
	return st
}

func (l *links) describe() {
	a, b := l.link[0].Info(), l.link[1].Info()
	if a.Addr.IsZero() || a.Addr == b.Addr {
		l.h.t.Errorf("addresses %v and %v: want two", a.Addr, b.Addr)
	}
	if spec := l.wire.Spec(0); a.Kind != spec.Kind || !a.Up || a.MTU < 576 || a.Shared {
		l.h.t.Errorf("spec %+v gives %+v", spec, a)
	}
	if n := l.link[0].Queued(); n != 0 {
		l.h.t.Errorf("%d packets queued on a new link", n)
	}
}

func (l *links) order() {
	l.attach()
	want := [2][]int{}
	mtu := l.link[0].Info().MTU
	sizes := []int{minPayload, 46, 100, mtu / 2, mtu - 1, mtu}
	for i := range l.link {
		l.h.On(l.env[i], func() {
			for seq := range 60 {
				if err := l.send(i, seq, sizes[seq%len(sizes)]); err != nil {
					l.h.t.Errorf("Send: %v", err)
				}
				want[1-i] = append(want[1-i], seq)
			}
		})
	}
	for i, u := range l.user {
		l.h.Until("all frames arrive", func() bool { return len(u.got) >= len(want[i]) })
		l.h.Advance(2 * time.Millisecond)
		if !slices.Equal(u.got, want[i]) {
			l.h.t.Errorf("end %d received %v", i, u.got)
		}
		if u.from != l.link[1-i].Info().Addr {
			l.h.t.Errorf("end %d: frames come from %v, the other end is %v", i, u.from, l.link[1-i].Info().Addr)
		}
		if st := l.balance(i); st.DeliveredPackets != uint64(len(want[1-i])) || st.DeliveredBytes != st.SentBytes {
			l.h.t.Errorf("end %d: stats %+v", i, st)
		}
	}
}

func (l *links) burst() {
	l.attach()
	const n = 900
	l.sendAll(0, 0, n, l.link[0].Info().MTU)
	l.h.Until("the whole burst arrives", func() bool { return len(l.user[1].got) == n })
	if !slices.IsSorted(l.user[1].got) {
		l.h.t.Error("the burst was reordered")
	}
}

func (l *links) echo() {
	l.attach()
	l.user[1].reply = true
	l.sendAll(0, 0, 20, 64)
	l.h.Until("all echoes are back", func() bool { return len(l.user[0].got) == 20 })
	if !slices.IsSorted(l.user[0].got) {
		l.h.t.Errorf("echoes came in the order %v", l.user[0].got)
	}
}

// oversize holds the ownership rule; whether the link is strict about its MTU is its own affair.
func (l *links) oversize() {
	l.attach()
	l.h.On(l.env[0], func() {
		if err := l.send(0, 1, l.link[0].Info().MTU+1); errors.Is(err, core.ErrWouldBlock) {
			l.h.t.Error("a frame that can never be sent gives ErrWouldBlock")
		}
	})
	l.sendAll(0, 2, 3, 100)
	l.h.Until("the next frame arrives", func() bool { return slices.Contains(l.user[1].got, 2) })
}

func (l *links) unattached() {
	l.sendAll(0, 0, 5, 100)
	l.h.Until("the frames are dropped", func() bool { return l.wire.Stats(0).DropDown == 5 })
	l.h.Advance(2 * time.Millisecond)
	l.attach()
	l.sendAll(0, 5, 6, 100)
	l.h.Until("a frame arrives", func() bool { return len(l.user[1].got) > 0 })
	if !slices.Equal(l.user[1].got, []int{5}) {
		l.h.t.Errorf("received %v; the user attached before frame 5", l.user[1].got)
	}
}

// blocked keeps a sender busy that stops at ErrWouldBlock and goes on at Writable.
func (l *links) blocked() {
	l.attach()
	const n = 60
	u := l.user[0]
	var held *pkt.Buf
	next, refused := 0, 0
	feed := func() {
		for next < n {
			p := held
			if held = nil; p == nil {
				p = makeFrame(l.env[0], l.link[0].Info(), next, 200)
			}
			var err error
			l.h.Down("Send", func() { err = l.link[0].Send(p, l.link[1].Info().Addr) })
			if errors.Is(err, core.ErrWouldBlock) {
				held = p
				refused++
				return
			}
			if err != nil {
				l.h.t.Errorf("Send: %v", err)
			}
			next++
		}
	}
	u.onRoom = feed
	l.h.On(l.env[0], feed)
	if refused == 0 {
		l.h.t.Fatal("the queue did not fill")
	}
	if q := l.link[0].Queued(); q > 5 {
		l.h.t.Errorf("%d packets queued in a queue of 4", q)
	}
	l.h.Until("all frames arrive", func() bool { return len(l.user[1].got) == n })
	l.h.Advance(2 * time.Millisecond)
	if u.writable != refused {
		l.h.t.Errorf("Writable %d times after %d refusals", u.writable, refused)
	}
	if !slices.IsSorted(l.user[1].got) || len(l.user[1].got) != n {
		l.h.t.Errorf("received %v", l.user[1].got)
	}
	if st := l.balance(0); st.SentPackets != n || st.DropQueue != 0 {
		l.h.t.Errorf("stats %+v", st)
	}
}

func (l *links) full() {
	l.attach()
	const n = 50
	l.sendAll(0, 0, n, 200)
	st := l.balance(0)
	l.h.Until("what was not dropped arrives", func() bool { return uint64(len(l.user[1].got)) == st.DeliveredPackets })
	if st.SentPackets != n || st.DropQueue == 0 || st.DeliveredPackets < 5 {
		l.h.t.Errorf("stats %+v", st)
	}
	if !slices.Equal(l.user[1].got[:5], []int{0, 1, 2, 3, 4}) {
		l.h.t.Errorf("received %v: the tail must be dropped", l.user[1].got)
	}
	if l.user[0].writable != 0 {
		l.h.t.Error("Writable without ErrWouldBlock")
	}
}

func (l *links) delayed() {
	l.attach()
	var sent core.Time
	l.h.On(l.env[0], func() {
		sent = l.env[0].Now()
		_ = l.send(0, 1, 100)
	})
	l.h.Until("the frame arrives", func() bool { return len(l.user[1].at) > 0 })
	if d := l.user[1].at[0].Sub(sent); d < 3*time.Millisecond {
		l.h.t.Errorf("arrived after %v, the delay is 3ms", d)
	}
}

func (l *links) targeted() {
	l.attach()
	l.sendAll(0, 1, 8, 100)
	l.h.Until("five frames arrive", func() bool { return len(l.user[1].got) >= 5 })
	if want := []int{1, 3, 4, 6, 7}; !slices.Equal(l.user[1].got, want) {
		l.h.t.Errorf("received %v, want %v", l.user[1].got, want)
	}
	if st := l.balance(0); st.DropLoss != 2 {
		l.h.t.Errorf("stats %+v", st)
	}
}

func (l *links) lossy() {
	l.attach()
	l.sendAll(0, 0, 10, 100)
	if st := l.balance(0); st.DropLoss != 10 || len(l.user[1].got) != 0 {
		l.h.t.Errorf("stats %+v, received %v", st, l.user[1].got)
	}
}

func (l *links) duplicated() {
	l.attach()
	l.sendAll(0, 0, 5, 100)
	l.h.Until("ten frames arrive", func() bool { return len(l.user[1].got) >= 10 })
	l.h.Advance(2 * time.Millisecond)
	if want := []int{0, 0, 1, 1, 2, 2, 3, 3, 4, 4}; !slices.Equal(l.user[1].got, want) {
		l.h.t.Errorf("received %v, want %v", l.user[1].got, want)
	}
	l.balance(0)
}

func (l *links) reset() {
	l.attach()
	set := func(dir int, spec core.LinkSpec) {
		l.h.On(l.env[0], func() {
			if err := l.wire.Set(dir, spec); err != nil {
				l.h.t.Errorf("Set: %v", err)
			}
		})
	}
	set(0, core.LinkSpec{Loss: 1})
	l.sendAll(0, 0, 5, 100)
	l.sendAll(1, 0, 5, 100)
	l.balance(0)
	set(0, core.LinkSpec{Delay: 2 * time.Millisecond})
	l.sendAll(0, 5, 10, 100)
	l.h.Until("frames arrive both ways", func() bool { return len(l.user[1].got) == 5 && len(l.user[0].got) == 5 })
	if l.user[1].got[0] != 5 {
		l.h.t.Errorf("received %v while every frame was lost", l.user[1].got)
	}
	if s := l.wire.Spec(0); s.Delay != 2*time.Millisecond || s.Loss != 0 || s.Name != "wire" {
		l.h.t.Errorf("spec in force %+v", s)
	}
}

func (l *links) refuse() {
	for _, s := range []core.LinkSpec{{Loss: 1.5}, {Rate: -1}, {Delay: -1}, {Duplicate: -0.1}} {
		if err := l.wire.Set(0, s); err == nil {
			l.h.t.Errorf("Set(%+v) is accepted", s)
		}
		s.Name, s.Kind = "bad", l.wire.Spec(0).Kind
		if _, err := l.h.Link(s, l.env[0], l.env[1]); err == nil {
			l.h.t.Errorf("Link(%+v) is accepted", s)
		}
	}
}

func (l *links) setUp(up bool) {
	l.h.On(l.env[0], func() {
		l.h.Down("SetUp", func() { l.wire.SetUp(up) })
		l.h.Down("SetUp", func() { l.wire.SetUp(up) }) // no change, nobody is told
	})
}

func (l *links) flap() {
	l.attach()
	for round := range 2 {
		l.setUp(false)
		l.h.On(l.env[0], func() { _ = l.send(0, 100, 100) }) // taken: Released holds it
		l.h.Advance(2 * time.Millisecond)
		if n := len(l.user[1].got); n != round {
			l.h.t.Errorf("%d frames have arrived, %d were sent while the link was up", n, round)
		}
		l.setUp(true)
		l.sendAll(0, round, round+1, 100)
		l.h.Until("a frame passes after the flap", func() bool { return len(l.user[1].got) > round })
		for i, u := range l.user {
			l.h.Until("both changes are told", func() bool { return len(u.states) >= 2*round+2 })
			if want := []bool{false, true, false, true}[:2*round+2]; !slices.Equal(u.states, want) {
				l.h.t.Errorf("end %d was told %v, want %v", i, u.states, want)
			}
		}
	}
	if st := l.balance(0); st.DropDown != 2 {
		l.h.t.Errorf("stats %+v: want 2 packets dropped on the link that was down", st)
	}
}

func (l *links) flapBlocked() {
	l.attach()
	l.h.On(l.env[0], func() {
		for i := 0; !errors.Is(l.send(0, i, 1000), core.ErrWouldBlock); i++ {
			if i > 100 {
				l.h.t.Fatal("the queue did not fill")
			}
		}
	})
	l.setUp(false)
	l.h.Until("the blocked sender is woken", func() bool { return l.user[0].writable == 1 })
	l.setUp(true)
	got := len(l.user[1].got)
	l.sendAll(0, 50, 51, 100)
	l.h.Until("a frame passes after the flap", func() bool { return len(l.user[1].got) > got })
	l.h.Advance(2 * time.Millisecond)
	if l.user[0].writable != 1 {
		l.h.t.Errorf("Writable %d times after one refusal", l.user[0].writable)
	}
}

func (l *links) killed() {
	l.attach()
	l.sendAll(0, 0, 1, 100)
	l.h.Until("a frame arrives", func() bool { return len(l.user[1].got) == 1 })
	l.h.On(l.env[0], func() {
		_ = l.send(0, 1, 100) // may be under way when the node ends
		l.h.Kill("b")
	})
	l.h.Until("the neighbour sees its link go down", func() bool { return slices.Equal(l.user[0].states, []bool{false}) })
	l.h.On(l.env[0], func() {
		_ = l.send(0, 2, 100) // taken: Released holds it
		l.wire.SetUp(true)    // a wire to a dead node does not come up
		_ = l.send(0, 3, 100)
	})
	l.h.Advance(3 * time.Millisecond)
	if len(l.user[1].got) != 1 || len(l.user[1].states) != 0 {
		l.h.t.Errorf("the killed node received %v, states %v", l.user[1].got, l.user[1].states)
	}
	if len(l.user[0].states) != 1 {
		l.h.t.Errorf("the neighbour was told %v; the wire to a dead node cannot come up", l.user[0].states)
	}
}

// reborn makes a node again under the name of a killed one.
func (l *links) reborn() {
	l.h.On(l.env[0], func() { l.h.Kill("b") })
	l.env[1] = l.h.Node("b")
	spec := l.wire.Spec(0)
	spec.Name = "wire again"
	l.wire = l.h.Wire(spec, l.env[0], l.env[1])
	l.link[0], l.link[1] = l.wire.Ends()
	for i := range l.user {
		l.user[i] = &linkUser{h: l.h, env: l.env[i], link: l.link[i]}
	}
	l.order()
}
