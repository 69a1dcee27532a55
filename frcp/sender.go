package frcp

import (
	"math"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
)

// sender is the sending direction (spec 10 §10.5).
type sender struct {
	started bool   // a run was begun
	free    bool   // the window of the peer is not looked at: FlagResourceControl is off
	lwe     uint32 // oldest unacknowledged
	seq     uint32 // next to send
	rwe     uint32 // first that may not be sent
	ring    sendRing
	bytes   int   // in ring
	inact   int64 // s
	// act is the time of the last packet of any kind, not only of data as in the prototype, whose
	// receivers stay active with every packet: a run begun before they are inactive is lost to them.
	act      clock.Time
	blocked  bool       // a Send was refused
	heard    bool       // a window was received in this run, and not too long ago
	heardAt  clock.Time // the last one
	acked    bool       // an ack was received in this run: the peer knows it
	askRdvs  bool       // a rendez-vous is due
	shown    bool       // an extension was sent in this run: the peer knows us
	rdvAt    clock.Time
	rdvEvery time.Duration
}

// Send sends a message, without PCI, with headroom for it. It takes p, except with core.ErrWouldBlock,
// when the peer's window is closed; CanSend tells when it has opened. An empty packet is a keepalive and
// passes everything.
func (c *Conn) Send(now clock.Time, p *pkt.Buf) error {
	if c.err != nil {
		p.Release()
		return c.err
	}
	if c.fin.ended {
		p.Release()
		return core.ErrPeerClosed
	}
	if p.Len() == 0 || c.cfg.Mode == core.ModeRaw {
		if p.Len() > 0 {
			c.stats.Sent++
		}
		c.out.push(p)
		return nil
	}
	s := &c.snd
	waits := c.pace.wait.len() > 0
	if !waits && s.lwe == s.seq && c.senderIdle(now) {
		c.startSendRun(now)
	}
	if !c.windowOpen() {
		c.block(now)
		return core.ErrWouldBlock
	}
	if waits || !c.maySend(now) {
		c.keepBack(p)
		return nil
	}
	c.sendData(now, p)
	return nil
}

// windowOpen reports whether the window, and the memory, has room behind what was taken so far.
func (c *Conn) windowOpen() bool {
	s := &c.snd
	next := s.seq + uint32(c.pace.wait.len())
	return (before(next, s.rwe) || s.free && next-s.lwe < MaxWindow) && s.bytes+c.pace.bytes < c.cfg.Memory
}

// sendData is spec 10 §10.7.
func (c *Conn) sendData(now clock.Time, p *pkt.Buf) {
	s := &c.snd
	h := wire.FRCPHeader{Flags: wire.FRCPData, Seqno: s.seq}
	if s.lwe == s.seq {
		h.Flags |= wire.FRCPDRF
	}
	c.piggyback(now, &h)
	h.Put(p.Push(wire.FRCPLen))
	if c.cfg.Backlog != nil {
		q := c.backlog()
		c.stats.QueueSum += uint64(q)
		c.stats.QueueMax = max(c.stats.QueueMax, uint64(q))
		c.charge(now, p.Len(), q)
	}
	s.act = now
	s.seq++
	c.stats.Sent++
	if c.cfg.Mode == core.ModeReliable {
		c.track(now, p)
	} else {
		s.lwe++
	}
	c.out.push(p)
}

// track keeps a private copy of the packet that was just numbered, for retransmission.
func (c *Conn) track(now clock.Time, p *pkt.Buf) {
	s := &c.snd
	q := s.seq - 1
	s.ring.reserve(s.lwe, q)
	e := s.ring.at(q)
	e.first, e.last = now, c.rec.mark(now)
	e.keep(p)
	s.bytes += e.len()
	if c.cfg.Recovery == RecoveryPrototype {
		c.trackPrototype(now, q, e)
	} else if c.rec.timer == clock.Never {
		c.armTimer(now)
	}
}

func (c *Conn) senderIdle(now clock.Time) bool {
	return !c.snd.started || wholeSeconds(now)-wholeSeconds(c.snd.act) > c.snd.inact
}

// startSendRun begins a run at a random number. On ordered flows it is below 2^31, which passes a
// prototype receiver that an early control packet has set to 0 (spec 10 §10.20, rule 3).
func (c *Conn) startSendRun(now clock.Time) {
	s := &c.snd
	q := c.cfg.Rand.Uint32()
	if c.cfg.Mode == core.ModeOrdered {
		q &= math.MaxInt32
	}
	s.started, s.acked, s.heard, s.blocked, s.shown = true, false, false, false, false
	s.rdvAt, s.rdvEvery, s.heardAt = clock.Never, 0, now
	s.lwe, s.seq, s.rwe, s.act = q, q, q+StartWindow, now
	c.rec.newRun(q)
}

