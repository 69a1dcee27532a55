package coretest

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// Pair is a flow between two nodes of a world under test.
type Pair struct {
	Env  [2]core.Env
	Flow [2]core.Flow
	// Wire is the wire that the flow runs over.
	Wire core.Wire
	// Lossy says that the provider drops what it cannot send, so that Write never gives ErrWouldBlock.
	Lossy bool
	// Masks says that an end-to-end protocol runs on the flow and hides from Write that it is down: the
	// packet is taken, and lost or retransmitted later, as the protocol does it.
	Masks bool
	// Routed says that the flow is one of a layer that finds its own way: it is not down because a wire
	// is, so nobody is told.
	Routed bool
}

// Raise puts an end-to-end protocol on both ends of the flow. Its Env is one derived from that of the end.
func (p *Pair) Raise(h *Harness, mask bool, wrap func(env core.Env, below core.Flow) (core.Flow, error)) {
	p.Masks = mask
	for i, below := range p.Flow {
		h.On(p.Env[i], func() {
			f, err := wrap(p.Env[i].Derive("end-to-end"), below)
			if err != nil {
				panic(err)
			}
			p.Flow[i] = f
		})
	}
}

// Connect sets up a flow over a wire of that spec; the kind of the wire is its own choice. It returns
// when both ends stand. Nobody has attached to them.
type Connect func(h *Harness, spec core.LinkSpec) Pair

// TestFlow holds the rules of core.Flow for the flows that connect sets up.
func TestFlow(t *testing.T, mk Make, connect Connect) {
	with := func(spec core.LinkSpec, hold func(f *flows)) func(h *Harness) {
		return func(h *Harness) {
			f := newFlows(h, connect(h, spec))
			hold(f)
			f.close()
			h.Released()
		}
	}
	slow := core.LinkSpec{Rate: 10e6, QueuePackets: 4, Block: true}
	rules(t, mk, []rule{
		{"PacketsArriveWholeOnceAndInOrder", with(core.LinkSpec{}, (*flows).order)},
		{"DeliverMayWrite", with(core.LinkSpec{}, (*flows).echo)},
		{"APacketBeyondTheMTUIsRefusedAndTaken", with(core.LinkSpec{}, (*flows).oversize)},
		{"WhatArrivesBeforeAttachIsHeld", with(core.LinkSpec{}, (*flows).held)},
		{"ASlowReaderLosesNothing", with(core.LinkSpec{}, (*flows).slowReader)},
		{"AReaderMayStopInsideDeliver", with(core.LinkSpec{}, (*flows).stopInside)},
		{"ABlockedFlowLosesNothingAndWakesOnce", with(slow, (*flows).blocked)},
		{"AFlapIsToldOnceAndPacketsPassAfterwards", with(core.LinkSpec{}, (*flows).flap)},
		{"NothingIsDeliveredAfterClose", with(core.LinkSpec{}, (*flows).closed)},
		{"AKilledNodeIsSilent", with(core.LinkSpec{}, (*flows).killed)},
	})
}

// flows is a pair with a recording sink for each end.
type flows struct {
	Pair
	h    *Harness
	sink [2]*flowSink
	dead bool // end 1 was killed
}

func newFlows(h *Harness, p Pair) *flows {
	f := &flows{Pair: p, h: h}
	for i := range f.sink {
		f.sink[i] = &flowSink{h: h, env: p.Env[i], flow: p.Flow[i]}
	}
	return f
}

func (f *flows) attach(i int) {
	f.h.On(f.Env[i], func() {
		f.h.Down("Attach", func() { f.Flow[i].Attach(f.sink[i]) })
	})
}

// close ends both flows; the layers below may keep resources for a moment.
func (f *flows) close() {
	for i := range f.Flow {
		if i == 1 && f.dead {
			return
		}
		f.h.On(f.Env[i], func() {
			if !f.sink[i].ended {
				f.sink[i].ended = true
				f.h.Down("Close", func() { f.Flow[i].Close(0) })
			}
		})
	}
}

// flowSink records what a flow tells its user.
type flowSink struct {
	h    *Harness
	env  core.Env
	flow core.Flow

	got       []int
	writable  int
	states    []bool
	ended     bool // after Close or Closed nothing may come
	off       bool // SetReceive(false) is in force
	reply     bool
	onDeliver func()
	onRoom    func()
}

func (s *flowSink) Deliver(p *pkt.Buf) {
	s.h.Up("Deliver")
	if s.ended {
		s.h.t.Error("Deliver after the end of the flow")
	}
	if s.off {
		s.h.t.Error("Deliver while receiving is off")
	}
	seq, ok := openPacket(p)
	if !ok {
		s.h.t.Errorf("a packet of %d bytes arrived damaged", p.Len())
	}
	s.got = append(s.got, seq)
	if s.reply {
		s.h.Down("Write", func() {
			if err := s.flow.Write(p); err != nil {
				s.h.t.Errorf("Write of an echo: %v", err)
			}
		})
	} else {
		p.Release()
	}
	if s.onDeliver != nil {
		s.onDeliver()
	}
}

