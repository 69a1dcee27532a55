package frcp

import (
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
)

// Conn is one end of a flow: a pure machine. Whoever drives it
//
//   - passes every packet from below to Recv and every message of the user to Send,
//   - then takes messages from Deliver as long as the user wants them, and packets from Next until
//     there is none,
//   - calls Tick at Deadline, which may have changed after each of these calls.
//
// Times must not go back. A Conn is not safe for use from several goroutines.
type Conn struct {
	cfg   Config
	rtt   rtt
	snd   sender
	rcv   receiver
	rec   recovery
	fin   fin
	pace  pacer
	tuner tuner
	out   fifo[*pkt.Buf] // ready to go, in order
	stats Stats
	err   error
	hasty bool // Close gives up what is not acknowledged: FlagLinger is off
}

// NewConn returns a Conn at the moment of allocation. The configuration must be valid.
func NewConn(cfg Config, now clock.Time) (*Conn, error) {
	if cfg.Mode == core.ModeRaw {
		setDefault(&cfg.Window, DefaultWindow) // nothing tells the peer how much may come
	}
	cfg.Params = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Conn{cfg: cfg, rtt: newRTT(cfg.Recovery)}
	c.snd = sender{inact: inactivity(3*cfg.MPL+cfg.A+cfg.R) + senderMargin, act: now, rdvAt: clock.Never}
	c.rcv = receiver{inact: inactivity(2*cfg.MPL + cfg.A + cfg.R), act: now, ackAt: clock.Never, holdAt: clock.Never, win: cfg.Window}
	c.rec = recovery{timer: clock.Never, reoAt: clock.Never, resendAt: clock.Never}
	c.pace.at = clock.Never
	if cfg.Pacing == PacingOff {
		c.cfg.Rate = nil
	}
	c.fin = fin{at: clock.Never, endAt: clock.Never}
	if cfg.OwnPeer {
		c.rec.peer, c.rec.ranged = peerOwn, !cfg.NoRanges // both ends are set up alike
	}
	return c, nil
}

// inactivity returns the limit in whole seconds (spec 10 §10.6).
func inactivity(d time.Duration) int64 { return int64(d/time.Second) + 1 }

// senderMargin delays a new run. Counting in whole seconds, a sender can be up to two seconds ahead of
// its receiver, which would take the new run for strays of the old one. A run that goes on too long
// does no harm: its next packet carries DRF.
const senderMargin = 2

// Recv takes a packet from the flow below. What does not make sense is counted and dropped.
func (c *Conn) Recv(now clock.Time, p *pkt.Buf) {
	switch {
	case c.err != nil:
		c.stats.Refused++
		p.Release()
	case p.Len() == 0: // keepalive
		p.Release()
	case c.cfg.Mode == core.ModeRaw:
		c.recvRaw(p)
	case p.Len() < wire.FRCPLen:
		c.stats.Malformed++
		p.Release()
	default:
		c.recvFRCP(now, p)
	}
}

func (c *Conn) recvRaw(p *pkt.Buf) {
	if c.rcv.closed || c.rcv.ready.len() >= c.cfg.Window {
		c.stats.Refused++
		p.Release()
		return
	}
	c.rcv.bytes += p.Len()
	c.rcv.ready.push(p)
}

// recvFRCP follows spec 10 §10.8.
func (c *Conn) recvFRCP(now clock.Time, p *pkt.Buf) {
	h := readPCI(p.Pull(wire.FRCPLen))
	if h.Flags&wire.FRCPData != 0 && c.pastEnd(h.Seqno) {
		c.stats.Refused++
		p.Release()
		return
	}
	if h.Flags&wire.FRCPData != 0 {
		if h.Flags&wire.FRCPAck != 0 {
			c.recvAck(now, h, nil)
		}
		if h.Flags&wire.FRCPFC != 0 {
			c.recvWindow(now, h)
		}
		c.recvData(now, h, p)
		if c.fin.heard {
			c.lookForEnd(now)
		}
		return
	}
	x := parseExtensions(p.Front())
	if x.any {
		c.rec.peer = peerOwn
		c.rec.ranged = c.rec.ranged || x.hasRanges
	}
	if h.Flags&wire.FRCPRdvs != 0 {
		c.recvRdvs(now, &x)
	} else {
		if h.Flags&wire.FRCPAck != 0 || x.hasEcho {
			c.recvAck(now, h, &x)
		}
		if h.Flags&wire.FRCPFC != 0 {
			c.recvWindow(now, h)
		}
		if h.Flags == wire.FRCPFC && !x.any {
			c.plainAnswer(now)
		}
	}
	if x.hasFin || x.hasFinAck || c.rec.peer != peerOwn {
		c.recvFin(now, h, &x)
	}
	p.Release()
}

func readPCI(b []byte) wire.FRCPHeader {
	v := wire.FRCP(b)
	return wire.FRCPHeader{Flags: v.Flags(), Window: v.Window(), Seqno: v.Seqno(), Ackno: v.Ackno()}
}

// Deliver returns the next message for the user and makes room for another, or nil.
func (c *Conn) Deliver() *pkt.Buf {
	if c.rcv.ready.len() == 0 {
		return nil
	}
	p := c.rcv.ready.pop()
	c.rcv.bytes -= p.Len()
	c.stats.Delivered++
	if c.cfg.Mode != core.ModeRaw {
		c.slideWindow()
	}
	return p
}

// Waiting returns how many messages Deliver would return now.
func (c *Conn) Waiting() int { return c.rcv.ready.len() }

