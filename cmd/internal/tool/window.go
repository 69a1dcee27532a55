package tool

// WindowLen is how many of the latest numbers a Window knows.
const WindowLen = 1 << 16

// Window finds numbers that come late or twice, among the latest.
type Window struct {
	next uint32 // behind the highest that has come
	seen [WindowLen / 64]uint64
}

// Order is how a number has come.
type Order uint8

// InOrder is higher than all before, Late is not, Duplicate has come before.
const (
	InOrder Order = iota
	Late
	Duplicate
)

// Add notes a number. One that is below the window counts as late.
func (w *Window) Add(id uint32) Order {
	order := InOrder
	switch {
	case id >= w.next:
		if id-w.next >= WindowLen {
			clear(w.seen[:])
		} else {
			for i := w.next; i != id; i++ {
				w.forget(i)
			}
		}
		w.next = id + 1
	case w.next-id > WindowLen:
		return Late
	case w.has(id):
		return Duplicate
	default:
		order = Late
	}
	w.seen[id%WindowLen/64] |= 1 << (id % 64)
	return order
}

func (w *Window) has(id uint32) bool { return w.seen[id%WindowLen/64]&(1<<(id%64)) != 0 }
func (w *Window) forget(id uint32)   { w.seen[id%WindowLen/64] &^= 1 << (id % 64) }
