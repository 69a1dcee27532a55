package fa

import (
	"time"

	"ouroboros/core"
	"ouroboros/core/ring"
)

// request identifies a request of another member: its repetitions have the same source and endpoint.
type request struct{ src, seid uint64 }

// answer is what a request was answered.
type answer struct {
	eid       uint64 // own endpoint
	code      core.Code
	piggyback []byte
}

// past remembers how requests of others have ended, so that a repetition that comes late is answered
// again: a refusal is not asked anew, and a flow that has been closed does not come back as a new one that
// nobody at the other end knows of.
//
// It holds for as long as a repetition can come: the longest pause between two of them and the time that
// a packet may live, twice. It forgets the oldest when there are too many.
type past struct {
	hold    time.Duration
	answers map[request]answer
	order   ring.Ring[ended]
}

// ended is a request in the order of forgetting.
type ended struct {
	key   request
	until core.Time
}

// newPast returns a memory for a layer. Endpoint ids of less than 4 bytes have few random bits or none:
// there the next request of a member may well have the id of one that has ended, and must not be taken for
// its repetition. Nothing is remembered then.
func newPast(mpl time.Duration, ids numbering) past {
	if ids.random < 16 {
		return past{}
	}
	return past{hold: 2*mpl + 2*retryMax, answers: map[request]answer{}}
}

// add remembers the answer of a request that is over.
func (p *past) add(now core.Time, key request, a answer) {
	if p.hold == 0 {
		return
	}
	p.forget(now)
	if p.order.Len() >= maxPast {
		delete(p.answers, p.order.Pop().key)
	}
	p.answers[key] = a
	p.order.Push(ended{key, now.Add(p.hold)}, maxPast)
}

// find returns the answer of a request that is over.
func (p *past) find(now core.Time, key request) (answer, bool) {
	p.forget(now)
	a, ok := p.answers[key]
	return a, ok
}

// forget drops what has had its time.
func (p *past) forget(now core.Time) {
	for p.order.Len() > 0 && p.order.Front().until <= now {
		delete(p.answers, p.order.Pop().key)
	}
}
