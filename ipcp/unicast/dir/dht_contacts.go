package dir

import (
	"cmp"
	"math/bits"
	"slices"
	"sort"

	"ouroboros/core"
)

// maxFailures is after how many unanswered requests in a row a contact is given up.
const maxFailures = 3

// unseen is when a contact was last heard from that we were only told of.
const unseen core.Time = -1 << 62

// known is a contact in the table.
type known struct {
	contact
	seen     core.Time // last message from it
	failures int       // requests without an answer since
}

func (c *known) lost() bool { return c.failures >= maxFailures }

// bucket holds contacts at one length of the prefix that they share with this member.
type bucket struct {
	live  []known // at most k, least recently seen first
	spare []known // at most k, in the same order; takes the place of contacts that are given up
	due   core.Time
}

// table is the contact table: a bucket for every number of leading bits that a contact's identifier
// can share with the own one, which is the Kademlia tree with every split made from the start. The own
// contact is never in it. Of each address it holds one contact.
//
// A contact that is given up makes room for a spare one. If there is none it stays, unlisted, until
// somebody takes the place: a member that was cut off for a while finds its way back through them.
type table struct {
	self    contact
	k       int
	buckets [65]bucket
	byAddr  map[uint64]core.Hash // of live and spare contacts
	good    int                  // live contacts that are not lost
}

func (t *table) reset(self contact, k int) {
	*t = table{self: self, k: k, byAddr: map[uint64]core.Hash{}}
}

// index returns the bucket of an identifier.
func (t *table) index(prefix uint64) int { return bits.LeadingZeros64(prefix ^ t.self.prefix) }

// find returns the position of the contact with an identifier, which begins with prefix, or -1.
func find(in []known, prefix uint64, id core.Hash) int {
	for i := range in {
		if in[i].prefix == prefix && in[i].id == id {
			return i
		}
	}
	return -1
}

// heard enters the sender of a message and reports whether it was not heard before. A member that has
// started anew has another identifier at the address; the old one goes.
func (t *table) heard(now core.Time, c contact) (first bool) {
	if c.id == t.self.id || c.addr == t.self.addr {
		return false
	}
	if old, ok := t.byAddr[c.addr]; ok && old != c.id {
		t.remove(old)
	}
	b := &t.buckets[t.index(c.prefix)]
	e := known{contact: c, seen: now}
	if i := find(b.live, c.prefix, c.id); i >= 0 {
		first = b.live[i].seen == unseen
		t.move(b.live[i].addr, c)
		if b.live[i].lost() {
			t.good++
		}
		b.live = append(slices.Delete(b.live, i, i+1), e)
		return first
	}
	if i := find(b.spare, c.prefix, c.id); i >= 0 {
		first = b.spare[i].seen == unseen
		t.move(b.spare[i].addr, c)
		b.spare = slices.Delete(b.spare, i, i+1)
	} else {
		first = true
		t.byAddr[c.addr] = c.id
	}
	t.enter(b, e)
	return first
}

// move keeps byAddr when the contact at an address is now c.
func (t *table) move(old uint64, c contact) {
	if old != c.addr {
		delete(t.byAddr, old)
		t.byAddr[c.addr] = c.id
	}
}

// enter puts a contact that was just heard into a bucket: where there is room, else in the place of one
// that is lost or that we were only told of, else among the spare ones, of which the oldest goes.
func (t *table) enter(b *bucket, e known) {
	if len(b.live) < t.k {
		b.live = append(b.live, e)
		t.good++
		return
	}
	i := slices.IndexFunc(b.live, func(c known) bool { return c.lost() || c.seen == unseen })
	if i < 0 {
		if len(b.spare) == t.k {
			delete(t.byAddr, b.spare[0].addr)
			b.spare = slices.Delete(b.spare, 0, 1)
		}
		b.spare = append(b.spare, e)
		return
	}
	out := b.live[i]
	b.live = append(slices.Delete(b.live, i, i+1), e)
	if out.lost() {
		t.good++
		delete(t.byAddr, out.addr)
	} else if len(b.spare) < t.k {
		b.spare = slices.Insert(b.spare, 0, out)
	} else {
		delete(t.byAddr, out.addr)
	}
}

// told enters a contact that another member has listed, if neither its identifier nor its address is
// known and there is room for it.
func (t *table) told(c contact) {
	if c.id == t.self.id || c.addr == t.self.addr {
		return
	}
	if _, ok := t.byAddr[c.addr]; ok {
		return
	}
	b := &t.buckets[t.index(c.prefix)]
	if find(b.live, c.prefix, c.id) >= 0 || find(b.spare, c.prefix, c.id) >= 0 {
		return
	}
	e := known{contact: c, seen: unseen}
	switch {
	case len(b.live) < t.k:
		b.live = slices.Insert(b.live, 0, e)
		t.good++
	case len(b.spare) < t.k:
		b.spare = slices.Insert(b.spare, 0, e)
	default:
		return
	}
	t.byAddr[c.addr] = c.id
}

