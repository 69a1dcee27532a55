package routing

import (
	"cmp"
	"math/bits"
	"slices"
)

// form tells the two lengths of link state messages apart, as bits.
type form uint8

const (
	short form = 1 << iota // 24 bytes
	long                   // 32 bytes
)

// entry is what the database knows of one directed adjacency. Layers of a thousand members hold four
// million of them in one process, and nearly every message looks one up in cold memory: 48 bytes, less
// than a cache line.
type entry struct {
	dst, src  uint64
	seq       uint64
	stamp     uint32 // ms, see stampOf
	cost      uint32 // at least 1
	rev       int32  // index of the opposite adjacency, or none; see lsdb.linked
	si, di    int32  // vertices of src and dst; see lsdb.linked
	forms     form   // messages with number seq that were seen or sent
	withdrawn bool   // the adjacency is gone; kept so that older messages are known to be old
}

const none int32 = -1

// lsdb is the link state database: entries in the order of their arrival, found by hash. New entries are
// not put into the graph one by one, while the database is cold, but all together by link before the
// next computation.
type lsdb struct {
	entries []entry
	near    int32    // index of the entry found last
	linked  int      // how many entries, from the first, have rev, si and di
	index   table    // of entries, by source and destination
	addrs   []uint64 // of vertices
	vindex  table    // of vertices, by address
}

// table is an open-addressing hash table of indices into an array that its owner holds: a power of
// two of slots, at most half of them used, linear probing. A slot is 0 if it is free, else index + 1 and
// above it half of the hash, which spares the look at nearly every wrong entry.
type table struct{ slots []uint64 }

const (
	fibonacci = 0x9E3779B97F4A7C15 // 2^64 divided by the golden ratio
	minTable  = 16
)

// hash spreads a key. The upper half is kept in the slot, whose place comes from the lower one.
func hash(key uint64) uint64 {
	key *= fibonacci
	return key ^ key>>32
}

const tagMask = 0xFFFFFFFF << 32

// reserve empties the table if it is too small for n indices and reports whether it did: then its owner
// has to enter everything again.
func (t *table) reserve(n int) bool {
	if 2*n <= len(t.slots) {
		return false
	}
	t.slots = make([]uint64, max(minTable, 1<<bits.Len(uint(2*n-1))))
	return true
}

// put enters an index under a hash that is not there.
func (t *table) put(h uint64, i int32) {
	mask := uint64(len(t.slots) - 1)
	s := h
	for t.slots[s&mask] != 0 {
		s++
	}
	t.slots[s&mask] = h&tagMask | uint64(i+1)
}

// pairKey mixes the two addresses so that neither the order nor small numbers collide.
func pairKey(src, dst uint64) uint64 {
	return (bits.RotateLeft64(dst, 32)^src)*0xBF58476D1CE4E5B9 ^ dst
}

// pairHash spreads adjacencies, those of one source over one cache line: they come together, and each
// line of a cold table costs as much as the rest of a message.
func pairHash(src, dst uint64) uint64 {
	h := hash(pairKey(src, dst))
	return h&tagMask | hash(src)&^(tagMask|7) | h&7
}

// find returns the index of an adjacency, or none.
func (d *lsdb) find(src, dst uint64) int32 {
	slots := d.index.slots
	if len(slots) == 0 {
		return none
	}
	// Members learn of adjacencies in similar orders and refresh them in these: often it is the next one.
	if i := d.near + 1; int(i) < len(d.entries) {
		if e := &d.entries[i]; e.src == src && e.dst == dst {
			d.near = i
			return i
		}
	}
	h := pairHash(src, dst)
	for s := h; ; s++ {
		v := slots[s&uint64(len(slots)-1)]
		if v == 0 {
			return none
		}
		if (v^h)&tagMask != 0 {
			continue
		}
		i := int32(uint32(v)) - 1
		if e := &d.entries[i]; e.src == src && e.dst == dst {
			d.near = i
			return i
		}
	}
}

// insert adds an adjacency that is not there and returns its index.
func (d *lsdb) insert(e entry) int32 {
	i := int32(len(d.entries))
	if len(d.entries) == cap(d.entries) {
		// By a quarter, not twofold: thousands of members hold one, and what a layer comes to is kept.
		d.entries = append(make([]entry, 0, i+max(minTable, i/4)), d.entries...)
	}
	e.rev = none
	d.entries = append(d.entries, e)
	if d.index.reserve(len(d.entries)) {
		for j := range d.entries {
			d.index.put(pairHash(d.entries[j].src, d.entries[j].dst), int32(j))
		}
	} else {
		d.index.put(pairHash(e.src, e.dst), i)
	}
	return i
}

// link puts the entries that are new into the graph.
func (d *lsdb) link() {
	for ; d.linked < len(d.entries); d.linked++ {
		e := &d.entries[d.linked]
		e.si, e.di = d.vertex(e.src), d.vertex(e.dst)
		e.rev = d.find(e.dst, e.src)
		if e.rev != none {
			d.entries[e.rev].rev = int32(d.linked)
		}
	}
}

// vertex returns the vertex with the given address, a new one if there is none.
func (d *lsdb) vertex(addr uint64) int32 {
	if v := d.findVertex(addr); v != none {
		return v
	}
	v := int32(len(d.addrs))
	d.addrs = append(d.addrs, addr)
	if d.vindex.reserve(len(d.addrs)) {
		for j, a := range d.addrs {
			d.vindex.put(hash(a), int32(j))
		}
	} else {
		d.vindex.put(hash(addr), v)
	}
	return v
}

// findVertex returns the vertex of an address, or none.
func (d *lsdb) findVertex(addr uint64) int32 {
	slots := d.vindex.slots
	if len(slots) == 0 {
		return none
	}
	for s := hash(addr); ; s++ {
		v := slots[s&uint64(len(slots)-1)]
		if v == 0 {
			return none
		}
		if i := int32(uint32(v)) - 1; d.addrs[i] == addr {
			return i
		}
	}
}

// usable tells whether both ends announce the link of an entry that is linked (spec 04 §6.2).
func (d *lsdb) usable(e *entry) bool {
	return !e.withdrawn && e.rev != none && !d.entries[e.rev].withdrawn
}

// removeIf drops entries and what depends on their numbering. It is made for ageing, which drops many
// at a time and seldom.
func (d *lsdb) removeIf(drop func(*entry) bool) (removed int) {
	old := d.entries
	for i := range old {
		if drop(&old[i]) {
			removed++
		}
	}
	if removed == 0 {
		return 0
	}
	*d = lsdb{entries: make([]entry, 0, len(old)-removed)}
	for i := range old {
		if !drop(&old[i]) {
			d.insert(old[i])
		}
	}
	return removed
}

// sorted returns the indices of the entries in database order: by destination, then source (spec 04
// §4.1).
func (d *lsdb) sorted() []int32 {
	order := make([]int32, len(d.entries))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		x, y := &d.entries[a], &d.entries[b]
		if c := cmp.Compare(x.dst, y.dst); c != 0 {
			return c
		}
		return cmp.Compare(x.src, y.src)
	})
	return order
}
