package main

import (
	"encoding/binary"
	"time"

	"ouroboros/core"
)

// A message is padded with zeros to the size that was asked for (spec 14 §14.8):
//
//	0   4  type: 0 request, 1 reply         big endian
//	4   4  id, from 0                       big endian
//	8   8  seconds, clock of the client     little endian, the order of the client's host
//	16  8  nanoseconds                      little endian
const (
	typeRequest = 0
	typeReply   = 1
)

// putRequest writes a request into b, which is zero behind the header.
func putRequest(b []byte, id uint32, now core.Time) {
	binary.BigEndian.PutUint32(b, typeRequest)
	binary.BigEndian.PutUint32(b[4:], id)
	binary.LittleEndian.PutUint64(b[8:], uint64(now/core.Time(time.Second)))
	binary.LittleEndian.PutUint64(b[16:], uint64(now%core.Time(time.Second)))
}

// makeReply turns a request into its reply, in place. It reports false for what is none.
func makeReply(b []byte) bool {
	if len(b) < headerLen || binary.BigEndian.Uint32(b) != typeRequest {
		return false
	}
	binary.BigEndian.PutUint32(b, typeReply)
	return true
}

// readReply reads the id and the time of the request out of a reply. It reports false for what is none, and for a time
// that is not between the beginning and now.
func readReply(b []byte, now core.Time) (id uint32, sent core.Time, ok bool) {
	if len(b) < headerLen || binary.BigEndian.Uint32(b) != typeReply {
		return 0, 0, false
	}
	sec, ns := binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])
	if sec > uint64(now/core.Time(time.Second)) || ns >= uint64(time.Second) {
		return 0, 0, false
	}
	sent = core.Time(sec)*core.Time(time.Second) + core.Time(ns)
	return binary.BigEndian.Uint32(b[4:]), sent, sent <= now
}
