package dir

import (
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

const (
	maxBackground = 4                      // lookups under way for the table and for publishing
	workPace      = 100 * time.Millisecond // between two portions of periodic work
	workKeys      = 16                     // keys of others replicated in one portion
	maxHandOff    = 32                     // values handed to a new member at once
	handers       = 3                      // members that do so for the same key
	settle        = time.Second            // from a new contact to publishing again
	publishAgain  = 2 * time.Second        // after nobody has answered
)

// registration is a name of this member.
type registration struct {
	key     core.Hash
	due     core.Time // of the next publication
	sent    core.Time // the last one
	exp     uint32    // told by it, UNIX time in s
	holders int       // members it was sent to
	busy    bool      // the lookup of those members is under way
	gone    bool
}

func (d *DHT) registration(h core.Hash) *registration { return d.byKey[h] }

// Register makes the digest known at this member's address. The STOREs follow once the k closest members
// have been found; they go out again every t_replicate (D9), and soon when there were fewer than k and
// another one appears. Registering again sends them again.
func (d *DHT) Register(now core.Time, h core.Hash) error {
	d.begun()
	if d.self.addr == 0 {
		return errNoAddress
	}
	if err := d.checkKey(h); err != nil {
		return err
	}
	r := d.registration(h)
	if r == nil {
		r = &registration{key: h}
		d.own, d.byKey[h] = append(d.own, r), r
	}
	r.due = now
	d.wake(now)
	return nil
}

// Unregister takes it back at this member; there is no message that tells others (spec 05 §6.2).
func (d *DHT) Unregister(_ core.Time, h core.Hash) {
	d.begun()
	if r := d.registration(h); r != nil {
		r.gone = true
		delete(d.byKey, h)
		d.own = slices.DeleteFunc(d.own, func(x *registration) bool { return x == r })
	}
}

// work does a portion of the periodic work (spec 05 §8) and sets when the next is due. There is at most
// one every workPace, so that a thousand names that fall due together do not make a burst.
func (d *DHT) work(now core.Time) {
	d.workAt = clock.Never
	next := d.publishDue(now)
	next = min(next, d.replicateDue(now))
	if _, busy := d.active(); d.join.in && d.table.good > 0 {
		if busy < maxBackground {
			next = min(next, d.renew(now))
		} else {
			next = now
		}
	}
	if next != clock.Never {
		d.wake(max(next, now.Add(workPace)))
	}
}

// active returns the number of lookups under way for queries, and for the sake of table and names.
func (d *DHT) active() (queries, background int) {
	for _, l := range d.lookups {
		switch {
		case l.over:
		case l.value:
			queries++
		default:
			background++
		}
	}
	return queries, background
}

// publishDue looks for the holders of own names that are due, as many at a time as the background may
// hold, and returns when the next one is. Without contacts there is nothing to do until notice.
func (d *DHT) publishDue(now core.Time) core.Time {
	if !d.join.in || d.table.good == 0 {
		return clock.Never
	}
	_, busy := d.active()
	next := clock.Never
	for _, r := range d.own {
		if d.thinAt <= now && r.holders < d.cfg.K {
			r.due = min(r.due, now)
		}
		if r.busy {
			continue
		}
		if r.due <= now && busy < maxBackground {
			busy++
			r.busy = true
			d.start(now, &lookup{key: r.key, publish: r})
			continue
		}
		next = min(next, r.due)
	}
	if d.thinAt <= now {
		d.thinAt = clock.Never
	}
	return min(next, d.thinAt)
}

// place sends STORE to the k closest members that have answered the lookup (D6).
func (d *DHT) place(now core.Time, l *lookup, r *registration) {
	r.busy = false
	if r.gone {
		return
	}
	r.exp = uint32(d.unix() + int64(d.cfg.Expire.Seconds()))
	r.holders = 0
	for i := range l.peers {
		if l.peers[i].state != answered {
			continue
		}
		d.store(l.peers[i].addr, r.key, addrValue(d.self.addr), r.exp)
		if r.holders++; r.holders == d.cfg.K {
			break
		}
	}
	if r.holders == 0 {
		r.due = now.Add(publishAgain)
	} else {
		r.sent, r.due = now, now.Add(d.soonerThan(d.cfg.Replicate))
	}
	d.wake(r.due)
}

func (d *DHT) store(to uint64, key core.Hash, data string, exp uint32) {
	d.send(to, &message{code: codeStore, key: key, values: []string{data}, exp: exp})
}

// notice is called when a member is heard for the first time: a name with fewer than k holders may have
// one more. Many may appear together, so the names wait a moment.
func (d *DHT) notice(now core.Time) {
	if d.thinAt != clock.Never {
		return
	}
	for _, r := range d.own {
		if r.holders < d.cfg.K {
			d.thinAt = now.Add(settle)
			d.wake(d.thinAt)
			return
		}
	}
}

// replicateDue sends the values of others that are due on to the k closest members with the expiry that
// they have (spec 05 §8.1), a portion of the keys at a time, and returns when the next one is due. Only who is
// itself among the k closest it knows does so: others have the value because the layer was smaller once.
func (d *DHT) replicateDue(now core.Time) core.Time {
	wall := d.unix()
	d.held.sweep(wall)
	next, keys := clock.Never, 0
	for _, it := range d.held.items {
		var to []contact
		for i := range it.values {
			v := &it.values[i]
			if v.due > now || keys == workKeys {
				next = min(next, v.due)
				continue
			}
			if to == nil {
				d.scratch = d.table.closest(d.scratch[:0], it.prefix, d.cfg.K, false)
				to = d.scratch
			}
			if len(to) > 0 && (len(to) < d.cfg.K || closer(&d.self, &to[len(to)-1], it.prefix) < 0) {
				for _, c := range to {
					d.store(c.addr, it.key, v.data, v.exp)
				}
				v.sent = now
			}
			v.due = now.Add(d.cfg.Replicate + d.cfg.Replicate/8 + d.jitter(d.cfg.Replicate/4))
			next = min(next, v.due)
		}
		if to != nil {
			keys++
		}
	}
	return next
}

// handOff sends a member that was not heard before the values that it should hold from now on, as the
// Kademlia paper asks: those of keys to which it is among the k closest known. The few closest of the other
// members do so, not all, which spares messages; not the closest alone, which may be a newcomer itself and
// not have the value yet.
func (d *DHT) handOff(now core.Time, c contact) {
	wall, n := d.unix(), 0
	if len(d.held.items) == 0 {
		return
	}
	others := d.table.countOthers(&c)
	for _, it := range d.held.items {
		if d.ruledOut(it.prefix, &c, &others) || !d.handsOver(it.prefix, &c) {
			continue
		}
		for i := range it.values {
			v := &it.values[i]
			switch {
			case int64(v.exp) < wall:
			case n == maxHandOff:
				v.due = min(v.due, now.Add(workPace))
				d.wake(v.due)
			default:
				d.store(c.addr, it.key, v.data, v.exp)
				n++
			}
		}
	}
}

// ruledOut tells from the numbers of other contacts in the buckets alone that this member does not hand over
// the values of a key to c. A member holds hundreds of keys, hears a thousand members, and there is next to
// nothing to hand over.
//
// All contacts in the bucket of the key are closer to it than this member, so a few of them are enough. To a
// key that shares more bits with this member than c does, this member is closer than c, and so are all in the
// buckets above that of c.
func (d *DHT) ruledOut(key uint64, c *contact, others *[65]othersAt) bool {
	at, of := d.table.index(key), d.table.index(c.prefix)
	return at < 64 && others[at].in >= handers || at > of && others[of].above >= d.cfg.K-1
}

// handsOver tells whether c is among the k closest to a key and this member among the few closest others.
func (d *DHT) handsOver(key uint64, c *contact) bool {
	closerThanSelf := 0
	for i := d.table.index(key); i < len(d.table.buckets); i++ {
		for j := range d.table.buckets[i].live {
			x := &d.table.buckets[i].live[j]
			if x.id == c.id || x.lost() || closer(&x.contact, &d.self, key) > 0 {
				continue
			}
			if closerThanSelf++; closerThanSelf == handers {
				return false
			}
		}
	}
	others := d.cfg.K // that may be closer than c for it to be one of the k closest
	if closer(&d.self, c, key) < 0 {
		others--
	}
	d.scratch = d.table.closest(d.scratch[:0], key, d.cfg.K+1, false)
	for i := range d.scratch {
		if x := &d.scratch[i]; x.id != c.id && closer(x, c, key) < 0 {
			others--
		}
	}
	return others > 0
}

// Registered hands out what this member has registered, in the order of registration.
func (d *DHT) Registered(yield func(core.Hash)) {
	for _, r := range d.own {
		yield(r.key)
	}
}
