package frcp

import (
	"errors"
	"math"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/crypt"
	"ouroboros/core/pkt"
)

// Endpoint is the user's end of a flow: a Conn bound to the flow of a layer. It is a core.Flow to the
// user and the core.Sink of the flow below. All calls are made on the actor of its Env.
//
// It adds what is not delta-t: encryption, the CRC trailer, keepalive and peer time-out, back-pressure, and
// lingering after Close. The one timer is lazy: it is moved only to an earlier time and asks for the
// next deadline when it fires.
type Endpoint struct {
	// What every packet needs stands together, in few cache lines.
	below     core.Flow
	conn      *Conn
	sink      core.Sink
	held      *pkt.Buf // refused by the flow below
	lastRecv  clock.Time
	lastSend  clock.Time     // of data and keepalives
	packets   *crypt.Packets // nil on flows in clear
	crc       bool
	raw       bool // no FRCP
	plain     bool // raw, in clear, without trailer: packets pass as they are
	back      bool // those that are refused stay with the user
	full      bool // the flow below has refused one of them
	receiving bool // the user wants messages
	want      bool // the user waits for Writable
	phase     phase
	down      bool // the user knows that the flow is down
	info      core.FlowInfo
	env       core.Env

	err     error         // why the flow ended, until the user is told
	closing bool          // the user has called Close
	wait    time.Duration // what it asked for then

	timer     clock.Timer
	armed     clock.Time // when it fires; Never if stopped
	posted    bool
	run       func() // the posted call
	silence   time.Duration
	keepalive uint64
	hollows   uint64
	vouched   bool // an encrypted keepalive has come: those in clear are not the peer's
	badCRC    uint64
	unsealed  uint64
}

type phase uint8

const (
	phaseOpen   phase = iota
	phaseLinger       // closed by the user or the peer, not all is sent, acknowledged or answered
	phaseDone
)

var (
	_ core.Flow = (*Endpoint)(nil)
	_ core.Sink = (*Endpoint)(nil)
)

// Wrap puts the protocol that the QoS of the flow below asks for on it, with the default parameters. See
// WrapWith.
func Wrap(env core.Env, below core.Flow) (*Endpoint, error) { return WrapWith(env, below, Params{}) }

// WrapWith is Wrap with parameters of choice; both ends must agree on A and R. A core.SecureFlow is unlocked,
// and everything on it encrypted. It fails when a parameter is out of its range or a cipher cannot be had, and
// then leaves the flow alone, for the caller to close.
func WrapWith(env core.Env, below core.Flow, params Params) (*Endpoint, error) {
	sealed, sec, below, err := unlock(env, below, params)
	if err != nil {
		return nil, err
	}
	now := env.Now()
	e := &Endpoint{
		env: env, below: below, info: below.Info(), receiving: true, packets: sealed,
		armed: clock.Never, lastRecv: now, lastSend: now,
	}
	rate, shared := pace(below)
	conn, err := NewConn(Config{
		Params: params, Mode: e.info.QoS.Mode(), MPL: e.info.MPL, Headroom: e.headroom(),
		Pool: env.Pool, Rand: env.Rand, Backlog: e.backlog, Rate: rate, Shared: shared,
	}, now)
	if err != nil {
		return nil, err
	}
	e.conn, e.crc, e.silence = conn, e.info.QoS.BER == 0, e.info.QoS.PeerTimeout()
	e.raw = conn.cfg.Mode == core.ModeRaw
	e.size(sec)
	e.plain = e.raw && !e.crc && sealed == nil
	e.timer = env.NewTimer(e.expire)
	e.run = func() {
		e.posted = false
		e.step()
	}
	below.Attach(e)
	e.arm(now)
	return e, nil
}

// Info describes the flow as the user sees it: room for PCI and CRC is taken off.
func (e *Endpoint) Info() core.FlowInfo { return e.info }

// Queued returns what the next packet would wait behind on this system.
func (e *Endpoint) Queued() int {
	n := e.below.Queued() + e.conn.Kept()
	if e.held != nil {
		n++
	}
	return n
}

// backlog tells the Conn how many packets are in front of one sent now: any number, while the flow
// below is blocked.
func (e *Endpoint) backlog() int {
	if e.held != nil {
		return math.MaxInt
	}
	return e.below.Queued()
}

// Write sends a message. See core.Flow.
func (e *Endpoint) Write(p *pkt.Buf) error {
	switch {
	case e.phase != phaseOpen:
		p.Release()
		if e.conn.PeerClosed() {
			return core.ErrPeerClosed
		}
		return core.ErrFlowDown
	case p.Len() > e.info.MTU:
		defer p.Release()
		return core.SizeError{Len: p.Len(), MTU: e.info.MTU}
	case e.held != nil:
		e.want = true
		return core.ErrWouldBlock
	}
	now := e.env.Now()
	if e.raw {
		if e.back {
			return e.pass(now, p)
		}
		e.lastSend = now
		if p.Len() > 0 {
			e.conn.stats.Sent++
		}
		return e.emit(p)
	}
	if err := e.conn.Send(now, p); err != nil {
		e.want = e.want || errors.Is(err, core.ErrWouldBlock)
		e.arm(now)
		return err
	}
	e.lastSend = now
	e.flush(now)
	e.arm(now)
	return nil // a packet that the flow below refused counts as lost, and is sent again if it must arrive
}

