// Package adm holds the admission policies of a unicast layer: whether a member takes on another flow. One
// policy stands in each file; table.go lists them.
//
// A policy sees what a flow asks for, never who asks or what is sent. It decides for one member about the
// flows that end there; nobody is asked on the way between both ends.
package adm

import "ouroboros/core"

// Admission decides about the flows that end at one member, whichever side asked for them.
type Admission interface {
	// Admit takes a flow of the given QoS on, or refuses it with an error that says why; its code travels
	// to who asked. rate is what the N-1 flows of the member can carry together in bit/s, 0 when unknown
	// or unlimited.
	Admit(q core.QoS, rate int64) error
	// Release gives back what an admitted flow of that QoS has taken.
	Release(q core.QoS)
}
