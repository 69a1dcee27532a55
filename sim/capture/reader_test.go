package capture

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
)

// A capture of the Writer opens in the Reader. On direct links the flows are known at both ends from
// their allocation, by the names of the interfaces, and those of other links are kept apart.
func TestReaderReadsWhatTheWriterWrote(t *testing.T) {
	var file bytes.Buffer
	w := newWriter(t, &file, Options{})
	pool := pkt.NewPool()
	for _, name := range []string{"a-b:a", "b-c:b", "a-b:b", "b-c:c"} {
		mustInterface(t, w, name, 0, core.LinkDirect)
	}
	at := clock.Time(0)
	send := func(id int, m pkt.Meta, data []byte) {
		at++
		p := pool.GetCopy(0, data)
		p.Meta = m
		w.Frame(id, at, epoch, p)
		p.Release()
	}
	request := wire.DIXMessage{Code: wire.DIXFlowRequest, SEID: 64, BER: 1, InOrder: 1, Digest: make([]byte, 32)}
	reply := wire.DIXMessage{Code: wire.DIXFlowReply, SEID: 65, DEID: 64}
	window := []byte{0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0} // no flags: nobody would guess FRCP
	send(0, pkt.Meta{Kind: 1}, encode(&request))
	send(2, pkt.Meta{Kind: 2}, encode(&reply))
	send(0, pkt.Meta{Flow: 65}, window)
	send(2, pkt.Meta{Flow: 64}, window)
	send(1, pkt.Meta{Flow: 65}, window)
	send(1, pkt.Meta{Flow: 64}, cepMessage("Management", "LSP", 0, 1))
	send(1, pkt.Meta{Flow: 64}, wire.LSA{Dst: 2, Src: 1, Seq: 4}.Append(nil))
	send(3, pkt.Meta{Flow: 64}, cepMessage("Data Transfer", "dtp", 2, 2))
	send(3, pkt.Meta{Flow: 64}, pci(1, 9<<32|64, []byte("data")))
	send(1, pkt.Meta{Flow: 64}, nil)
	mustClose(t, w)

	r, err := NewReader(&file, DissectorOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		"a-b:a direct flow 0 kind 1 | shim FLOW_REQ seid 64 reliable ber 1 timeout 0 ms to 00000000…",
		"a-b:b direct flow 0 kind 2 | shim FLOW_REPLY seid 65 deid 64 response 0",
		"a-b:a direct flow 65 kind 0 | frcp -",
		"a-b:b direct flow 64 kind 0 | frcp -",
		"b-c:b direct flow 65 kind 0 | unknown 12 bytes",
		`b-c:b direct flow 64 kind 0 | cep "Management" protocol "LSP" version 1 syntax 0 address 01.00.00.00`,
		"b-c:b direct flow 64 kind 0 | lsa 01.00.00.00 > 02.00.00.00 seq 4",
		`b-c:c direct flow 64 kind 0 | cep "Data Transfer" protocol "dtp" version 1 syntax 2 address 02.00.00.00`,
		"b-c:c direct flow 64 kind 0 | dt > 01.00.00.00 cube 0 ttl 60 ecn 0 eid 900000040 | unknown 4 bytes",
		"b-c:b direct flow 64 kind 0 | keepalive",
	} {
		p, err := r.Next()
		if err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
		ci := p.Metadata().CaptureInfo
		if got := r.InterfaceName(ci.InterfaceIndex) + " " + Summary(p); got != want {
			t.Errorf("frame %d: %q, want %q", i, got, want)
		}
		if got := ci.Timestamp.UnixNano(); got != epoch+int64(i)+1 {
			t.Errorf("frame %d: time %d ns, want %d", i, got, epoch+int64(i)+1)
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v, want EOF", err)
	}
	if r.Interfaces() != 4 || r.InterfaceName(4) != "" {
		t.Errorf("%d interfaces, fifth %q", r.Interfaces(), r.InterfaceName(4))
	}
}

func TestReaderRefusesOtherFiles(t *testing.T) {
	if _, err := NewReader(strings.NewReader(strings.Repeat("no capture ", 10)), DissectorOptions{}); err == nil {
		t.Error("text was taken for a capture")
	}
	if _, err := NewReader(strings.NewReader(""), DissectorOptions{}); !errors.Is(err, io.EOF) {
		t.Errorf("empty file: %v, want EOF", err)
	}
}

// A capture whose writer was killed ends within a block: that is told apart from the end, wherever the
// cut is.
func TestReaderTellsACutFileFromAnEnd(t *testing.T) {
	var file bytes.Buffer
	w := newWriter(t, &file, Options{})
	id := mustInterface(t, w, "a-b:a", 0, core.LinkEthernet)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	ends := map[int]bool{file.Len(): true}
	for i := range 2 {
		w.Frame(id, clock.Time(i), epoch, pkt.NewPool().Get(0, 50+i))
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		ends[file.Len()] = true
	}
	section := 28 // the section header without options
	for n := section + 1; n <= file.Len(); n++ {
		want := io.ErrUnexpectedEOF
		if ends[n] {
			want = io.EOF
		}
		r, err := NewReader(bytes.NewReader(file.Bytes()[:n]), DissectorOptions{})
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, want) {
			t.Errorf("%d of %d bytes: %v, want %v", n, file.Len(), err, want)
		}
	}
}

// A packet that claims more bytes than its block has is an error, not an allocation of 4 GiB; the frames
// in front of it are read.
func TestReaderRefusesPacketsLongerThanTheirBlock(t *testing.T) {
	var file bytes.Buffer
	w := newWriter(t, &file, Options{})
	id := mustInterface(t, w, "a-b:a", 0, core.LinkEthernet)
	w.Frame(id, 0, epoch, pkt.NewPool().Get(0, 60))
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	second := file.Len()
	w.Frame(id, 1, epoch, pkt.NewPool().Get(0, 60))
	mustClose(t, w)
	for _, offset := range []int{7, 23} { // high bytes of the lengths of block and packet
		b := bytes.Clone(file.Bytes())
		b[second+offset] = 0xFF
		if offset == 7 {
			b[second+4]++
		}
		r, err := NewReader(bytes.NewReader(b), DissectorOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(); err != nil {
			t.Fatalf("frame in front: %v", err)
		}
		if _, err := r.Next(); err == nil || !strings.Contains(err.Error(), "pcapng") {
			t.Errorf("bad length at %d: %v", offset, err)
		}
	}
}

// No file makes the reader panic.
func FuzzReader(f *testing.F) {
	var file bytes.Buffer
	w := newWriter(f, &file, Options{Comment: "c"})
	id := mustInterface(f, w, "a-b:a", 0, core.LinkDirect)
	w.Frame(id, 1, epoch, pkt.NewPool().Get(0, 50))
	mustClose(f, w)
	f.Add(file.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewReader(bytes.NewReader(b), DissectorOptions{})
		if err != nil {
			return
		}
		for range 100 {
			p, err := r.Next()
			if err != nil {
				return
			}
			if p == nil {
				t.Fatal("neither packet nor error")
			}
		}
	})
}
