package pkt

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// model is a packet as a plain slice. What Push and Append make has undefined content, so both sides are
// filled with the same bytes at once.
type model struct {
	data     []byte
	headroom int
}

// A buffer behaves as a plain slice with a headroom, whatever part of it is phantom (design §2, Buffers).
func TestBufBehavesAsASlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pool := NewPool()
		var dirty []*Buf // so that memory that is used again is not zero by chance
		for range 4 {
			p := pool.Get(0, rapid.SampledFrom([]int{200, 2000, 9000}).Draw(t, "dirty"))
			for i, b := 0, p.Bytes(); i < len(b); i++ {
				b[i] = 0xEE
			}
			dirty = append(dirty, p)
		}
		for _, p := range dirty {
			p.Release()
		}
		size := rapid.SampledFrom([]int{0, 1, 40, 150, 224, 300, 2040, 9300})
		m := model{headroom: rapid.IntRange(0, 80).Draw(t, "headroom")}
		stored, phantom := size.Draw(t, "stored"), size.Draw(t, "phantom")
		m.data = make([]byte, stored+phantom)
		p := pool.GetPhantom(m.headroom, stored, phantom)
		p.Meta = Meta{Flow: 7, Kind: 3}
		fill := byte(0)
		paint := func(got, want []byte) {
			for i := range want {
				fill++
				got[i], want[i] = fill, fill
			}
		}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			n := rapid.IntRange(0, 70).Draw(t, "n")
			switch op := rapid.IntRange(0, 6).Draw(t, "op"); op {
			case 0: // Push
				if n > m.headroom {
					continue
				}
				m.headroom -= n
				m.data = append(make([]byte, n), m.data...)
				paint(p.Push(n), m.data[:n])
			case 1: // Pull
				h := p.Pull(n)
				if n > len(m.data) {
					if h != nil {
						t.Fatalf("Pull(%d) of %d bytes gives %d", n, len(m.data), len(h))
					}
					continue
				}
				if !bytes.Equal(h, m.data[:n]) {
					t.Fatalf("Pull(%d) gives %x, want %x", n, h, m.data[:n])
				}
				m.data = m.data[n:]
				m.headroom += n
			case 2: // Append
				m.data = append(m.data, make([]byte, n)...)
				paint(p.Append(n), m.data[len(m.data)-n:])
			case 3: // AppendPhantom
				p.AppendPhantom(n)
				m.data = append(m.data, make([]byte, n)...)
			case 4: // Truncate
				n = max(len(m.data)-n, 0)
				p.Truncate(n)
				m.data = m.data[:n]
			case 5: // Materialise
				p.Materialise()
				if p.Phantom() != 0 {
					t.Fatal("phantom bytes are left")
				}
			case 6: // Clone, and go on with the clone
				c := p.Clone()
				paintOver(p)
				p.Release()
				p = c
			}
			if p.Len() != len(m.data) || p.Headroom() != m.headroom || p.Stored()+p.Phantom() != p.Len() {
				t.Fatalf("len %d headroom %d stored %d phantom %d; want len %d headroom %d",
					p.Len(), p.Headroom(), p.Stored(), p.Phantom(), len(m.data), m.headroom)
			}
			if !bytes.Equal(p.Front(), m.data[:p.Stored()]) {
				t.Fatalf("stored %x, want %x", p.Front(), m.data[:p.Stored()])
			}
		}
		if p.Meta != (Meta{Flow: 7, Kind: 3}) {
			t.Fatalf("metadata %+v", p.Meta)
		}
		if !bytes.Equal(p.Bytes(), m.data) {
			t.Fatalf("bytes %x, want %x", p.Bytes(), m.data)
		}
		p.Release()
		if pool.Live() != 0 {
			t.Fatalf("%d buffers are out", pool.Live())
		}
	})
}

// paintOver destroys what a clone must not share.
func paintOver(p *Buf) {
	for i := range p.Front() {
		p.Front()[i] = 0xDD
	}
}

// A cut inside the phantom part keeps the rest phantom; one inside the stored part drops all of it.
func TestTruncateKeepsWhatItCan(t *testing.T) {
	for _, c := range []struct{ cut, stored, phantom int }{
		{150, 50, 100}, {149, 50, 99}, {51, 50, 1}, {50, 50, 0}, {49, 49, 0}, {0, 0, 0},
	} {
		p := NewPool().GetPhantom(8, 50, 100)
		p.Truncate(c.cut)
		if p.Stored() != c.stored || p.Phantom() != c.phantom {
			t.Errorf("cut to %d: %d stored, %d phantom, want %d and %d", c.cut, p.Stored(), p.Phantom(), c.stored, c.phantom)
		}
	}
}

