package broadcast

import (
	"encoding/binary"

	"ouroboros/ipcp"
)

// MessageLen is the length in bytes of a message of the tree protocol, "BTP" version 1. One message is one
// SDU of a management connection:
//
//	 0  version      u8, 1
//	 1  flags        u8, bit 0 = the sender leaves, bit 1 = it is adrift: it, or a member above it, has lost
//	                 its parent, bit 2 = it wants the receiver as its parent; the others are 0 and ignored
//	 2  age          u16, ms since the root gave out seq
//	 4  number       u32, of this message on this connection, from 1
//	 8  root         u64, label of the sender: identity of its root,
//	16  seq          u32,   a number that this root has given out,
//	20  distance     u16,   and hops from there
//	22  reserved     u16, 0, ignored
//	24  join         u32, epoch in which the sender wants, or wanted last, the receiver as its parent
//	28  honoured     u32, epoch in which the sender has the receiver as its child; 0 = it has not
//	32  floor        u32, no join of the receiver up to this epoch will be honoured (again)
//
// Numbers are big-endian. Every message holds the whole state that the receiver needs, so that a lost one
// is made up for by the next.
const MessageLen = 36

const (
	messageVersion = 1
	flagLeaving    = 1
	flagAdrift     = 2
	flagWanted     = 4
)

// TreeProtocol is the component that members of a broadcast layer connect for the tree protocol. The
// address of the announcement is the cookie of the connection; see IPCP.Connect.
var TreeProtocol = ipcp.Announcement{Component: ipcp.Management.Component, Protocol: "BTP", Version: 1, Syntax: 2}

// message is one message of the tree protocol.
type message struct {
	leaving  bool
	adrift   bool
	wanted   bool
	age      uint16
	number   uint32
	label    label
	join     uint32
	honoured uint32
	floor    uint32
}

// append adds the bytes of the message to b.
func (m message) append(b []byte) []byte {
	flags := byte(0)
	if m.leaving {
		flags = flagLeaving
	}
	if m.adrift {
		flags |= flagAdrift
	}
	if m.wanted {
		flags |= flagWanted
	}
	b = append(b, messageVersion, flags)
	b = binary.BigEndian.AppendUint16(b, m.age)
	b = binary.BigEndian.AppendUint32(b, m.number)
	b = binary.BigEndian.AppendUint64(b, m.label.root)
	b = binary.BigEndian.AppendUint32(b, m.label.seq)
	b = binary.BigEndian.AppendUint16(b, m.label.dist)
	b = binary.BigEndian.AppendUint16(b, 0)
	b = binary.BigEndian.AppendUint32(b, m.join)
	b = binary.BigEndian.AppendUint32(b, m.honoured)
	return binary.BigEndian.AppendUint32(b, m.floor)
}

// parseMessage reads a message. Longer ones are those of a later version that adds fields.
func parseMessage(b []byte) (m message, ok bool) {
	if len(b) < MessageLen || b[0] != messageVersion {
		return message{}, false
	}
	m = message{
		leaving: b[1]&flagLeaving != 0,
		adrift:  b[1]&flagAdrift != 0,
		wanted:  b[1]&flagWanted != 0,
		age:     binary.BigEndian.Uint16(b[2:]),
		number:  binary.BigEndian.Uint32(b[4:]),
		label: label{
			root: binary.BigEndian.Uint64(b[8:]),
			seq:  binary.BigEndian.Uint32(b[16:]),
			dist: binary.BigEndian.Uint16(b[20:]),
		},
		join:     binary.BigEndian.Uint32(b[24:]),
		honoured: binary.BigEndian.Uint32(b[28:]),
		floor:    binary.BigEndian.Uint32(b[32:]),
	}
	return m, m.label.dist <= maxDistance
}
