package broadcast

import (
	"errors"
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/ipcp"
	"ouroboros/ipcp/pb"
)

// Pauses between two tries of an enrollment.
const (
	enrollPause = 100 * time.Millisecond
	enrollMost  = time.Second
)

// enrolling is the operation by which this IPCP becomes a member of a layer that exists.
type enrolling struct {
	i        *IPCP
	dst      core.Name
	lower    core.Name
	deadline core.Time
	limit    core.Timer // of the operation
	pause    core.Timer // before the next try
	wait     time.Duration
	step     func() // gives up what is under way
	last     error  // of the last try
	done     func(error)
}

// Enroll makes this IPCP a member of a layer by what the IPCP of the name dst, or any that serves the name
// of its layer, says of it over a flow of the layer lower (empty: any). What is lost is tried again within
// 20 s. done is told the result once, not on the stack of Enroll, unless the operation is canceled before;
// after a failure the IPCP is in state boot again. It fails with core.ErrIPCPState unless the IPCP is in
// state boot, and with ipcp.ErrConfig when the layer is of another kind.
func (i *IPCP) Enroll(dst, lower core.Name, done func(error)) (cancel func()) {
	if i.state != ipcp.Boot {
		return i.later(func() { done(fmt.Errorf("ipcp %s: enroll with %s: %w", i.cfg.Name, dst, core.ErrIPCPState)) })
	}
	e := &enrolling{i: i, dst: dst, lower: lower, done: done, wait: enrollPause, deadline: i.env.Now().Add(ipcp.EnrollTimeout)}
	e.limit = i.env.NewTimer(e.expired)
	e.limit.Reset(ipcp.EnrollTimeout)
	e.pause = i.env.NewTimer(e.try)
	i.enrolling = e
	i.become(ipcp.Init)
	e.try()
	return func() {
		if e.end() {
			i.become(ipcp.Boot)
		}
	}
}

// try runs the whole exchange over a flow of its own.
func (e *enrolling) try() {
	left := e.deadline.Sub(e.i.env.Now())
	e.step = e.i.alloc.Alloc(core.Request{Name: e.dst, Layer: e.lower, QoS: core.QoSRaw, Timeout: left}, func(f core.Flow, err error) {
		e.step = nil
		if err != nil {
			e.again(err)
			return
		}
		f = e.i.endToEnd(f)
		ipcp.Initiate(e.i.env, f, ipcp.Enrollment, e.i.exchanges.Add, func(_ ipcp.Announcement, err error) {
			switch {
			case e.i.enrolling != e:
				if err == nil {
					f.Close(0)
				}
			case err != nil:
				e.again(err)
			default:
				e.ask(f)
			}
		})
	})
}

// ask runs the enrollment over a flow on which the components have found each other.
func (e *enrolling) ask(f core.Flow) {
	n := ipcp.Newcomer{
		Adopt: e.adopt, Sent: e.i.enrollments.Add,
		Offset: func(time.Duration) { e.i.clocks++ },
	}
	e.step = n.Run(e.i.env, f, func(err error) {
		e.step = nil
		if err != nil {
			e.again(err)
			return
		}
		if e.end() {
			e.done(nil)
		}
	})
}

// adopt takes over what the member says of the layer: its name. There is nothing else.
func (e *enrolling) adopt(c *pb.Config) error {
	info, err := ipcp.CheckConfig(c, core.KindBroadcast)
	if err == nil && info.Hash != core.SHA3_256 {
		err = fmt.Errorf("%w: hash algorithm %d, a broadcast layer has %d", ipcp.ErrConfig, info.Hash, core.SHA3_256)
	}
	if err != nil {
		return err
	}
	e.i.enter(info.Name)
	return nil
}

// again tries once more after a pause, unless another try cannot bring anything else.
func (e *enrolling) again(err error) {
	if e.i.enrolling != e {
		return
	}
	for _, final := range []error{ipcp.ErrCEPRefused, ipcp.ErrConfig, ipcp.ErrEnrollDenied, ipcp.ErrMalformed} {
		if errors.Is(err, final) {
			e.fail(err)
			return
		}
	}
	e.last = err
	e.pause.Reset(e.wait)
	e.wait = min(2*e.wait, enrollMost)
}

// expired ends the operation: its time is up.
func (e *enrolling) expired() {
	err := error(core.ErrTimedOut)
	if e.last != nil {
		err = fmt.Errorf("%w: %w", err, e.last)
	}
	e.fail(err)
}

// fail ends the operation with an error, which is told in a call of its own.
func (e *enrolling) fail(err error) {
	if !e.end() {
		return
	}
	if e.i.state == ipcp.Init {
		e.i.become(ipcp.Boot)
	}
	err = fmt.Errorf("ipcp %s: enroll with %s: %w", e.i.cfg.Name, e.dst, err)
	e.i.env.Post(func() { e.done(err) })
}

// end stops what is under way; it reports whether the operation was still going on.
func (e *enrolling) end() bool {
	if e.i.enrolling != e {
		return false
	}
	e.i.enrolling = nil
	e.limit.Stop()
	e.pause.Stop()
	if e.step != nil {
		e.step()
		e.step = nil
	}
	return true
}
