package crypt

import (
	"crypto/cipher"
)

// maxSkip bounds how many keys ahead of the last one known a packet is tried with. A peer is ahead when all
// that it sent with the keys between was lost, or when it sent nothing and followed this end. Only a packet
// whose number fits is tried with more than the next key, which an attacker cannot bring about but by changing
// one of the peer's. After one in vain there is no other long one for as many packets as it took keys, so that what an
// attacker can have this end compute is a key or two for each packet.
const (
	maxSkip  = 1024
	longSkip = 16 // keys that are always tried
)

// decrypt finds the key of a packet among those that its phase and number allow, and decrypts the body in
// place. It is the advice of spec 11 §11.10: an end moves on only to a key under which a packet was
// authentic, never twice for one epoch, and the key before stays for stragglers.
func (c *Packets) decrypt(iv, body []byte, number uint64, fits bool) bool {
	if c.suite.tag == 0 {
		return c.decryptPlain(iv, body, number, fits)
	}
	if iv[0]>>7 == byte(c.recv.epoch&1) {
		if far := c.ahead(number, fits); far >= 2 {
			return c.search(iv, body, number, far)
		}
		if !open(&c.recv, iv, body) {
			return false
		}
		c.heard++
		return true
	}
	return c.search(iv, body, number, c.ahead(number, fits))
}

func open(k *packetKey, iv, body []byte) bool {
	_, err := k.aead.Open(body[:0], iv, body, nil)
	return err == nil
}

// ahead returns how many epochs the sender of a packet can be ahead of the key that its last packets had: one,
// or as many as it may have used for the numbers in between, and for following this end.
func (c *Packets) ahead(number uint64, fits bool) uint32 {
	if !fits {
		return 1
	}
	far := uint64(1)
	if number > c.window.top {
		far += (number - c.window.top) / uint64(c.epoch)
	}
	if c.send.epoch > c.recv.epoch {
		far += uint64(c.send.epoch - c.recv.epoch)
	}
	if c.owed > 0 {
		return uint32(min(far, longSkip))
	}
	return uint32(min(far, maxSkip))
}

// search tries the keys that have the phase of the packet: that of the last packets, the one before for what
// was overtaken, and those up to far epochs ahead. A failed try destroys what it works on, so each is made on
// a copy.
func (c *Packets) search(iv, body []byte, number uint64, far uint32) bool {
	phase := iv[0] >> 7
	c.trial = append(c.trial[:0], body...)
	try := func(k *packetKey) bool {
		if byte(k.epoch&1) != phase {
			return false
		}
		if open(k, iv, body) {
			return true
		}
		copy(body, c.trial)
		return false
	}
	if try(&c.recv) {
		c.heard++
		return true
	}
	if c.straggler(number) && try(&c.prev) {
		return true
	}
	before := c.recv
	if c.next.none() {
		c.next = c.recv.following()
	}
	k := c.next
	for range far {
		if try(&k) {
			c.moveOn(before, k, number)
			return true
		}
		before, k = k, k.following()
	}
	if far > longSkip {
		c.owed = far
	}
	return false
}

// straggler reports whether a packet may have been sent with the key before: until half an epoch was opened
// with the new one, and not if its number says that it was sent later.
func (c *Packets) straggler(number uint64) bool {
	return !c.prev.none() && c.heard < c.epoch/2 && (c.own < ownPeer || number < c.newKey)
}

// moveOn takes the key under which the packet was authentic. This end sends with it too, unless it is ahead:
// a prototype forgets the old one.
func (c *Packets) moveOn(before, k packetKey, number uint64) {
	c.prev, c.recv, c.next = before, k, packetKey{}
	c.heard, c.newKey = 1, number
	if k.epoch > c.send.epoch {
		c.rotate(k)
	}
}

// decryptPlain is for the ciphers without a tag: nothing tells whether a key was right, so no key can be tried.
func (c *Packets) decryptPlain(iv, body []byte, number uint64, fits bool) bool {
	phase := iv[0] >> 7
	var k *packetKey
	if fits {
		k = c.numbered(number)
	} else {
		k = c.phased(phase)
	}
	if k == nil || byte(k.epoch&1) != phase {
		return false
	}
	if k == &c.recv {
		c.heard++
	}
	cipher.NewCTR(k.block, iv).XORKeyStream(body, body)
	return true
}

// numbered returns the key of a packet of one of our own: it changes its key with its own packets only, so the
// number says the epoch. The end that receives does not follow.
func (c *Packets) numbered(number uint64) *packetKey {
	epoch := number / uint64(c.epoch)
	switch now := uint64(c.recv.epoch); {
	case epoch == now:
		return &c.recv
	case epoch+1 == now && !c.prev.none():
		return &c.prev
	case epoch < now && epoch <= maxSkip: // the window went back
		c.prev, c.recv = packetKey{}, c.first
	case epoch < now || epoch-now > maxSkip:
		return nil
	}
	for uint64(c.recv.epoch) != epoch {
		c.prev, c.recv = c.recv, c.recv.following()
	}
	c.heard, c.next = 0, packetKey{}
	return &c.recv
}

// phased returns the key of a packet of a prototype, by its phase and the count of those before (spec 11 §11.10).
func (c *Packets) phased(phase byte) *packetKey {
	switch {
	case phase == byte(c.recv.epoch&1):
		return &c.recv
	case c.heard >= c.epoch-c.epoch/4:
		c.moveOn(c.recv, c.recv.following(), 0)
		c.heard = 0
		return &c.recv
	case c.prev.none():
		return nil
	}
	return &c.prev
}
