package ouroboros_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"ouroboros"
	"ouroboros/core"
)

// wait waits for at most a second and prints the events as "name of the flow:kind", in order.
func (x *bench) wait(s *ouroboros.Set, names map[*ouroboros.Flow]string) string {
	x.t.Helper()
	events, err := s.WaitFor(time.Second)
	if err != nil {
		return fmt.Sprint(core.CodeOf(err))
	}
	out := ""
	for i, e := range events {
		if i > 0 {
			out += " "
		}
		if e.Listener != nil {
			out += "listener"
		} else {
			out += names[e.Flow]
		}
		out += ":" + e.Kind.String()
	}
	return out
}

// expect holds what the next Wait tells.
func (x *bench) expect(s *ouroboros.Set, names map[*ouroboros.Flow]string, want string) {
	x.t.Helper()
	if got := x.wait(s, names); got != want {
		x.t.Errorf("told %q, want %q", got, want)
	}
}

// TestReadinessIsALevel_14_5: a flow is told as long as it can be read, in the order in which flows became ready.
// The prototype tells each packet once and loses some (spec 14 §14.5).
func TestReadinessIsALevel_14_5(t *testing.T) {
	script(t, func(x *bench) {
		f, under := x.dial()
		g, ground := x.dial()
		defer f.Close()
		defer g.Close()
		names := map[*ouroboros.Flow]string{f: "f", g: "g"}
		s := x.app.NewSet()
		ground.arrive("before the flow is in the set")
		for _, flow := range []*ouroboros.Flow{f, g, f} { // twice is as good as once
			if err := s.Add(flow); err != nil {
				t.Fatal(err)
			}
		}
		buf := make([]byte, 100)
		x.expect(s, names, "g:pkt")
		under.arrive("1", "2")
		x.expect(s, names, "g:pkt f:pkt")
		x.expect(s, names, "g:pkt f:pkt") // nothing was read
		_, _ = g.ReadMsg(buf)
		_, _ = f.ReadMsg(buf)
		x.expect(s, names, "f:pkt")
		_, _ = f.ReadMsg(buf)
		start := x.b.Now()
		x.expect(s, names, "timed out")
		if d := x.b.Now().Sub(start); d != time.Second {
			t.Errorf("Wait gave up after %v", d)
		}
		x.after(time.Second/2, func() { ground.arrive("3") })
		x.expect(s, names, "g:pkt")
		if events, err := s.Wait(x.b.Now()); len(events) != 1 || err != nil {
			t.Errorf("a deadline that has passed: %v, %v", events, err)
		}
		// A part of a message can be read, and so can its end.
		_, _ = g.Read(buf[:1])
		x.expect(s, names, "g:pkt")
		if n, err := g.Read(buf[:1]); n != 0 || err != nil {
			t.Errorf("end mark: %d, %v", n, err)
		}
		x.expect(s, names, "timed out")
	})
}

// TestChangesAreToldOnceAndAfterTheData_14_5: what a flow holds is told before it goes down or ends.
func TestChangesAreToldOnceAndAfterTheData_14_5(t *testing.T) {
	script(t, func(x *bench) {
		f, under := x.dial()
		names := map[*ouroboros.Flow]string{f: "f"}
		s := x.app.NewSet()
		if err := s.Add(f); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 10)
		under.arrive("a")
		under.sink.State(false)
		x.expect(s, names, "f:pkt")
		_, _ = f.ReadMsg(buf)
		x.expect(s, names, "f:down")
		x.expect(s, names, "timed out")
		under.sink.State(true)
		x.expect(s, names, "f:up")
		under.sink.State(false)
		under.sink.State(true)
		x.expect(s, names, "f:up") // it was down; what counts is how it is

		if err := f.SetFlags(ouroboros.DefaultFlags | ouroboros.MarkDown); err != nil {
			t.Fatal(err)
		}
		x.expect(s, names, "f:down")
		if err := f.SetFlags(ouroboros.DefaultFlags | ouroboros.MarkDown | ouroboros.Nonblock); err != nil {
			t.Fatal(err)
		}
		x.expect(s, names, "timed out") // no change: the prototype makes an event of every call
		if err := f.SetFlags(ouroboros.DefaultFlags); err != nil {
			t.Fatal(err)
		}
		x.expect(s, names, "f:up")

		under.arrive("b")
		under.sink.State(false)
		under.sink.Closed(core.ErrFlowPeer)
		x.expect(s, names, "f:pkt")
		_, _ = f.ReadMsg(buf)
		events, err := s.WaitFor(0)
		if err != nil || len(events) != 1 || events[0].Kind != ouroboros.EventPeer || !errors.Is(events[0].Err, core.ErrFlowPeer) {
			t.Errorf("the end: %v, %v", events, err)
		}
		x.expect(s, names, "timed out")
		_ = f.Close()

		g, ground := x.dial()
		ground.sink.Closed(core.ErrPeerClosed)
		names[g] = "g"
		if err := s.Add(g); err != nil {
			t.Fatal(err)
		}
		x.expect(s, names, "g:dealloc") // also what came before
		_ = g.Close()
		if s.Len() != 0 {
			t.Errorf("%d flows are in the set after all were closed", s.Len())
		}
	})
}