// Next returns a packet for the flow below, or nil when there is none now.
func (c *Conn) Next(now clock.Time) *pkt.Buf {
	if c.out.len() > 0 {
		return c.out.pop()
	}
	if c.err != nil || c.cfg.Mode == core.ModeRaw {
		return nil
	}
	if c.rec.lost.len() > 0 {
		if p := c.nextResend(now); p != nil {
			return p
		}
	}
	if p := c.nextAck(now); p != nil {
		return p
	}
	if p := c.nextPaced(now); p != nil {
		return p
	}
	if p := c.nextFin(now); p != nil {
		return p
	}
	return c.nextRdvs(now)
}

// Deadline returns when Tick wants to be called, Never if it need not.
func (c *Conn) Deadline() clock.Time {
	return min(c.rcv.ackAt, c.rcv.holdAt, c.rec.timer, c.rec.reoAt, c.rec.resendAt, c.snd.rdvAt,
		c.fin.at, c.fin.endAt, c.pace.at)
}

// Tick does what is due.
func (c *Conn) Tick(now clock.Time) {
	if c.err != nil {
		return
	}
	if now >= c.rcv.ackAt {
		c.rcv.ackAt, c.rcv.ackNow = clock.Never, true
	}
	if now >= c.rcv.holdAt {
		c.expireHeld(now)
	}
	if now >= c.rec.reoAt {
		c.detectLoss(now)
	}
	if now >= c.rec.resendAt {
		c.rec.resendAt, c.rec.credit = clock.Never, resendBurst
	}
	if now >= c.pace.at {
		c.pace.at = clock.Never
	}
	if now >= c.rec.timer {
		c.expire(now)
	}
	if now >= c.snd.rdvAt {
		c.rendezvous(now)
	}
	if now >= c.fin.at || now >= c.fin.endAt {
		c.expireFin(now)
	}
}

// Err returns why the flow is down: core.ErrFlowDown once a packet was not acknowledged within R. Nil
// as long as it works. What was received in order is still delivered: the peer takes it for read.
func (c *Conn) Err() error { return c.err }

// Unacked reports whether the peer does not yet have everything that was sent on a reliable flow.
func (c *Conn) Unacked() bool {
	return c.err == nil && (c.snd.lwe != c.snd.seq || c.pace.wait.len() > 0)
}

// Kept returns how many messages were taken and wait to be sent.
func (c *Conn) Kept() int { return c.pace.wait.len() }

// Close ends delivery: what the reader has not taken is discarded, and so is what still arrives, which
// is acknowledged all the same so that the peer can end too. An ack that is due leaves at once, as a
// final ack (spec 10 §10.16), and the peer is told (see fin). What was kept back for pacing goes at once. Sent messages are still retransmitted until
// Release.
func (c *Conn) Close() {
	if c.rcv.closed {
		return
	}
	c.rcv.closed = true
	c.rcv.drop()
	c.pace.until, c.cfg.Rate = 0, nil // the layer has its own limit for what a closed flow leaves
	if c.cfg.Mode == core.ModeReliable && c.rcv.started && c.rcv.acked != c.rcv.next {
		c.rcv.final = true
	}
	if c.hasty && c.Unacked() {
		// The peer is not told: what it waits for will not come.
		c.dropUnacked()
		c.snd.lwe = c.snd.seq
		return
	}
	c.startFin()
}

// Wait returns how long the layer must keep the flow so that nothing of it can be mistaken for
// something newer: until both directions are inactive (spec 10 §10.16).
func (c *Conn) Wait(now clock.Time) time.Duration {
	var w int64
	if c.rcv.started {
		w = max(w, c.rcv.inact-(wholeSeconds(now)-wholeSeconds(c.rcv.act)))
	}
	if c.snd.started {
		w = max(w, c.snd.inact-(wholeSeconds(now)-wholeSeconds(c.snd.act)))
	}
	return time.Duration(w) * time.Second
}

// Release gives all buffers back. The Conn takes nothing more and has no deadline.
func (c *Conn) Release() {
	c.fail(core.ErrFlowDown)
	c.rcv.drop()
}

// fail takes the flow down and gives all buffers back but those that wait for the user.
func (c *Conn) fail(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	for c.out.len() > 0 {
		c.out.pop().Release()
	}
	c.dropUnacked()
	c.rcv.dropStrays()
	c.out.drop()
	c.fin.stop()
}

// dropUnacked forgets what was sent and not acknowledged, and stops the timers of the sender.
func (c *Conn) dropUnacked() {
	for s := c.snd.lwe; c.cfg.Mode == core.ModeReliable && s != c.snd.seq; s++ {
		if e := c.snd.ring.at(s); e.waits {
			c.snd.bytes -= e.len()
			e.forget()
		}
	}
	c.stats.Unsent += uint64(c.Kept())
	c.pace.drop()
	c.snd.ring, c.snd.rdvAt = nil, clock.Never
	c.rec.timer, c.rec.reoAt, c.rec.resendAt = clock.Never, clock.Never, clock.Never
	c.rec.lost.drop()
	c.rec.resent.drop()
}

// Stats returns the counters.
func (c *Conn) Stats() Stats {
	s := c.stats
	s.SRTT, s.RTTVar, s.RTO, s.MinRTT = c.rtt.srtt, c.rtt.mdev, c.rtt.rto, c.rtt.min
	s.Kept = c.Kept()
	if c.windowOpen() {
		s.Window = max(0, int(int32(c.snd.rwe-c.snd.seq)))
	}
	if c.cfg.Mode == core.ModeReliable {
		s.Outstanding = int(c.snd.seq - c.snd.lwe)
	}
	return s
}
