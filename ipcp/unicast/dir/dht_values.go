package dir

import (
	"cmp"
	"slices"

	"ouroboros/core"
)

// Bounds of what a member holds for others. The protocol has none (spec 05 §6.3); a layer of 1000
// members with a hundred names each stays far below.
const (
	maxKeys   = 1 << 14
	maxPerKey = 64
	maxValue  = 64    // bytes
	maxLife   = 86400 // s, the longest t_expire: no value is kept longer than that after its last STORE
)

// value is what others have stored under a key.
type value struct {
	data string
	exp  uint32    // UNIX time in s
	sent core.Time // last STORE seen or sent
	due  core.Time // when this member sends it on
}

// item holds the values of a key in the order of their arrival.
type item struct {
	key    core.Hash
	prefix uint64
	values []value
}

// held is what a member holds for others, in the order of keys.
type held struct {
	items  []*item
	byKey  map[core.Hash]*item
	values int
}

// put stores a value or renews it. It reports false if there is no room.
func (h *held) put(key core.Hash, v value) bool {
	it := h.byKey[key]
	if it == nil {
		if len(h.items) == maxKeys {
			return false
		}
		it = &item{key: key, prefix: prefixOf(key)}
		if h.byKey == nil {
			h.byKey = map[core.Hash]*item{}
		}
		h.byKey[key] = it
		i, _ := slices.BinarySearchFunc(h.items, key, func(it *item, k core.Hash) int { return cmp.Compare(it.key, k) })
		h.items = slices.Insert(h.items, i, it)
	}
	for i := range it.values {
		if old := &it.values[i]; old.data == v.data {
			old.exp, old.sent, old.due = max(old.exp, v.exp), v.sent, v.due
			return true
		}
	}
	if len(it.values) == maxPerKey {
		return false
	}
	it.values = append(it.values, v)
	h.values++
	return true
}

// sweep drops what has expired by the UNIX time wall.
func (h *held) sweep(wall int64) {
	h.items = slices.DeleteFunc(h.items, func(it *item) bool {
		h.values -= len(it.values)
		it.values = slices.DeleteFunc(it.values, func(v value) bool { return int64(v.exp) < wall })
		h.values += len(it.values)
		if len(it.values) == 0 {
			delete(h.byKey, it.key)
			return true
		}
		return false
	})
}

// renewals is how many periods of replication an owner may miss before its value counts as doubtful.
const renewals = 3

// values returns what this member answers about a key, at most maxVals, and how many of them are fresh.
//
// Nobody can take a value back, so the order matters (D7). First come those whose owner has renewed them
// within the last periods of replication, this member's own among them, in random order: the addresses
// of one name share its load, and askers that always take the first do so too. The others follow, the
// longest to live first.
func (d *DHT) values(key core.Hash) (out []string, fresh int) {
	var old []value
	if it := d.held.byKey[key]; it != nil {
		wall := d.unix()
		newer := wall + int64((d.cfg.Expire - renewals*d.cfg.Replicate).Seconds())
		for _, v := range it.values {
			switch {
			case int64(v.exp) < wall || valueAddr(v.data) == d.self.addr:
			case int64(v.exp) >= newer:
				out = append(out, v.data)
			default:
				old = append(old, v)
			}
		}
	}
	if d.registration(key) != nil {
		out = append(out, addrValue(d.self.addr))
	}
	d.rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	fresh = len(out)
	slices.SortStableFunc(old, func(a, b value) int { return cmp.Compare(b.exp, a.exp) })
	for _, v := range old {
		out = append(out, v.data)
	}
	return out[:min(len(out), maxVals)], min(fresh, maxVals)
}

// unix returns the time on the wall in s.
func (d *DHT) unix() int64 { return d.wall() / 1e9 }

// takeStore handles STORE (spec 05 §6.3).
func (d *DHT) takeStore(now core.Time, m *message) {
	wall, data := d.unix(), m.values[0]
	switch {
	case int64(m.exp) < wall:
		d.drop(Expired)
	case valueAddr(data) == d.self.addr:
		// A copy of this member's own value: it knows best whether it holds.
		if d.registration(m.key) == nil {
			d.drop(Revoked)
		}
	case len(data) > maxValue:
		d.drop(Overload)
	default:
		// The sender has sent the value to the others as well, so this member's turn to do so comes only
		// if nobody does for longer than an owner would wait. The random part makes one holder the first.
		due := now.Add(d.cfg.Replicate + d.cfg.Replicate/8 + d.jitter(d.cfg.Replicate/4))
		exp := uint32(min(int64(m.exp), wall+maxLife, 1<<32-1))
		if !d.held.put(m.key, value{data: data, exp: exp, sent: now, due: due}) {
			d.drop(Overload)
			return
		}
		d.wake(due)
	}
}