// TestMembershipOfSets_14_5: a flow is in one set at most, and leaves it when it is closed.
func TestMembershipOfSets_14_5(t *testing.T) {
	script(t, func(x *bench) {
		f, under := x.dial()
		g, _ := x.dial()
		a, b := x.app.NewSet(), x.app.NewSet()
		if err := a.Add(f); err != nil {
			t.Fatal(err)
		}
		if err := b.Add(f); !errors.Is(err, core.ErrPerm) {
			t.Errorf("a flow of another set: %v", err)
		}
		b.Del(f) // not in it: no error
		if !a.Has(f) || b.Has(f) || a.Has(g) {
			t.Error("Has is wrong")
		}
		under.arrive("x")
		a.Del(f)
		if err := b.Add(f); err != nil || a.Has(f) || !b.Has(f) {
			t.Errorf("a flow that has left its set: %v", err)
		}
		names := map[*ouroboros.Flow]string{f: "f", g: "g"}
		x.expect(a, names, "timed out")
		x.expect(b, names, "f:pkt")
		if err := b.Add(g); err != nil || b.Len() != 2 {
			t.Errorf("%v, %d", err, b.Len())
		}
		b.Zero()
		if b.Has(f) || b.Has(g) || b.Len() != 0 {
			t.Error("Zero leaves flows behind")
		}
		x.expect(b, names, "timed out")
		for range 1000 { // and gaps do not pile up
			_ = b.Add(f)
			_ = b.Add(g)
			b.Del(f)
			_ = b.Add(f)
			b.Del(g)
		}
		if n := b.Ready(); n > 8 {
			t.Errorf("the list of two flows has %d places", n)
		}
		x.expect(b, names, "f:pkt")
		_ = f.Close()
		_ = g.Close()
		if err := b.Add(f); !errors.Is(err, core.ErrNotAlloc) || b.Has(f) {
			t.Errorf("a closed flow: %v", err)
		}
	})
}

// TestAListenerInASet: a request is told until it is accepted.
func TestAListenerInASet(t *testing.T) {
	script(t, func(x *bench) {
		l, err := x.app.ListenBound()
		if err != nil || l.Name() != "" {
			t.Fatal(err, l.Name())
		}
		s := x.app.NewSet()
		if err := s.AddListener(l); err != nil {
			t.Fatal(err)
		}
		x.after(time.Millisecond, func() { x.alloc.accept(&fakeIncoming{env: x.env}) })
		x.expect(s, nil, "listener:alloc")
		x.expect(s, nil, "listener:alloc")
		f, err := l.Accept()
		if err != nil || f.Name() != "name" {
			t.Errorf("%v, %q", err, f.Name())
		}
		x.expect(s, nil, "timed out")
		_ = f.Close()
		s.DelListener(l)
		x.alloc.accept(&fakeIncoming{env: x.env})
		x.expect(s, nil, "timed out")
		_ = s.AddListener(l)
		_ = l.Close()
		if s.Len() != 0 {
			t.Error("a closed listener is in the set")
		}
		x.expect(s, nil, "timed out")
		if err := s.AddListener(l); !errors.Is(err, core.ErrNotAlloc) {
			t.Errorf("a closed listener: %v", err)
		}
	})
}

