package capture

import (
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"ouroboros/core/wire"
)

// No frame makes the dissector panic, whatever it has learned from the frame before; gopacket
// catches panics and keeps their stack in the layer of the failure, so that is where to look. No
// byte is shown twice: the contents of the layers together are no longer than the frame.
func FuzzDecode(f *testing.F) {
	frames := readFrames(f, "testdata/frames.txt")
	for i := range frames {
		f.Add(frames[max(i-1, 0)].bytes, frames[i].bytes, false)
	}
	f.Add([]byte{0, 0, 0, 64, 0, 0, 0, 0}, []byte{0, 0, 0, 64, 1, 0, 0, 0, 1}, true)
	f.Fuzz(func(t *testing.T, first, second []byte, direct bool) {
		link := layers.LinkTypeEthernet
		if direct {
			link = LinkTypeDirect
		}
		d := NewDissector(DissectorOptions{})
		for _, b := range [][]byte{first, second, second} {
			p := d.Decode(b, link, whole(b))
			if len(b) > 14 && !direct && (b[12] != wire.DIXEtherType>>8 || b[13] != 0) {
				continue // gopacket's own decoders
			}
			if e, ok := p.ErrorLayer().(*gopacket.DecodeFailure); ok && e.Dump() != "" {
				t.Fatalf("panic: %v\n%s", e.Error(), e.Dump())
			}
			total := 0
			for _, l := range p.Layers() {
				if _, failed := l.(*gopacket.DecodeFailure); !failed {
					total += len(l.LayerContents())
				}
			}
			if total > len(b) {
				t.Fatalf("layers of %d bytes in a frame of %d: %s", total, len(b), Summary(p))
			}
			_ = Summary(p)
		}
	})
}

// The reader of connection messages takes nothing that it would print otherwise than it was sent: all
// required fields are there (spec 07 §2.1).
func FuzzCEP(f *testing.F) {
	f.Add(cepMessage("Management", "LSP", 0, 0x1A2B3C4D))
	f.Add([]byte{0x0a, 0, 0x12, 0, 0x18, 0, 0x28, 0, 0x40, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseCEP(b)
		if (m == nil) == (err == nil) {
			t.Fatalf("%v, %v", m, err)
		}
		if err == nil && len(b) < 10 {
			t.Fatalf("five fields in %d bytes: %x", len(b), b)
		}
	})
}
