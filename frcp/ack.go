package frcp

import (
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
)

// ackDelay returns how long an ack may wait for company.
func (c *Conn) ackDelay() time.Duration {
	if !c.snd.started && !c.rcv.acker {
		return c.cfg.FirstAckDelay
	}
	return c.cfg.AckDelay
}

// mayAck reports whether an ack may be sent: not before the first run, not later than A (spec 10 §10.7).
func (c *Conn) mayAck(now clock.Time) bool {
	r := &c.rcv
	return c.cfg.Mode == core.ModeReliable && r.active(now) &&
		time.Duration(wholeSeconds(now)-wholeSeconds(r.act))*time.Second <= c.cfg.A
}

// piggyback adds window and ack to a data packet. Ranges do not fit there: with gaps the pure ack
// follows all the same.
func (c *Conn) piggyback(now clock.Time, h *wire.FRCPHeader) {
	r := &c.rcv
	if !r.active(now) {
		return
	}
	c.addWindow(now, h)
	if !c.mayAck(now) {
		return
	}
	h.Flags |= wire.FRCPAck
	h.Ackno = r.next
	if len(r.ranges) == 0 {
		c.ackSent()
	}
	r.acker = true
}

// addWindow puts the window into a packet and notes that the peer will know it.
func (c *Conn) addWindow(now clock.Time, h *wire.FRCPHeader) {
	r := &c.rcv
	h.Flags |= wire.FRCPFC
	h.Window = r.rwe
	r.adv, r.advSize, r.advAt = r.rwe, r.rwe-r.next, now
	r.fcNow = false
}

func (c *Conn) ackSent() {
	r := &c.rcv
	r.acked, r.pending = r.next, 0
	r.ackNow, r.final, r.ackAt = false, false, clock.Never
}

// slideWindow moves the edge after the reader has taken a message. The peer is told when it has used
// half of what it had and half a window is free again (spec 10 §10.20, rule 4).
func (c *Conn) slideWindow() {
	r := &c.rcv
	if !r.started {
		return
	}
	w := uint32(r.win)
	if edge := r.next + w - uint32(min(r.ready.len(), int(w))); before(r.rwe, edge) {
		r.rwe = edge
	}
	if r.rwe-r.adv >= w/2 && int32(r.adv-r.next) <= int32(r.advSize/2) {
		r.fcNow = true
	}
}

// nextAck builds the ack, window update or echo that is due, in one packet.
func (c *Conn) nextAck(now clock.Time) *pkt.Buf {
	r := &c.rcv
	if !r.ackNow && !r.fcNow && !r.echoNow && !r.final {
		return nil
	}
	var h wire.FRCPHeader
	if r.active(now) {
		if c.mayAck(now) && (r.ackNow || r.echoNow || r.final || r.acked != r.next) {
			h.Flags |= wire.FRCPAck
			h.Ackno = r.next
		}
		if !r.final {
			c.addWindow(now, &h)
		}
	}
	echo := r.echoNow
	r.ackNow, r.fcNow, r.echoNow, r.final = false, false, false, false
	if h.Flags == 0 && !echo {
		return nil
	}
	return c.buildAck(now, h, echo)
}

func (c *Conn) buildAck(now clock.Time, h wire.FRCPHeader, echo bool) *pkt.Buf {
	r := &c.rcv
	n, ranges := wire.FRCPLen, -1
	// The final ack is the prototype's, to the byte.
	if h.Flags&wire.FRCPAck != 0 && h.Flags != wire.FRCPAck && !c.cfg.PlainAcks && !c.cfg.NoRanges {
		ranges = min(len(r.ranges), wire.FRCPMaxRanges)
		n += wire.FRCPRangesLen(ranges)
	}
	if echo {
		n += wire.FRCPProbeLen
	}
	p := c.cfg.Pool.Get(c.cfg.Headroom, n)
	b := p.Bytes()
	h.Put(b)
	b = b[wire.FRCPLen:]
	c.snd.shown = c.snd.shown || ranges >= 0 || echo
	if ranges >= 0 {
		r.putRanges(wire.PutFRCPRanges(b, ranges), ranges)
		b = b[wire.FRCPRangesLen(ranges):]
	}
	if echo {
		r.echo.Put(b, wire.FRCPExtEcho)
	}
	if h.Flags&wire.FRCPAck != 0 {
		c.ackSent()
		r.acker = true
		c.stats.Acks++
	} else {
		c.stats.Windows++
	}
	if c.snd.started {
		c.snd.act = now
	}
	return p
}

// putRanges writes n of the ranges. Where there are more, those of the latest arrivals come first, so that
// the loss of a few acks hides nothing (RFC 2018 §4), then what lies below the latest, and around.
func (r *receiver) putRanges(x wire.FRCPRanges, n int) {
	if n == len(r.ranges) {
		for i, g := range r.ranges {
			x.Set(i, g)
		}
		return
	}
	var chosen [wire.FRCPMaxRanges]int
	k := 0
	add := func(i int) {
		if k < n && !slices.Contains(chosen[:k], i) {
			x.Set(k, r.ranges[i])
			chosen[k] = i
			k++
		}
	}
	for i := range r.lately {
		seq := r.lately[(r.arrivals-1-i)&(len(r.lately)-1)]
		at, _ := slices.BinarySearchFunc(r.ranges, seq, func(g wire.SeqRange, seq uint32) int { return int(int32(g.End - 1 - seq)) })
		if at < len(r.ranges) && !before(seq, r.ranges[at].Start) {
			add(at)
		}
	}
	for i := 0; k < n; i++ {
		add((r.recent - i%len(r.ranges) + len(r.ranges)) % len(r.ranges))
	}
}

// extensions are those that stand behind the PCI of a control packet.
type extensions struct {
	ranges            wire.FRCPRanges
	probe, echo       wire.FRCPProbe
	fin, finAck       wire.FRCPFin
	any               bool // one that we know was there: the peer is one of ours
	hasRanges         bool
	hasProbe, hasEcho bool
	hasFin, hasFinAck bool
}

func parseExtensions(b []byte) (x extensions) {
	for {
		t, v, rest, ok := wire.NextFRCPExt(b)
		if !ok {
			return x
		}
		b = rest
		switch t {
		case wire.FRCPExtRanges:
			x.ranges, x.hasRanges, x.any = wire.FRCPRanges(v), true, true
		case wire.FRCPExtProbe:
			x.probe, x.hasProbe = wire.ParseFRCPProbe(v)
			x.any = x.any || x.hasProbe
		case wire.FRCPExtEcho:
			x.echo, x.hasEcho = wire.ParseFRCPProbe(v)
			x.any = x.any || x.hasEcho
		case wire.FRCPExtFin:
			x.fin, x.hasFin = wire.ParseFRCPFin(v)
			x.any = x.any || x.hasFin
		case wire.FRCPExtFinAck:
			x.finAck, x.hasFinAck = wire.ParseFRCPFin(v)
			x.any = x.any || x.hasFinAck
		}
	}
}
