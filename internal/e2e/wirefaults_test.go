package e2e

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"ouroboros/core/wire"
	"ouroboros/internal/inject"
)

// kinds are the shims that have a wire.
var kinds = []string{"eth-dix", "eth-llc", "udp4"}

// TestBytesFromTheWire: what arrives is dropped and counted when it is malformed, whoever sent it; the flows beside it do
// not notice (spec 01 §7, D8, D11, D13, D14). Each of these stops the prototype.
func TestBytesFromTheWire(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			s := besiege(t, kind)
			t.Run("random", func(t *testing.T) { s.endure(t, s.random, 300) })
			t.Run("length", func(t *testing.T) { s.endure(t, s.lengths, 0) })
			t.Run("no-hash", func(t *testing.T) { s.endure(t, s.withoutHash, 20) })
			t.Run("long-management", func(t *testing.T) { s.endure(t, s.longManagement, 0) })
			t.Run("far-reply", func(t *testing.T) { s.endure(t, s.farReplies, 0) })
			t.Run("strangers", func(t *testing.T) { s.endure(t, s.strangers, 0) })
			t.Run("unknown-names", func(t *testing.T) { s.endure(t, s.unknownNames, 0) })
			t.Run("no-handshake", func(t *testing.T) { s.endure(t, s.withoutHandshake, 0) })
		})
	}
}

// random is 500 payloads of 1 to 1400 random bytes: half of them to the management endpoint, half as whole packets.
func (s *siege) random() {
	for i, p := range inject.Random(1, 500, 1400) {
		if i%2 == 0 {
			s.management(p)
			continue
		}
		s.whole(p)
	}
}

// whole sends random bytes with nothing before them but what brings them to the shim.
func (s *siege) whole(p []byte) {
	s.t.Helper()
	var err error
	switch s.kind {
	case "eth-dix":
		f := make([]byte, wire.EthernetHeaderLen, wire.EthernetHeaderLen+len(p))
		copy(f, s.victim[:])
		copy(f[6:], s.raw.MAC[:])
		binary.BigEndian.PutUint16(f[12:], wire.DIXEtherType)
		err = s.raw.Send(append(f, p...))
	case "eth-llc":
		f := make([]byte, wire.EthernetHeaderLen, wire.EthernetHeaderLen+len(p))
		copy(f, s.victim[:])
		copy(f[6:], s.raw.MAC[:])
		binary.BigEndian.PutUint16(f[12:], uint16(len(p)))
		err = s.raw.Send(append(f, p...))
	case "udp4":
		err = s.socket.Send(p)
	}
	if err != nil {
		s.t.Errorf("send %d bytes: %v", len(p), err)
	}
}

// lengths are frames whose length field does not say what they hold.
func (s *siege) lengths() {
	for _, length := range []int{0, 1, 1500, 9000, 65535} {
		for _, size := range []int{0, 1, 42, 1000, 1490} {
			for _, eid := range []uint32{0, 64, 4095} {
				s.send(eid, length, make([]byte, size))
			}
		}
	}
}

// withoutHash are requests for a flow that end before the digest does.
func (s *siege) withoutHash() {
	whole := s.request(s.digest("oping"), 500, nil)
	for cut := range 30 {
		s.management(whole[:len(whole)-1-cut])
	}
}

// longManagement are management messages beyond what fits a network of 1500 bytes: as datagrams they arrive in
// fragments; as frames they cannot be sent, and the longest possible are taken instead.
func (s *siege) longManagement() {
	for _, size := range []int{3000, 8900} {
		if s.kind != "udp4" {
			size = 1490
		}
		s.management(make([]byte, size))
		s.management(s.request(s.digest("oping"), 600, make([]byte, size-100)))
	}
}

// farReplies are answers for endpoints that are far outside of any table.
func (s *siege) farReplies() {
	for _, eid := range []uint32{0, 1, 63, 64, 65, 4095, 4096, 10240, 65535, 1 << 24, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
		s.management(s.reply(eid))
		s.send(eid|1, 5, []byte("hello"))
	}
}

// strangers send data to the endpoints that are in use, from another station than the peer of the flow.
func (s *siege) strangers() {
	r := rand.New(rand.NewPCG(2, 0))
	for i := range 2000 {
		src := [6]byte{2, 0xbe, byte(i), byte(r.Uint32()), byte(r.Uint32()), 1}
		var err error
		switch s.kind {
		case "eth-dix":
			err = s.raw.Send(inject.DIX(s.victim, src, wire.DIXEtherType, uint16(64+i%64), 64, make([]byte, 64)))
		case "eth-llc":
			err = s.raw.Send(inject.LLC(s.victim, src, 67, byte(i)&0xfe, 0x40, make([]byte, 64)))
		case "udp4":
			s.send(uint32(64+i%64), 64, make([]byte, 64))
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// unknownNames are requests for names that nobody has, and queries for them: a storm.
func (s *siege) unknownNames() {
	digest := s.digest("nobody")
	for i := range 5000 {
		binary.BigEndian.PutUint32(digest, uint32(i))
		s.management(s.request(digest, uint32(1000+i%30000), nil))
		if s.kind == "eth-dix" {
			m := wire.DIXMessage{Code: wire.DIXNameQueryRequest, Digest: digest}
			b := make([]byte, m.Len())
			m.Put(b)
			s.management(b)
		}
	}
}

// withoutHandshake are requests for a name that is served, with bytes behind them that are no handshake.
func (s *siege) withoutHandshake() {
	for i, p := range inject.Random(3, 300, 400) {
		s.management(s.request(s.digest("oping"), uint32(2000+i), p))
	}
}

// TestFlood: small packets as fast as the attacker can send fill every buffer on the way. What is lost meanwhile is
// lost; when it ends, flows resume, and nothing is left over.
func TestFlood(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			s := besiege(t, kind)
			memory, files := usage(t, s.daemon)
			beside := s.node("n1").start("oping -n oping -q data -i 10 -c 150")
			beside.await("seq=1 ")
			payload := make([]byte, 46)
			for end := time.Now().Add(time.Second); time.Now().Before(end); {
				for range 64 {
					s.send(64, len(payload), payload)
					s.management(payload)
				}
			}
			if err := beside.wait(); err != nil {
				t.Errorf("the traffic beside it has ended: %v", err)
			}
			pinged(t, beside.out.String(), "oping", 150)
			pinged(t, s.node("n1").sh("oping -n oping -c 3 -i 10"), "oping", 3)
			s.eventually("the daemon is as small as before", func() bool {
				now, open := usage(t, s.daemon)
				return now <= memory+spareMemory && open <= files+spareFiles
			})
		})
	}
}
