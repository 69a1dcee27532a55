package ca

import (
	"math"
	"testing"
)

// TestNoneDoesNothing: spec 06 §1. It marks nothing, so that nobody counts a queue for it.
func TestNoneDoesNothing(t *testing.T) {
	a := newAvoidance(t, "none", nil)
	if a.NewPort(1e9) != nil {
		t.Error("marks")
	}
	f := a.NewFlow(0)
	f.Report(0, 2000)
	if wait := f.Send(0, 1<<30); wait != 0 {
		t.Errorf("pause %v", wait)
	}
	if report, _ := f.Recv(0, 1000, 63); report {
		t.Error("reports")
	}
	if s := f.Snapshot(); !math.IsInf(s.Rate, 1) || s.Regime != Unlimited {
		t.Errorf("%+v", s)
	}
}
