package flows

import (
	"fmt"
	"slices"
	"time"

	"ouroboros/core"
)

// QueryTimeout is how long a name query waits for a reply (spec 01 §3.5).
const QueryTimeout = 2 * time.Second

// directory holds digest → addresses, of which a look-up returns the latest (spec 01 §2.2.2). Entries
// do not expire.
type directory struct {
	addrs map[core.Hash][]core.Addr
}

func (d *directory) latest(h core.Hash) (core.Addr, bool) {
	a := d.addrs[h]
	if len(a) == 0 {
		return core.Addr{}, false
	}
	return a[len(a)-1], true
}

func (d *directory) add(h core.Hash, a core.Addr) {
	if d.addrs == nil {
		d.addrs = make(map[core.Hash][]core.Addr)
	}
	old := d.addrs[h]
	if slices.Contains(old, a) || len(old) == 0 && len(d.addrs) >= maxDigests {
		return
	}
	if len(old) >= maxAddresses {
		old = slices.Delete(old, 0, 1)
	}
	d.addrs[h] = append(old, a)
}

func (d *directory) remove(h core.Hash, a core.Addr) {
	old := d.addrs[h]
	i := slices.Index(old, a)
	switch {
	case i < 0:
	case len(old) == 1:
		delete(d.addrs, h)
	default:
		d.addrs[h] = slices.Delete(old, i, i+1)
	}
}

// query is a name query that waits for a reply.
type query struct {
	hash  core.Hash
	timer core.Timer
	done  func(bool)
}

// Query asks whether a member of the layer knows the digest: at once when the directory does, else by
// one broadcast and a wait of QueryTimeout (spec 01 §3.5).
func (m *Machine) Query(h core.Hash, done func(found bool)) (cancel func()) {
	if m.left || m.checkHash(h) != nil {
		return m.later(func() { done(false) })
	}
	if _, ok := m.dir.latest(h); ok {
		return m.later(func() { done(true) })
	}
	q := &query{hash: h, done: done}
	q.timer = m.env.NewTimer(func() { m.endQuery(q, false) })
	// Armed before it is sent, so that no reply can come too early (D10).
	m.queries = append(m.queries, q)
	q.timer.Reset(QueryTimeout)
	m.send(&Message{Kind: Query, Hash: h}, core.Addr{})
	return func() { m.dropQuery(q) }
}

// Resolve is Query for a layer whose members do not answer name queries. What the directory does not know
// is looked up elsewhere: look calls done when it has an answer, once, from wherever it likes.
func (m *Machine) Resolve(h core.Hash, look func(done func(core.Addr, bool)), done func(found bool)) (cancel func()) {
	if m.left || m.checkHash(h) != nil {
		return m.later(func() { done(false) })
	}
	if _, ok := m.dir.latest(h); ok {
		return m.later(func() { done(true) })
	}
	live := true
	look(func(a core.Addr, ok bool) {
		m.env.Post(func() {
			if ok {
				m.dir.add(h, a)
			}
			if live {
				live = false
				done(ok)
			}
		})
	})
	return func() { live = false }
}

// found enters a reply into the directory, whether or not somebody waits for it, and wakes the
// queries for the digest.
func (m *Machine) found(h core.Hash, from core.Addr) {
	m.dir.add(h, from)
	// The answer to one query may cancel or add others, so the search starts anew each time.
	for {
		i := slices.IndexFunc(m.queries, func(q *query) bool { return q.hash == h })
		if i < 0 {
			return
		}
		m.endQuery(m.queries[i], true)
	}
}

func (m *Machine) endQuery(q *query, found bool) {
	if m.dropQuery(q) {
		q.done(found)
	}
}

func (m *Machine) dropQuery(q *query) (waiting bool) {
	i := slices.Index(m.queries, q)
	if i < 0 {
		return false
	}
	m.queries = slices.Delete(m.queries, i, i+1)
	q.timer.Stop()
	return true
}

func (m *Machine) checkHash(h core.Hash) error {
	if want := m.cfg.Layer.Hash.Len(); len(h) != want {
		return fmt.Errorf("%w: digest of %d bytes, layer %q uses %d", core.ErrInvalid, len(h), m.cfg.Layer.Name, want)
	}
	return nil
}
