package dir

import (
	"slices"
	"time"

	"ouroboros/core"
)

const (
	// queryTime is how long a query that nobody answers goes on, in rounds of 2 s (decision 2). Callers in
	// more of a hurry cancel it.
	queryTime  = 10 * time.Second
	maxQueries = maxLookups - maxBackground - 1 // lookups for queries; the others are for joining and work
	maxWaiting = 1024                           // queries that wait for a place among the lookups
	maxCached  = 256
)

// query is one call of Query.
type query struct {
	key    core.Hash
	done   func(addrs []uint64)
	until  core.Time
	lookup *lookup // nil while it waits, and once it is answered
	ended  bool    // answered or canceled
}

// found is an answer that is kept.
type found struct {
	key   core.Hash
	addrs []uint64
	until core.Time
}

// Query looks a digest up: in the cache, among the values held for others, and then at other members
// (spec 05 §5.3, §5.4). It ends without an address of another member when the k closest members that
// answer know none, or when nobody has answered for 10 s. Of this member's own registration its address
// is the last: a flow to it needs no layer. What others say of this member is not believed (D7).
func (d *DHT) Query(now core.Time, h core.Hash, done func(addrs []uint64)) (cancel func()) {
	d.begun()
	d.stats.Queries++
	q := &query{key: h, done: done, until: now.Add(queryTime)}
	if addrs, ok := d.lookAround(now, h); ok {
		d.answer(q, addrs)
	} else {
		d.admitOne(now, q)
	}
	return func() { d.cancel(q) }
}

// lookAround answers from what this member knows, as far as that is possible.
func (d *DHT) lookAround(now core.Time, h core.Hash) ([]uint64, bool) {
	if d.self.addr == 0 || d.checkKey(h) != nil {
		return nil, true
	}
	for len(d.cache) > 0 && d.cache[0].until <= now {
		d.cache = d.cache[1:]
	}
	for i := range d.cache {
		if d.cache[i].key == h {
			d.stats.Cached++
			return d.cache[i].addrs, true
		}
	}
	if vals, fresh := d.values(h); len(d.addresses(vals[:fresh])) > 0 {
		d.stats.Local++
		return d.addresses(vals), true
	}
	alone := len(d.table.byAddr) == 0 && d.join.in && d.join.peer == 0
	return nil, alone
}

// addresses returns those of other members among values, each once.
func (d *DHT) addresses(values []string) []uint64 {
	var out []uint64
	for _, v := range values {
		if a := valueAddr(v); a != 0 && a != d.self.addr && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// admitOne gives a query to the lookup of its key, to a new one, or lets it wait.
func (d *DHT) admitOne(now core.Time, q *query) {
	for _, l := range d.lookups {
		if l.value && !l.over && l.key == q.key {
			l.queries, q.lookup = append(l.queries, q), l
			return
		}
	}
	active, _ := d.active()
	switch {
	case active < maxQueries:
		l := &lookup{key: q.key, value: true, queries: []*query{q}}
		q.lookup = l
		d.start(now, l)
	case len(d.waiting) < maxWaiting:
		d.waiting = append(d.waiting, q)
	default:
		d.stats.Gone++
		d.answer(q, nil)
	}
}

// admit gives the places that are free to the queries that wait.
func (d *DHT) admit(now core.Time) {
	for len(d.waiting) > 0 {
		if active, _ := d.active(); active >= maxQueries {
			return
		}
		q := d.waiting[0]
		d.waiting = d.waiting[1:]
		d.admitOne(now, q)
	}
}

// takeValues handles the values that a lookup has met. Those of this member alone do not end it: others
// may have registered the name as well.
func (d *DHT) takeValues(now core.Time, l *lookup, values []string, depth int) {
	addrs := d.addresses(values)
	if len(addrs) == 0 {
		return
	}
	d.stats.Hops[min(depth, MaxHops)]++
	if d.cfg.Cache > 0 {
		if len(d.cache) == maxCached {
			d.cache = d.cache[1:]
		}
		d.cache = append(d.cache, found{key: l.key, addrs: addrs, until: now.Add(d.cfg.Cache)})
	}
	for _, q := range l.queries {
		d.answer(q, addrs)
	}
	d.finish(now, l)
}

// answer ends a query. The call is posted: neither a caller of Query nor the owner of this machine is
// called back on its own stack.
func (d *DHT) answer(q *query, addrs []uint64) {
	q.ended, q.lookup = true, nil
	if len(addrs) == 0 && d.self.addr != 0 {
		vals, _ := d.values(q.key) // doubtful ones are better than none
		addrs = d.addresses(vals)
	}
	addrs = slices.Clone(addrs)
	if len(addrs) > 0 {
		d.stats.Found++
	} else {
		d.stats.NotFound++
	}
	if d.registration(q.key) != nil {
		addrs = append(addrs, d.self.addr)
	}
	life := d.life
	d.post(func() {
		if done := q.done; done != nil && d.life == life {
			done(addrs)
		}
	})
}

// cancel takes a query back, also one whose answer is posted.
func (d *DHT) cancel(q *query) {
	q.done = nil
	if q.ended {
		return
	}
	q.ended = true
	d.stats.Canceled++
	isIt := func(x *query) bool { return x == q }
	d.waiting = slices.DeleteFunc(d.waiting, isIt)
	if l := q.lookup; l != nil {
		l.queries = slices.DeleteFunc(l.queries, isIt)
		l.over = len(l.queries) == 0
	}
}