// CanSend reports whether Send would take a message now.
func (c *Conn) CanSend(now clock.Time) bool {
	return c.err != nil || c.fin.ended || c.cfg.Mode == core.ModeRaw || c.windowOpen() ||
		c.pace.wait.len() == 0 && c.snd.lwe == c.snd.seq && c.senderIdle(now)
}

// block notes that the user waits for the window.
func (c *Conn) block(now clock.Time) {
	s := &c.snd
	s.blocked = true
	if c.cfg.Mode == core.ModeReliable && !s.shown && !c.cfg.OwnPeer && c.canAsk() {
		s.shown, c.rec.ask = true, true // a peer that knows us for one of its own grants more
	}
	if s.rdvAt != clock.Never {
		return
	}
	if s.heard || s.rdvEvery == 0 {
		s.rdvEvery = rdvsMin
	}
	s.rdvAt = now.Add(s.rdvEvery)
}

// recvWindow takes the peer's window (spec 10 §10.8). It only ever opens: an edge behind ours is that
// of an older packet. One further ahead than any member grants is that of a prototype that answered
// before it knew the run (spec 10 §10.19, D2).
func (c *Conn) recvWindow(now clock.Time, h wire.FRCPHeader) {
	s := &c.snd
	if !s.started {
		return
	}
	edge := rebuildEdge(s.rwe, h.Window)
	if int32(edge-s.seq) > MaxWindow {
		c.stats.BadAcks++
		return
	}
	if int32(s.rwe-edge) > StartWindow {
		return // an old one, or that of another run: it does not tell that the peer knows this one
	}
	s.heard, s.heardAt = true, now
	if before(s.rwe, edge) {
		s.rwe = edge
		c.rec.dupacks = 0
	}
	if c.windowOpen() {
		s.blocked, s.rdvAt = false, clock.Never
	} else if t := now.Add(s.rdvEvery); s.blocked && t > s.rdvAt && c.cfg.Mode != core.ModeOrdered {
		// The peer is there; ask again later. Not on ordered flows: if the rest of the window was lost, the peer
		// waits for it, and says so with all that it sends, until it is asked.
		s.rdvAt = t
	}
}

// rendezvous asks for the window (spec 10 §10.11), by timer. On a reliable flow with unacknowledged
// data the acks bring the window, and the retransmission timer sees to them.
func (c *Conn) rendezvous(now clock.Time) {
	s := &c.snd
	if !s.blocked {
		s.rdvAt = clock.Never
		return
	}
	if c.pace.wait.len() > 0 || c.cfg.Mode == core.ModeReliable && s.lwe != s.seq {
		s.rdvAt = now.Add(s.rdvEvery)
		return
	}
	s.rdvEvery = min(2*s.rdvEvery, rdvsMax)
	s.rdvAt = now.Add(s.rdvEvery)
	s.askRdvs = true
	if now.Sub(s.heardAt) > time.Duration(c.rcv.inact)*time.Second {
		s.heard = false // the peer has forgotten the run by now, if it could not be asked for so long
	}
	// A peer that knows of no run cannot answer: when the whole first window of an ordered run was lost, or
	// when the path was dead for longer than a run is remembered. One packet beyond the window, which can
	// begin a run there, shows whether the path is back.
	if !s.heard {
		s.rwe = s.seq + 1
		s.blocked = false
	}
}

// nextRdvs builds the rendez-vous or probe that is due.
func (c *Conn) nextRdvs(now clock.Time) *pkt.Buf {
	s := &c.snd
	if !s.askRdvs && !c.rec.ask {
		return nil
	}
	probe := c.rec.ask && !c.cfg.PlainAcks
	s.shown = s.shown || probe
	s.askRdvs, c.rec.ask = false, false
	s.act = now
	c.stats.Rdvs++
	n := wire.FRCPLen
	if probe {
		n += wire.FRCPProbeLen
	}
	p := c.cfg.Pool.Get(c.cfg.Headroom, n)
	b := p.Bytes()
	wire.FRCPHeader{Flags: wire.FRCPRdvs}.Put(b)
	if probe {
		c.stats.Probes++
		c.rec.probed = c.rec.mark(now)
		wire.FRCPProbe{Next: s.seq, Time: uint64(now)}.Put(b[wire.FRCPLen:], wire.FRCPExtProbe)
	}
	return p
}
