// Package pkt is the packet buffer and the pool it comes from.
//
//	       off          end
//	        v            v
//	+-------+------------+----------+ - - - - - - +
//	| head  | stored     | tail     :  phantom    :
//	| room  | bytes      | room     :  zeros      :
//	+-------+------------+----------+ - - - - - - +
//	        |<-------- Len() ---------------------->|
//
// Headers are pushed at the front and pulled off it; a trailer is appended at the back. A simulated
// payload may be phantom: it counts in Len, its content is zeros, and no bytes are stored. Anything
// that needs the bytes (a trailer, encryption, bit errors, capture, a real socket) materialises it.
//
// A buffer has one owner. Handing it to a Write, Send or Deliver passes it on; the last owner calls
// Release. A buffer that is used or released after its release panics.
package pkt

import "fmt"

// Meta is what a packet carries beside its bytes, in the simulator only: the direct shim adds no
// header, its flow number and message kind travel here.
type Meta struct {
	Flow uint32 // flow number at the receiver
	Kind uint8  // message kind, 0 = data
}

// Buf is one packet. See the package comment for its layout and ownership.
type Buf struct {
	mem     []byte // room, or memory of a larger class
	off     int32
	end     int32
	phantom int32
	free    bool
	class   uint8
	pool    *Pool
	next    *Buf
	// Meta travels with the packet between two ends of a direct link.
	Meta Meta
	// room is the memory of the smallest class. It stands behind the fields, which fill a cache line, so
	// that the headers of a small packet come into the cache beside them.
	room [small]byte
}

// Len returns the length of the packet in bytes, phantom bytes included.
func (b *Buf) Len() int { return int(b.end-b.off) + int(b.phantom) }

// Stored returns how many bytes from the front are really there.
func (b *Buf) Stored() int { return int(b.end - b.off) }

// Phantom returns how many zero bytes at the end are only counted.
func (b *Buf) Phantom() int { return int(b.phantom) }

// Headroom returns how many bytes can be pushed.
func (b *Buf) Headroom() int { return int(b.off) }

// Bytes returns the whole packet, materialising phantom bytes first. The slice is valid until the
// next call that moves the buffer's ends.
func (b *Buf) Bytes() []byte {
	if b.phantom > 0 {
		b.Materialise()
	}
	return b.mem[b.off:b.end]
}

// Front returns the bytes that are stored, from the front: what a header view reads. Its length may
// be less than Len.
func (b *Buf) Front() []byte { return b.mem[b.off:b.end] }

// Push makes n more bytes at the front and returns them; their content is undefined. It panics when
// the headroom is less than n, which is an error of whoever sized the buffer.
func (b *Buf) Push(n int) []byte {
	if int(b.off) < n {
		return b.noHeadroom(n)
	}
	b.off -= int32(n)
	return b.mem[b.off:][:n]
}

// noHeadroom stands apart, and returns, so that Push is inlined.
//
//go:noinline
func (b *Buf) noHeadroom(n int) []byte {
	panic(fmt.Sprintf("pkt: push of %d bytes into a headroom of %d", n, b.off))
}

// Pull removes n bytes from the front and returns them, or nil when fewer are stored. A phantom part
// is materialised if the cut falls into it.
func (b *Buf) Pull(n int) []byte {
	off := int(b.off) + n
	if off > int(b.end) {
		return b.pullPhantom(n)
	}
	h := b.mem[b.off:off]
	b.off = int32(off)
	return h
}

// pullPhantom is a Pull beyond the stored bytes, apart so that Pull stays a leaf without a stack frame.
//
//go:noinline
func (b *Buf) pullPhantom(n int) []byte {
	if b.Len() < n {
		return nil
	}
	b.Materialise()
	return b.Pull(n)
}

// Append makes n more bytes at the back and returns them; their content is undefined.
func (b *Buf) Append(n int) []byte {
	if b.phantom > 0 {
		b.Materialise()
	}
	if int(b.end)+n > len(b.mem) {
		b.grow(int(b.end) + n)
	}
	b.end += int32(n)
	return b.mem[int(b.end)-n : b.end]
}

// AppendPhantom makes n more zero bytes at the back that are counted and not stored.
func (b *Buf) AppendPhantom(n int) { b.phantom += int32(n) }

// Truncate cuts the packet to its first n bytes. It panics when the packet is shorter.
func (b *Buf) Truncate(n int) {
	if n > b.Len() || n < 0 {
		panic(fmt.Sprintf("pkt: truncate to %d of %d bytes", n, b.Len()))
	}
	if s := b.Stored(); n < s {
		b.end, b.phantom = b.off+int32(n), 0
	} else {
		b.phantom = int32(n - s)
	}
}

// Materialise stores the phantom bytes as the zeros they stand for.
func (b *Buf) Materialise() {
	if b.phantom == 0 {
		return
	}
	need := int(b.end + b.phantom)
	if need > len(b.mem) {
		b.grow(need)
	}
	clear(b.mem[b.end:need])
	b.end, b.phantom = int32(need), 0
}

// grow moves the content to memory of at least n bytes, keeping the offsets.
func (b *Buf) grow(n int) {
	old, class := b.mem, b.class
	b.mem, b.class = b.pool.takeMem(n + tailReserve)
	copy(b.mem, old[:b.end])
	b.pool.putMem(old, class)
}

// Clone returns a private copy with the same headroom, content and metadata.
func (b *Buf) Clone() *Buf {
	c := b.pool.take(int(b.end) + tailReserve)
	copy(c.mem[b.off:b.end], b.mem[b.off:b.end])
	c.off, c.end, c.phantom, c.Meta = b.off, b.end, b.phantom, b.Meta
	return c
}

// Release gives the buffer back to its pool. Only the owner may call it, once.
func (b *Buf) Release() {
	if b.free {
		panic("pkt: buffer released twice")
	}
	b.pool.put(b)
}
