package wire

import "fmt"

// tail is what follows the fixed part of a management message of the Ethernet shims: a digest, in all but
// FLOW_REPLY, and a piggyback, in FLOW_REQ and FLOW_REPLY (spec 01 §3.3, §4.3).
type tail struct {
	code              DIXCode
	digest, piggyback []byte
}

// used returns the parts that the message has.
func (t tail) used() (digest, piggyback []byte) {
	if t.code != DIXFlowReply {
		digest = t.digest
	}
	if t.code == DIXFlowRequest || t.code == DIXFlowReply {
		piggyback = t.piggyback
	}
	return digest, piggyback
}

// len returns the length in bytes on the wire.
func (t tail) len() int {
	digest, piggyback := t.used()
	return len(digest) + len(piggyback)
}

// put writes the tail to the front of b, which has room for it.
func (t tail) put(b []byte) {
	digest, piggyback := t.used()
	copy(b[copy(b, digest):], piggyback)
}

// parse reads b, all that follows the fixed part, of a layer whose digests have hashLen bytes. Bytes behind
// the digest of a name query are ignored. An error says of which message (what), and wraps short or unknown.
func (t *tail) parse(b []byte, hashLen int, what string, short, unknown error) error {
	switch {
	case t.code > DIXNameQueryReply:
		return fmt.Errorf("%s message: %v, known are 0 to 3: %w", what, t.code, unknown)
	case t.code == DIXFlowReply:
		t.piggyback = b
		return nil
	case len(b) < hashLen:
		return fmt.Errorf("%s message: %v has a digest of %d bytes, the layer uses %d: %w", what, t.code, len(b), hashLen, short)
	}
	t.digest = b[:hashLen]
	if t.code == DIXFlowRequest {
		t.piggyback = b[hashLen:]
	}
	return nil
}
