package ouroboros_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"ouroboros"
	"ouroboros/core"
)

// TestReadsKeepMessageBoundaries_14_3 holds the table of reading semantics.
func TestReadsKeepMessageBoundaries_14_3(t *testing.T) {
	for _, c := range []struct {
		name, want string
		size       int
		msgs       []string
	}{
		{"shorter than the buffer", "2:ab", 4, []string{"ab"}},
		{"exactly as long: an end mark follows", "4:abcd 0: 2:ef", 4, []string{"abcd", "ef"}},
		{"longer: the rest follows, ended by a short read", "4:abcd 2:ef 2:gh", 4, []string{"abcdef", "gh"}},
		{"twice as long: the rest follows, ended by 0", "2:ab 2:cd 0: 1:e", 2, []string{"abcd", "e"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			script(t, func(x *bench) {
				f, under := x.dial()
				defer f.Close()
				under.arrive(c.msgs...)
				f.SetReadDeadline(x.b.Now())
				var got []string
				buf := make([]byte, c.size)
				for {
					n, err := f.Read(buf)
					if errors.Is(err, core.ErrTimedOut) {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, fmt.Sprintf("%d:%s", n, buf[:n]))
				}
				// A message that ends with the buffer is followed by the end mark, the last one too.
				if s := strings.Join(got, " "); s != c.want {
					t.Errorf("reads of %d bytes: %q, want %q", c.size, s, c.want)
				}
			})
		})
	}
}

func TestReadMsgTakesWholeMessagesOnly_14_3(t *testing.T) {
	script(t, func(x *bench) {
		f, under := x.dial()
		defer f.Close()
		under.arrive("too long", "fits", "begun by Read", "next", "exact", "last")
		buf := make([]byte, 5)
		if _, err := f.ReadMsg(buf); !errors.Is(err, core.ErrMsgSize) {
			t.Errorf("a message longer than the buffer: %v, want %v", err, core.ErrMsgSize)
		}
		read := func(want string) {
			t.Helper()
			if n, err := f.ReadMsg(buf); err != nil || string(buf[:n]) != want {
				t.Errorf("ReadMsg: %q, %v, want %q", buf[:n], err, want)
			}
		}
		read("fits")
		if n, err := f.Read(buf); n != 5 || err != nil {
			t.Errorf("Read: %d, %v", n, err)
		}
		read("next") // the rest of the message before is discarded
		if n, err := f.Read(buf); string(buf[:n]) != "exact" || err != nil {
			t.Errorf("Read: %q, %v", buf[:n], err)
		}
		read("last") // so is its end mark
	})
}

// TestQueuedDataComesBeforeTheError_14_3 includes what still waits with the provider.
func TestQueuedDataComesBeforeTheError_14_3(t *testing.T) {
	for _, end := range []string{"down", "closed"} {
		t.Run(end, func(t *testing.T) {
			script(t, func(x *bench) {
				f, under := x.dial()
				defer f.Close()
				n := 100 // more than the flow takes ahead
				want := error(core.ErrFlowDown)
				if end == "closed" {
					n, want = 20, core.ErrFlowPeer // Closed is the last call: nothing is held behind it
				}
				for i := range n {
					under.arrive(fmt.Sprint(i))
				}
				if end == "down" {
					under.sink.State(false)
				} else {
					under.sink.Closed(core.ErrFlowPeer)
				}
				buf := make([]byte, 10)
				for i := range n {
					k, err := f.ReadMsg(buf)
					if err != nil || string(buf[:k]) != fmt.Sprint(i) {
						t.Fatalf("message %d of %d: %q, %v", i, n, buf[:k], err)
					}
				}
				for range 2 {
					if _, err := f.ReadMsg(buf); !errors.Is(err, want) {
						t.Errorf("after the last message: %v, want %v", err, want)
					}
					if err := f.WriteMsg(buf); !errors.Is(err, want) {
						t.Errorf("write: %v, want %v", err, want)
					}
				}
			})
		})
	}
}

func TestAFlowThatComesUpAgainGoesOn(t *testing.T) {
	script(t, func(x *bench) {
		f, under := x.dial()
		defer f.Close()
		x.after(time.Second, func() { under.sink.State(false) })
		if _, err := f.ReadMsg(nil); !errors.Is(err, core.ErrFlowDown) || x.b.Now() != core.Time(time.Second) {
			t.Errorf("a waiting read ends with %v at %v", err, x.b.Now())
		}
		under.sink.State(true)
		under.arrive("x")
		if n, err := f.ReadMsg(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("read %d, %v", n, err)
		}
		if err := f.WriteMsg([]byte("y")); err != nil {
			t.Errorf("write: %v", err)
		}
	})
}

// TestASlowReaderStopsItsProvider holds that flow control reaches as far as the reader.
func TestASlowReaderStopsItsProvider(t *testing.T) {
	script(t, func(x *bench) {
		f, under := x.dial()
		defer f.Close()
		for i := range 200 {
			under.arrive(fmt.Sprint(i))
		}
		if f.Unread() > 64 || len(under.held) < 136 || under.on {
			t.Errorf("%d messages were taken ahead of the reader, receiving is %v", f.Unread(), under.on)
		}
		buf := make([]byte, 10)
		for i := range 200 {
			if n, err := f.ReadMsg(buf); err != nil || string(buf[:n]) != fmt.Sprint(i) {
				t.Fatalf("message %d: %q, %v", i, buf[:n], err)
			}
		}
		if !under.on {
			t.Error("receiving is off after everything was read")
		}
	})
}