func (s *flowSink) Writable() {
	s.h.Up("Writable")
	s.writable++
	if s.onRoom != nil {
		s.onRoom()
	}
}

func (s *flowSink) State(up bool) {
	s.h.Up("State")
	s.states = append(s.states, up)
}

func (s *flowSink) Closed(error) {
	s.h.Up("Closed")
	if s.ended {
		s.h.t.Error("Closed after the end of the flow")
	}
	s.ended = true
}

func (s *flowSink) receive(on bool) {
	s.off = !on
	s.h.Down("SetReceive", func() { s.flow.SetReceive(on) })
}

// makePacket makes a packet of n bytes that carries seq and a pattern, with the headroom of the flow.
func makePacket(env core.Env, f core.Flow, seq, n int) *pkt.Buf {
	p := env.Pool.Get(f.Info().Headroom, n)
	b := p.Bytes()
	binary.BigEndian.PutUint32(b, uint32(seq))
	binary.BigEndian.PutUint32(b[4:], uint32(n))
	for i := minPayload; i < n; i++ {
		b[i] = byte(seq + i)
	}
	return p
}

func openPacket(p *pkt.Buf) (seq int, ok bool) {
	return openFrame(core.LinkInfo{Kind: core.LinkDirect}, p)
}

// write writes one packet to end i and returns the result; a packet that the caller keeps is released.
func (f *flows) write(i, seq, n int) (err error) {
	p := makePacket(f.Env[i], f.Flow[i], seq, n)
	f.h.Down("Write", func() { err = f.Flow[i].Write(p) })
	if errors.Is(err, core.ErrWouldBlock) {
		p.Release()
	}
	return err
}

func (f *flows) writeAll(i, from, to, n int) {
	f.h.t.Helper()
	f.h.On(f.Env[i], func() {
		for seq := from; seq < to; seq++ {
			if err := f.write(i, seq, n); err != nil {
				f.h.t.Errorf("Write of packet %d: %v", seq, err)
			}
		}
	})
}

// arrive waits until end i has n packets and checks that they are 0 to n-1 in order.
func (f *flows) arrive(i, n int) {
	f.h.t.Helper()
	f.h.Until("all packets arrive", func() bool { return len(f.sink[i].got) >= n })
	f.h.Advance(2 * time.Millisecond)
	for k, seq := range f.sink[i].got {
		if k != seq || len(f.sink[i].got) != n {
			f.h.t.Fatalf("end %d: received %v, want 0 to %d", i, f.sink[i].got, n-1)
		}
	}
}

func (f *flows) order() {
	f.attach(0)
	f.attach(1)
	mtu := f.Flow[0].Info().MTU
	sizes := []int{minPayload, 46, 100, mtu / 2, mtu - 1, mtu}
	for i := range f.Flow {
		f.h.On(f.Env[i], func() {
			for seq := range 30 {
				if err := f.write(i, seq, sizes[seq%len(sizes)]); err != nil {
					f.h.t.Errorf("Write: %v", err)
				}
			}
		})
	}
	f.arrive(0, 30)
	f.arrive(1, 30)
}

func (f *flows) echo() {
	f.attach(0)
	f.attach(1)
	f.sink[1].reply = true
	f.writeAll(0, 0, 20, 64)
	f.arrive(0, 20)
}

func (f *flows) oversize() {
	f.attach(0)
	f.attach(1)
	f.h.On(f.Env[0], func() {
		mtu := f.Flow[0].Info().MTU
		err := f.write(0, 7, mtu+1)
		if want := (core.SizeError{Len: mtu + 1, MTU: mtu}); !errors.Is(err, want) || !errors.Is(err, core.ErrMsgSize) {
			f.h.t.Errorf("Write of MTU+1 bytes: %v, want %v", err, want)
		}
	})
	f.writeAll(0, 0, 1, 100)
	f.arrive(1, 1)
}

func (f *flows) held() {
	f.attach(0)
	f.writeAll(0, 0, 5, 100)
	f.h.Advance(5 * time.Millisecond)
	f.attach(1)
	f.writeAll(0, 5, 8, 100)
	f.arrive(1, 8)
}

func (f *flows) slowReader() {
	f.attach(0)
	f.attach(1)
	f.h.On(f.Env[1], func() { f.sink[1].receive(false) })
	f.writeAll(0, 0, 10, 100)
	f.h.Advance(5 * time.Millisecond)
	f.h.On(f.Env[1], func() {
		f.sink[1].receive(true)
		f.sink[1].receive(false)
	})
	f.h.Advance(2 * time.Millisecond)
	if n := len(f.sink[1].got); n != 0 {
		f.h.t.Errorf("%d packets were delivered while receiving was off", n)
	}
	f.h.On(f.Env[1], func() { f.sink[1].receive(true) })
	f.writeAll(0, 10, 20, 100)
	f.arrive(1, 20)
}

