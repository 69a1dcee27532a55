package capture

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

// epoch is 2026-11-22 00:00:00 UTC plus one nanosecond.
const epoch = int64(1795305600_000000001)

func newWriter(tb testing.TB, w io.Writer, opts Options) *Writer {
	tb.Helper()
	out, err := New(w, opts)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func mustInterface(tb testing.TB, w *Writer, name string, rate int64, kind core.LinkKind) int {
	tb.Helper()
	id, err := w.Interface(name, rate, kind)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

func mustClose(tb testing.TB, w *Writer) {
	tb.Helper()
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
}

// What is written is read back by pcapgo to the nanosecond, also past the 32 bits that the halves of a
// pcapng time stamp hold, with one interface per link end, in the order of the frames.
func TestCaptureKeepsTimesInterfacesAndBytes(t *testing.T) {
	var file bytes.Buffer
	w := newWriter(t, &file, Options{Application: "test", Comment: "seed 1"})
	pool := pkt.NewPool()
	a := mustInterface(t, w, "seattle-denver:seattle", 10e9, core.LinkEthernet)
	b := mustInterface(t, w, "seattle-denver:denver", 10e9, core.LinkEthernet)
	steps := []struct {
		id   int
		at   clock.Time
		data string
	}{
		{a, 0, "first frame"},
		{b, 1, ""},
		{a, 999_999_999, "x"},
		{b, 1_000_000_000, "four"},
		{a, 1<<32 + 7, "past 32 bits"},
		{2, clock.Time(365 * 24 * time.Hour), "a later interface"},
	}
	for _, s := range steps {
		if s.id == 2 {
			mustInterface(t, w, "added during the run:x", 0, core.LinkEthernet)
		}
		p := pool.GetCopy(16, []byte(s.data))
		w.Frame(s.id, s.at, epoch, p)
		p.Release()
	}
	mustClose(t, w)

	r, err := pcapgo.NewNgReader(&file, pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.SectionInfo(); got.Application != "test" || got.Comment != "seed 1" || got.OS != "" || got.Hardware != "" {
		t.Errorf("section %+v: want application and comment, and nothing of the machine", got)
	}
	for i, s := range steps {
		data, ci, err := r.ReadPacketData()
		if err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
		if got := ci.Timestamp.UnixNano(); got != epoch+int64(s.at) {
			t.Errorf("frame %d: time %d ns, want %d", i, got, epoch+int64(s.at))
		}
		if string(data) != s.data || ci.Length != len(s.data) || ci.InterfaceIndex != s.id {
			t.Errorf("frame %d: %q of %d bytes on interface %d, want %q on %d", i, data, ci.Length, ci.InterfaceIndex, s.data, s.id)
		}
	}
	if _, _, err := r.ReadPacketData(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last frame: %v, want EOF", err)
	}
	for i, want := range []string{"seattle-denver:seattle", "seattle-denver:denver", "added during the run:x"} {
		in, err := r.Interface(i)
		if err != nil || in.Name != want || in.LinkType != layers.LinkTypeEthernet || in.TimestampResolution != 9 {
			t.Errorf("interface %d: %+v %v, want %q", i, in, err, want)
		}
	}
	if in, _ := r.Interface(0); in.Description != "ethernet, 10000000000 bit/s" {
		t.Errorf("description %q", in.Description)
	}
}

// Capture never changes a run: a phantom payload is zeros in the file and stays phantom in the buffer.
func TestCaptureLeavesPhantomsAlone(t *testing.T) {
	for _, kind := range []core.LinkKind{core.LinkEthernet, core.LinkDirect} {
		var file bytes.Buffer
		w := newWriter(t, &file, Options{})
		id := mustInterface(t, w, "a-b:a", 0, kind)
		pool := pkt.NewPool()

		// A long stored frame first: what it leaves in the writer must not show in the zeros.
		dirty := pool.GetCopy(0, bytes.Repeat([]byte{0xFF}, 3000))
		w.Frame(id, 0, epoch, dirty)
		dirty.Release()

		p := pool.GetPhantom(32, 20, 1000)
		copy(p.Front(), "header of the packet")
		p.Meta = pkt.Meta{Flow: 0x01020304, Kind: 5}
		w.Frame(id, 1, epoch, p)
		if p.Stored() != 20 || p.Phantom() != 1000 || p.Headroom() != 32 || pool.Live() != 1 {
			t.Errorf("%s: after capture %d stored, %d phantom, headroom %d, %d live", kindName(kind), p.Stored(), p.Phantom(), p.Headroom(), pool.Live())
		}
		p.Release()
		mustClose(t, w)

		want := "header of the packet" + strings.Repeat("\x00", 1000)
		if kind == core.LinkDirect {
			want = "\x01\x02\x03\x04\x05\x00\x00\x00" + want
		}
		r, err := pcapgo.NewNgReader(&file, pcapgo.DefaultNgReaderOptions)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.ReadPacketData(); err != nil {
			t.Fatal(err)
		}
		data, ci, err := r.ReadPacketData()
		if err != nil || string(data) != want || ci.Length != len(want) {
			t.Errorf("%s: %d of %d bytes, %v; want %d\n%x", kindName(kind), len(data), ci.Length, err, len(want), data)
		}
	}
}

// The snap length bounds what is kept, through stored bytes, phantom bytes and the synthetic header,
// and the true length stays known.
func TestCaptureSnapLength(t *testing.T) {
	for _, snap := range []int{1, 5, 8, 14, 18, 40, 100} {
		for _, kind := range []core.LinkKind{core.LinkEthernet, core.LinkDirect} {
			var file bytes.Buffer
			w := newWriter(t, &file, Options{SnapLen: snap})
			id := mustInterface(t, w, "a-b:a", 0, kind)
			p := pkt.NewPool().GetPhantom(0, 10, 20)
			copy(p.Front(), "0123456789")
			w.Frame(id, 0, epoch, p)
			mustClose(t, w)

			all := "0123456789" + strings.Repeat("\x00", 20)
			if kind == core.LinkDirect {
				all = strings.Repeat("\x00", DirectHeaderLen) + all
			}
			r, err := pcapgo.NewNgReader(&file, pcapgo.DefaultNgReaderOptions)
			if err != nil {
				t.Fatal(err)
			}
			data, ci, err := r.ReadPacketData()
			if want := all[:min(snap, len(all))]; err != nil || string(data) != want || ci.Length != len(all) {
				t.Errorf("snap %d, %s: %q of %d bytes, %v; want %q of %d", snap, kindName(kind), data, ci.Length, err, want, len(all))
			}
		}
	}
}

// Readers take the link type of the first interface for the whole file: another kind is refused, by
// name, and the capture goes on.
func TestCaptureRefusesMixedLinkTypes(t *testing.T) {
	var file bytes.Buffer
	w := newWriter(t, &file, Options{})
	mustInterface(t, w, "a-b:a", 0, core.LinkDirect)
	_, err := w.Interface("b-c:b", 0, core.LinkEthernet)
	if err == nil || !strings.Contains(err.Error(), `"b-c:b" is ethernet`) || !strings.Contains(err.Error(), "direct") {
		t.Errorf("mixed kinds: %v", err)
	}
	if _, err := w.Interface("b-c:b", 0, core.LinkDatagram); err == nil || !strings.Contains(err.Error(), "datagram") {
		t.Errorf("datagram link: %v", err)
	}
	if id := mustInterface(t, w, "b-c:b", 0, core.LinkDirect); id != 1 {
		t.Errorf("interface after refusals has id %d, want 1", id)
	}
	mustClose(t, w)
}

func TestCaptureRefusesBadArguments(t *testing.T) {
	for _, o := range []Options{{SnapLen: -1}, {SnapLen: maxSnapLength + 1}, {Comment: strings.Repeat("x", 1<<16)}} {
		if _, err := New(io.Discard, o); err == nil {
			t.Errorf("snap length %d, comment of %d bytes: no error", o.SnapLen, len(o.Comment))
		}
	}
	w := newWriter(t, io.Discard, Options{})
	if _, err := w.Interface(strings.Repeat("x", 1<<16), 0, core.LinkEthernet); err == nil {
		t.Error("interface name of 65536 bytes: no error")
	}
	p := pkt.NewPool().Get(0, 1)
	tests := []struct {
		name string
		id   int
		at   clock.Time
		wall int64
		want string
	}{
		{"unknown interface", 1, 0, 0, "interface 1, there are 1"},
		{"negative interface", -1, 0, 0, "interface -1, there are 1"},
		{"before 1970", 0, 0, -1, "before 1970"},
		{"after 2262", 0, clock.Never, epoch, "after 2262"},
	}
	for _, tt := range tests {
		w := newWriter(t, io.Discard, Options{})
		mustInterface(t, w, "a-b:a", 0, core.LinkEthernet)
		w.Frame(tt.id, tt.at, tt.wall, p)
		if err := w.Close(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want it to contain %q", tt.name, err, tt.want)
		}
	}
}

var errFull = errors.New("disk full")

type fullDisk struct{ room int }

func (f *fullDisk) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// A full disk does not disturb the run: frames are dropped quietly, and Close returns the first error.
func TestCaptureErrorsAreSticky(t *testing.T) {
	w := newWriter(t, &fullDisk{room: bufferSize}, Options{})
	id := mustInterface(t, w, "a-b:a", 0, core.LinkEthernet)
	p := pkt.NewPool().Get(0, 1500)
	for i := range 1000 {
		w.Frame(id, clock.Time(i), epoch, p)
	}
	w.Frame(99, 0, epoch, p)
	if err := w.Flush(); !errors.Is(err, errFull) {
		t.Errorf("flush: %v, want %v", err, errFull)
	}
	if _, err := w.Interface("b-c:b", 0, core.LinkEthernet); !errors.Is(err, errFull) {
		t.Errorf("interface: %v, want %v", err, errFull)
	}
	if err := w.Close(); !errors.Is(err, errFull) {
		t.Errorf("close: %v, want %v", err, errFull)
	}
	if err := w.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("second close: %v, want %v", err, ErrClosed)
	}
}

// The error of the very last flush, of a capture smaller than the buffer, is reported too.
func TestCaptureCloseReportsTheLastFlush(t *testing.T) {
	w := newWriter(t, &fullDisk{}, Options{})
	mustInterface(t, w, "a-b:a", 0, core.LinkEthernet)
	if err := w.Close(); !errors.Is(err, errFull) {
		t.Errorf("close: %v, want %v", err, errFull)
	}
}

func TestCaptureOfFramesDoesNotAllocate(t *testing.T) {
	for _, kind := range []core.LinkKind{core.LinkEthernet, core.LinkDirect} {
		w := newWriter(t, io.Discard, Options{})
		id := mustInterface(t, w, "a-b:a", 0, kind)
		p := pkt.NewPool().GetPhantom(0, 33, 1000)
		if n := testing.AllocsPerRun(100, func() { w.Frame(id, 0, epoch, p) }); n != 0 {
			t.Errorf("%s: %v allocations per frame", kindName(kind), n)
		}
	}
}

func BenchmarkFrame(b *testing.B) {
	for _, bb := range []struct {
		name            string
		stored, phantom int
	}{{"stored", 1018, 0}, {"phantom", 33, 985}} {
		b.Run(bb.name, func(b *testing.B) {
			w := newWriter(b, io.Discard, Options{})
			id := mustInterface(b, w, "a-b:a", 0, core.LinkEthernet)
			p := pkt.NewPool().GetPhantom(0, bb.stored, bb.phantom)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				w.Frame(id, clock.Time(i), epoch, p)
			}
		})
	}
}
