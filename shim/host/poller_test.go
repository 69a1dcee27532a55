package host

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// socketpair returns two sockets that are connected to each other, neither of which blocks.
func socketpair(t *testing.T) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = unix.Close(fds[0]), unix.Close(fds[1]) })
	return fds[0], fds[1]
}

func write(t *testing.T, fd int, s string) {
	t.Helper()
	if _, err := unix.Write(fd, []byte(s)); err != nil {
		t.Fatal(err)
	}
}

// A descriptor is served while it is readable, also when it is not read empty at once; a sleeping actor
// wakes for it.
func TestWatchReadable(t *testing.T) {
	w := New(1)
	defer w.Close()
	a, b := socketpair(t)
	var got []byte
	_, err := w.watch(nil, a, func() {
		var one [1]byte
		if n, err := unix.Read(a, one[:]); n == 1 && err == nil {
			got = append(got, one[0])
		}
		if len(got) == 3 {
			w.Stop()
		}
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(20*time.Millisecond, func() { _, _ = unix.Write(b, []byte("abc")) })
	run(t, w, 10*time.Second)
	if string(got) != "abc" {
		t.Errorf("read %q, want abc", got)
	}
}

// Reading that is switched off leaves the bytes in the kernel until it is on again.
func TestWatchPauses(t *testing.T) {
	w := New(1)
	defer w.Close()
	a, b := socketpair(t)
	calls := 0
	x, err := w.watch(nil, a, func() { calls++; w.Stop() }, nil)
	if err != nil {
		t.Fatal(err)
	}
	write(t, b, "x")
	if err := x.reading(false); err != nil {
		t.Fatal(err)
	}
	run(t, w, 20*time.Millisecond)
	if calls != 0 {
		t.Errorf("%d calls of a watch that does not read", calls)
	}
	if err := x.reading(true); err != nil {
		t.Fatal(err)
	}
	run(t, w, 10*time.Second)
	if calls != 1 {
		t.Errorf("%d calls, want 1: the bytes are still there", calls)
	}
}

// Writable comes once for each time it is asked for, when there is room.
func TestWatchWritable(t *testing.T) {
	w := New(1)
	defer w.Close()
	a, b := socketpair(t)
	filled := 0
	for chunk := make([]byte, 4096); ; {
		n, err := unix.Write(a, chunk)
		filled += max(n, 0)
		if errors.Is(err, unix.EAGAIN) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	calls := 0
	x, err := w.watch(nil, a, func() {}, func() { calls++ })
	if err != nil {
		t.Fatal(err)
	}
	if err := x.awaitRoom(); err != nil {
		t.Fatal(err)
	}
	run(t, w, 10*time.Millisecond)
	if calls != 0 {
		t.Fatal("writable while the socket was full")
	}
	for chunk := make([]byte, filled); filled > 0; {
		n, err := unix.Read(b, chunk)
		if err != nil {
			t.Fatal(err)
		}
		filled -= n
	}
	run(t, w, 10*time.Millisecond)
	if calls != 1 {
		t.Errorf("%d calls of writable, want 1", calls)
	}
}

// A watch that is stopped is not called any more, not even in the turn that has found it ready, nor is that
// of a killed node.
func TestWatchStops(t *testing.T) {
	w := New(1)
	defer w.Close()
	env := w.Node("n")
	var x [2]*watch
	calls := 0
	for i := range x {
		a, b := socketpair(t)
		write(t, b, "x")
		var err error
		x[i], err = w.watch(nil, a, func() { calls++; x[0].stop(); x[1].stop() }, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	a, b := socketpair(t)
	write(t, b, "x")
	if _, err := w.watch(w.nodeOf(env), a, func() { t.Error("a killed node was served") }, nil); err != nil {
		t.Fatal(err)
	}
	w.Kill("n")
	run(t, w, 10*time.Millisecond)
	if calls != 1 {
		t.Errorf("%d calls, want 1: the first has stopped both", calls)
	}
}

// An alarm that was set for an earlier deadline neither hides a later one nor a still earlier one.
func TestAlarmFollowsTheEarliestTimer(t *testing.T) {
	w := New(1)
	defer w.Close()
	env := w.Node("n")
	var got []string
	name := func(s string) func() {
		return func() {
			got = append(got, s)
			if len(got) == 3 {
				w.Stop()
			}
		}
	}
	late, soon, moved := env.NewTimer(name("late")), env.NewTimer(name("soon")), env.NewTimer(name("moved"))
	late.Reset(30 * time.Millisecond)
	moved.Reset(5 * time.Millisecond)
	env.Post(func() {
		moved.Reset(15 * time.Millisecond) // the alarm may be set for 5 ms already
		soon.Reset(time.Millisecond)
	})
	run(t, w, 10*time.Second)
	if len(got) != 3 || got[0] != "soon" || got[1] != "moved" || got[2] != "late" {
		t.Errorf("timers fired in the order %v", got)
	}
}

// BenchmarkWake is the time from the post of another goroutine to a sleeping actor, and back.
func BenchmarkWake(b *testing.B) {
	w := New(1)
	env := w.Node("n")
	done := make(chan error)
	go func() { done <- w.Run(w.Now().Add(time.Hour)) }()
	c := w.Caller(env)
	b.ReportAllocs()
	for b.Loop() {
		c.Do(func() {})
	}
	w.Stop()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	w.Close()
}
