package ipcp

import (
	"errors"
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/ipcp/pb"
)

const (
	// EnrollTimeout limits an enrollment, on the side of the newcomer with all its attempts (spec 07 §8),
	// on that of the member for each newcomer (D5).
	EnrollTimeout = 20 * time.Second
	// OEPTimeout is how long a newcomer waits for the answer to one request (D1).
	OEPTimeout = time.Second
	// EnrollWarnOffset is the difference between two clocks above which it is counted (spec 07 §5.3).
	EnrollWarnOffset = 20 * time.Millisecond
	// closeWait is how long the last message may still wait for a flow that is full.
	closeWait = time.Second
	// failed is the result that a newcomer sends when it cannot use what it got (D12).
	failed = -1
)

// Errors of an enrollment.
var (
	ErrEnrollTimeout = errors.New("enrollment: no message from the peer in time")
	ErrEnrollDenied  = errors.New("enrollment: denied by the member")
)

// dialog is the user of a flow during an enrollment: it takes the messages of one side.
type dialog struct {
	env   core.Env
	flow  core.Flow
	timer core.Timer
	take  func(msg []byte) // the next message
	sent  Sent
	done  func(error)
	ended bool
}

func newDialog(env core.Env, f core.Flow, limit time.Duration, sent Sent, done func(error)) *dialog {
	d := &dialog{env: env, flow: f, sent: sent, done: done}
	d.timer = env.NewTimer(func() { d.end(ErrEnrollTimeout) })
	d.timer.Reset(limit)
	return d
}

// send sends a message.
func (d *dialog) send(b []byte, err error) error {
	if err != nil {
		return err
	}
	p := d.env.Pool.GetCopy(d.flow.Info().Headroom, b)
	if err := d.flow.Write(p); err != nil {
		if errors.Is(err, core.ErrWouldBlock) {
			p.Release()
		}
		return fmt.Errorf("enrollment: %w", err)
	}
	d.sent(len(b))
	return nil
}

// Deliver takes a message of the peer. A packet of length 0 is a keepalive.
func (d *dialog) Deliver(p *pkt.Buf) {
	defer p.Release()
	switch err := checkOEP(p.Len()); {
	case d.ended || p.Len() == 0 || repeated(p):
	case err != nil:
		d.end(err)
	default:
		d.take(p.Bytes())
	}
}

// repeated reports whether a packet is that by which the components have found each other: a lower layer may
// deliver it twice.
func repeated(p *pkt.Buf) bool {
	if p.Len() > CEPMax {
		return false
	}
	a, err := ParseAnnouncement(p.Bytes())
	return err == nil && a.Component == Enrollment.Component
}

// Writable is not needed: a message that finds no room counts as lost.
func (d *dialog) Writable() {}

// State is not needed: a flow that is down runs into the time-out.
func (d *dialog) State(bool) {}

// Closed ends the enrollment, for whatever reason the flow ended.
func (d *dialog) Closed(err error) {
	if err == nil {
		err = core.ErrFlowDown
	}
	d.end(fmt.Errorf("enrollment: %w", err))
}

// end closes the flow and reports the result, once.
func (d *dialog) end(err error) {
	if d.cancel() {
		d.done(err)
	}
}

// cancel ends the dialog without a report; it reports whether it was still going on.
func (d *dialog) cancel() bool {
	if d.ended {
		return false
	}
	d.ended = true
	d.timer.Stop()
	d.flow.Close(closeWait)
	return true
}

// ClockOffset compares the clock of a member, as its answer says, with the own one at t0, when the request
// was sent, and t1, when the answer came: what the way there and back does not explain (D6). 0 is no
// difference.
func ClockOffset(t0, t1, member int64) time.Duration {
	off := member - t0
	if off < 0 {
		off = -off
	}
	return time.Duration(max(off-(t1-t0), 0))
}

// Newcomer is the side of an enrollment that becomes a member.
type Newcomer struct {
	// Adopt takes the configuration over and starts the components. Its error is that of the enrollment,
	// and the member is told that it failed.
	Adopt func(*pb.Config) error
	// Offset is told how far the clocks are apart if that is more than EnrollWarnOffset.
	Offset func(time.Duration)
	Sent   Sent
}

