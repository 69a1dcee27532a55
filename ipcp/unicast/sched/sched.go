// Package sched holds the packet schedulers of a unicast IPCP: which of the packets that wait for an
// N-1 flow goes next (spec 02 §8). One policy stands in each file; table.go lists them.
//
// A scheduler goes by the cube in the header of a packet and by its length (decision 3). It never looks
// at what the packet carries.
package sched

import (
	"ouroboros/core"
	"ouroboros/core/pkt"
)

// Scheduler holds the packets that wait for one N-1 flow. It owns them from Push to Pop.
//
// Its owner writes to the N-1 flow as long as that takes packets; the rest waits here. Under an order of
// arrival the N-1 flow may be filled as far as it goes. For another order its link is made to block early
// (queue: packets, full: block), so that packets wait here and the policy has something to order.
type Scheduler interface {
	// Push adds a packet of the given cube. It reports false, and leaves the packet to the caller, if
	// there is no room. A cube that nobody has defined counts as best effort.
	Push(now core.Time, p *pkt.Buf, cube core.Cube) bool
	// Head returns the packet that goes next, nil if none waits. Another call may return another packet: one
	// that arrives while the N-1 flow refuses the head goes before it if the policy says so.
	Head(now core.Time) *pkt.Buf
	// Pop removes the packet that the last Head has returned, whatever has been pushed since, and hands it to
	// the caller; without a Head since the last Pop, the one that Head would return. There must be one. The
	// caller may have passed it on already, after Head: it is not looked at any more.
	Pop(now core.Time) *pkt.Buf
	// Len returns the number of packets that wait.
	Len() int
	// Drain removes a packet that waits, due or not, and hands it to the caller; nil if none waits. It is
	// for the end of the N-1 flow.
	Drain() *pkt.Buf
}

// Ordering is a scheduler under which packets leave in another order than that of their arrival. For its
// order to be that of all packets, each flow of its owner keeps one packet in it while the N-1 flow is full,
// beside those in transit.
type Ordering interface {
	Scheduler
	// Hold adds a packet of a flow of the owner. There is always room for it: the limits are those of packets
	// that nobody can hold back, and the owner holds back each of its flows while a packet of it is here.
	Hold(now core.Time, p *pkt.Buf, cube core.Cube)
}
