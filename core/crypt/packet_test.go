package crypt

import (
	"bytes"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// aeads are the ciphers with a tag, streams those without.
var (
	aeads   = []uint16{895, 898, 901, 1018}
	streams = []uint16{904, 905, 906}
)

// ends returns both ends of a flow, with the key of spec 11 §11.9.
func ends(t testing.TB, nid uint16, epoch uint32) (a, b *Packets, pool *pkt.Pool) {
	t.Helper()
	s := core.Security{Cipher: nid, Key: key(t), Initiator: true}
	a = end(t, s, 1, epoch)
	s.Initiator = false
	return a, end(t, s, 2, epoch), pkt.NewPool()
}

func end(t testing.TB, s core.Security, seed uint64, epoch uint32) *Packets {
	t.Helper()
	c, err := NewPackets(s, entropyOf(seed), PacketOptions{KeyEpoch: epoch})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func entropyOf(seed uint64) *rand.ChaCha8 {
	var k [32]byte
	k[0] = byte(seed)
	return rand.NewChaCha8(k)
}

// key is that of the X25519 example with SHA-256 (spec 11 §11.9).
func key(t testing.TB) (k [32]byte) {
	t.Helper()
	copy(k[:], unhex(t, "67c832cbf96cb988c826484349b25f0c97c0d1f7b451c1e5a5504f2882ab08da"))
	return k
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sealed returns a packet with that content as c sends it.
func sealed(t testing.TB, pool *pkt.Pool, c *Packets, content string) []byte {
	t.Helper()
	p := pool.GetCopy(c.Front(), []byte(content))
	defer p.Release()
	if err := c.Seal(p); err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(p.Bytes())
}

// opened returns what c makes of a packet.
func opened(pool *pkt.Pool, c *Packets, packet []byte) (string, bool) {
	p := pool.GetCopy(0, packet)
	defer p.Release()
	if !c.Open(p) {
		return "", false
	}
	return string(p.Bytes()), true
}

func mustOpen(t testing.TB, pool *pkt.Pool, c *Packets, packet []byte, want string) {
	t.Helper()
	if got, ok := opened(pool, c, packet); !ok || got != want {
		t.Fatalf("opened %v: %q, want %q; %+v", ok, got, want, c.Stats())
	}
}

func mustDrop(t testing.TB, pool *pkt.Pool, c *Packets, packet []byte, count *uint64) {
	t.Helper()
	before, open := *count, c.stats.Opened
	if got, ok := opened(pool, c, packet); ok {
		t.Fatalf("opened %q", got)
	}
	if *count != before+1 || c.stats.Opened != open {
		t.Fatalf("counted elsewhere: %+v", c.Stats())
	}
}

// What the prototype has encrypted is decrypted, in the first epoch and in the second (spec 11 §11.10).
func TestPrototypePackets_11_10(t *testing.T) {
	const plain = "030000001234567800000000" + "68656c6c6f"
	_, b, pool := ends(t, 901, 0)
	mustOpen(t, pool, b, unhex(t, "25a5a5a5a5a5a5a5a5a5a5a5"+"41df4700a4bc9d354a192c3bf2c174119a"+"a5467523846c15067fc4780bde2fe876"), string(unhex(t, plain)))
	if k := b.recv.following(); hex.EncodeToString(k.key[:]) != "7d23aa18d4566da42b5dc8f476e3ba3de45829c8547cf4a9ec871b207731c276" {
		t.Errorf("first rotated key %x", k.key)
	}
	if hex.EncodeToString(b.recv.salt[:]) != "2bad0b6a09648cb7fc60314899a9ea6a7b2b1c33c07044a0d0c2d608bfbd2dce" {
		t.Errorf("rotation salt %x", b.recv.salt)
	}
	mustOpen(t, pool, b, unhex(t, "a5a5a5a5a5a5a5a5a5a5a5a5"+"b77828f009a302c240f27335c715a087e6"+"9e5c739a9d35deed03f10bc8af3d56bc"), string(unhex(t, plain)))
	if b.send.epoch != 1 || b.recv.epoch != 1 {
		t.Errorf("epochs %d and %d, want 1: the peer has moved on", b.send.epoch, b.recv.epoch)
	}
}

// The IV and tag stand where spec 11 §11.10 has them, and the first bit of the IV is the phase.
func TestPacketLayout_11_10(t *testing.T) {
	for _, nid := range append(aeads, streams...) {
		a, b, pool := ends(t, nid, 16)
		iv, tag := 12, 16
		if nid < 1000 && nid > 903 {
			iv, tag = 16, 0
		}
		if a.Front() != iv || a.Back() != tag {
			t.Fatalf("cipher %d: %d in front, %d behind", nid, a.Front(), a.Back())
		}
		for i := range 48 {
			packet := sealed(t, pool, a, "hello")
			if len(packet) != iv+5+tag || packet[0]>>7 != byte(i/16%2) {
				t.Fatalf("cipher %d, packet %d: %d bytes, phase %d", nid, i, len(packet), packet[0]>>7)
			}
			mustOpen(t, pool, b, packet, "hello")
		}
		follows := uint64(2)
		if tag == 0 {
			follows = 0 // the number of a packet says its key
		}
		if s := b.Stats(); s.Opened != 48 || s.Dropped() != 0 || s.Rotations != follows {
			t.Errorf("%+v", s)
		}
	}
}

// A prototype draws its IVs at random: its keys are told by the phase and the count of its packets, with and
// without a tag (spec 11 §11.10).
func TestKeysOfPrototypes_11_10(t *testing.T) {
	for _, nid := range append(aeads, streams...) {
		_, b, pool := ends(t, nid, 16)
		k, err := firstKey(b.suite, key(t))
		if err != nil {
			t.Fatal(err)
		}
		random := rand.New(entropyOf(7))
		for i := range 80 {
			if i > 0 && i%16 == 0 {
				k = k.following()
			}
			packet := make([]byte, b.Front(), 64)
			for n := range packet {
				packet[n] = byte(random.Uint32())
			}
			packet[0] = packet[0]&^phaseBit | byte(k.epoch&1)<<7
			iv, text := bytes.Clone(packet), []byte(fmt.Sprint("message ", i))
			if k.aead != nil {
				packet = k.aead.Seal(packet, iv, text, nil)
			} else {
				packet = append(packet, text...)
				cipher.NewCTR(k.block, iv).XORKeyStream(packet[len(iv):], text)
			}
			mustOpen(t, pool, b, packet, string(text))
		}
		if b.send.epoch != 4 {
			t.Errorf("cipher %d: epoch %d, want 4: a prototype forgets the old keys", nid, b.send.epoch)
		}
	}
}

// Keepalives are empty and pass both ways untouched (spec 11 §11.10).
func TestKeepalivesAreNotEncrypted_11_10(t *testing.T) {
	a, b, pool := ends(t, 901, 0)
	if got := sealed(t, pool, a, ""); len(got) != 0 {
		t.Errorf("%x", got)
	}
	if got, ok := opened(pool, b, nil); !ok || got != "" {
		t.Errorf("%q %v", got, ok)
	}
}

// A cipher that cannot be had is refused by its number, as is an epoch out of range.
func TestPacketsRefuse(t *testing.T) {
	if _, err := NewPackets(core.Security{Cipher: 7}, entropyOf(1), PacketOptions{}); !errors.Is(err, core.ErrCrypt) {
		t.Error(err)
	}
	if _, err := NewPackets(core.Security{Cipher: 901}, entropyOf(1), PacketOptions{KeyEpoch: 3}); err == nil {
		t.Error("an epoch of 3 packets")
	}
	if _, err := NewPackets(core.Security{Cipher: 901}, bytes.NewReader(nil), PacketOptions{}); !errors.Is(err, core.ErrCrypt) {
		t.Error(err)
	}
}

// Every bit of a packet is protected, and every length; what was changed is counted, and the flow goes on.
func TestChangedPacketsAreRejected(t *testing.T) {
	for _, nid := range aeads {
		a, b, pool := ends(t, nid, 0)
		mustOpen(t, pool, b, sealed(t, pool, a, "first"), "first")
		good := sealed(t, pool, a, "a message")
		for i := range len(good) * 8 {
			bad := bytes.Clone(good)
			bad[i/8] ^= 1 << (i % 8)
			if got, ok := opened(pool, b, bad); ok {
				t.Fatalf("bit %d: opened %q", i, got)
			}
		}
		for n := 1; n < len(good); n++ {
			if got, ok := opened(pool, b, good[:n]); ok {
				t.Fatalf("%d bytes: opened %q", n, got)
			}
		}
		s := b.Stats()
		if s.Short == 0 || s.Forged == 0 || s.Dropped() != uint64(len(good)*8+len(good)-1) || b.recv.epoch != 0 || b.send.epoch != 0 {
			t.Errorf("%+v", s)
		}
		mustOpen(t, pool, b, good, "a message")
	}
}

// A packet is opened once, however often it comes, also when others have overtaken it.
func TestReplayedPacketsAreRejected(t *testing.T) {
	for _, nid := range append(aeads, streams...) {
		a, b, pool := ends(t, nid, 100)
		var packets [][]byte
		for i := range 300 {
			packets = append(packets, sealed(t, pool, a, fmt.Sprint(i)))
		}
		order := rand.New(entropyOf(3)).Perm(300)
		for _, i := range order[:10] { // within an epoch every order is fine
			i /= 4
			if _, ok := opened(pool, b, packets[i]); ok {
				mustDrop(t, pool, b, packets[i], &b.stats.Replayed)
			}
		}
		for i := 80; i < 300; i++ {
			mustOpen(t, pool, b, packets[i], fmt.Sprint(i))
			mustDrop(t, pool, b, packets[i], &b.stats.Replayed)
		}
		for _, i := range order {
			if i >= 80 {
				mustDrop(t, pool, b, packets[i], &b.stats.Replayed)
			}
		}
	}
}

// What an end has sent itself is not taken for the peer's, though both directions share the key.
func TestReflectedPacketsAreRejected(t *testing.T) {
	for _, nid := range append(aeads, streams...) {
		a, b, pool := ends(t, nid, 0)
		mine := sealed(t, pool, a, "mine")
		mustDrop(t, pool, a, mine, &a.stats.Reflected)
		mustOpen(t, pool, b, mine, "mine")
		for range 3 {
			mustOpen(t, pool, a, sealed(t, pool, b, "yours"), "yours")
		}
		mustDrop(t, pool, a, mine, &a.stats.Reflected)
		mustDrop(t, pool, a, sealed(t, pool, a, "again"), &a.stats.Reflected)
	}
}

// A packet of another flow, or invented, is not opened.
func TestForgedPacketsAreRejected(t *testing.T) {
	a, b, pool := ends(t, 901, 0)
	other := end(t, core.Security{Cipher: 901, Key: [32]byte{1}, Initiator: true}, 9, 0)
	for i := range 1000 {
		mustDrop(t, pool, b, sealed(t, pool, other, "evil"), &b.stats.Forged)
		if i%100 == 0 {
			mustOpen(t, pool, b, sealed(t, pool, a, "good"), "good")
		}
	}
}

// A forged packet with the other phase moves no key, at whatever time it comes: the prototype can be made to
// lose its key with one (spec 11 §11.10).
func TestForgedPhaseMovesNoKey_11_10(t *testing.T) {
	a, b, pool := ends(t, 901, 64)
	for i := range 64 {
		good := sealed(t, pool, a, "good")
		bad := bytes.Clone(good)
		bad[0] ^= phaseBit
		if _, ok := opened(pool, b, bad); ok || b.recv.epoch != 0 || b.send.epoch != 0 {
			t.Fatalf("packet %d: opened %v, epoch %d", i, ok, b.recv.epoch)
		}
		mustOpen(t, pool, b, good, "good")
	}
}

// Keys are changed while packets are lost, duplicated and reordered in both directions, however the traffic is
// distributed: every packet that arrives in time is opened, once (decision 10).
func TestRotationUnderLoss_11_10(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nid := rapid.SampledFrom(slices.Concat(aeads, streams)).Draw(t, "cipher")
		epoch := uint32(rapid.IntRange(16, 64).Draw(t, "epoch"))
		loss := rapid.Float64Range(0, 0.9).Draw(t, "loss")
		share := rapid.Float64Range(0, 1).Draw(t, "share")
		depth := rapid.IntRange(1, 7).Draw(t, "reordering") // less than half of the least epoch
		s := core.Security{Cipher: nid, Initiator: true}
		pool := pkt.NewPool()
		a, err := NewPackets(s, entropyOf(1), PacketOptions{KeyEpoch: epoch})
		if err != nil {
			t.Fatal(err)
		}
		s.Initiator = false
		b, _ := NewPackets(s, entropyOf(2), PacketOptions{KeyEpoch: epoch})
		rng := rand.New(entropyOf(rapid.Uint64().Draw(t, "seed")))
		from, to := [2]*Packets{a, b}, [2]*Packets{b, a}
		type held struct {
			packet  []byte
			content string
			due     int // packets sent by both ends when it arrives
		}
		var under [2][]held
		for i := range 2000 {
			d := 0
			if rng.Float64() >= share {
				d = 1
			}
			content := fmt.Sprint(d, i)
			p := pool.GetCopy(16, []byte(content))
			if err := from[d].Seal(p); err != nil {
				t.Fatal(err)
			}
			if rng.Float64() >= loss {
				under[d] = append(under[d], held{bytes.Clone(p.Bytes()), content, i + rng.IntN(depth)})
			}
			p.Release()
			under[d] = slices.DeleteFunc(under[d], func(h held) bool {
				if h.due > i {
					return false
				}
				if got, ok := opened(pool, to[d], h.packet); !ok || got != h.content {
					t.Fatalf("packet %d of direction %d: %+v, epochs %d/%d of %d/%d", i, d, to[d].Stats(), to[d].send.epoch, to[d].recv.epoch, from[d].send.epoch, from[d].recv.epoch)
				}
				if _, ok := opened(pool, to[d], h.packet); ok {
					t.Fatalf("packet %d of direction %d was opened twice", i, d)
				}
				return true
			})
		}
	})
}

// Whole epochs may be lost, as on a path that is dead in one direction, and the next packet still opens.
func TestLostEpochs_11_10(t *testing.T) {
	for _, lost := range []int{16, 17, 40, 100, 200} {
		for _, nid := range streams {
			a, b, pool := ends(t, nid, 16)
			loseEpochs(t, a, b, pool, lost)
		}
		a, b, pool := ends(t, 901, 16)
		loseEpochs(t, a, b, pool, lost)
		if a.recv.epoch != b.send.epoch || b.recv.epoch != a.send.epoch {
			t.Errorf("%d lost: epochs %d %d and %d %d", lost, a.send.epoch, a.recv.epoch, b.send.epoch, b.recv.epoch)
		}
	}
}

func loseEpochs(t *testing.T, a, b *Packets, pool *pkt.Pool, lost int) {
	t.Helper()
	for range 3 {
		mustOpen(t, pool, b, sealed(t, pool, a, "before"), "before")
	}
	for range lost {
		sealed(t, pool, a, "lost")
	}
	mustOpen(t, pool, b, sealed(t, pool, a, "after"), "after")
	mustOpen(t, pool, a, sealed(t, pool, b, "answer"), "answer")
}

// IVs do not repeat, and the number in them does not show: each bit is set in about half of them.
func TestIVsLookRandom(t *testing.T) {
	a, _, pool := ends(t, 1018, 0)
	seen := map[string]bool{}
	var ones [96]int
	const n = 4000
	for range n {
		iv := sealed(t, pool, a, "x")[:12]
		if seen[string(iv)] {
			t.Fatalf("IV %x twice", iv)
		}
		seen[string(iv)] = true
		for i := range ones {
			ones[i] += int(iv[i/8] >> (7 - i%8) & 1)
		}
	}
	for i, c := range ones[1:] {
		if c < n/2-200 || c > n/2+200 { // six standard deviations
			t.Errorf("bit %d is set in %d of %d", i+1, c, n)
		}
	}
}

// The replay window agrees with a set of all numbers seen, as far as it reaches.
func TestReplayWindowAgainstSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w replayWindow
		seen := map[uint64]bool{}
		at := rapid.Uint64Range(0, 5000).Draw(t, "start")
		for range 400 {
			at += uint64(rapid.SampledFrom([]int{0, 1, 1, 1, 2, 63, 64, 65, 700, 2500}).Draw(t, "step"))
			n := at - min(at, uint64(rapid.IntRange(0, 2200).Draw(t, "back")))
			got := w.seen(n)
			old := n < w.top && w.top-n > replaySize-64
			if want := seen[n] || old; got != want {
				t.Fatalf("number %d, top %d: seen %v, want %v", n, w.top, got, want)
			}
			if !got {
				w.note(n)
				seen[n] = true
			}
		}
	})
}

// FuzzPackets: whatever arrives, an end neither panics nor opens it, nor loses its flow by it.
func FuzzPackets(f *testing.F) {
	a, _, pool := ends(f, 901, 0)
	f.Add(uint8(0), sealed(f, pool, a, "a message"))
	f.Add(uint8(5), unhex(f, "25a5a5a5a5a5a5a5a5a5a5a541df4700a4bc9d354a192c3bf2c174119aa5467523846c15067fc4780bde2fe876"))
	f.Add(uint8(3), []byte{0x80})
	suites := slices.Concat(aeads, streams)
	f.Fuzz(func(t *testing.T, which uint8, packet []byte) {
		nid := suites[int(which)%len(suites)]
		a, b, pool := ends(t, nid, 16)
		for range 3 {
			mustOpen(t, pool, b, sealed(t, pool, a, "good"), "good")
		}
		for range 40 {
			if _, ok := opened(pool, b, packet); ok && len(packet) > 0 && b.Back() > 0 {
				t.Fatal("opened") // without a tag one in 2^28 is
			}
		}
		mustOpen(t, pool, b, sealed(t, pool, a, "good"), "good")
		if pool.Live() != 0 {
			t.Fatal("buffers left")
		}
	})
}
