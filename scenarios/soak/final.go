package soak

import (
	"errors"
	"fmt"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/frcp"
)

const defaultR = frcp.DefaultR

// finalCheck looks at a pair when its programs stop: since the faults were over, it has had time to get over them.
func (r *run) finalCheck(p *pair) {
	calm := r.p.Calm().Add(r.p.Settle.D())
	if r.dirty && !p.protected || core.Time(p.Stop) < calm || r.reluctant(p) {
		return
	}
	if p.cur == nil {
		r.violate(promiseStuck, p, p.last(), "there is no flow, long after the last fault has ended")
		return
	}
	l := p.cur.l
	if o := l.ends[1]; o != nil && o.told != clock.Never {
		if o.told < r.p.Calm().Add(p.QoS.Spec().PeerTimeout()+patience) {
			return // it has heard nothing since the last fault: the other end is told when the same time is over again
		}
		if p.FRCP.Recovery != "prototype" { // which may not get anything through a short queue
			r.violate(promiseStuck, p, o, "the flow has failed at %v, long after the last fault has ended", o.told)
		}
		return
	}
	for way := range l.ways {
		w := &l.ways[way]
		if n := len(w.times); n == 0 || w.times[n-1] < calm {
			continue // nothing was written since
		}
		e := l.ends[1-way]
		if w.heard < calm {
			r.violate(promiseStuck, p, p.cur, "nothing of what was written to %s since %v was delivered", endNames[1-way], calm)
			return
		}
		if p.mode() == core.ModeReliable && w.next < len(w.times) && p.FRCP.Recovery != "prototype" {
			r.violate(promiseReliable, p, e, "%d of %d messages to %s were delivered, long after the last was written", w.next, len(w.times), endNames[1-way])
			return
		}
	}
}

// last returns the latest end at from, nil if there was none.
func (p *pair) last() *end {
	for i := len(p.r.ends) - 1; i >= 0; i-- {
		if e := p.r.ends[i]; e.p == p && e.which == 0 {
			return e
		}
	}
	return nil
}

// reluctant reports whether the layer may refuse the flow for good: its admission policy has no room.
func (r *run) reluctant(p *pair) bool {
	for i := range r.p.Scenario.Layers {
		if l := &r.p.Scenario.Layers[i]; l.Policies.Admission.Name == "bandwidth" && p.QoS.Spec().Bandwidth > 0 {
			return true
		}
	}
	return false
}

// lingering reports flows that were not given back.
func (r *run) lingering() {
	for _, e := range r.ends {
		if !e.dead && e.spy.closed == clock.Never && e.spy.gone == clock.Never {
			e.violate(promiseStuck, "the flow was closed at %v and is still there", e.closed)
		}
	}
}

// exact checks that counters add up.
func (r *run) exact() {
	for _, x := range r.n.Wires {
		for dir := range 2 {
			st := x.Stats(dir)
			out := st.DeliveredPackets + st.DropQueue + st.DropLoss + st.DropError + st.DropDown
			in := st.SentPackets + st.Duplicated
			if flying := in - out; in < out || flying > uint64(st.Waiting)+flyingMost {
				r.violate(promiseCounters, nil, nil, "wire %s, direction %d: %d sent or duplicated, %d delivered or dropped", x.Name, dir, in, out)
			}
		}
	}
	for _, s := range r.n.Systems {
		for _, l := range r.n.Layers {
			if a, ok := s.Account(l.Name); ok && !a.Balanced() {
				r.violate(promiseCounters, nil, nil, "%s in %s: %v", s.Name, l.Name, a)
			}
		}
	}
	for _, e := range r.ends {
		if e.dead {
			continue
		}
		e.exact()
	}
}

// flyingMost is how many packets can be on a wire beside those that wait.
const flyingMost = 1000

// exact checks the counters of an end.
func (e *end) exact() {
	st := e.flow.Stats()
	made := st.Sent + st.Retransmitted + st.Acks + st.Windows + st.Rdvs + st.Keepalives + st.Fins + st.FinAnswers
	if e.spy.taken > made {
		e.violate(promiseCounters, "%d packets were handed to the layer, %d were made: %+v", e.spy.taken, made, st)
	}
	if got := e.spy.given - e.spy.empty; e.p.secret && st.Crypt.Opened+st.Crypt.Dropped()+st.BadCRC != got {
		e.violate(promiseCounters, "%d packets came on an encrypted flow: %+v", got, st)
	}
	if e.l == nil {
		return
	}
	if w := e.out(); uint64(len(w.times)) != st.Sent+st.Unsent+uint64(st.Kept) && e.refused == 0 {
		e.violate(promiseCounters, "%d messages were written, %d count as sent, %d as given up, %d as kept", len(w.times), st.Sent, st.Unsent, st.Kept)
	}
	if w := e.in(); w.got+e.early != st.Delivered && e.closed == clock.Never {
		e.violate(promiseCounters, "%d messages were delivered, %d count as such", w.got, st.Delivered)
	}
}

// bury has the ends on killed nodes give back what they hold, as the end of a real system does.
func (r *run) bury() {
	for _, e := range r.ends {
		if e.dead {
			e.flow.Close(0)
		}
	}
}

// idle reports whether nothing in the network waits for anything.
func (r *run) idle() bool {
	if r.w.Pool().Live() > 0 {
		return false
	}
	busy := false
	r.w.Armed(func(string, core.Time) { busy = true })
	return !busy
}

// records checks that the flow allocators of the topmost layer have forgotten all flows, which were closed and whose
// time by delta-t is over.
func (r *run) records() {
	top := r.n.Layers[len(r.n.Layers)-1]
	for _, s := range r.n.Systems {
		if n := s.Flows(top.Name); n > 0 {
			r.violate(promiseNothingLeft, nil, nil, "the member of %s in %s still has %d flows", s.Name, top.Name, n)
		}
	}
}

// nothingLeft checks that no buffer, timer or record has survived.
func (r *run) nothingLeft() {
	if n := r.w.Pool().Live(); n > 0 {
		r.violate(promiseNothingLeft, nil, nil, "%d packet buffers were not given back", n)
	}
	var armed []error
	r.w.Armed(func(path string, at core.Time) {
		if len(armed) < 5 {
			armed = append(armed, fmt.Errorf("%s at %v", path, at))
		}
	})
	if len(armed) > 0 {
		r.violate(promiseNothingLeft, nil, nil, "timers are still armed: %v", errors.Join(armed...))
	}
	for _, s := range r.n.Systems {
		if !s.Alive() {
			continue
		}
		if n := s.Broker.Pending(); n > 0 {
			r.violate(promiseNothingLeft, nil, nil, "the broker of %s still has %d requests", s.Name, n)
		}
		for _, p := range s.Shims() {
			if n := p.Flows(); n > 0 {
				r.violate(promiseNothingLeft, nil, nil, "a shim of %s (%s) still has %d flows", s.Name, p.Layer().Name, n)
			}
		}
	}
}

// bufferBound returns how many packet buffers there can be at most: in the queues of the wires and on them, in the
// windows and queues of all flows of the plan and between members.
func (r *run) bufferBound() int {
	n := 1000
	for _, x := range r.n.Wires {
		for dir := range 2 {
			n += 2*x.Spec(dir).QueuePackets + 500
		}
	}
	perFlow := 4 * 2048
	for _, p := range r.pairs {
		n += perFlow + 4*max(p.params.Window, frcp.DefaultWindow)
	}
	for i := range r.p.Scenario.Layers {
		n += len(r.n.Wires) * perFlow * (1 + i)
	}
	return n
}
