package frcp

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"ouroboros/core/clock"
	"ouroboros/core/wire"
)

// prototype is the end of a flow as the prototype has it, defects included (spec 10 §10.5 to §10.12, §10.19): what
// it takes from us and what it makes of it. Its application reads at once and writes blocking.
type prototype struct {
	reliable bool
	snd      struct{ lwe, seq, rwe, act uint32 } // act in whole seconds
	rcv      struct{ lwe, rwe, seq, act uint32 }
	queue    [256][]byte
	lastData clock.Time
	acks     []clock.Time
	unacked  []protoSent
	rto      time.Duration
	writes   []uint32 // of the application, not sent yet
	got      []uint32
	out      [][]byte

	poisoned bool // it has become active without a run (D1)
	odd      int  // packets with reserved bits, or with more than a message
}

type protoSent struct {
	seq        uint32
	b          []byte
	first, due clock.Time
}

const (
	protoInact = 131 // seconds, both directions
	protoStart = 1000
)

func seconds(now clock.Time) uint32 { return protoStart + uint32(time.Duration(now)/time.Second) }

func newPrototype(reliable bool) *prototype {
	p := &prototype{reliable: reliable, rto: 200 * time.Millisecond}
	p.snd.rwe = 64
	return p
}

func (p *prototype) sending(now clock.Time) bool   { return seconds(now)-p.snd.act <= protoInact }
func (p *prototype) receiving(now clock.Time) bool { return seconds(now)-p.rcv.act <= protoInact }

func (p *prototype) control(f wire.FRCPFlags, window, ack uint32) {
	b := make([]byte, wire.FRCPLen)
	wire.FRCPHeader{Flags: f, Window: window, Ackno: ack}.Put(b)
	p.out = append(p.out, b)
}

func (p *prototype) ack(now clock.Time) {
	if !p.reliable || !after(p.rcv.lwe, p.rcv.seq) || seconds(now)-p.rcv.act > 10 || now.Sub(p.lastData) < 5*time.Millisecond {
		return
	}
	p.rcv.seq = p.rcv.lwe
	p.control(wire.FRCPAck|wire.FRCPFC, p.rcv.rwe, p.rcv.lwe)
}

func after(a, b uint32) bool { return before(b, a) }

// receive is spec 10 §10.8.
func (p *prototype) receive(now clock.Time, b []byte) {
	if len(b) == 0 {
		return
	}
	h, err := wire.ParseFRCP(b)
	if err != nil {
		panic(err)
	}
	data := h.Flags&wire.FRCPData != 0
	if data && len(b) != wire.FRCPLen+4 || h.Flags&0xe0 != 0 {
		p.odd++
	}
	if !p.receiving(now) {
		switch {
		case h.Flags&wire.FRCPDRF != 0:
			p.rcv.lwe, p.rcv.seq, p.rcv.rwe = h.Seqno, h.Seqno, h.Seqno+256
		case data:
			p.ack(now)
			return
		default:
			p.poisoned = true
		}
	}
	p.rcv.act = seconds(now)
	if h.Flags&wire.FRCPRdvs != 0 {
		p.control(wire.FRCPFC, p.rcv.rwe, 0)
		return
	}
	if h.Flags&wire.FRCPAck != 0 && after(h.Ackno, p.snd.lwe) {
		p.snd.lwe = h.Ackno
	}
	if h.Flags&wire.FRCPFC != 0 {
		rwe := p.snd.rwe&0xff000000 | h.Window
		if before(rwe, p.snd.rwe) && p.snd.rwe-rwe > 0x7fffff {
			rwe += 0x01000000
		}
		p.snd.rwe = rwe
	}
	switch {
	case !data:
		p.ack(now)
		return
	case before(h.Seqno, p.rcv.lwe):
		p.rcv.seq = h.Seqno
		p.ack(now)
		return
	case !p.reliable:
		p.rcv.lwe = h.Seqno + 1
		p.rcv.rwe++ // D17: by one, whatever was skipped
		p.got = append(p.got, binary.BigEndian.Uint32(b[wire.FRCPLen:]))
		return
	case !before(h.Seqno, p.rcv.rwe) || !before(h.Seqno, p.rcv.lwe+256) || p.queue[h.Seqno%256] != nil:
		p.ack(now)
		return
	}
	p.queue[h.Seqno%256] = b[wire.FRCPLen:]
	p.acks = append(p.acks, now.Add(12*time.Millisecond))
	for p.queue[p.rcv.lwe%256] != nil {
		p.got = append(p.got, binary.BigEndian.Uint32(p.queue[p.rcv.lwe%256]))
		p.queue[p.rcv.lwe%256] = nil
		p.rcv.lwe++
		p.rcv.rwe++
	}
}

// serve is what its threads do: delayed acks, retransmission, and the write that the application waits for.
func (p *prototype) serve(now clock.Time, rnd *rand.Rand) {
	for len(p.acks) > 0 && p.acks[0] <= now {
		p.acks = p.acks[1:]
		p.ack(now)
	}
	kept := p.unacked[:0]
	for _, u := range p.unacked {
		if before(u.seq, p.snd.lwe) {
			continue
		}
		if u.due <= now {
			binary.BigEndian.PutUint32(u.b[8:], p.rcv.lwe)
			p.out = append(p.out, append([]byte(nil), u.b...))
			u.due = now.Add(p.rto) // it backs off, but that matters little here
		}
		kept = append(kept, u)
	}
	p.unacked = kept
	for len(p.writes) > 0 && p.snd.seq != p.snd.rwe {
		p.write(now, p.writes[0], rnd)
		p.writes = p.writes[1:]
	}
}

// write is spec 10 §10.7.
func (p *prototype) write(now clock.Time, v uint32, rnd *rand.Rand) {
	h := wire.FRCPHeader{Flags: wire.FRCPData}
	if p.snd.seq == p.snd.lwe {
		h.Flags |= wire.FRCPDRF
	}
	if !p.sending(now) {
		p.snd.seq = rnd.Uint32()
		p.snd.lwe, p.snd.rwe = p.snd.seq, p.snd.seq+64
	}
	h.Seqno = p.snd.seq
	if p.receiving(now) {
		h.Flags, h.Window = h.Flags|wire.FRCPFC, p.rcv.rwe
	}
	if !p.reliable {
		p.snd.lwe++
	} else if seconds(now)-p.rcv.act <= 10 {
		h.Flags, h.Ackno, p.rcv.seq = h.Flags|wire.FRCPAck, p.rcv.lwe, p.rcv.lwe
	}
	p.snd.seq++
	p.snd.act, p.lastData = seconds(now), now
	b := make([]byte, wire.FRCPLen+4)
	h.Put(b)
	binary.BigEndian.PutUint32(b[wire.FRCPLen:], v)
	p.out = append(p.out, b)
	if p.reliable {
		p.unacked = append(p.unacked, protoSent{h.Seqno, append([]byte(nil), b...), now, now.Add(p.rto)})
	}
}
