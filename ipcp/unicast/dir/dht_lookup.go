package dir

import (
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

const (
	maxLookups = 128             // under way at a time (spec 05 §5.1)
	maxPeers   = 64              // candidates of one lookup, the closest
	roundTime  = 2 * time.Second // of a round of a lookup (spec 05 §5.3)

	// Time until the next peer is asked as well: adapted to the answers between the bounds.
	waitFirst = 500 * time.Millisecond
	waitMin   = 100 * time.Millisecond
	waitMax   = time.Second
)

// peerState is what has come of a candidate.
type peerState uint8

const (
	fresh    peerState = iota // not asked
	asked                     // asked, in time
	late                      // has not answered in time; it still may
	again                     // asked a second time, in time
	answered                  // has answered
	silent                    // has not answered twice
)

// peer is a candidate of a lookup.
type peer struct {
	contact
	state  peerState
	depth  int // successive requests that lead to it: 1 for own contacts
	cookie uint64
	sent   core.Time
	until  core.Time // end of the wait
}

func (p *peer) inFlight() bool { return p.state == asked || p.state == again }

// lookup walks towards a key (spec 05 §5.4): alpha requests to the closest candidates are under way until
// a value has come or the k closest that answer have answered. It is a record of spec 05 §5.1.
type lookup struct {
	key     core.Hash
	prefix  uint64
	value   bool   // FIND_VALUE, else FIND_NODE
	peers   []peer // closest first
	queries []*query
	publish *registration
	refresh bool      // for the table's own sake
	round   core.Time // end of this round
	next    core.Time // when a wait ends
	over    bool      // decided; waits for answers under way, for what they say of the contacts
	heard   bool      // somebody has answered in this round
}

// start begins a lookup from the own contacts. If there is no record left it takes that of a lookup that
// is over.
func (d *DHT) start(now core.Time, l *lookup) {
	l.prefix = prefixOf(l.key)
	if len(d.lookups) >= maxLookups {
		if i := slices.IndexFunc(d.lookups, func(l *lookup) bool { return l.over }); i >= 0 {
			d.forget(d.lookups[i])
		}
	}
	d.lookups = append(d.lookups, l)
	d.stats.Lookups++
	d.begin(now, l)
}

// begin begins a round. Without any contact it waits for the first, see heardOf.
func (d *DHT) begin(now core.Time, l *lookup) {
	l.peers, l.heard = l.peers[:0], false
	l.round = now.Add(roundTime)
	d.scratch = d.table.closest(d.scratch[:0], l.prefix, d.cfg.K, false)
	if len(d.scratch) == 0 {
		d.scratch = d.table.closest(d.scratch, l.prefix, d.cfg.K, true)
	}
	for _, c := range d.scratch {
		l.peers = append(l.peers, peer{contact: c, depth: 1})
	}
	d.table.buckets[d.table.index(l.prefix)].due = now.Add(d.soonerThan(d.cfg.Refresh))
	d.advance(now, l)
}

// add takes a candidate that another one has listed.
func (d *DHT) add(l *lookup, c contact, depth int) {
	if c.id == d.self.id || c.addr == d.self.addr {
		return
	}
	i, _ := slices.BinarySearchFunc(l.peers, c, func(p peer, c contact) int { return closer(&p.contact, &c, l.prefix) })
	// Of equal distance and address is also one with an identifier that differs behind the first 64 bits.
	if i < len(l.peers) && l.peers[i].prefix == c.prefix && l.peers[i].addr == c.addr {
		return
	}
	if len(l.peers) == maxPeers {
		if i == maxPeers {
			return
		}
		l.peers = l.peers[:maxPeers-1]
	}
	l.peers = slices.Insert(l.peers, i, peer{contact: c, depth: depth})
}

// advance asks whom it can, and ends the lookup if there is nobody left to ask or wait for.
func (d *DHT) advance(now core.Time, l *lookup) {
	if !l.over {
		d.ask(now, l, fresh)
		d.ask(now, l, late)
	}
	l.next = clock.Never
	flying := false
	for i := range l.peers {
		if p := &l.peers[i]; p.inFlight() {
			flying = true
			l.next = min(l.next, p.until)
		}
	}
	switch {
	case l.over && !flying:
		d.forget(l)
	case l.over:
	case !flying && l.heard:
		d.conclude(now, l)
	case !flying && len(l.peers) > 0 && d.table.good > 0, now >= l.round:
		d.retry(now, l)
	default:
		l.next = min(l.next, l.round)
	}
}

// ask sends requests to candidates in a state, among the k closest that may still answer.
func (d *DHT) ask(now core.Time, l *lookup, in peerState) {
	flying, window := 0, 0
	for i := range l.peers {
		if l.peers[i].inFlight() {
			flying++
		}
	}
	for i := range l.peers {
		p := &l.peers[i]
		if flying >= d.cfg.Alpha || window == max(d.cfg.K, d.cfg.Alpha) {
			return
		}
		if p.state == silent {
			continue
		}
		window++
		if p.state != in {
			continue
		}
		wait := d.rtt.wait()
		if in == fresh {
			p.state, p.cookie = asked, d.cookie()
		} else {
			p.state, wait = again, 2*wait
		}
		p.sent, p.until = now, now.Add(wait)
		flying++
		c := codeFindNodeReq
		if l.value {
			c = codeFindValueReq
		}
		d.send(p.addr, &message{code: c, key: l.key, cookie: p.cookie})
	}
}

// expire ends the waits that are over. A candidate that is late has lost its place among the requests in
// flight but not its right to answer; once there is nobody new to ask it is asked a second time, because the
// network loses packets.
func (d *DHT) expire(now core.Time, l *lookup) {
	for i := range l.peers {
		p := &l.peers[i]
		if !p.inFlight() || p.until > now {
			continue
		}
		d.stats.TimeOuts++
		d.table.failed(p.contact)
		if p.state == asked {
			p.state = late
		} else {
			p.state = silent
		}
	}
	d.gaveUp(now)
	if l.over || now < l.round {
		d.advance(now, l)
		return
	}
	// The round has taken too long. Those who have answered by now will do to publish; queries go into
	// another round.
	if l.publish != nil || l.refresh {
		d.conclude(now, l)
		return
	}
	d.retry(now, l)
}

// conclude ends a lookup whose closest candidates have answered without an address.
func (d *DHT) conclude(now core.Time, l *lookup) {
	for _, q := range l.queries {
		d.answer(q, nil)
	}
	d.finish(now, l)
}

// finish settles what the lookup was for, except its queries, and lets answers under way come in.
func (d *DHT) finish(now core.Time, l *lookup) {
	l.over, l.queries = true, nil
	if r := l.publish; r != nil {
		l.publish = nil
		d.place(now, l, r)
	}
	if l.refresh && l.key == d.self.id {
		d.fill(now)
	}
	d.advance(now, l)
	d.admit(now)
}

// retry begins another round for the queries that have time left (decision 2); the others end.
func (d *DHT) retry(now core.Time, l *lookup) {
	l.queries = slices.DeleteFunc(l.queries, func(q *query) bool {
		if q.until > now {
			return false
		}
		d.answer(q, nil)
		return true
	})
	if len(l.queries) == 0 {
		d.finish(now, l)
		return
	}
	d.stats.Rounds++
	d.begin(now, l)
}

// forget drops the record of a lookup.
func (d *DHT) forget(l *lookup) {
	if i := slices.Index(d.lookups, l); i >= 0 {
		d.lookups = slices.Delete(d.lookups, i, i+1)
	}
}

// takeResponse handles the answer of a candidate (spec 05 §5.2). It reports false if there is no request
// that it answers.
func (d *DHT) takeResponse(now core.Time, m *message) bool {
	l, p := d.requested(m)
	if l == nil {
		return d.takeWelcome(now, m)
	}
	d.hear(now, m.src)
	if p.state == answered {
		d.stats.Repeated++
		return true
	}
	if p.state == asked || p.state == late { // of a repeated request the answer may be to the first
		d.rtt.sample(now.Sub(p.sent))
	}
	p.state = answered
	l.heard = true
	depth := p.depth
	for _, c := range m.contacts {
		d.table.told(c)
		if !l.over {
			d.add(l, c, depth+1)
		}
	}
	if len(m.values) > 0 && l.value && !l.over {
		d.takeValues(now, l, m.values, depth)
	}
	d.advance(now, l)
	return true
}

// requested finds the request that a response answers: the key of a lookup and the cookie of one of its
// candidates (spec 05 §3.1).
func (d *DHT) requested(m *message) (*lookup, *peer) {
	for _, l := range d.lookups {
		if l.key != m.key || l.value != (m.code == codeFindValueRsp) {
			continue
		}
		for i := range l.peers {
			if p := &l.peers[i]; p.state != fresh && p.cookie == m.cookie {
				return l, p
			}
		}
	}
	return nil, nil
}

// cookie returns a random number that is not 0 (spec 05 §1).
func (d *DHT) cookie() uint64 {
	for {
		if c := d.rand.Uint64(); c != 0 {
			return c
		}
	}
}

// estimator adapts the wait for answers to the time that they take, as RFC 6298 does.
type estimator struct{ mean, dev time.Duration }

func (e *estimator) sample(rtt time.Duration) {
	if e.mean == 0 {
		e.mean, e.dev = max(rtt, 1), rtt/2
		return
	}
	e.dev += (max(rtt-e.mean, e.mean-rtt) - e.dev) / 4
	e.mean = max(e.mean+(rtt-e.mean)/8, 1)
}

func (e *estimator) wait() time.Duration {
	if e.mean == 0 {
		return waitFirst
	}
	return min(max(e.mean+4*e.dev, waitMin), waitMax)
}
