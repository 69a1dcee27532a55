package remote

import (
	"encoding/binary"
	"fmt"
)

// Version is that of the protocol. Both ends must have the same.
const Version = 1

// Limits of one application.
const (
	MaxFlows   = 4096  // that it asked for, and as many that it accepted (spec 13 §13.10, PROG_MAX_FLOWS)
	MaxListens = 256   // names that it listens to
	MaxOffered = 256   // requests that wait for its answer
	MaxPacket  = 65535 // bytes of the longest packet
	// Window is the credit of one flow and direction in bytes.
	Window = 128 << 10
	// PacketCost is what a packet counts beside its length: what its buffer takes.
	PacketCost = 256
	// MinMessage is what a Pipe must take at least: a record with the longest packet.
	MinMessage = headerLen + MaxPacket
)

type kind uint8

const (
	kindHello kind = 1 + iota
	kindWelcome
	kindRefuse
	kindAlloc
	kindJoin
	kindListen
	kindListening
	kindUnlisten
	kindIncoming
	kindAccept
	kindOpen
	kindData
	kindCredit
	kindReport
	kindState
	kindEnd
)

var kindNames = [...]string{
	"0", "hello", "welcome", "refuse", "alloc", "join", "listen", "listening", "unlisten", "incoming", "accept", "open", "data",
	"credit", "report", "state", "end",
}

// String names the kind for errors.
func (k kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprint(uint8(k))
}

// Flags of records.
const (
	flagEncrypt      = 1 << 0 // alloc
	flagAuthenticate = 1 << 1 // alloc
	flagSecure       = 1 << 0 // open: keys are there
	flagInitiator    = 1 << 1 // open
	flagPaced        = 1 << 2 // open: the layer has a rate of its own
	flagUp           = 1 << 0 // state
)

// flagsOf are the flags that a kind of record may have.
func flagsOf(k kind) uint8 {
	switch k {
	case kindAlloc:
		return flagEncrypt | flagAuthenticate
	case kindOpen:
		return flagSecure | flagInitiator | flagPaced
	case kindState:
		return flagUp
	}
	return 0
}

// headerLen is the length of the header of a record.
const headerLen = 8

// ofServer is the bit in the number of an object that the server has chosen.
const ofServer = 1 << 31

// record is one record of a message.
type record struct {
	kind  kind
	flags uint8
	id    uint32
	body  []byte
}

// nextRecord takes the first record off a message.
func nextRecord(m []byte) (r record, rest []byte, err error) {
	if len(m) < headerLen {
		return r, nil, malformed("a record of %d bytes, its header has %d", len(m), headerLen)
	}
	n := int(binary.BigEndian.Uint16(m[2:]))
	r = record{kind: kind(m[0]), flags: m[1], id: binary.BigEndian.Uint32(m[4:])}
	m = m[headerLen:]
	if n > len(m) {
		return r, nil, malformed("%v: a body of %d bytes in a message that has %d left", r.kind, n, len(m))
	}
	if r.flags&^flagsOf(r.kind) != 0 {
		return r, nil, malformed("%v: flags %#x", r.kind, r.flags)
	}
	r.body = m[:n]
	return r, m[n:], nil
}

// cost is the credit that a packet of n bytes takes.
func cost(n int) int { return n + PacketCost }

// Malformed is the error of a record that breaks the protocol.
type Malformed struct{ What string }

// Error says what is wrong.
func (m *Malformed) Error() string { return "malformed record: " + m.What }

func malformed(format string, args ...any) error { return &Malformed{fmt.Sprintf(format, args...)} }
