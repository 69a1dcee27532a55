package traffic

import (
	"errors"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/core/trace"
	"ouroboros/frcp"
	"ouroboros/scenarios/node"
)

// listening is a receiver that is known on a node.
type listening struct {
	at   *node.System
	stop func()
}

// Listen makes the receiver known under the name of the flow, and again whenever its node is revived.
func (f *Flow) Listen() error {
	if f.Kind == Group {
		return nil
	}
	at := f.Any
	if at == nil {
		at = []*node.System{f.To}
	}
	for _, s := range at {
		if !s.Here() && !s.AppsHere() {
			continue
		}
		if err := f.listen(s); err != nil {
			return err
		}
		s.OnKill(func() { f.deaf(s) })
		s.OnRevive(func() {
			if f.Stats.Ended == clock.Never {
				_ = f.listen(s) // it worked in the first life
			}
		})
	}
	return nil
}

// listen makes the receiver known on one node.
func (f *Flow) listen(s *node.System) error {
	if s.Here() {
		if err := s.Broker.Register(core.Name(f.Name), f.Ask); err != nil {
			return err
		}
	}
	if !s.AppsHere() {
		return nil
	}
	env := s.Env.Derive("receiver:" + f.Name)
	if s == f.To {
		f.renv = env
	}
	accept := func(in core.Incoming) { f.accept(s, env, in) }
	if d, ok := s.Users().(core.Distant); ok {
		// Why a name is refused hears who asks for the flow.
		stop := d.ListenLater(core.Name(f.Name), accept, func(error) {})
		f.heard = append(f.heard, listening{s, stop})
		return nil
	}
	stop, err := s.Users().Listen(core.Name(f.Name), accept)
	if err == nil {
		f.heard = append(f.heard, listening{s, stop})
	}
	return err
}

// deaf forgets what the receiver had on a node that was killed.
func (f *Flow) deaf(s *node.System) {
	f.heard = slices.DeleteFunc(f.heard, func(l listening) bool { return l.at == s })
	if f.recv != nil && f.To == s {
		f.past, f.recv = append(f.past, f.recv), nil
	}
}

// accept takes the flow at the receiver, on one of the nodes that have its name.
func (f *Flow) accept(at *node.System, env core.Env, in core.Incoming) {
	if f.recv != nil {
		in.Reject(core.ErrPerm)
		return
	}
	core.Accept(in, func(fl core.Flow, err error) {
		if err == nil {
			f.take(at, env, fl)
		}
	})
}

// take takes up the end of the flow at the receiver.
func (f *Flow) take(at *node.System, env core.Env, fl core.Flow) {
	if f.recv != nil {
		fl.Close(0)
		return
	}
	f.To, f.renv = at, env
	end, err := frcp.WrapWith(f.renv, fl, f.FRCP)
	if err != nil {
		fl.Close(0)
		return
	}
	f.recv, f.lives = end, append(f.lives, end)
	f.recv.Attach((*receiver)(f))
}

// receiver is the user of the flow at its destination.
type receiver Flow

// Deliver takes a message, records it, and answers a request with the same bytes.
func (r *receiver) Deliver(p *pkt.Buf) {
	f := (*Flow)(r)
	if p.Stored() < HeaderLen && p.Len() < HeaderLen {
		p.Release()
		return
	}
	b := p.Front()
	if len(b) < HeaderLen {
		b = p.Bytes()
	}
	typ, id, wall := header(b)
	now := f.renv.Now()
	n := uint64(p.Len())
	f.renv.Trace.Note(now, trace.MessageDelivered, uint64(id), n)
	f.record(now, id, n, f.renv.Wall()-wall)
	if typ != typeRequest {
		p.Release()
		return
	}
	putHeader(b, typeReply, id, wall)
	f.answer(p)
}

// record counts the delivery of a message of n bytes.
func (f *Flow) record(now core.Time, id uint32, n uint64, delay int64) {
	st := &f.Stats
	expected := f.arrived.next
	dup, late := f.arrived.note(id)
	if dup {
		st.Duplicates++
		return
	}
	if late {
		st.Reordered++
	}
	if f.Kind != Ping {
		f.noted(now, now.Add(-time.Duration(delay)), id, expected, late)
	}
	st.Delivered++
	st.Bytes += n
	st.LastDelivery = now
	st.FirstDelivery = min(st.FirstDelivery, now)
	if now >= f.Warmup {
		st.MeasuredBytes += n
		f.Delay.Add(delay)
	}
	if f.Kind == Bulk && f.Bytes > 0 && st.Bytes >= f.Bytes && st.Completed == clock.Never {
		st.Completed = now
	}
}

// answer sends a message back where it came from. The headroom of a packet that came up through the
// same layers suffices unless the way back needs more.
func (f *Flow) answer(p *pkt.Buf) {
	if f.recv == nil {
		p.Release()
		return
	}
	i := f.recv.Info()
	if p.Headroom() < i.Headroom {
		q := f.renv.Pool.GetCopy(i.Headroom, p.Bytes())
		p.Release()
		p = q
	}
	if err := f.recv.Write(p); errors.Is(err, core.ErrWouldBlock) {
		p.Release()
	}
}

// Writable is not needed: an answer that finds no room is lost, as that of oping.
func (r *receiver) Writable() {}

// State is of no concern.
func (r *receiver) State(bool) {}

// Closed forgets the flow.
func (r *receiver) Closed(error) { (*Flow)(r).recv = nil }
