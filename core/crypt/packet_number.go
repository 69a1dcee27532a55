package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	"ouroboros/core"
)

const (
	phaseBit  = 0x80 // in the first byte of an IV
	numberLen = 6    // bytes of an IV that hold the number
	randomLen = 6    // bytes in front of them, that with the phase included
	numberMax = 1<<(8*numberLen) - 1
)

// mark hides the number of a packet in its IV, and finds it there. Each direction of a flow has its own.
//
//	 0               6               12              16
//	+-+-------------+---------------+---------------+
//	|P| random R    | number xor    | random, first |   the last part for aes-*-ctr only
//	| |             | AES(k, P,R)   | bit 0         |
//	+-+-------------+---------------+---------------+
//
// Within a direction no IV comes twice: under the same R different numbers give different IVs. Between the
// directions, and with a prototype at the other end, IVs are as different as 95 random bits make them. An
// observer cannot tell the number, nor that there is one: the mask is a pseudo-random function of R under a
// key of its own (AES-128 on a block, truncated).
type mark struct {
	block   cipher.Block
	scratch *[aes.BlockSize]byte // kept outside the stack: an interface call would make it escape each time
}

// markOf derives the mark of the direction that the given end sends in.
func markOf(key [32]byte, from string) mark {
	k, err := hkdf.Key(sha256.New, key[:], nil, "ouroboros-packet-number-"+from, 16)
	if err != nil {
		panic("crypt: " + err.Error()) // lengths are constants within the limits of HKDF
	}
	block, err := aes.NewCipher(k)
	if err != nil {
		panic("crypt: " + err.Error())
	}
	return mark{block: block, scratch: new([aes.BlockSize]byte)}
}

// put makes the IV of a packet from random bytes, len(iv) - numberLen of them.
func (m *mark) put(iv, random []byte, epoch uint32, number uint64) {
	copy(iv, random[:randomLen])
	iv[0] = iv[0]&^phaseBit | byte(epoch&1)<<7
	v := number ^ m.mask(iv)
	binary.BigEndian.PutUint16(iv[randomLen:], uint16(v>>32))
	binary.BigEndian.PutUint32(iv[randomLen+2:], uint32(v))
	if rest := iv[randomLen+numberLen:]; len(rest) > 0 {
		copy(rest, random[randomLen:])
		rest[0] &= 0x7f // the block counter of a packet does not run into the number
	}
}

// read returns the number in an IV: any 48 bits if it was not made by this mark.
func (m *mark) read(iv []byte) uint64 {
	v := uint64(binary.BigEndian.Uint16(iv[randomLen:]))<<32 | uint64(binary.BigEndian.Uint32(iv[randomLen+2:]))
	return v ^ m.mask(iv)
}

func (m *mark) mask(iv []byte) uint64 {
	*m.scratch = [aes.BlockSize]byte{}
	copy(m.scratch[:], iv[:randomLen])
	m.block.Encrypt(m.scratch[:], m.scratch[:])
	return binary.BigEndian.Uint64(m.scratch[:]) & numberMax
}

// packetEntropy draws random bytes in batches: a draw of 12 bytes from the generator of the system costs a
// tenth of the encryption of a packet of 1400 bytes.
type packetEntropy struct {
	source io.Reader
	batch  [768]byte
	left   int
}

func (e *packetEntropy) refill() error {
	if _, err := io.ReadFull(e.source, e.batch[:]); err != nil {
		return fmt.Errorf("%w: entropy for IVs: %w", core.ErrCrypt, err)
	}
	e.left = len(e.batch)
	return nil
}

// take returns n bytes that are valid until the next call.
func (e *packetEntropy) take(n int) ([]byte, error) {
	if e.left < n {
		if err := e.refill(); err != nil {
			return nil, err
		}
	}
	e.left -= n
	return e.batch[e.left : e.left+n], nil
}

// replayWindow remembers which of the latest numbers were seen. What is more than its size behind the
// largest counts as seen: FRCP sends again what was held back for so long.
type replayWindow struct {
	top  uint64 // largest number seen + 1
	bits [replaySize / 64]uint64
	leap uint64 // 1 + the number of the packet before, if that is not one that was to be expected
}

const (
	replaySize = 2048 // packets; a power of two
	replayAge  = replaySize - 64
	// maxAhead is how many numbers may be missing in front of one, because the packets were lost. As long as the
	// peer is not known it is few, so that random bits are not taken for a number, and without a tag fewer.
	maxAhead        = 1 << 32
	maxAheadUnknown = 1 << 20
)

// fits reports whether the peer may have given this number, as far as its size tells. One that does not fit is
// believed when the packet after it has one of the next: then the path has lost more than was thought of. Without a tag
// the window then moves there, forward or back, as in RFC 3550 appendix A.1: a bit that fell over in a number
// must not keep out all that follow.
func (c *Packets) fits(number uint64) bool {
	w := &c.window
	var expected bool
	switch {
	case c.suite.tag == 0:
		expected = number < w.top+replaySize && w.top <= number+replayAge
	case c.own >= ownPeer:
		return number < w.top+maxAhead
	default:
		expected = number < w.top+maxAheadUnknown
	}
	if expected {
		w.leap = 0
		return true
	}
	before := w.leap
	w.leap = number + 1
	if before == 0 || number-before >= replaySize {
		return false
	}
	if c.suite.tag == 0 {
		*w = replayWindow{}
		w.note(before - 1)
	}
	return true
}

// seen reports whether the number was noted, or is too old to tell.
func (w *replayWindow) seen(number uint64) bool {
	if number >= w.top {
		return false
	}
	return w.top-number > replayAge || w.bits[number/64%(replaySize/64)]&(1<<(number%64)) != 0
}

// note remembers a number.
func (w *replayWindow) note(number uint64) {
	if number >= w.top {
		w.advance(number + 1)
	}
	w.bits[number/64%(replaySize/64)] |= 1 << (number % 64)
}

// advance clears the words that the window moves into.
func (w *replayWindow) advance(top uint64) {
	const words = replaySize / 64
	if w.top > 0 {
		first := (w.top-1)/64 + 1 // the first word that holds no number yet
		last := (top - 1) / 64
		if last >= first+words {
			first = last - words + 1
		}
		for i := first; i <= last; i++ {
			w.bits[i%words] = 0
		}
	}
	w.top = top
}
