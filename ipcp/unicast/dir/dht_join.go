package dir

import (
	"encoding/binary"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

const (
	knockFirst = 2 * time.Millisecond
	knockLast  = 1024 * time.Millisecond // from then on between 1 and 2 s
	// backPause is the longest time between two requests to contacts that were given up.
	backPause = 30 * time.Second
)

// emergency is how a member without contacts finds its first (spec 05 §7): it asks its peer for its own
// identifier until it is answered. The prototype is content when the request could be sent, although
// the way to the peer is often not there yet.
type emergency struct {
	peer   uint64
	at     core.Time // of the next request, clock.Never if none is needed
	wait   time.Duration
	cookie uint64 // the same for all these requests
	in     bool   // this member has had contacts, or is the first
}

// Join makes this member known through a peer; 0, or its own address, for the first member.
func (d *DHT) Join(now core.Time, peer uint64) {
	d.begun()
	if peer == d.self.addr {
		peer = 0
	}
	d.join = emergency{peer: peer, at: clock.Never, cookie: d.cookie(), in: peer == 0}
	if peer != 0 {
		d.join.at, d.join.wait = now, knockFirst
	}
}

// knock sends the request, to the peer and to one of the contacts that were given up. The pauses are
// those of spec 05 §7.2.
func (d *DHT) knock(now core.Time) {
	d.join.at = now.Add(d.join.wait)
	if d.join.wait *= 2; d.join.wait > knockLast {
		d.join.wait = time.Second + d.jitter(time.Second)
	}
	req := message{code: codeFindNodeReq, key: d.self.id, cookie: d.join.cookie}
	if d.join.peer != 0 {
		d.send(d.join.peer, &req)
	}
	d.scratch = d.table.closest(d.scratch[:0], d.rand.Uint64(), 1, true)
	if len(d.scratch) > 0 && d.scratch[0].addr != d.join.peer {
		d.send(d.scratch[0].addr, &req)
	}
}

// takeWelcome handles the answer to such a request. It reports false if the message is none.
func (d *DHT) takeWelcome(now core.Time, m *message) bool {
	if m.code != codeFindNodeRsp || m.key != d.self.id || m.cookie != d.join.cookie || m.cookie == 0 {
		return false
	}
	back := d.table.lost(m.src)
	d.hear(now, m.src)
	for _, c := range m.contacts {
		d.table.told(c)
	}
	if d.join.at == clock.Never && !back {
		d.stats.Repeated++
		return true
	}
	d.enter(now)
	return true
}

// found is called when this member has a contact after it had none. Until it has joined, an answer is what
// counts.
func (d *DHT) found(now core.Time) {
	if d.join.in {
		d.enter(now)
	}
	for _, l := range d.lookups {
		if len(l.peers) == 0 && !l.over {
			d.begin(now, l)
		}
	}
}

// enter looks for the own identifier, which makes this member known to those close to it and them to it.
func (d *DHT) enter(now core.Time) {
	d.join.at = clock.Never
	d.start(now, &lookup{key: d.self.id, refresh: true})
}

// checkAlone begins to ask the peer again when no contact is left (spec 05 §7.3).
func (d *DHT) checkAlone(now core.Time) {
	if d.table.good > 0 || d.join.at != clock.Never || !d.join.in {
		return
	}
	if d.join.peer != 0 || len(d.table.byAddr) > 0 {
		d.join.at, d.join.wait = now, knockLast
	}
}

// Met has a member that has lost all its contacts, or whose peer does not answer, ask a new neighbour. Where all
// that it knew has gone, nobody else could tell it of those who came since.
func (d *DHT) Met(now core.Time, addr uint64) {
	forsaken := len(d.table.byAddr) > 0 || !d.join.in && d.join.wait >= knockLast
	if d.table.good > 0 || !forsaken || addr == d.self.addr || addr == d.join.peer {
		return
	}
	d.join.peer = addr
	d.join.at, d.join.wait = now, knockFirst
}

// gaveUp is called when a contact may have been given up: from now on one of those is asked from time to time.
func (d *DHT) gaveUp(now core.Time) {
	if d.backAt == clock.Never && d.table.anyLost() {
		d.backAt = now.Add(backPause)
		d.wake(d.backAt)
	}
}

// lookBack asks a contact that was given up, if it is time, and returns when the next one is. A layer that was cut in
// two gives up all contacts across the cut; without this it would stay two directories when it is one again. Who
// answers is a contact again, and the own identifier is looked up through it (takeWelcome).
func (d *DHT) lookBack(now core.Time) core.Time {
	if now < d.backAt {
		return d.backAt
	}
	d.backAt = clock.Never
	d.scratch = d.table.closest(d.scratch[:0], d.rand.Uint64(), 1, true)
	if len(d.scratch) > 0 {
		d.send(d.scratch[0].addr, &message{code: codeFindNodeReq, key: d.self.id, cookie: d.join.cookie})
		d.backAt = now.Add(d.soonerThan(backPause))
	}
	return d.backAt
}

// fill is called when a lookup of the own identifier is over: the contacts close by are known now. The
// first time, the buckets farther away that have room are looked up soon, one after the other.
func (d *DHT) fill(now core.Time) {
	d.selfDue = now.Add(d.soonerThan(d.cfg.Refresh))
	d.wake(d.selfDue)
	if d.join.in {
		return
	}
	d.join.in = true
	for i := range d.table.neighbourhood() {
		if b := &d.table.buckets[i]; len(b.live) < d.cfg.K {
			b.due = now
		}
	}
	d.wake(now)
}

// renew looks up one part of the contact table that is due, if any, and returns when the next one is.
func (d *DHT) renew(now core.Time) core.Time {
	next := min(d.selfDue, d.lookBack(now))
	if d.selfDue <= now {
		d.selfDue = clock.Never // until fill
		d.start(now, &lookup{key: d.self.id, refresh: true})
		return now
	}
	for i := range d.table.neighbourhood() {
		b := &d.table.buckets[i]
		if b.due == 0 {
			b.due = now.Add(d.soonerThan(d.cfg.Refresh))
		}
		if b.due <= now {
			d.start(now, &lookup{key: d.randomIn(i), refresh: true})
			return now
		}
		next = min(next, b.due)
	}
	return next
}

// randomIn returns a random identifier that belongs into a bucket below 64.
func (d *DHT) randomIn(i int) core.Hash {
	shared := ^uint64(0) << (64 - i)
	flip := uint64(1) << (63 - i)
	prefix := d.self.prefix&shared | ^d.self.prefix&flip | d.rand.Uint64()&(flip-1)
	id := binary.BigEndian.AppendUint64(nil, prefix)
	return core.Hash(append(id, d.randomID()[8:]...))
}
