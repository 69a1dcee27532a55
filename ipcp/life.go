package ipcp

import "ouroboros/core"

// Life is the state of an IPCP, and who is told when it changes (spec 07 §4).
type Life struct {
	state State
	told  func(State)
}

// NewLife returns that of an IPCP in state boot.
func NewLife() Life { return Life{state: Boot} }

// State returns the state.
func (l *Life) State() State { return l.state }

// Operational reports whether the IPCP is a member of a layer.
func (l *Life) Operational() bool { return l.state == Operational }

// OnState sets who is told of each change of the state, on the stack of the change.
func (l *Life) OnState(f func(State)) { l.told = f }

// Become changes the state.
func (l *Life) Become(s State) {
	if s == l.state {
		return
	}
	l.state = s
	if l.told != nil {
		l.told(s)
	}
}

// Later gives an answer that is known at once from a posted call, as core.Provider demands it, unless it is
// canceled before.
func Later(env core.Env, answer func()) (cancel func()) {
	canceled := false
	env.Post(func() {
		if !canceled {
			answer()
		}
	})
	return func() { canceled = true }
}