// TestRoomIsToldAfterARefusal: to who has written without waiting and was refused, once.
func TestRoomIsToldAfterARefusal(t *testing.T) {
	script(t, func(x *bench) {
		f, under := x.dial()
		defer f.Close()
		names := map[*ouroboros.Flow]string{f: "f"}
		s := x.app.NewSet()
		_ = s.Add(f)
		if err := f.SetFlags(ouroboros.DefaultFlags | ouroboros.WriteNonblock); err != nil {
			t.Fatal(err)
		}
		under.limit = true
		x.expect(s, names, "timed out")
		for range 2 {
			if err := f.WriteMsg([]byte("x")); !errors.Is(err, core.ErrAgain) {
				t.Errorf("write: %v", err)
			}
		}
		x.expect(s, names, "timed out")
		under.room = 1
		under.sink.Writable()
		x.expect(s, names, "f:writable")
		x.expect(s, names, "timed out")
		if err := f.WriteMsg([]byte("y")); err != nil || under.wrote[0] != "y" {
			t.Errorf("write: %v, the flow got %q", err, under.wrote)
		}
	})
}

// TestASetDoesNotAllocate in steady state, and costs what is ready, not what is in it.
func TestASetDoesNotAllocate(t *testing.T) {
	script(t, func(x *bench) {
		s := x.app.NewSet()
		var under *fakeFlow
		var f *ouroboros.Flow
		for range 100 {
			f, under = x.dial()
			defer f.Close()
			if err := s.Add(f); err != nil {
				t.Fatal(err)
			}
		}
		buf := make([]byte, 64)
		if n := testing.AllocsPerRun(100, func() {
			under.sink.Deliver(x.env.Pool.GetCopy(0, buf))
			events, err := s.Wait(ouroboros.Never)
			if err != nil || len(events) != 1 || events[0].Flow != f {
				t.Fatal(events, err)
			}
			f.SetReadDeadline(x.b.Now().Add(time.Second))
			_, _ = f.ReadMsg(buf)
		}); n != 0 {
			t.Errorf("%v allocations for a message", n)
		}
	})
}

// BenchmarkSet is a message to one of many flows through Wait and ReadMsg.
func BenchmarkSet(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			script(b, func(x *bench) {
				s := x.app.NewSet()
				unders := make([]*fakeFlow, n)
				for i := range n {
					f, under := x.dial()
					defer f.Close()
					unders[i] = under
					_ = s.Add(f)
				}
				buf := make([]byte, 64)
				for i := 0; b.Loop(); i++ {
					unders[i%n].sink.Deliver(x.env.Pool.GetCopy(0, buf))
					events, _ := s.Wait(ouroboros.Never)
					_, _ = events[0].Flow.ReadMsg(buf)
				}
			})
		})
	}
}

// TestASetTellsThatTheBrokerHasGone: once, and that there is nothing to accept any more.
func TestASetTellsThatTheBrokerHasGone(t *testing.T) {
	script(t, func(x *bench) {
		a := x.distant()
		l, err := x.app.Listen("name")
		if err != nil {
			t.Fatal(err)
		}
		s := x.app.NewSet()
		_ = s.AddListener(l)
		a.accept(&deferredIncoming{fakeIncoming{env: x.env}})
		x.expect(s, nil, "listener:alloc")
		f, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		a.accept(&deferredIncoming{fakeIncoming{env: x.env}})
		a.state(core.ErrIRMD)
		events, err := s.WaitFor(0)
		if err != nil || len(events) != 1 || events[0].Kind != ouroboros.EventDealloc || !errors.Is(events[0].Err, core.ErrIRMD) {
			t.Errorf("told %v, %v", events, err)
		}
		x.expect(s, nil, "timed out")
		_, _ = f.Close(), l.Close()
	})
}

// TestWhatTheProviderHoldsIsToldBeforeTheEnd: a flow goes down with more on its way than the reader has taken ahead.
func TestWhatTheProviderHoldsIsToldBeforeTheEnd(t *testing.T) {
	script(t, func(x *bench) {
		f, under := x.dial()
		defer f.Close()
		s := x.app.NewSet()
		_ = s.Add(f)
		for i := range 100 {
			under.arrive(fmt.Sprint(i))
		}
		under.sink.State(false)
		buf := make([]byte, 10)
		for read := 0; ; read++ {
			events, err := s.WaitFor(time.Second)
			if err != nil {
				t.Fatalf("after %d messages: %v", read, err)
			}
			if events[0].Kind == ouroboros.EventDown {
				if read != 100 {
					t.Errorf("down was told after %d messages of 100", read)
				}
				return
			}
			if n, err := f.ReadMsg(buf); err != nil || string(buf[:n]) != fmt.Sprint(read) {
				t.Fatalf("message %d: %q, %v", read, buf[:n], err)
			}
		}
	})
}
