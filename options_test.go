package ouroboros_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"ouroboros"
	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/sim"
)

// TestTimeoutsAreMeasuredFromTheCall_14_4: FLOWSRCVTIMEO and FLOWSSNDTIMEO.
func TestTimeoutsAreMeasuredFromTheCall_14_4(t *testing.T) {
	script(t, func(x *bench) {
		f, under := x.dial()
		defer f.Close()
		if f.ReadTimeout() != 0 || f.WriteTimeout() != 0 {
			t.Error("a new flow has a timeout")
		}
		if err := errors.Join(f.SetReadTimeout(2*time.Second), f.SetWriteTimeout(3*time.Second)); err != nil {
			t.Fatal(err)
		}
		if f.ReadTimeout() != 2*time.Second || f.WriteTimeout() != 3*time.Second {
			t.Errorf("%v, %v", f.ReadTimeout(), f.WriteTimeout())
		}
		under.limit = true
		for range 2 {
			start := x.b.Now()
			if _, err := f.ReadMsg(nil); !errors.Is(err, core.ErrTimedOut) || x.b.Now().Sub(start) != 2*time.Second {
				t.Errorf("read: %v after %v", err, x.b.Now().Sub(start))
			}
			start = x.b.Now()
			if err := f.WriteMsg(nil); !errors.Is(err, core.ErrTimedOut) || x.b.Now().Sub(start) != 3*time.Second {
				t.Errorf("write: %v after %v", err, x.b.Now().Sub(start))
			}
		}
		f.SetReadDeadline(x.b.Now().Add(time.Second)) // the earlier counts
		start := x.b.Now()
		if _, err := f.ReadMsg(nil); !errors.Is(err, core.ErrTimedOut) || x.b.Now().Sub(start) != time.Second {
			t.Errorf("read: %v after %v", err, x.b.Now().Sub(start))
		}
		if err := f.SetReadTimeout(-1); !errors.Is(err, core.ErrInvalid) {
			t.Errorf("a negative timeout: %v", err)
		}
		_ = f.SetReadTimeout(0)
		f.SetReadDeadline(ouroboros.Never)
		x.after(time.Minute, func() { under.arrive("") })
		if _, err := f.ReadMsg(nil); err != nil {
			t.Errorf("without a timeout: %v", err)
		}
	})
}

// TestFlagsOfAFlow_14_4: each flag does what its name says, at reading and at writing.
func TestFlagsOfAFlow_14_4(t *testing.T) {
	ok := error(nil)
	const rw = ouroboros.ReadWrite
	for _, c := range []struct {
		flags       ouroboros.FlowFlags
		read, write error // with a message there, and room
		none, full  error // with neither; nil: the call waits
	}{
		{ouroboros.DefaultFlags, ok, ok, nil, nil},
		{ouroboros.ReadOnly, ok, core.ErrPerm, nil, core.ErrPerm},
		{ouroboros.WriteOnly, core.ErrPerm, ok, core.ErrPerm, nil},
		{rw | ouroboros.MarkDown, ok, core.ErrFlowDown, core.ErrFlowDown, core.ErrFlowDown},
		{rw | ouroboros.ReadNonblock, ok, ok, core.ErrAgain, nil},
		{rw | ouroboros.WriteNonblock, ok, ok, nil, core.ErrAgain},
		{rw | ouroboros.Nonblock, ok, ok, core.ErrAgain, core.ErrAgain},
	} {
		t.Run(fmt.Sprintf("%#o", uint32(c.flags)), func(t *testing.T) {
			script(t, func(x *bench) {
				f, under := x.dial()
				defer f.Close()
				if f.Flags() != ouroboros.DefaultFlags {
					t.Errorf("a new flow has the flags %#o", uint32(f.Flags()))
				}
				if err := f.SetFlags(c.flags); err != nil || f.Flags() != c.flags {
					t.Fatalf("%v, flags %#o", err, uint32(f.Flags()))
				}
				waits := func(err error) error { // what a call that waits ends with
					if err == nil {
						return core.ErrTimedOut
					}
					return err
				}
				f.SetDeadline(x.b.Now().Add(time.Second))
				under.arrive("x")
				buf := make([]byte, 10)
				if _, err := f.ReadMsg(buf); !errors.Is(err, c.read) {
					t.Errorf("read: %v, want %v", err, c.read)
				}
				if err := f.WriteMsg(buf); !errors.Is(err, c.write) {
					t.Errorf("write: %v, want %v", err, c.write)
				}
				under.limit, under.room = true, 0
				if _, err := f.ReadMsg(buf); c.read == nil && !errors.Is(err, waits(c.none)) {
					t.Errorf("read of nothing: %v, want %v", err, waits(c.none))
				}
				if err := f.WriteMsg(buf); !errors.Is(err, waits(c.full)) {
					t.Errorf("write without room: %v, want %v", err, waits(c.full))
				}
				// The prototype cannot undo WRONLY.
				if err := f.SetFlags(ouroboros.DefaultFlags); err != nil {
					t.Fatal(err)
				}
				under.arrive("y")
				if _, err := f.ReadMsg(buf); err != nil {
					t.Errorf("read after all: %v", err)
				}
			})
		})
	}
}

