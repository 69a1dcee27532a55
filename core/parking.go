package core

import "time"

// Parking is when a program that blocks waits and when it runs on: Park, Wake and Sleep of a Blocker, but for
// how the control passes between the program and its actor, which is the world's.
type Parking struct {
	exec   Exec
	leave  func()
	resume func()
	alarm  Timer

	waits  bool // suspended, and no resume has been asked for
	asleep bool // in Sleep: a Wake is kept and does not end it
	woken  bool // a Wake came that no Park has used
}

// NewParking returns that of a program that runs. leave gives the actor back, and returns when the program
// runs on; it does not return to a program that has been killed. resume has the program run on, and is
// posted to x, its actor: at most once for each leave.
func NewParking(x Exec, leave, resume func()) *Parking {
	p := &Parking{exec: x, leave: leave, resume: resume}
	p.alarm = x.NewTimer(p.proceed)
	return p
}

// Park suspends the program until a Wake.
func (p *Parking) Park() {
	if !p.woken {
		p.suspend()
	}
	p.woken = false
}

// Wake ends a Park, this one or the next. It does not end a Sleep.
func (p *Parking) Wake() {
	p.woken = true
	if !p.asleep {
		p.proceed()
	}
}

// Sleep suspends the program for d. A Wake that comes meanwhile is kept for the next Park.
func (p *Parking) Sleep(d time.Duration) {
	p.asleep = true
	p.alarm.Reset(d)
	p.suspend()
	p.asleep = false
}

func (p *Parking) suspend() {
	p.waits = true
	p.leave()
}

// proceed has a suspended program run on, in a call of its own.
func (p *Parking) proceed() {
	if p.waits {
		p.waits = false
		p.exec.Post(p.resume)
	}
}