// Headers are pulled off the stored part without storing the phantom part (design §2: forwarding does
// not copy).
func TestPullWithinTheStoredPartKeepsThePhantom(t *testing.T) {
	p := NewPool().GetPhantom(0, 20, 1000)
	if p.Pull(20) == nil || p.Phantom() != 1000 || p.Stored() != 0 {
		t.Errorf("%d stored, %d phantom", p.Stored(), p.Phantom())
	}
	if h := p.Pull(4); !bytes.Equal(h, make([]byte, 4)) || p.Len() != 996 {
		t.Errorf("pulled %x out of the phantom part, %d left", h, p.Len())
	}
	if p.Pull(997) != nil || p.Len() != 996 {
		t.Errorf("a Pull of too much changed the packet: %d left", p.Len())
	}
}

// Misuse by the owner, or by whoever is not the owner any more, panics (package comment).
func TestMisusePanics(t *testing.T) {
	gone := func() *Buf {
		p := NewPool().Get(16, 16)
		p.Release()
		return p
	}
	for name, f := range map[string]func(){
		"release twice":         func() { gone().Release() },
		"push after release":    func() { gone().Push(1) },
		"append after release":  func() { gone().Append(1) },
		"long append after it":  func() { gone().Append(5000) },
		"bytes after release":   func() { gone().Bytes() },
		"front after release":   func() { gone().Front() },
		"clone after release":   func() { gone().Clone() },
		"push beyond headroom":  func() { NewPool().Get(16, 16).Push(17) },
		"truncate to more":      func() { NewPool().Get(0, 16).Truncate(17) },
		"truncate to a deficit": func() { NewPool().Get(0, 16).Truncate(-1) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
	if p := gone(); p.Pull(1) != nil {
		t.Error("bytes of a released buffer")
	}
}

// Every size gets memory that fits, from the class below one byte more to sizes beyond all classes, and
// a packet that outgrows its memory keeps its content.
func TestAPacketOfAnySizeFindsMemory(t *testing.T) {
	sizes := []int{0, 1}
	for _, c := range classes {
		sizes = append(sizes, c-tailReserve-1, c-tailReserve, c-tailReserve+1, c, c+1)
	}
	pool := NewPool()
	for round := range 2 { // the second round uses what the first gave back
		for _, n := range sizes {
			p := pool.Get(0, n)
			if !bytes.Equal(p.Bytes(), make([]byte, n)) {
				t.Fatalf("round %d: %d bytes are not zero", round, n)
			}
			for i, b := 0, p.Bytes(); i < len(b); i++ {
				b[i] = byte(i)
			}
			tail := p.Append(tailReserve + 1)
			clear(tail)
			for i, v := range p.Bytes()[:n] {
				if v != byte(i) {
					t.Fatalf("round %d: byte %d of %d changed in Append", round, i, n)
				}
			}
			if p.Len() != n+tailReserve+1 {
				t.Fatalf("len %d", p.Len())
			}
			p.Release()
		}
	}
	if pool.Live() != 0 || pool.Peak() != 1 {
		t.Errorf("live %d, peak %d", pool.Live(), pool.Peak())
	}
}

// Two buffers that are out never share memory, whatever classes they came from.
func TestLiveBuffersDoNotOverlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pool := NewPool()
		type held struct {
			p    *Buf
			mark byte
		}
		var out []held
		peak := 0
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(out) > 0 && rapid.Bool().Draw(t, "release") {
				k := rapid.IntRange(0, len(out)-1).Draw(t, "which")
				out[k].p.Release()
				out = append(out[:k], out[k+1:]...)
			} else {
				p := pool.Get(10, rapid.SampledFrom([]int{0, 100, 214, 215, 2000, 4000}).Draw(t, "size"))
				if rapid.Bool().Draw(t, "grow") {
					p.Append(rapid.SampledFrom([]int{50, 3000}).Draw(t, "by"))
				}
				h := held{p, byte(i)}
				for k, b := 0, p.Bytes(); k < len(b); k++ {
					b[k] = h.mark
				}
				out = append(out, h)
			}
			peak = max(peak, len(out))
			for _, h := range out {
				if n := bytes.Count(h.p.Bytes(), []byte{h.mark}); n != h.p.Len() {
					t.Fatalf("%d of %d bytes were written by another packet", h.p.Len()-n, h.p.Len())
				}
			}
		}
		if pool.Live() != len(out) || pool.Peak() != peak {
			t.Fatalf("live %d peak %d, want %d and %d", pool.Live(), pool.Peak(), len(out), peak)
		}
	})
}

// In steady state the pool does not allocate, whatever classes the traffic mixes (design §3).
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	for _, n := range []int{40, 1000, 1500, 9000, 60_000, 1 << 19} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			pool := NewPool()
			work := func() {
				small := pool.GetPhantom(60, 40, 1000)
				p := pool.Get(60, n)
				c := p.Clone()
				c.Append(64)
				p.Release()
				small.Materialise()
				small.Release()
				c.Release()
			}
			work()
			work()
			if a := testing.AllocsPerRun(200, work); a != 0 {
				t.Errorf("%v allocations per run", a)
			}
			if pool.Live() != 0 || pool.Peak() != 3 {
				t.Errorf("live %d, peak %d", pool.Live(), pool.Peak())
			}
		})
	}
}
