package frcp

import (
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
)

// fin is how a closed end tells the other. The prototype has no such packet: there the reader of a flow
// that was closed hears nothing until the peer counts as dead (spec 10 §10.16). Between our own members the
// end that closes sends a FIN, an extension on a control packet (wire.FRCPExtFin), and again until it is
// answered. The other end delivers what was sent before, tells its user core.ErrPeerClosed, and gives up
// what it has not sent to the end, for nobody reads it.
//
//	open  -- Close -->  telling  -- answer, FIN of the peer, or tries used up -->  over
//	open  -- FIN -->  heard  -- all data is there -->  ended  -- finStay without FIN -->  over
//
// A prototype is left alone: a FIN goes to a peer that has sent extensions, and to one of which nothing
// is known when everything is acknowledged. Nothing comes after it that a control packet could cost the
// other its hearing for (spec 10 §10.19, D1).
type fin struct {
	telling bool // this end is closed and the peer does not know for sure
	due     bool // a FIN is to be sent
	tries   int
	since   clock.Time // of the first
	plain   bool       // the peer has acknowledged as only a prototype does

	heard  bool   // the peer has closed
	end    uint32 // first sequence number that it has not sent
	ended  bool   // and all before it has arrived, or will not
	answer bool   // it is to be answered
	echo   wire.FRCPFin

	at    clock.Time // the next try, or the end of the stay
	endAt clock.Time // ordered flows: what is not there by then was lost
}

const (
	finTries        = 8               // to a peer that is one of ours
	finTriesUnknown = 3               // to one that may be a prototype
	finStay         = 3 * time.Second // repeated FINs are answered so long, and for 4 RTO at least
)

// stop ends all of it.
func (f *fin) stop() {
	f.telling, f.due, f.answer = false, false, false
	f.at, f.endAt = clock.Never, clock.Never
}

// startFin has the peer told that this end is closed.
func (c *Conn) startFin() {
	f := &c.fin
	switch {
	case c.err != nil || f.ended || c.cfg.Mode == core.ModeRaw || c.cfg.PlainAcks:
	case f.heard:
		f.endAt = 0 // what is missing is not waited for
	default:
		f.telling, f.due = true, true
	}
}

// tellable reports whether the peer may be sent a FIN now.
func (c *Conn) tellable() bool {
	return c.pace.wait.len() == 0 && (c.rec.peer == peerOwn || c.snd.lwe == c.snd.seq)
}

// nextFin builds the FIN or the answer that is due.
func (c *Conn) nextFin(now clock.Time) *pkt.Buf {
	f := &c.fin
	if f.telling && (f.plain || c.rec.peer == peerPlain) {
		f.stop() // it would not understand
	}
	switch {
	case f.answer:
		f.answer = false
		c.stats.FinAnswers++
		return c.buildFin(now, f.echo, wire.FRCPExtFinAck)
	case !f.due || !c.tellable():
		return nil
	}
	if f.tries == 0 {
		f.since = now
	}
	f.due = false
	f.at = now.Add(min(c.rtt.rto<<f.tries, maxRTO))
	f.tries++
	c.stats.Fins++
	v := wire.FRCPFin{HasEnd: c.snd.started, HasNext: c.rcv.started}
	if v.HasEnd {
		v.End = c.snd.seq
	}
	if v.HasNext {
		v.Next = c.rcv.next
	}
	return c.buildFin(now, v, wire.FRCPExtFin)
}

func (c *Conn) buildFin(now clock.Time, v wire.FRCPFin, t wire.FRCPExtType) *pkt.Buf {
	p := c.cfg.Pool.Get(c.cfg.Headroom, wire.FRCPLen+wire.FRCPFinLen)
	b := p.Bytes()
	wire.FRCPHeader{}.Put(b)
	v.Put(b[wire.FRCPLen:], t)
	if c.snd.started {
		c.snd.act = now
	}
	return p
}

