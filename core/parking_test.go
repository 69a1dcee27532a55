package core_test

import (
	"slices"
	"testing"
	"time"

	"ouroboros/core"
)

// parkActor is the actor of a parking: it has one timer, and runs at once what is posted.
type parkActor struct {
	ring func()
	set  time.Duration // of the timer
}

func (x *parkActor) Now() core.Time        { return 0 }
func (x *parkActor) Post(f func())         { f() }
func (x *parkActor) Reset(d time.Duration) { x.set = d }
func (x *parkActor) Stop() bool            { return false }
func (x *parkActor) NewTimer(f func()) core.Timer {
	x.ring = f
	return x
}

// parked returns a parking whose program has script run by the actor, one call for each time it is
// suspended, and the log of what passes between the two.
func parked(script ...func(*core.Parking, *parkActor)) (*core.Parking, *[]string) {
	var (
		p   *core.Parking
		x   parkActor
		log []string
	)
	leave := func() {
		log = append(log, "leave")
		if len(script) > 0 {
			do := script[0]
			script = script[1:]
			do(p, &x)
		}
	}
	p = core.NewParking(&x, leave, func() { log = append(log, "resume") })
	return p, &log
}

func TestParkEndsByOneWake(t *testing.T) {
	p, log := parked(func(p *core.Parking, _ *parkActor) {
		p.Wake()
		p.Wake()
	})
	p.Park()
	p.Park()
	if want := []string{"leave", "resume", "leave"}; !slices.Equal(*log, want) {
		t.Errorf("%v, want %v: two wakes of one Park count once, for it and not for the next", *log, want)
	}
}

func TestWakeThatCameFirstEndsOnePark(t *testing.T) {
	p, log := parked()
	p.Wake()
	p.Park()
	if len(*log) != 0 {
		t.Errorf("%v: the program was suspended", *log)
	}
	p.Park()
	if want := []string{"leave"}; !slices.Equal(*log, want) {
		t.Errorf("%v, want %v", *log, want)
	}
}

func TestWakeDoesNotEndSleepAndIsKept(t *testing.T) {
	p, log := parked(func(p *core.Parking, x *parkActor) {
		p.Wake()
		if x.set != time.Second {
			t.Errorf("alarm set to %v, want 1s", x.set)
		}
		x.ring()
		x.ring()
	})
	p.Sleep(time.Second)
	p.Park()
	if want := []string{"leave", "resume"}; !slices.Equal(*log, want) {
		t.Errorf("%v, want %v: the alarm resumes once, and the wake is for the Park", *log, want)
	}
}