func TestImpossibleFlagsAreRefused_14_4(t *testing.T) {
	script(t, func(x *bench) {
		f, under := x.dial()
		for _, bad := range []ouroboros.FlowFlags{3, 8, 1 << 31} {
			if err := f.SetFlags(bad); !errors.Is(err, core.ErrInvalid) || f.Flags() != ouroboros.DefaultFlags {
				t.Errorf("%#o: %v", uint32(bad), err)
			}
		}
		// RNOPART: a message that does not fit is gone, one that fits exactly has no end mark (spec 14 §14.3).
		if err := f.SetFlags(ouroboros.DefaultFlags | ouroboros.ReadNoPartial); err != nil {
			t.Fatal(err)
		}
		under.arrive("abc", "de", "f")
		buf := make([]byte, 2)
		if _, err := f.Read(buf); !errors.Is(err, core.ErrMsgSize) {
			t.Errorf("too long: %v", err)
		}
		for _, want := range []string{"de", "f"} {
			if n, err := f.Read(buf); string(buf[:n]) != want || err != nil {
				t.Errorf("read %q, %v, want %q", buf[:n], err, want)
			}
		}
		if _, err := f.FRCPFlags(); !errors.Is(err, core.ErrPerm) {
			t.Errorf("FRCP flags of a raw flow: %v", err)
		}
		if err := f.SetFRCPFlags(0); !errors.Is(err, core.ErrPerm) {
			t.Errorf("FRCP flags of a raw flow: %v", err)
		}
		_ = f.Close()
		for what, err := range map[string]error{"flags": f.SetFlags(ouroboros.DefaultFlags), "timeout": f.SetReadTimeout(1)} {
			if !errors.Is(err, core.ErrNotAlloc) {
				t.Errorf("%s after Close: %v", what, err)
			}
		}
	})
}

// TestFRCPFlags_10_16: FRCTSFLAGS and FRCTGFLAGS, which the prototype cannot set (spec 10 §10.19, D8). Without resource
// control a writer does not wait for the peer, and on a reliable flow everything arrives all the same.
func TestFRCPFlags_10_16(t *testing.T) {
	const all = ouroboros.FRCPRetransmit | ouroboros.FRCPResourceControl | ouroboros.FRCPLinger
	const count = 2000 // more than the window of a peer that does not read
	h := coretest.New(t, sim.New(1))
	envs, allocs := pair(t, h, "eth-dix", core.LinkSpec{Rate: 100e6})
	ended, got := 0, 0
	h.Go(envs[1], func(b core.Blocker) {
		l, err := ouroboros.New(envs[1], allocs[1], b).Listen("slow")
		if err != nil {
			t.Error(err)
			return
		}
		f, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		b.Sleep(2 * time.Second)
		buf := make([]byte, 100)
		for ; got < count; got++ {
			n, err := f.ReadMsg(buf)
			if err != nil || string(buf[:n]) != fmt.Sprint(got) {
				t.Errorf("message %d: %q, %v", got, buf[:n], err)
				break
			}
		}
		_ = f.Close()
		_ = l.Close()
		ended++
	})
	h.Go(envs[0], func(b core.Blocker) {
		b.Sleep(20 * time.Millisecond)
		f, err := ouroboros.New(envs[0], allocs[0], b).Dial("slow", ouroboros.WithQoS(core.QoSData))
		if err != nil {
			t.Error(err)
			return
		}
		if x, err := f.FRCPFlags(); x != all || err != nil {
			t.Errorf("flags of a reliable flow: %#o, %v", x, err)
		}
		if err := f.SetFRCPFlags(all &^ ouroboros.FRCPRetransmit); !errors.Is(err, core.ErrPerm) {
			t.Errorf("a reliable flow was made another: %v", err)
		}
		if err := f.SetFRCPFlags(8); !errors.Is(err, core.ErrInvalid) {
			t.Errorf("an unknown flag: %v", err)
		}
		if err := f.SetFRCPFlags(all &^ ouroboros.FRCPResourceControl); err != nil {
			t.Error(err)
		}
		if x, _ := f.FRCPFlags(); x != all&^ouroboros.FRCPResourceControl {
			t.Errorf("flags %#o", x)
		}
		for i := range count {
			if err := f.WriteMsg([]byte(fmt.Sprint(i))); err != nil {
				t.Errorf("write %d: %v", i, err)
			}
		}
		if now := b.Now(); now > core.Time(time.Second) {
			t.Errorf("the writer was done at %v: it has waited for the reader", now)
		}
		_ = f.Close()
		ended++
	})
	h.Until("both programs have ended", func() bool { return ended == 2 })
	if got != count {
		t.Errorf("%d messages arrived, want %d", got, count)
	}
}
