package ipcp

import "fmt"

// State is the state of an IPCP in its life, with the codes of spec 07 §4.
type State uint8

// The states. Those of codes 3 and 4 are never used.
const (
	Null        State = 0
	Init        State = 1 // joins a layer: it is configured, or enrolls
	Boot        State = 2 // in no layer, ready to bootstrap or enroll
	Operational State = 5 // member of a layer
	Shutdown    State = 6 // has left; it does not come back
)

// String returns the name of the state in the management tree.
func (s State) String() string {
	switch s {
	case Null:
		return "null"
	case Init:
		return "init"
	case Boot:
		return "boot"
	case Operational:
		return "operational"
	case Shutdown:
		return "shutdown"
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// Components is a set of components that an operator connects (spec 07 §3.1).
type Components uint8

// The components that can be connected.
const (
	Mgmt Components = 1 << iota // "Management"
	DT                          // "Data Transfer"
	Both = Mgmt | DT
)

// String returns the names that operators use.
func (c Components) String() string {
	switch c {
	case Mgmt:
		return "mgmt"
	case DT:
		return "dt"
	case Both:
		return "mgmt, dt"
	}
	return fmt.Sprintf("components %d", uint8(c))
}
