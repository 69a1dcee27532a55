package line

import (
	"math"
	"slices"

	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

// impair puts a packet on the line with whatever befalls it. The draws are made in a fixed order.
func (l *Line) impair(f flight) {
	l.sent++
	if l.loses() {
		f.fate = lostRandom
	} else if l.spec.BER > 0 && l.errors(f.p) {
		f.fate = lostError
	}
	if l.spec.Jitter > 0 {
		f.extra = clock.Time(l.rng.Int64N(int64(l.spec.Jitter)))
	}
	if l.spec.Reorder > 0 && l.rng.Float64() < l.spec.Reorder {
		f.mark |= held
		f.extra += clock.Time(l.spec.ReorderBy)
	}
	twice := l.spec.Duplicate > 0 && l.rng.Float64() < l.spec.Duplicate && f.fate == fine
	l.enter(f)
	if twice {
		l.st.Duplicated++
		f.p, f.mark = f.p.Clone(), f.mark|twin
		l.peers.again(f.peer)
		l.enter(f)
	}
}

// loses draws the losses: targeted, burst, random.
func (l *Line) loses() bool {
	lost := slices.Contains(l.spec.Drop, l.sent)
	if g := l.spec.Gilbert; g != nil {
		turn, loss := g.P, g.LossGood
		if l.bad {
			turn = g.R
		}
		if l.rng.Float64() < turn {
			l.bad = !l.bad
		}
		if l.bad {
			loss = g.LossBad
		}
		lost = l.rng.Float64() < loss || lost
	}
	if l.spec.Loss > 0 {
		lost = l.rng.Float64() < l.spec.Loss || lost
	}
	return lost
}

// errors draws bit errors by the distance to the next one, which is geometric. It reports whether the
// packet is lost to them; without FCS it flips the bits instead.
func (l *Line) errors(p *pkt.Buf) bool {
	bits := p.Len() * 8
	gap := func() int {
		if l.spec.BER >= 1 {
			return 0
		}
		g := math.Log(1-l.rng.Float64()) / math.Log1p(-l.spec.BER)
		return int(min(g, 1e9))
	}
	at := gap()
	if at >= bits {
		return false
	}
	if !l.spec.NoFCS {
		return true
	}
	for b := p.Bytes(); at < bits; at += 1 + gap() {
		b[at/8] ^= 0x80 >> (at % 8)
	}
	return false
}
