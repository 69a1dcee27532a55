package broadcast

import (
	"ouroboros/core"
	"ouroboros/ipcp"
)

// Serve accepts connections and newcomers: the IPCP listens to its own name, which the broker registers in
// the layers below, and with Autobind to that of its layer as soon as it is a member.
func (i *IPCP) Serve() error { return i.doors.Open(&i.life, i.layer.Name) }

// ServeName has the IPCP listen to one more name of its system, as an administrator binds it to one, and take
// connections and newcomers there. It may be called in any state but shutdown, which is an ErrIPCPState; requests
// that come before the IPCP is a member of its layer are refused.
func (i *IPCP) ServeName(n core.Name) error { return i.doors.Serve(&i.life, n) }

// StopServing has the IPCP not listen to a name any more, be it bound to it by ServeName, by Serve or by
// Autobind, and reports whether it did. What came through the name stands.
func (i *IPCP) StopServing(n core.Name) bool { return i.doors.Stop(n) }

// Serving returns the names that the IPCP listens to.
func (i *IPCP) Serving() []core.Name { return i.doors.Names() }

// incoming accepts a flow and waits for the component it is for.
func (i *IPCP) incoming(in core.Incoming) {
	switch {
	case !i.operational():
		in.Reject(core.ErrIPCPState)
		return
	case len(i.ports) >= maxPorts:
		in.Reject(core.ErrAgain)
		return
	}
	f, err := in.Accept()
	if err != nil {
		return
	}
	if f, err = ipcp.EndToEnd(i.env, f); err != nil {
		return
	}
	ipcp.Accept(i.env, f, i.component, i.exchanges.Add, func(peer ipcp.Announcement, err error) {
		if err == nil {
			i.accepted(peer, f)
		}
	})
}

// component returns what this IPCP announces for a component that a peer asks for.
func (i *IPCP) component(name string) (ipcp.Announcement, bool) {
	switch name {
	case ipcp.Enrollment.Component:
		return ipcp.Enrollment, i.operational()
	case TreeProtocol.Component:
		return TreeProtocol, i.operational() && i.tree != nil && len(i.halves) < maxHalves
	case DataTransfer.Component:
		return DataTransfer, i.operational()
	}
	return ipcp.Announcement{}, false
}

// accepted hands a flow to its component. A peer that has a management connection names it by its cookie;
// one without is not protected.
func (i *IPCP) accepted(peer ipcp.Announcement, f core.Flow) {
	switch peer.Component {
	case ipcp.Enrollment.Component:
		if i.operational() {
			i.registrar.Serve(f)
			return
		}
	case TreeProtocol.Component:
		speaks := peer.Protocol == TreeProtocol.Protocol && peer.Version == TreeProtocol.Version && peer.Address != 0
		if i.operational() && speaks && i.half(peer.Address) == nil && len(i.halves) < maxHalves {
			i.newControl(peer.Address, f)
			return
		}
	case DataTransfer.Component:
		c := i.half(peer.Address)
		if i.operational() && (c != nil || peer.Address == 0) {
			i.connected(f, c, nil)
			return
		}
	}
	f.Close(0)
}