func TestDeadlinesEndWaiting(t *testing.T) {
	script(t, func(x *bench) {
		f, under := x.dial()
		defer f.Close()
		f.SetDeadline(core.Time(3 * time.Second))
		if _, err := f.ReadMsg(nil); !errors.Is(err, core.ErrTimedOut) || x.b.Now() != core.Time(3*time.Second) {
			t.Errorf("read: %v at %v, want %v at 3s", err, x.b.Now(), core.ErrTimedOut)
		}
		f.SetDeadline(core.Time(4 * time.Second))
		under.limit = true
		if err := f.WriteMsg([]byte("a")); !errors.Is(err, core.ErrTimedOut) || x.b.Now() != core.Time(4*time.Second) {
			t.Errorf("write: %v at %v, want %v at 4s", err, x.b.Now(), core.ErrTimedOut)
		}
		f.SetDeadline(ouroboros.Never)
		x.after(time.Second, func() { under.room = 1; under.sink.Writable(); under.arrive("late") })
		if err := f.WriteMsg([]byte("b")); err != nil || len(under.wrote) != 1 || under.wrote[0] != "b" {
			t.Errorf("write: %v, the flow got %q", err, under.wrote)
		}
		if _, err := f.ReadMsg(make([]byte, 9)); err != nil {
			t.Errorf("read: %v", err)
		}
	})
}

// TestAWriterWaitsForRoom holds that it does not try again before Writable.
func TestAWriterWaitsForRoom(t *testing.T) {
	script(t, func(x *bench) {
		f, under := x.dial()
		defer f.Close()
		under.limit, under.room = true, 2
		for i := range 5 {
			x.after(time.Duration(i)*time.Second, func() { under.arrive("noise") }) // wakes, but gives no room
			x.after(time.Duration(i)*time.Second+time.Second/2, func() { under.room = 1; under.sink.Writable() })
		}
		for _, m := range []string{"a", "b", "c", "d"} {
			if n, err := f.Write([]byte(m)); n != 1 || err != nil {
				t.Errorf("Write: %d, %v", n, err)
			}
		}
		if got := strings.Join(under.wrote, ""); got != "abcd" || x.b.Now() != core.Time(3*time.Second/2) {
			t.Errorf("wrote %q by %v, want abcd by 1.5s", got, x.b.Now())
		}
	})
}

func TestErrorsOfTheFlowBelowReachTheWriter(t *testing.T) {
	script(t, func(x *bench) {
		f, under := x.dial()
		defer f.Close()
		under.fail = core.ErrConnReset
		if err := f.WriteMsg([]byte("x")); !errors.Is(err, core.ErrConnReset) {
			t.Errorf("write: %v, want %v", err, core.ErrConnReset)
		}
		x.after(time.Second, func() { under.sink.Closed(nil) })
		under.fail, under.limit, under.room = nil, true, 0
		if err := f.WriteMsg([]byte("x")); !errors.Is(err, core.ErrFlowDown) {
			t.Errorf("a waiting write ends with %v, want %v", err, core.ErrFlowDown)
		}
	})
}

// TestTooLongAMessageIsRefusedWithTheMTU holds that it is named, that nothing of it is sent, and that the flow
// is none the worse.
func TestTooLongAMessageIsRefusedWithTheMTU(t *testing.T) {
	script(t, func(x *bench) {
		f, under := x.dial()
		defer f.Close()
		most := f.Info().MTU
		_, write := f.Write(make([]byte, most+1))
		for what, err := range map[string]error{"WriteMsg": f.WriteMsg(make([]byte, most+1)), "Write": write} {
			var size core.SizeError
			if !errors.As(err, &size) || size != (core.SizeError{Len: most + 1, MTU: most}) || !errors.Is(err, core.ErrMsgSize) {
				t.Errorf("%s of MTU+1 bytes: %v", what, err)
			}
		}
		if err := f.WriteMsg(make([]byte, most)); err != nil || len(under.wrote) != 1 || len(under.wrote[0]) != most {
			t.Errorf("a message as long as the MTU: %v, the flow got %d messages", err, len(under.wrote))
		}
	})
}

func TestAClosedFlowIsNotAllocated(t *testing.T) {
	script(t, func(x *bench) {
		f, under := x.dial()
		under.arrive("unread", "messages")
		if _, err := f.Read(make([]byte, 2)); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil || !under.closed {
			t.Errorf("Close: %v, the flow below is closed: %v", err, under.closed)
		}
		_, read := f.ReadMsg(nil)
		for what, err := range map[string]error{"read": read, "write": f.WriteMsg(nil), "close": f.Close()} {
			if !errors.Is(err, core.ErrNotAlloc) {
				t.Errorf("%s after Close: %v, want %v", what, err, core.ErrNotAlloc)
			}
		}
	})
}

// BenchmarkReadWrite is a message through the API alone, over a flow that costs nothing.
func BenchmarkReadWrite(b *testing.B) {
	b.ReportAllocs()
	script(b, func(x *bench) {
		f, under := x.dial()
		defer f.Close()
		under.silent = true
		buf := make([]byte, 64)
		for b.Loop() {
			_ = f.WriteMsg(buf)
			under.sink.Deliver(x.env.Pool.GetCopy(0, buf))
			_, _ = f.ReadMsg(buf)
		}
	})
}
