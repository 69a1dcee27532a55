package ipcp

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
)

// TestBackoffDoublesUpToItsMost: and begins anew after a Reset.
func TestBackoffDoublesUpToItsMost(t *testing.T) {
	b := Backoff{First: time.Second, Most: 5 * time.Second}
	var got []time.Duration
	for n := range 6 {
		if n == 0 || n == 5 {
			b.Reset()
		}
		got = append(got, b.Next()/time.Second)
	}
	if want := []time.Duration{1, 2, 4, 5, 5, 1}; !slices.Equal(got, want) {
		t.Errorf("%d s, want %d", got, want)
	}
}

// lender is an allocator that gives out one flow when it is told to.
type lender struct {
	core.Allocator
	asked    []core.Request
	give     func(core.Flow, error)
	canceled int
}

func (l *lender) Alloc(r core.Request, done func(core.Flow, error)) (cancel func()) {
	l.asked, l.give = append(l.asked, r), done
	return func() { l.canceled++ }
}

// dials returns an attempt that dials over end 0 of a bench, and the errors of its tries.
func dials(b *bench, l *lender, own func(core.Flow) (Announcement, error)) (*Attempt, *[]error) {
	var errs []error
	a := NewAttempt(b.ends[0].env, l, func(n int) { b.sent[0] += n }, Peer{Name: "peer", Lower: "lower"}, "what", func() {}, func(error) {})
	a.Begin(ConnectTimeout)
	a.Dial(core.QoSRaw, a.Left(), own, func(_ core.Flow, _ Announcement, err error) { errs = append(errs, err) })
	return a, &errs
}

func says(core.Flow) (Announcement, error) { return Enrollment, nil }

// TestAttemptAsksForItsPeer: with the time that is left.
func TestAttemptAsksForItsPeer(t *testing.T) {
	b, l := newBench(t), &lender{}
	_, errs := dials(b, l, says)
	want := core.Request{Name: "peer", Layer: "lower", QoS: core.QoSRaw, Timeout: ConnectTimeout}
	if len(l.asked) != 1 || l.asked[0] != want {
		t.Errorf("asked for %+v, want %+v", l.asked, want)
	}
	l.give(nil, core.ErrTimedOut)
	if len(*errs) != 1 || !errors.Is((*errs)[0], core.ErrTimedOut) {
		t.Errorf("told %v", *errs)
	}
}

// TestFlowThatDoesNotFitIsClosed: nothing is said over it.
func TestFlowThatDoesNotFitIsClosed(t *testing.T) {
	b, l, why := newBench(t), &lender{}, errors.New("too small")
	_, errs := dials(b, l, func(core.Flow) (Announcement, error) { return Announcement{}, why })
	l.give(b.ends[0], nil)
	if len(*errs) != 1 || !errors.Is((*errs)[0], why) || !b.ends[0].closed || b.sent[0] != 0 {
		t.Errorf("told %v, closed %v, sent %d", *errs, b.ends[0].closed, b.sent[0])
	}
}

// TestAttemptGivenUpTellsNothing: an allocation is canceled, and the flow of an exchange that succeeds
// nevertheless is closed.
func TestAttemptGivenUpTellsNothing(t *testing.T) {
	b, l := newBench(t), &lender{}
	a, errs := dials(b, l, says)
	a.GiveUp()
	a.GiveUp()
	if l.canceled != 1 || len(*errs) != 0 {
		t.Errorf("canceled %d times, told %v", l.canceled, *errs)
	}

	b, l = newBench(t), &lender{}
	a, errs = dials(b, l, says)
	Accept(b.ends[1].env, b.ends[1], func(string) (Announcement, bool) { return Enrollment, true }, func(int) {}, func(Announcement, error) {})
	l.give(b.ends[0], nil)
	a.GiveUp()
	b.run(t, 2*time.Second)
	if len(*errs) != 0 || l.canceled != 0 || !b.ends[0].closed {
		t.Errorf("told %v, closed %v", *errs, b.ends[0].closed)
	}
}

// TestResultIsToldOnce: an error with what failed in front, later from a call of its own.
func TestResultIsToldOnce(t *testing.T) {
	b := newBench(t)
	var told []error
	a := NewAttempt(b.ends[0].env, &lender{}, func(int) {}, Peer{}, "ipcp a: connect to b", func() {}, func(err error) { told = append(told, err) })
	a.TellLater(core.ErrCanceled)
	if len(told) != 0 {
		t.Error("told on the stack of TellLater")
	}
	b.run(t, time.Second)
	a.Tell(nil)
	a.TellLater(nil)
	b.run(t, 2*time.Second)
	if len(told) != 1 || !errors.Is(told[0], core.ErrCanceled) || !strings.HasPrefix(told[0].Error(), "ipcp a: connect to b: ") {
		t.Errorf("told %v", told)
	}
}
