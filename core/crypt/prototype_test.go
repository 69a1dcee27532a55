package crypt

import (
	"bytes"
	"crypto/cipher"
	"fmt"
	"math/rand/v2"
	"testing"
)

// prototypeEnd encrypts and decrypts as the prototype does, defects included (spec 11 §11.10): one count and one
// key for both directions, and IVs at random.
type prototypeEnd struct {
	cur, prv packetKey
	c, age   uint32
	phase    byte
	m        uint32
	random   *rand.Rand
}

func (e *prototypeEnd) rotate() {
	e.prv, e.cur, e.age, e.phase = e.cur, e.cur.following(), 0, 1-e.phase
}

func (e *prototypeEnd) seal(text string) []byte {
	iv := make([]byte, e.cur.suite.iv)
	for i := range iv {
		iv[i] = byte(e.random.Uint32())
	}
	iv[0] &^= phaseBit
	if e.c&e.m != 0 {
		iv[0] |= phaseBit
	}
	var b []byte
	if e.cur.aead != nil {
		b = e.cur.aead.Seal(bytes.Clone(iv), iv, []byte(text), nil)
	} else {
		b = append(bytes.Clone(iv), text...)
		cipher.NewCTR(e.cur.block, iv).XORKeyStream(b[len(iv):], b[len(iv):])
	}
	before := e.c & e.m
	e.c++
	e.age++
	if e.c&e.m != before {
		e.rotate()
	}
	if e.age >= e.m/2 {
		e.prv = packetKey{}
	}
	return b
}

func (e *prototypeEnd) open(b []byte) (string, bool) {
	iv, body := b[:e.cur.suite.iv], b[e.cur.suite.iv:]
	if iv[0]>>7 != e.phase && e.age >= e.m-e.m/4 {
		e.rotate()
	}
	e.c++
	e.age++
	for _, k := range []*packetKey{&e.cur, &e.prv} {
		switch {
		case k.none():
		case k.aead == nil:
			text := bytes.Clone(body)
			cipher.NewCTR(k.block, iv).XORKeyStream(text, text)
			return string(text), true // nothing tells that it is wrong
		default:
			if text, err := k.aead.Open(nil, iv, body, nil); err == nil {
				return string(text), true
			}
		}
	}
	return "", false
}

// With a prototype at the other end packets go both ways within the first epoch, and one way for ever, also where
// the path loses some. More cannot be had: its one count of both directions follows no packet (spec 11 §11.10).
func TestPacketsOfAndForAPrototype_11_10(t *testing.T) {
	const m, n = 64, 1000
	for _, nid := range append(aeads, streams...) {
		for _, c := range []struct {
			name       string
			toUs, loss float64
			packets    int
		}{
			{"both ways within the first epoch", 0.5, 0.1, m - 1},
			{"to us", 1, 0, n},
			{"to us with loss", 1, 0.1, n},
			{"to it", 0, 0, n},
			{"to it with loss", 0, 0.1, n},
		} {
			a, _, pool := ends(t, nid, m)
			k, err := firstKey(a.suite, key(t))
			if err != nil {
				t.Fatal(err)
			}
			it := &prototypeEnd{cur: k, m: m, random: rand.New(entropyOf(5))}
			missed := 0
			for i := range c.packets {
				text, lost := fmt.Sprint("message ", i), it.random.Float64() < c.loss
				var got string
				if it.random.Float64() < c.toUs {
					b := it.seal(text)
					if lost {
						continue
					}
					got, _ = opened(pool, a, b)
				} else {
					b := sealed(t, pool, a, text)
					if lost {
						continue
					}
					got, _ = it.open(b)
				}
				if got != text {
					missed++
				}
			}
			if missed > 0 {
				t.Errorf("cipher %d, %s: %d of %d packets do not open: %+v", nid, c.name, missed, c.packets, a.Stats())
			}
		}
	}
}