// Run asks for enrollment over a flow on which the components have found each other. done is called once,
// not on the stack of Run, unless it is canceled before; the flow has been closed by then. Nothing is sent
// again: who wants another try begins with a flow of its own.
func (n Newcomer) Run(env core.Env, f core.Flow, done func(error)) (cancel func()) {
	var id OEPID
	for i := range id {
		id[i] = byte(env.Rand.Uint32())
	}
	d := newDialog(env, f, OEPTimeout, n.Sent, done)
	t0 := env.Wall()
	d.take = func(msg []byte) {
		r, err := ParseOEPResponse(msg)
		switch {
		case err == nil && r.ID != id:
			err = fmt.Errorf("%w: answer to id %x, asked with %x", ErrMalformed, r.ID, id)
		case err == nil && r.Response < 0:
			d.end(fmt.Errorf("%w: response %d", ErrEnrollDenied, r.Response))
			return
		}
		if err == nil {
			if off := ClockOffset(t0, env.Wall(), r.Wall); off > EnrollWarnOffset {
				n.Offset(off)
			}
			err = n.Adopt(r.Config)
		}
		result := int32(0)
		if err != nil {
			result = failed
		}
		_ = d.send(id.MarshalOEPAck(result)) // the member does without
		d.end(err)
	}
	f.Attach(d)
	if err := d.send(id.MarshalRequest()); err != nil {
		env.Post(func() { d.end(err) })
	}
	return func() { d.cancel() }
}

// EnrollStats counts the enrollments with a member.
type EnrollStats struct {
	Enrolled   uint64 // the newcomer has said so
	Failed     uint64 // the newcomer could not use the configuration
	Incomplete uint64 // it fell silent, or its flow ended
	BadMessage uint64 // it sent something else
	Overload   uint64 // turned away because too many enroll at the time
	OtherID    uint64 // acks with an id other than that of the request
}

// maxNewcomers bounds those that enroll with one member at a time.
const maxNewcomers = 1024

// Registrar is the side of enrollments that is a member. It serves newcomers side by side.
type Registrar struct {
	Env core.Env
	// Config returns the configuration that a newcomer gets.
	Config func() (*pb.Config, error)
	Sent   Sent

	open  []*dialog
	stats EnrollStats
}

// Stats returns the counters so far.
func (r *Registrar) Stats() EnrollStats { return r.stats }

// Open returns how many newcomers are enrolling.
func (r *Registrar) Open() int { return len(r.open) }

// Serve enrolls a newcomer over a flow on which the components have found each other, and closes it
// afterwards.
func (r *Registrar) Serve(f core.Flow) {
	if len(r.open) >= maxNewcomers {
		r.stats.Overload++
		f.Close(0)
		return
	}
	var d *dialog
	d = newDialog(r.Env, f, EnrollTimeout, r.Sent, func(error) {
		r.stats.Incomplete++
		r.forget(d)
	})
	d.take = func(msg []byte) { r.request(d, msg) }
	r.open = append(r.open, d)
	f.Attach(d)
}

// request answers a newcomer. If the answer cannot be sent the newcomer begins anew.
func (r *Registrar) request(d *dialog, msg []byte) {
	id, err := ParseOEPRequest(msg)
	if err != nil {
		r.stats.BadMessage++
		r.close(d)
		return
	}
	conf, err := r.Config()
	if err == nil {
		err = d.send(OEPResponse{ID: id, Wall: r.Env.Wall(), Config: conf}.Marshal())
	}
	if err != nil {
		d.end(err)
		return
	}
	d.take = func(msg []byte) { r.ack(d, id, msg) }
}

// ack takes the word of a newcomer that it is enrolled, or is not.
func (r *Registrar) ack(d *dialog, id OEPID, msg []byte) {
	got, result, err := ParseOEPAck(msg)
	switch {
	case err != nil:
		if again, e := ParseOEPRequest(msg); e == nil && again == id {
			return // delivered twice
		}
		r.stats.BadMessage++
	case result < 0:
		r.stats.Failed++
	default:
		r.stats.Enrolled++
	}
	if err == nil && got != id {
		r.stats.OtherID++
	}
	r.close(d)
}

func (r *Registrar) close(d *dialog) {
	d.cancel()
	r.forget(d)
}

func (r *Registrar) forget(d *dialog) {
	for k, x := range r.open {
		if x == d {
			r.open = append(r.open[:k], r.open[k+1:]...)
			return
		}
	}
}

// Stop ends the enrollments under way: the member leaves.
func (r *Registrar) Stop() {
	for _, d := range r.open {
		d.cancel()
	}
	r.open = nil
}