// GiveBack has a packet that the flow below refuses stay with the user, who may have another that goes first
// once there is room. Otherwise one is held here, and the user is refused from the next on. It is for flows
// whose packets pass as they are (raw, without trailer); on others it changes nothing: what has a sequence
// number goes in its order.
func (e *Endpoint) GiveBack() { e.back = e.plain }

// pass writes a packet to the flow below as it is, or leaves it to the user.
func (e *Endpoint) pass(now clock.Time, p *pkt.Buf) error {
	n := p.Len()
	err := e.below.Write(p)
	if err != nil && errors.Is(err, core.ErrWouldBlock) {
		e.want, e.full = true, true
		return err
	}
	e.lastSend = now
	if n > 0 {
		e.conn.stats.Sent++
	}
	return err
}

// flush hands what the Conn has to the flow below, until that refuses.
func (e *Endpoint) flush(now clock.Time) {
	for e.held == nil {
		p := e.conn.Next(now)
		if p == nil {
			break
		}
		_ = e.emit(p) // a refusal is a loss
	}
}

// emit does to a packet what comes below FRCP (spec 10 §10.2), and sends it. What cannot be encrypted is not
// sent.
func (e *Endpoint) emit(p *pkt.Buf) error {
	if e.packets != nil {
		if err := e.packets.Seal(p); err != nil {
			e.unsealed++
			p.Release()
			return err
		}
	}
	if e.crc && p.Len() > 0 {
		addCRC(p)
	}
	return e.put(p)
}

// put writes one packet, or holds it.
func (e *Endpoint) put(p *pkt.Buf) error {
	err := e.below.Write(p)
	if err != nil && errors.Is(err, core.ErrWouldBlock) {
		e.held = p
		return nil
	}
	return err
}

// SetReceive turns delivery off or on. While it is off the window closes; on raw flows messages beyond
// the window are dropped. Keepalives and acks are received all the same.
func (e *Endpoint) SetReceive(on bool) {
	e.receiving = on
	if on {
		e.post()
	}
}

// Attach sets the user.
func (e *Endpoint) Attach(s core.Sink) {
	e.sink = s
	e.post()
}

// post has step run after the current call.
func (e *Endpoint) post() {
	if !e.posted {
		e.posted = true
		e.env.Post(e.run)
	}
}

// Close ends the flow for the user. Messages that are not acknowledged are still retransmitted, for R
// at most, and the peer is told; then the flow below is closed with the time that delta-t needs, or wait if
// that is longer.
//
// On a system that has ended nothing can be waited for: all that the endpoint holds is given back at once.
func (e *Endpoint) Close(wait time.Duration) {
	if e.env.Ended() {
		e.abandon()
		return
	}
	if e.phase != phaseOpen {
		// It ended by itself, and the user does not want the rest.
		e.sink, e.err, e.closing = nil, nil, true
		e.conn.Close()
		if e.phase == phaseDone {
			e.conn.Release()
		} else {
			e.finish(e.env.Now())
		}
		return
	}
	e.phase, e.sink, e.want, e.closing, e.wait = phaseLinger, nil, false, true, wait
	e.conn.Close()
	now := e.env.Now()
	e.flush(now)
	if !e.finish(now) {
		e.arm(now)
	}
}

// abandon gives everything back without a word.
func (e *Endpoint) abandon() {
	was := e.phase
	e.sink, e.err, e.closing = nil, nil, true
	e.end()
	e.conn.Release()
	if was != phaseDone {
		e.below.Close(0)
	}
}

// finish ends lingering when nothing is left to send, and reports whether it did.
func (e *Endpoint) finish(now clock.Time) bool {
	if e.phase != phaseLinger || e.held != nil {
		return false
	}
	w := max(e.wait, e.conn.Wait(now))
	if !e.conn.Settled() {
		if r, ok := e.below.(core.Rester); ok && e.closing && e.conn.resting() {
			r.Rest(w)
		}
		return false
	}
	e.end()
	if e.closing {
		e.conn.Release()
	}
	e.below.Close(w)
	return true
}

// end gives back all that the endpoint holds but the messages that wait for the user.
func (e *Endpoint) end() {
	e.phase = phaseDone
	e.timer.Stop()
	e.armed = clock.Never
	if e.held != nil {
		e.held.Release()
		e.held = nil
	}
	e.conn.fail(core.ErrFlowDown)
}

// EndpointStats are the counters of an Endpoint.
type EndpointStats struct {
	Stats
	Keepalives uint64 // sent
	BadCRC     uint64 // received packets dropped for their trailer
	Hollow     uint64 // empty packets that did not count as a sign of life
	Crypt      crypt.PacketStats
	Unsealed   uint64 // packets that were not sent because there was no entropy to encrypt them with
}

// Stats returns the counters so far. They stay after the end.
func (e *Endpoint) Stats() EndpointStats {
	s := EndpointStats{Stats: e.conn.Stats(), Keepalives: e.keepalive, BadCRC: e.badCRC, Hollow: e.hollows, Unsealed: e.unsealed}
	if e.packets != nil {
		s.Crypt = e.packets.Stats()
	}
	return s
}
