package dir

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// DHT is the policy dht: a Networked directory after Kademlia (Maymounkov and Mazières, 2002) on the
// wire of spec 05, with the advice of its §10 and decisions 1 and 2. Every name is held by the k members
// whose identifiers are closest to its digest; a lookup asks members ever closer to it.
//
// There is no message that takes a value back. After Unregister, and after a member has died, others
// answer with its address until t_expire has passed since it was last renewed; those that are still
// renewed come first, and who gets no flow at one address goes on to the next.
type DHT struct {
	cfg   *DHTConfig
	post  func(fn func())
	wall  func() int64
	rand  *rand.Rand
	idLen int

	self    contact // address 0 before SetAddress and after Stop
	table   table
	lookups []*lookup
	waiting []*query // for one of the maxLookups places, in the order of their time-outs
	cache   []found
	own     []*registration
	byKey   map[core.Hash]*registration // of own
	held    held
	join    emergency
	rtt     estimator

	workAt  core.Time // of the next periodic work
	selfDue core.Time // of the next lookup of the own identifier
	backAt  core.Time // of the next request to a contact that was given up, clock.Never if there is none
	thinAt  core.Time // when names with fewer than k holders are sent again, clock.Never if not

	life    int // counts SetAddress after Stop: queries of an earlier one are not answered
	out     []Message
	arena   []byte // holds the messages of out
	taken   bool   // out has been handed over
	scratch []contact
	stats   Stats
}

// newDHT returns a member without an address. post runs a function after the current call.
func newDHT(post func(func()), wall func() int64, r *rand.Rand, cfg *DHTConfig) *DHT {
	d := &DHT{cfg: cfg, post: post, wall: wall, rand: r, idLen: core.SHA3_256.Len()}
	d.clear()
	return d
}

// clear forgets everything but the counters.
func (d *DHT) clear() {
	d.self, d.table = contact{}, table{}
	d.lookups, d.waiting, d.cache, d.own = nil, nil, nil, nil
	d.byKey, d.held = map[core.Hash]*registration{}, held{}
	d.join, d.rtt = emergency{at: clock.Never}, estimator{}
	d.workAt, d.selfDue, d.backAt, d.thinAt = clock.Never, clock.Never, clock.Never, clock.Never
}

// SetHash sets the algorithm of the layer's digests, and so the length of identifiers. It is called
// before SetAddress; without it the digests are those of SHA3-256.
func (d *DHT) SetHash(a core.HashAlgo) { d.idLen = a.Len() }

// SetAddress begins, with an identifier of random bytes. Later calls move this member: the identifier
// stays, and what it has registered is sent again with the new address. The old one is found until it
// has expired.
func (d *DHT) SetAddress(now core.Time, addr uint64) {
	d.begun()
	if d.self.id == "" {
		id := d.randomID()
		d.self = contact{id: id, prefix: prefixOf(id), addr: addr}
		d.table.reset(d.self, d.cfg.K)
		return
	}
	d.self.addr, d.table.self.addr = addr, addr
	if id, ok := d.table.byAddr[addr]; ok {
		d.table.remove(id)
	}
	for _, r := range d.own {
		r.due = now
	}
	d.wake(now)
}

// Stop ends this member. What it has registered expires at the others.
func (d *DHT) Stop(core.Time) {
	d.begun()
	d.clear()
	d.life++
}

// Recv takes a message of another member (spec 05 §3.1).
func (d *DHT) Recv(now core.Time, sdu []byte) {
	d.begun()
	if d.self.addr == 0 {
		d.drop(NotStarted)
		return
	}
	m, why, ok := parse(sdu, d.idLen)
	switch {
	case !ok:
		d.drop(why)
		return
	case m.src.id == d.self.id || m.src.addr == d.self.addr:
		d.drop(OwnSource)
		return
	}
	switch m.code {
	case codeStore:
		d.hear(now, m.src)
		d.takeStore(now, &m)
	case codeFindNodeReq, codeFindValueReq:
		d.hear(now, m.src)
		d.respond(&m)
	default:
		if !d.takeResponse(now, &m) {
			d.drop(Unasked)
			return
		}
	}
	d.stats.Received[m.code]++
	d.stats.BadTold += uint64(m.bad)
}

