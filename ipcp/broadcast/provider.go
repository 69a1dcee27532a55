package broadcast

import (
	"ouroboros/core"
	"ouroboros/ipcp"
)

// Register is refused: a broadcast layer has no names (spec 07 §4).
func (i *IPCP) Register(core.Hash) error { return core.ErrUnsupp }

// Unregister does nothing: there is nothing to take back.
func (i *IPCP) Unregister(core.Hash) {}

// Query finds nothing.
func (i *IPCP) Query(_ core.Hash, done func(found bool)) (cancel func()) {
	return ipcp.Later(i.env, func() { done(false) })
}

// AllocFlow is refused: flows of this layer have no other end.
func (i *IPCP) AllocFlow(_ core.FlowRequest, done func(core.Flow, core.FlowReply, error)) (cancel func()) {
	return ipcp.Later(i.env, func() { done(nil, core.FlowReply{}, core.ErrUnsupp) })
}

// OnRequest does nothing: no request ever comes.
func (i *IPCP) OnRequest(func(core.IncomingFlow)) {}

// Join attaches a user (spec 02 §11.4). Nobody else is told. It fails with core.ErrIPCPState before this
// IPCP is a member, and with core.ErrAgain when 4096 users have joined.
func (i *IPCP) Join(done func(core.Flow, error)) (cancel func()) {
	return ipcp.Later(i.env, func() {
		switch {
		case !i.operational():
			done(nil, core.ErrIPCPState)
		case len(i.ports) >= maxPorts:
			done(nil, core.ErrAgain)
		default:
			done(i.join(), nil)
		}
	})
}
