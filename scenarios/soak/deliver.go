package soak

import (
	"fmt"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

// Deliver takes a message and checks it byte by byte.
func (e *end) Deliver(p *pkt.Buf) {
	defer p.Release()
	if e.over() || e.paused > 0 {
		e.violate(promiseWrongFlow, "a message is delivered to a program that %s", e.standing())
		return
	}
	b := p.Bytes()
	if e.l == nil && !e.identify(b) {
		e.early++
		return
	}
	e.check(b)
	if e.p.Echo && e.which == 1 && e.backlog < maxBacklog {
		e.backlog++
		e.pump()
	}
}

func (e *end) standing() string {
	switch {
	case e.dead:
		return "was killed"
	case e.closed != clock.Never:
		return "has closed its flow"
	case e.told != clock.Never:
		return "was told that its flow is over"
	}
	return "does not receive"
}

// identify finds out from the first message that it gets whom an end at to talks to.
func (e *end) identify(b []byte) bool {
	of, _, ok := header(b)
	r := e.p.r
	if !ok {
		if e.p.mode() == core.ModeReliable || len(b) >= headerLen {
			e.wrong(promiseWrongFlow, "the first message, of %d bytes, is none that was written", len(b))
		}
		return false
	}
	l := r.lives[of.flow]
	switch {
	case l == nil || of.way != there:
		e.wrong(promiseWrongFlow, "the first message is of flow %#x way %d", of.flow, of.way)
		return false
	case l.p != e.p:
		e.wrong(promiseWrongFlow, "the first message is one of the flow %s", l.p.Name)
		return false
	case l.ends[1] != nil:
		e.wrong(promiseWrongFlow, "two flows deliver messages of one")
		return false
	}
	e.l, l.ends[1] = l, e
	e.begin()
	return true
}

// check compares a message with what was written.
func (e *end) check(b []byte) {
	w := e.in()
	w.got++
	w.heard = e.env.Now()
	e.p.r.res.Delivered++
	mode := e.p.mode()
	if mode == core.ModeReliable {
		e.checkNext(b, w)
		return
	}
	if len(b) < headerLen {
		e.runts++
		if !holds(b, w.of, runt) {
			e.wrong(promiseWrongFlow, "a message of %d bytes is none that was written", len(b))
		}
		return
	}
	of, seq, ok := header(b)
	if !ok || of != w.of || int(seq) >= len(w.times) || int(w.sizes[seq]) != len(b) || !holds(b, w.of, seq) {
		e.wrong(promiseWrongFlow, "a message of %d bytes is none that was written: %s", len(b), e.what(b))
		return
	}
	e.note(event{what: "delivered", n: len(b), seq: uint64(seq)})
	if mode == core.ModeOrdered {
		if int64(seq) <= w.last {
			e.wrong(promiseOrdered, "message %d is delivered after message %d", seq, w.last)
		}
		w.last = max(w.last, int64(seq))
	}
}

// checkNext has a reliable flow deliver the next message.
func (e *end) checkNext(b []byte, w *written) {
	seq := w.next
	w.next++
	if seq >= len(w.times) {
		e.wrong(promiseReliable, "a message of %d bytes is delivered after all %d that were written", len(b), len(w.times))
		return
	}
	e.note(event{what: "delivered", n: len(b), seq: uint64(seq)})
	if len(b) != int(w.sizes[seq]) || !holds(b, w.of, uint32(seq)) {
		e.wrong(promiseReliable, "a message of %d bytes is delivered instead of message %d, of %d bytes: %s", len(b), seq, w.sizes[seq], e.what(b))
	}
}

// what says what a message is that should not be there.
func (e *end) what(b []byte) string {
	of, seq, ok := header(b)
	l := e.p.r.lives[of.flow]
	switch {
	case !ok:
		return "it has no header"
	case l == nil:
		return fmt.Sprintf("of flow %#x, which does not exist", of.flow)
	case !holds(b, of, seq):
		return fmt.Sprintf("corrupt, message %d of %s", seq, l.p.Name)
	}
	return fmt.Sprintf("message %d of %s, life %d, way %d", seq, l.p.Name, of.flow&lifeMask, of.way)
}

// wrong reports a delivery that should not be, unless bit errors may have made it: nothing protects the flow, and
// the frames of some wire come with their errors.
func (e *end) wrong(promise, format string, args ...any) {
	if e.p.r.dirty && !e.p.protected {
		e.corrupt++
		e.p.r.res.Corrupt++
		return
	}
	e.violate(promise, format, args...)
}
