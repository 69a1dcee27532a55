package crypt

import (
	"crypto/cipher"
	"fmt"
	"io"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// DefaultKeyEpoch is the number of packets that an end sends with one key before it takes the next
// (KEY_ROTATION_BIT = 20, spec 11 §11.12).
const DefaultKeyEpoch = 1 << 20

// MinKeyEpoch is the least number that PacketOptions accept.
const MinKeyEpoch = 16

// PacketOptions are what an experiment may choose. The zero value stands for the defaults.
type PacketOptions struct {
	// KeyEpoch is the number of packets that an end sends with one key, from 16 to 2^31. Both ends must use
	// the same, a prototype has 2^20.
	KeyEpoch uint32
}

// Validate reports the first value that is out of its range.
func (o PacketOptions) Validate() error {
	if o.KeyEpoch != 0 && (o.KeyEpoch < MinKeyEpoch || o.KeyEpoch > 1<<31) {
		return fmt.Errorf("key_epoch %d, accepted are %d to %d packets", o.KeyEpoch, MinKeyEpoch, uint32(1)<<31)
	}
	return nil
}

// PacketStats are the counters of a Packets. What is not opened is dropped by whoever asked.
type PacketStats struct {
	Sealed, Opened uint64
	Short          uint64 // received: no room for IV, tag and a byte
	Forged         uint64 // the tag does not verify: changed on the way, of another flow, or invented
	Replayed       uint64 // opened before, or too old to tell
	Reflected      uint64 // sent by this end itself
	Rotations      uint64 // keys that this end has moved on to, for sending
}

// Dropped returns how many packets were not opened.
func (s *PacketStats) Dropped() uint64 { return s.Short + s.Forged + s.Replayed + s.Reflected }

// Packets encrypts what one end of a flow sends and decrypts what it receives (spec 11 §11.10):
//
//	 0              12                    n+12         n+28
//	+----------------+---------------------+------------+
//	| IV             | ciphertext          | tag        |   aes-*-gcm, chacha20-poly1305
//	+----------------+---------------------+------------+
//	| IV, 16 bytes   | ciphertext          |                aes-*-ctr
//	+----------------+---------------------+
//
// Bit 7 of the first byte of the IV is the phase: the parity of the epoch of the key. The other bits are
// random to everybody but the two ends, which read the number of the packet in them (see mark). So a packet
// that was replayed or reflected is found out although the protocol has no field for a number, also on raw
// flows; the prototype, which draws its IVs at random, takes ours for random ones.
//
// It is a machine: no clock, randomness from the Entropy that it is given. Not safe for use from several
// goroutines. It allocates nothing per packet, but with aes-*-ctr, whose stream the library makes anew.
type Packets struct {
	suite   packetSuite
	epoch   uint32 // packets with one key
	entropy packetEntropy

	send, recv         packetKey
	sent               uint32    // packets with the key send
	prev               packetKey // the one before recv, as long as stragglers are accepted
	next               packetKey // the one after recv, once it was needed
	first              packetKey // without a tag: that of epoch 0
	heard              uint32    // packets opened with the key recv
	sendMark, recvMark mark

	number  uint64 // of the next packet sent
	window  replayWindow
	own     uint8  // packets whose number fits in a row; ownPeer: the peer numbers its packets
	newKey  uint64 // least number that was opened with recv
	owed    uint32 // packets until the next long search for a key
	stats   PacketStats
	scratch [ivMax]byte
	trial   []byte // a copy of a packet that is tried with several keys
}

// ownPeer is how many numbers must fit until the peer is known to number its packets. One fits by chance
// with a probability of 2^-28.
const ownPeer = 2

// ivMax is the length of the longest IV.
const ivMax = 16

// NewPackets returns the machine of one end. entropy is read in batches. It fails with core.ErrCrypt for a
// cipher that cannot be had, and when entropy does.
func NewPackets(s core.Security, entropy io.Reader, o PacketOptions) (*Packets, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	suite, err := packetSuiteOf(s.Cipher)
	if err != nil {
		return nil, err
	}
	c := &Packets{suite: suite, epoch: o.KeyEpoch, entropy: packetEntropy{source: entropy}}
	if c.epoch == 0 {
		c.epoch = DefaultKeyEpoch
	}
	if err := c.entropy.refill(); err != nil {
		return nil, err
	}
	first, err := firstKey(suite, s.Key)
	if err != nil {
		return nil, err
	}
	c.send, c.recv = first, first
	if suite.tag == 0 {
		c.first = first
	}
	there, back := markOf(s.Key, "initiator"), markOf(s.Key, "responder")
	c.sendMark, c.recvMark = there, back
	if !s.Initiator {
		c.sendMark, c.recvMark = back, there
	}
	return c, nil
}

// Front returns how many bytes Seal pushes in front of a packet, Back how many it appends.
func (c *Packets) Front() int { return c.suite.iv }

// Back returns how many bytes Seal appends.
func (c *Packets) Back() int { return c.suite.tag }

// Stats returns the counters so far.
func (c *Packets) Stats() PacketStats { return c.stats }

// Vouches reports whether the peer is known to be one of ours, which takes encrypted keepalives, and the cipher
// protects them.
func (c *Packets) Vouches() bool { return c.own >= ownPeer && c.suite.tag > 0 }

// Seal encrypts a packet in place. It must have Front bytes of headroom. An empty packet, which is a keepalive,
// stays as it is (spec 11 §11.10), unless this end vouches for it (Vouches). It fails when there is no entropy; the packet is then as it was.
func (c *Packets) Seal(p *pkt.Buf) error {
	n := p.Len()
	if n == 0 && !c.Vouches() {
		return nil
	}
	random, err := c.entropy.take(c.suite.iv - numberLen)
	if err != nil {
		return err
	}
	if c.sent >= c.epoch {
		c.rotate(c.send.following())
	}
	p.Append(c.suite.tag)
	p.Push(c.suite.iv)
	b := p.Bytes()
	iv := b[:c.suite.iv]
	c.sendMark.put(iv, random, c.send.epoch, c.number)
	c.number++
	c.sent++
	c.stats.Sealed++
	body := b[c.suite.iv : c.suite.iv+n]
	if c.suite.tag == 0 {
		cipher.NewCTR(c.send.block, iv).XORKeyStream(body, body)
		return nil
	}
	c.send.aead.Seal(body[:0], iv, body, nil)
	return nil
}

// rotate has this end send with another key.
func (c *Packets) rotate(k packetKey) {
	c.send, c.sent = k, 0
	c.stats.Rotations++
}

// Open decrypts a packet in place and reports whether it is one that the peer has sent and that was not
// opened before. An empty packet passes: it is a keepalive, which nobody vouches for. One that is empty
// afterwards is a keepalive of the peer.
//
// A packet that is not opened has an undefined content; the counters say why.
func (c *Packets) Open(p *pkt.Buf) bool {
	n := p.Len()
	if n == 0 {
		return true
	}
	if least := c.suite.iv + c.suite.tag; n < least || n == least && c.suite.tag == 0 {
		c.stats.Short++
		return false
	}
	b := p.Bytes()
	iv := c.scratch[:copy(c.scratch[:c.suite.iv], b)]
	if c.sendMark.read(iv) < c.number {
		// It would be authentic, for both ends have the same key. One of the peer looks like this by chance, once
		// in 2^48 / c.number.
		c.stats.Reflected++
		return false
	}
	number := c.recvMark.read(iv)
	fits := c.fits(number)
	switch {
	case fits && c.window.seen(number), !fits && c.own >= ownPeer && number < c.window.top:
		c.stats.Replayed++
		return false
	case !fits && c.own >= ownPeer:
		c.stats.Forged++
		return false
	}
	c.owed -= min(c.owed, 1)
	if !c.decrypt(iv, b[c.suite.iv:], number, fits) {
		c.stats.Forged++
		return false
	}
	if fits {
		c.window.note(number)
		c.own = min(c.own+1, ownPeer)
	} else {
		c.own = 0
	}
	c.stats.Opened++
	p.Pull(c.suite.iv)
	p.Truncate(n - c.suite.iv - c.suite.tag)
	return true
}
