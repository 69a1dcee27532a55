package ca

import (
	"testing"

	"ouroboros/core"
)

// TestBlogReceiverTrace: the blog's receiver with the marks of the trace in spec 06 §4 and beyond: every rise
// is reported, a level that stays every 8th packet; after congestion it halves. Negative numbers are
// reported.
func TestBlogReceiverTrace(t *testing.T) {
	f := newAvoidance(t, "mb-ecn-blog", nil).NewFlow(0).(*mbBlogFlow)
	step := func(i int, ecn uint8, want int) {
		t.Helper()
		report, ece := f.Recv(0, 1000, ecn)
		if report != (want < 0) || int(ece) != max(want, -want) {
			t.Errorf("packet %d, ECN %d: level %d, report %v, want %d", i, ecn, ece, report, want)
		}
	}
	step(0, 0, 0)
	for i, want := range []int{-10, -20, -30, -40, -49, -58, -67, -75, -83, -91, -99} {
		step(i+1, 10, want)
	}
	// Packets 12 to 18 of the spell; the 16th is reported for its number.
	for i, want := range []int{49, 24, 12, 6, -3, 1} {
		step(i+12, 0, want)
	}
	if report, ece := f.Recv(0, 1000, 0); !report || ece != 0 {
		t.Errorf("end of congestion: level %d, report %v, want 0 reported", ece, report)
	}
}

// TestBlogReceiverEnds: the end of a spell is reported once, and the next one counts anew. A level that does
// not rise any more is reported every 8th packet.
func TestBlogReceiverEnds(t *testing.T) {
	f := newAvoidance(t, "mb-ecn-blog", nil).NewFlow(0).(*mbBlogFlow)
	f.Recv(0, 0, 1)
	if report, ece := f.Recv(0, 0, 0); !report || ece != 0 {
		t.Errorf("end: level %d, report %v", ece, report)
	}
	if report, _ := f.Recv(0, 0, 0); report {
		t.Error("the end is reported twice")
	}
	reports := 0
	for i := range 200 {
		if report, _ := f.Recv(0, 0, 1); report && i >= 120 {
			reports++
		}
	}
	if f.congested != 32 || reports != 10 {
		t.Errorf("level %d, %d reports in the last 80 packets, want 32 and 10", f.congested, reports)
	}
}

// TestBlogSharesTheSender: only the receiver differs.
func TestBlogSharesTheSender(t *testing.T) {
	a, b := newMB(t, 0), newAvoidance(t, "mb-ecn-blog", nil).NewFlow(0)
	for i := range 5000 {
		now := core.Time(i) * 50_000
		if i%500 == 400 {
			a.Report(now, uint16(i))
			b.Report(now, uint16(i))
		}
		if x, y := a.Send(now, 1000), b.Send(now, 1000); x != y {
			t.Fatalf("packet %d: pauses %v and %v", i, x, y)
		}
	}
}
