package ipcp

import (
	"errors"
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/ipcp/pb"
)

// Pauses between two tries of an enrollment.
const (
	enrollPause = 100 * time.Millisecond
	enrollMost  = time.Second
)

// Applicant is an IPCP that wants to become a member of a layer: it has a Newcomer ask, over a flow of its
// own for each try, until one succeeds.
type Applicant struct {
	Env   core.Env
	Alloc core.Allocator
	Name  core.Name // of the IPCP
	Life  *Life     // in state init meanwhile
	// Exchanges and Enrollments are told of the messages that it has sent.
	Exchanges, Enrollments Sent

	current *application // under way
	clocks  uint64
}

// application is one operation of an applicant.
type application struct {
	*Attempt
	a     *Applicant
	adopt func(*pb.Config) error
	limit core.Timer // of the operation
	wait  Backoff
	last  error // of the last try
}

// Clocks returns how many enrollments found the clocks more than EnrollWarnOffset apart.
func (a *Applicant) Clocks() uint64 { return a.clocks }

// Enroll asks a peer, or any member that serves the name of the layer. What is lost is tried again within
// EnrollTimeout. adopt takes over what the member says of the layer, and has the IPCP become operational;
// its error is that of the enrollment. done is told the result once, not on the stack of Enroll, unless the
// operation is canceled before; after a failure the IPCP is in state boot again. It fails with
// core.ErrIPCPState unless the IPCP is in state boot.
func (a *Applicant) Enroll(p Peer, adopt func(*pb.Config) error, done func(error)) (cancel func()) {
	what := fmt.Sprintf("ipcp %s: enroll with %s", a.Name, p.Name)
	if a.Life.State() != Boot {
		return Later(a.Env, func() { done(fmt.Errorf("%s: %w", what, core.ErrIPCPState)) })
	}
	e := &application{a: a, adopt: adopt, wait: Backoff{First: enrollPause, Most: enrollMost}}
	e.limit = a.Env.NewTimer(e.expired)
	e.limit.Reset(EnrollTimeout)
	e.Attempt = NewAttempt(a.Env, a.Alloc, a.Exchanges, p, what, e.try, done)
	e.Begin(EnrollTimeout)
	e.wait.Reset()
	a.current = e
	a.Life.Become(Init)
	e.try()
	return func() {
		if e.end() {
			a.Life.Become(Boot)
		}
	}
}

// Stop ends the operation under way, if there is one, with an error. It leaves the state of an IPCP that has
// been shut down.
func (a *Applicant) Stop(err error) {
	if a.current != nil {
		a.current.fail(err)
	}
}

// try runs the whole exchange over a flow of its own.
func (e *application) try() {
	own := func(core.Flow) (Announcement, error) { return Enrollment, nil }
	e.Dial(core.QoSRaw, e.Left(), own, func(f core.Flow, _ Announcement, err error) {
		if err != nil {
			e.again(err)
			return
		}
		e.ask(f)
	})
}

// ask runs the enrollment over a flow on which the components have found each other.
func (e *application) ask(f core.Flow) {
	n := Newcomer{
		Adopt: e.adopt, Sent: e.a.Enrollments,
		Offset: func(time.Duration) { e.a.clocks++ },
	}
	e.Under(n.Run(e.a.Env, f, func(err error) {
		e.Under(nil)
		if err != nil {
			e.again(err)
			return
		}
		if e.end() {
			e.Tell(nil)
		}
	}))
}

// again tries once more after a pause, unless another try cannot bring anything else.
func (e *application) again(err error) {
	if e.a.current != e {
		return
	}
	for _, final := range []error{ErrCEPRefused, ErrConfig, ErrEnrollDenied, ErrMalformed} {
		if errors.Is(err, final) {
			e.fail(err)
			return
		}
	}
	e.last = err
	e.After(e.wait.Next())
}

// expired ends the operation: its time is up.
func (e *application) expired() {
	err := error(core.ErrTimedOut)
	if e.last != nil {
		err = fmt.Errorf("%w: %w", err, e.last)
	}
	e.fail(err)
}

// fail ends the operation with an error, which is told in a call of its own.
func (e *application) fail(err error) {
	if !e.end() {
		return
	}
	if e.a.Life.State() == Init {
		e.a.Life.Become(Boot)
	}
	e.TellLater(err)
}

// end stops what is under way; it reports whether the operation was still going on.
func (e *application) end() bool {
	if e.a.current != e {
		return false
	}
	e.a.current = nil
	e.limit.Stop()
	e.GiveUp()
	return true
}
