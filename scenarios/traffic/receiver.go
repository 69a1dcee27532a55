package traffic

import (
	"errors"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/core/trace"
	"ouroboros/frcp"
	"ouroboros/scenarios/node"
)

// accept takes the flow at the receiver, on one of the nodes that have its name.
func (f *Flow) accept(at *node.System, env core.Env, in core.Incoming) {
	if f.recv != nil {
		in.Reject(core.ErrPerm)
		return
	}
	fl, err := in.Accept()
	if err != nil {
		return
	}
	f.To, f.renv = at, env
	end, err := frcp.WrapWith(f.renv, fl, f.FRCP)
	if err != nil {
		fl.Close(0)
		return
	}
	f.recv = end
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
	if f.watching {
		if gap := now.Sub(f.lastGap); gap > st.Gap {
			st.Gap, st.GapEnd = gap, now
		}
		f.lastGap = now
		switch {
		case !late:
			st.GapLost += uint64(id - expected)
		case st.GapLost > 0:
			st.GapLost--
		}
	}
	st.Delivered++
	st.Bytes += n
	st.LastDelivery = now
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

// WatchGaps begins to measure the longest pause between two deliveries, from the last delivery before
// now, and to count the messages that are missing. Gap, GapEnd and GapLost of the statistics hold them.
func (f *Flow) WatchGaps() {
	f.watching = true
	f.lastGap = f.Stats.LastDelivery
	f.Stats.Gap, f.Stats.GapEnd, f.Stats.GapLost = 0, 0, 0
}