// respond answers a request (spec 05 §5.2). The sender, which has been entered before, is listed only if
// there is nobody else: the prototype needs a contact in every response (D13). Values whose owner has not
// renewed them are answered only by those who are to hold them, which have the others of the name as well.
func (d *DHT) respond(req *message) {
	key := prefixOf(req.key)
	d.scratch = d.table.closest(d.scratch[:0], key, d.cfg.K+1, false)
	outside := len(d.scratch) >= d.cfg.K && closer(&d.scratch[d.cfg.K-1], &d.self, key) < 0
	if i := slices.IndexFunc(d.scratch, func(c contact) bool { return c.id == req.src.id }); i >= 0 && len(d.scratch) > 1 {
		d.scratch = slices.Delete(d.scratch, i, i+1)
	}
	d.scratch = d.scratch[:min(len(d.scratch), d.cfg.K)]
	m := message{code: codeFindNodeRsp, key: req.key, cookie: req.cookie, contacts: d.scratch}
	if req.code == codeFindValueReq {
		m.code = codeFindValueRsp
		vals, fresh := d.values(req.key)
		if fresh > 0 || !outside {
			m.values = vals
		}
	}
	d.send(req.src.addr, &m)
}

// hear enters the sender of a valid message among the contacts. To one that was not heard before this
// member hands the values that are to be there.
func (d *DHT) hear(now core.Time, c contact) {
	alone := d.table.good == 0
	if !d.table.heard(now, c) {
		if !alone || d.table.good == 0 {
			return
		}
	} else {
		d.handOff(now, c)
		d.notice(now)
	}
	if alone {
		d.found(now)
	}
}

// Deadline returns when Tick is due.
func (d *DHT) Deadline() core.Time {
	at := min(d.join.at, d.workAt)
	for _, l := range d.lookups {
		at = min(at, l.next)
	}
	if len(d.waiting) > 0 {
		at = min(at, d.waiting[0].until)
	}
	return at
}

// Tick does what is due at now.
func (d *DHT) Tick(now core.Time) {
	d.begun()
	for _, l := range slices.Clone(d.lookups) {
		if now >= l.next {
			d.expire(now, l)
		}
	}
	for len(d.waiting) > 0 && d.waiting[0].until <= now {
		d.stats.Gone++
		d.answer(d.waiting[0], nil)
		d.waiting = d.waiting[1:]
	}
	d.admit(now)
	if now >= d.workAt {
		d.work(now)
	}
	d.checkAlone(now)
	if now >= d.join.at {
		d.knock(now)
	}
}

// keepArena is the size in bytes above which the memory of messages is given back.
const keepArena = 1 << 14

// begun starts a new set of messages once the last one has been handed over.
func (d *DHT) begun() {
	if !d.taken {
		return
	}
	d.taken, d.out, d.arena = false, d.out[:0], d.arena[:0]
	if cap(d.arena) > keepArena {
		d.out, d.arena = nil, nil
	}
}

// Out returns the messages to send since the last call.
func (d *DHT) Out() []Message {
	if d.taken {
		return nil
	}
	d.taken = true
	return d.out
}

// send hands out a message to the member at an address.
func (d *DHT) send(to uint64, m *message) {
	m.src = d.self
	n := len(d.arena)
	d.arena = m.append(d.arena)
	sdu := d.arena[n:len(d.arena):len(d.arena)]
	d.out = append(d.out, Message{To: to, SDU: sdu})
	d.stats.Sent[m.code]++
	d.stats.SentBytes[m.code] += uint64(len(sdu))
}

func (d *DHT) drop(why Invalid) { d.stats.Invalid[why]++ }

// wake sees to it that the periodic work is looked at by a time.
func (d *DHT) wake(at core.Time) { d.workAt = min(d.workAt, at) }

// jitter returns a random duration up to limit.
func (d *DHT) jitter(limit time.Duration) time.Duration {
	return time.Duration(d.rand.Int64N(int64(limit) + 1))
}

// soonerThan returns a random duration from 3/4 of a period to all of it, so that the members of a layer
// that have come up together do not act together for ever.
func (d *DHT) soonerThan(period time.Duration) time.Duration { return period - d.jitter(period/4) }

// randomID returns an identifier of random bytes.
func (d *DHT) randomID() core.Hash {
	b := make([]byte, d.idLen)
	for i := range b {
		b[i] = byte(d.rand.Uint32())
	}
	return core.Hash(b)
}

// checkKey reports a digest that is none of this layer.
func (d *DHT) checkKey(h core.Hash) error {
	if len(h) != d.idLen {
		return fmt.Errorf("directory: digest of %d bytes, those of this layer have %d", len(h), d.idLen)
	}
	return nil
}
