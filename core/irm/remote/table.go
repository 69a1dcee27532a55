package remote

// table numbers objects from 0 on, up to a limit. The first free number is taken.
type table[T any] struct {
	slots []*T
	free  []uint32
	n     int
}

// add gives the object a number; ok is false when there are limit of them.
func (t *table[T]) add(v *T, limit int) (id uint32, ok bool) {
	if t.n >= limit {
		return 0, false
	}
	t.n++
	if n := len(t.free); n > 0 {
		id = t.free[n-1]
		t.free = t.free[:n-1]
		t.slots[id] = v
		return id, true
	}
	t.slots = append(t.slots, v)
	return uint32(len(t.slots) - 1), true
}

// put takes an object under the number that the other end has chosen; ok is false when it is beyond the limit or
// in use. The table grows with the number: whoever chooses the first free one has it small.
func (t *table[T]) put(id uint32, v *T, limit int) (ok bool) {
	if id >= uint32(limit) || t.get(id) != nil {
		return false
	}
	for uint32(len(t.slots)) <= id {
		t.slots = append(t.slots, nil)
	}
	t.slots[id] = v
	t.n++
	return true
}

// get returns the object with the number, nil if there is none.
func (t *table[T]) get(id uint32) *T {
	if id >= uint32(len(t.slots)) {
		return nil
	}
	return t.slots[id]
}

// drop frees a number that add has given.
func (t *table[T]) drop(id uint32) {
	t.take(id)
	t.free = append(t.free, id)
}

// take frees a number that the other end has chosen.
func (t *table[T]) take(id uint32) {
	t.slots[id] = nil
	t.n--
}

// each calls fn for all objects, which may end them.
func (t *table[T]) each(fn func(*T)) {
	for i := range t.slots {
		if v := t.slots[i]; v != nil {
			fn(v)
		}
	}
}
