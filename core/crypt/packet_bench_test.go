package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"

	"ouroboros/core/pkt"
)

// BenchmarkPackets is a packet sealed by one end and opened by the other, by cipher and size of the plaintext;
// "bare" is the same with the AEAD of the library alone, under a nonce that counts.
func BenchmarkPackets(b *testing.B) {
	for _, nid := range append(aeads, streams...) {
		for _, size := range []int{64, 1400} {
			b.Run(fmt.Sprintf("%s/%d", CipherName(nid), size), func(b *testing.B) { benchmarkPackets(b, nid, size) })
			if packetAEAD(b, nid) != nil {
				b.Run(fmt.Sprintf("%s/%d/bare", CipherName(nid), size), func(b *testing.B) { benchmarkBare(b, nid, size) })
			}
		}
	}
}

func packetAEAD(b *testing.B, nid uint16) cipher.AEAD {
	k, err := firstKey(suiteOf(b, nid), key(b))
	if err != nil {
		b.Fatal(err)
	}
	return k.aead
}

func suiteOf(b *testing.B, nid uint16) packetSuite {
	s, err := packetSuiteOf(nid)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func benchmarkPackets(b *testing.B, nid uint16, size int) {
	x, y, pool := ends(b, nid, 0)
	p := pool.Get(64, size)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if err := x.Seal(p); err != nil {
			b.Fatal(err)
		}
		if !y.Open(p) {
			b.Fatalf("%+v", y.Stats())
		}
	}
}

func benchmarkBare(b *testing.B, nid uint16, size int) {
	var aead cipher.AEAD
	k := key(b)
	if nid == 1018 {
		aead, _ = chacha20poly1305.New(k[:])
	} else {
		block, err := aes.NewCipher(k[:suiteOf(b, nid).key])
		if err != nil {
			b.Fatal(err)
		}
		aead, _ = cipher.NewGCM(block)
	}
	p := pkt.NewPool().Get(0, size+16).Bytes()
	nonce := make([]byte, 12)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		nonce[0]++
		aead.Seal(p[:0], nonce, p[:size], nil)
		if _, err := aead.Open(p[:0], nonce, p, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEntropy is what the random part of an IV costs, from the generator of the system.
func BenchmarkEntropy(b *testing.B) {
	e := packetEntropy{source: rand.Reader}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.take(randomLen); err != nil {
			b.Fatal(err)
		}
	}
}