// failed counts a request that a contact has not answered.
func (t *table) failed(c contact) {
	b := &t.buckets[t.index(c.prefix)]
	i := find(b.live, c.prefix, c.id)
	if i < 0 || b.live[i].addr != c.addr {
		return
	}
	e := &b.live[i]
	if e.failures++; e.failures != maxFailures {
		return
	}
	t.good--
	if len(b.spare) > 0 {
		delete(t.byAddr, e.addr)
		b.live = slices.Delete(b.live, i, i+1)
		t.promote(b)
	}
}

// lost reports whether a contact has been given up and has not been heard since.
func (t *table) lost(c contact) bool {
	b := &t.buckets[t.index(c.prefix)]
	i := find(b.live, c.prefix, c.id)
	return i >= 0 && b.live[i].lost()
}

// anyLost reports whether a contact has been given up and stays for want of another.
func (t *table) anyLost() bool {
	live := 0
	for i := range t.buckets {
		live += len(t.buckets[i].live)
	}
	return live > t.good
}

// promote moves the spare contact that was seen last, if there is one, to its place among the live ones.
func (t *table) promote(b *bucket) {
	n := len(b.spare)
	if n == 0 {
		return
	}
	e := b.spare[n-1]
	b.spare = b.spare[:n-1]
	i := slices.IndexFunc(b.live, func(c known) bool { return c.seen > e.seen })
	if i < 0 {
		i = len(b.live)
	}
	b.live = slices.Insert(b.live, i, e)
	t.good++
}

// remove takes a contact out.
func (t *table) remove(id core.Hash) {
	prefix := prefixOf(id)
	b := &t.buckets[t.index(prefix)]
	if i := find(b.live, prefix, id); i >= 0 {
		delete(t.byAddr, b.live[i].addr)
		if !b.live[i].lost() {
			t.good--
		}
		b.live = slices.Delete(b.live, i, i+1)
		t.promote(b)
		return
	}
	if i := find(b.spare, prefix, id); i >= 0 {
		delete(t.byAddr, b.spare[i].addr)
		b.spare = slices.Delete(b.spare, i, i+1)
	}
}

// closest appends to out the up to n contacts closest to the key, closest first, and returns it. lost
// asks for those that were given up instead.
//
// Whoever shares more bits with the key than this member is closest: they are in the bucket of the key.
// Those in the buckets above share as many as this member, those in each one below fewer and fewer.
func (t *table) closest(out []contact, key uint64, n int, lost bool) []contact {
	from := len(out)
	at := t.index(key)
	out = t.nearest(out, from, at, key, n, lost)
	if len(out)-from < n {
		for i := at + 1; i < len(t.buckets); i++ {
			out = t.nearest(out, from, i, key, n, lost)
		}
	}
	for i := at - 1; i >= 0 && len(out)-from < n; i-- {
		out = t.nearest(out, from, i, key, n, lost)
	}
	return out
}

// nearest inserts the contacts of a bucket into out[from:], which is sorted by distance and n long at most.
func (t *table) nearest(out []contact, from, bucket int, key uint64, n int, lost bool) []contact {
	for i := range t.buckets[bucket].live {
		c := &t.buckets[bucket].live[i]
		if c.lost() != lost {
			continue
		}
		at := len(out)
		for at > from && closer(&c.contact, &out[at-1], key) < 0 {
			at--
		}
		if at-from == n {
			continue
		}
		if len(out)-from < n {
			out = append(out, contact{})
		}
		copy(out[at+1:], out[at:])
		out[at] = c.contact
	}
	return out
}

// closer compares two contacts by their distance to a key, ties by address.
func closer(a, b *contact, key uint64) int {
	if c := cmp.Compare(a.prefix^key, b.prefix^key); c != 0 {
		return c
	}
	return cmp.Compare(a.addr, b.addr)
}

// neighbourhood returns the number of buckets that are farther away than the k closest contacts; what
// lies above, a lookup of the own identifier covers. At most 64: who shares 64 bits is at no distance.
func (t *table) neighbourhood() int {
	return sort.Search(len(t.buckets)-1, func(down int) bool {
		n := 0
		for i := down; i < len(t.buckets); i++ {
			n += len(t.buckets[i].live)
		}
		return n < t.k
	})
}

// othersAt are numbers of contacts other than one: those that are listed of a bucket, and of the buckets above.
type othersAt struct{ in, above int }

// countOthers counts the contacts that are not given up, without c.
func (t *table) countOthers(c *contact) (n [65]othersAt) {
	above := 0
	for i := len(t.buckets) - 1; i >= 0; i-- {
		n[i].above = above
		for j := range t.buckets[i].live {
			if x := &t.buckets[i].live[j]; !x.lost() && (x.prefix != c.prefix || x.id != c.id) {
				n[i].in++
			}
		}
		above += n[i].in
	}
	return n
}
