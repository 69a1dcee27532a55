package pkt

// Buffer memory comes in classes; a packet that outgrows its class moves to the next. The smallest is part
// of the buffer.
var classes = [...]int{small, 2048, 9216, 65536 + 512, 1 << 20}

const (
	small       = 256
	slabBufs    = 64 // buffers made at once in the small classes
	tailReserve = 32 // spare bytes behind a copy, so that a trailer needs no second move
	oversize    = uint8(len(classes))
)

// Pool hands out buffers and takes them back. It belongs to one actor or one run and is not safe for
// use from several goroutines. In steady state it does not allocate.
type Pool struct {
	bufs *Buf // free buffers, with the memory of the smallest class
	mems [len(classes)][][]byte
	live int
	peak int
}

// NewPool returns an empty pool.
func NewPool() *Pool { return &Pool{} }

// Live returns how many buffers are out. It is zero when every owner has released what it held,
// which every run checks at its end.
func (p *Pool) Live() int { return p.live }

// Peak returns the largest number of buffers that were out at one time.
func (p *Pool) Peak() int { return p.peak }

// Get returns a buffer of n zero bytes with the given headroom in front.
func (p *Pool) Get(headroom, n int) *Buf {
	b := p.take(headroom + n + tailReserve)
	b.off, b.end = int32(headroom), int32(headroom+n)
	clear(b.mem[b.off:b.end])
	return b
}

// GetPhantom returns a buffer of stored+phantom zero bytes, of which only the first part is stored.
func (p *Pool) GetPhantom(headroom, stored, phantom int) *Buf {
	b := p.Get(headroom, stored)
	b.phantom = int32(phantom)
	return b
}

// GetCopy returns a buffer holding a copy of data.
func (p *Pool) GetCopy(headroom int, data []byte) *Buf {
	b := p.take(headroom + len(data) + tailReserve)
	b.off, b.end = int32(headroom), int32(headroom+len(data))
	copy(b.mem[b.off:b.end], data)
	return b
}

func (p *Pool) take(size int) *Buf {
	b := p.bufs
	if b == nil {
		b = p.refillBufs()
	}
	p.bufs = b.next
	b.next, b.free = nil, false
	if size > small {
		b.mem, b.class = p.takeMem(size)
	}
	p.live++
	if p.live > p.peak {
		p.peak = p.live
	}
	return b
}

// released is where the ends of a free buffer stand: outside its memory, so that a use after the release
// panics as the package promises, at no cost on the packet path.
const released = -1

// put takes a buffer back. Larger memory returns to its class, so that it serves whoever needs it next.
func (p *Pool) put(b *Buf) {
	if b.class > 0 {
		p.putMem(b.mem, b.class)
		b.mem, b.class = b.room[:], 0
	}
	b.free, b.phantom, b.off, b.end, b.Meta = true, 0, released, released, Meta{}
	b.next, p.bufs = p.bufs, b
	p.live--
}

func (p *Pool) refillBufs() *Buf {
	heads := make([]Buf, slabBufs)
	for i := range heads {
		heads[i].pool, heads[i].free = p, true
		heads[i].mem = heads[i].room[:]
		if i+1 < len(heads) {
			heads[i].next = &heads[i+1]
		}
	}
	return &heads[0]
}

func (p *Pool) takeMem(size int) ([]byte, uint8) {
	c := 1 // the smallest is never taken alone
	for c < len(classes) && classes[c] < size {
		c++
	}
	if c == len(classes) {
		return make([]byte, size), oversize
	}
	free := p.mems[c]
	if n := len(free); n > 0 {
		m := free[n-1]
		p.mems[c] = free[:n-1]
		return m, uint8(c)
	}
	return make([]byte, classes[c]), uint8(c)
}

func (p *Pool) putMem(m []byte, class uint8) {
	if class > 0 && class < oversize {
		p.mems[class] = append(p.mems[class], m)
	}
}