// recvFin takes what a control packet says about the end.
func (c *Conn) recvFin(now clock.Time, h wire.FRCPHeader, x *extensions) {
	f := &c.fin
	if !x.any && h.Flags == wire.FRCPAck|wire.FRCPFC && c.rec.peer != peerOwn && !c.cfg.NoRanges {
		f.plain = true // ours has ranges on it, if only an empty list
	}
	if c.cfg.PlainAcks {
		return
	}
	if x.hasFinAck && f.telling && x.finAck.HasEnd == c.snd.started && x.finAck.End == c.finEnd() {
		f.stop()
	}
	if !x.hasFin {
		return
	}
	if !c.validFin(&x.fin) {
		c.stats.BadFins++
		return
	}
	if f.telling {
		f.stop() // both have closed
	}
	f.heard, f.end = true, x.fin.End
	f.answer, f.echo = true, x.fin
	f.at = now.Add(c.stay())
	if c.lookForEnd(now); !f.ended && c.cfg.Mode == core.ModeOrdered && f.endAt == clock.Never {
		f.endAt = now.Add(c.cfg.MPL) // what has not arrived by then never will
	}
}

// stay is how long an end that has heard of the end is still there to answer.
func (c *Conn) stay() time.Duration { return max(finStay, 4*c.rtt.rto) }

func (c *Conn) finEnd() uint32 {
	if c.snd.started {
		return c.snd.seq
	}
	return 0
}

// validFin reports whether a FIN is of the runs of now: what it names is in the windows of both directions,
// and it names all that its sender must know. A stale one, or one that was made by somebody who has not
// seen the flow, fails, and so does one that has overtaken the first data; it will be repeated.
func (c *Conn) validFin(v *wire.FRCPFin) bool {
	r, s := &c.rcv, &c.snd
	switch {
	case v.HasEnd != r.started: // r.started and no end: it has forgotten what it sent
		return false
	case v.HasEnd && v.End-r.next > r.rwe-r.next, c.fin.ended && v.End != c.fin.end:
		return false
	case !v.HasNext:
		return v.HasEnd || !s.started
	case c.cfg.Mode == core.ModeReliable:
		return s.started && v.Next-s.lwe <= s.seq-s.lwe
	}
	return s.started && s.seq-v.Next <= MaxWindow
}

// lookForEnd ends the flow if the peer has closed it and nothing is missing.
func (c *Conn) lookForEnd(now clock.Time) {
	f, r := &c.fin, &c.rcv
	if f.heard && !f.ended && (r.closed || !r.started || r.next == f.end) {
		c.endOfPeer(now)
	}
}

// pastEnd reports whether a packet with this number cannot be one that the peer sent before it closed, or comes
// too late.
func (c *Conn) pastEnd(seq uint32) bool {
	return c.fin.ended && (c.cfg.Mode == core.ModeOrdered || !c.rcv.started || !before(seq, c.fin.end))
}

// endOfPeer ends sending: nobody is there to read or to acknowledge.
func (c *Conn) endOfPeer(now clock.Time) {
	c.fin.ended, c.fin.endAt, c.fin.at = true, clock.Never, now.Add(c.stay())
	c.dropUnacked()
	c.snd.lwe, c.snd.blocked, c.snd.askRdvs = c.snd.seq, false, false
	c.rec.ask = false
}

// expireFin does what is due.
func (c *Conn) expireFin(now clock.Time) {
	f := &c.fin
	if now >= f.endAt {
		c.endOfPeer(now)
	}
	if now < f.at {
		return
	}
	f.at = clock.Never
	tries := finTriesUnknown
	if c.rec.peer == peerOwn {
		tries = finTries
	}
	switch {
	case !f.telling: // the stay is over
	case f.tries >= tries || now.Sub(f.since) >= c.cfg.R:
		f.stop()
	default:
		f.due = true
	}
}

// PeerClosed reports whether the peer has closed the flow and all that it sent before is here, to be taken
// from Deliver.
func (c *Conn) PeerClosed() bool { return c.fin.ended }

// Settled reports whether a Conn that is closed, by either end, has nothing more to do: what was sent is
// acknowledged or in vain, and the peer knows of the end or does not want to.
func (c *Conn) Settled() bool {
	return c.quiet() && (!c.fin.ended || c.fin.at == clock.Never)
}

// resting reports whether it stays only to answer a FIN that the peer repeats, because it has not heard the answer.
// Without it the peer tries for a while in vain, and ends: its user does not wait for that.
func (c *Conn) resting() bool { return c.quiet() && c.fin.ended }

// quiet reports whether there is nothing to be sent, now or again.
func (c *Conn) quiet() bool { return !c.Unacked() && !c.fin.telling && !c.fin.answer }