// stopInside takes one packet at a time: the reader stops in Deliver and goes on a little later.
func (f *flows) stopInside() {
	f.attach(0)
	f.attach(1)
	s := f.sink[1]
	again := f.Env[1].NewTimer(func() { s.receive(true) })
	s.onDeliver = func() {
		s.receive(false)
		again.Reset(200 * time.Microsecond)
	}
	f.writeAll(0, 0, 10, 100)
	f.arrive(1, 10)
}

// blocked keeps a writer busy that stops at ErrWouldBlock and goes on at Writable.
func (f *flows) blocked() {
	if f.Lossy {
		f.h.t.Skip("this provider drops instead of blocking")
	}
	f.attach(0)
	f.attach(1)
	const n = 400
	var held *pkt.Buf
	next, refused := 0, 0
	feed := func() {
		for next < n {
			p := held
			if held = nil; p == nil {
				p = makePacket(f.Env[0], f.Flow[0], next, 100)
			}
			var err error
			f.h.Down("Write", func() { err = f.Flow[0].Write(p) })
			if errors.Is(err, core.ErrWouldBlock) {
				held = p
				refused++
				return
			}
			if err != nil {
				f.h.t.Errorf("Write: %v", err)
			}
			next++
		}
	}
	f.sink[0].onRoom = feed
	f.h.On(f.Env[0], feed)
	if refused == 0 {
		f.h.t.Errorf("%d packets in one call over a queue of 4 did not block", n)
	}
	f.arrive(1, n)
	if f.sink[0].writable != refused {
		f.h.t.Errorf("Writable %d times after %d refusals", f.sink[0].writable, refused)
	}
}

func (f *flows) flap() {
	if f.Routed {
		f.h.t.Skip("a flow of this layer does not follow a wire")
	}
	f.attach(0)
	f.attach(1)
	f.writeAll(0, 0, 1, 100)
	f.arrive(1, 1)
	f.h.On(f.Env[0], func() { f.Wire.SetUp(false) })
	f.h.Until("both ends are told", func() bool { return len(f.sink[0].states) > 0 && len(f.sink[1].states) > 0 })
	f.h.On(f.Env[0], func() {
		err := f.write(0, 1, 100)
		if !errors.Is(err, core.ErrFlowDown) && (err != nil || !f.Masks) {
			f.h.t.Errorf("Write on a flow that is down: %v, want %v", err, core.ErrFlowDown)
		}
	})
	f.h.On(f.Env[0], func() { f.Wire.SetUp(true) })
	f.h.Until("both ends are told", func() bool { return len(f.sink[0].states) > 1 && len(f.sink[1].states) > 1 })
	for i, s := range f.sink {
		if !slices.Equal(s.states, []bool{false, true}) {
			f.h.t.Errorf("end %d was told %v", i, s.states)
		}
	}
	f.writeAll(0, 2, 6, 100)
	f.h.Until("the last packet arrives", func() bool { return slices.Contains(f.sink[1].got, 5) })
	got := f.sink[1].got
	if f.Masks && len(got) > 1 && got[1] == 1 {
		got = slices.Delete(slices.Clone(got), 1, 2)
	}
	if !slices.Equal(got, []int{0, 2, 3, 4, 5}) {
		f.h.t.Errorf("received %v; packet 1 was written while the flow was down", f.sink[1].got)
	}
}

// closed closes an end that holds packets and to which others are under way.
func (f *flows) closed() {
	f.attach(0)
	f.attach(1)
	f.h.On(f.Env[1], func() { f.sink[1].receive(false) })
	f.writeAll(0, 0, 5, 100)
	f.h.Advance(3 * time.Millisecond)
	f.h.On(f.Env[1], func() {
		f.sink[1].receive(true) // posts a delivery that Close overtakes
		f.sink[1].ended = true
		f.h.Down("Close", func() { f.Flow[1].Close(0) })
	})
	f.h.On(f.Env[0], func() { _ = f.write(0, 5, 100) }) // Released holds that it is taken
	f.h.Advance(5 * time.Millisecond)
	if n := len(f.sink[1].got); n != 0 {
		f.h.t.Errorf("%d packets were delivered after Close", n)
	}
}

func (f *flows) killed() {
	if f.Env[0].Path == f.Env[1].Path {
		f.h.t.Skip("both users are on the node that would be killed")
	}
	f.attach(0)
	f.attach(1)
	f.writeAll(0, 0, 1, 100)
	f.arrive(1, 1)
	f.h.On(f.Env[0], func() { f.h.Kill(f.Env[1].Path); f.dead = true })
	f.h.On(f.Env[0], func() { _ = f.write(0, 1, 100) }) // Released holds that it is taken
	f.h.Advance(5 * time.Millisecond)
	if len(f.sink[1].got) != 1 || len(f.sink[1].states) != 0 || f.sink[1].ended {
		f.h.t.Error("a user on the killed node was called")
	}
}
