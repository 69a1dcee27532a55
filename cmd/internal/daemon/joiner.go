package daemon

import (
	"fmt"
	"os"

	"ouroboros/cmd/internal/control"
	"ouroboros/cmd/internal/operator"
	"ouroboros/core"
	"ouroboros/core/wire"
	"ouroboros/ipcp"
	"ouroboros/ipcp/broadcast"
	"ouroboros/ipcp/unicast"
	"ouroboros/ipcp/unicast/catalog"
)

// The user that the daemon runs as, which its IPCPs count as.
var selfUID, selfGID = uint32(os.Getuid()), uint32(os.Getgid())

// peerTimeout is the time-out of connections to other members, in ms. A neighbour that was restarted with nobody to tell
// is given up after it, and connected to again. The 120 s of the predefined specs are for applications: that long a
// layer would stay broken where only this side makes the connection. Both ends have the time-out of the side that asks.
const peerTimeout = 6000

// watched has a connection notice a dead peer soon.
func watched(q core.QoS) core.QoS {
	q.Timeout = peerTimeout
	return q
}

// newJoiner makes an IPCP of kind unicast or broadcast in state boot.
func newJoiner(env core.Env, alloc core.Allocator, name core.Name, kind core.LayerKind) (joiner, error) {
	if kind == core.KindBroadcast {
		p, err := broadcast.New(env, alloc, broadcast.Config{Name: name})
		return hub{p}, err
	}
	p, err := unicast.New(env, alloc, unicast.Config{
		Name: name, Catalog: catalog.New(nil, nil), Prompt: true, SkipUnreachable: true,
	})
	return router{p}, err
}

// router is a unicast IPCP.
type router struct{ *unicast.IPCP }

// bootstrap makes the IPCP the first member of a layer.
func (r router) bootstrap(b *control.BootstrapConfig) error {
	known := catalog.New(nil, nil)
	policies := catalog.Policies{}
	for kind, p := range b.Policies {
		policies[kind] = catalog.Policy{Name: p.Name, Params: operator.Values(p.Params)}
	}
	chosen, err := catalog.Choose(known, policies, b.AddrSize)
	if err != nil {
		return fmt.Errorf("%w: %w", core.ErrInvalid, err)
	}
	err = r.Bootstrap(unicast.Layer{
		Info:   core.LayerInfo{Name: core.Name(b.Layer), Kind: core.KindUnicast, Hash: b.Hash},
		Header: wire.PCI{Addr: b.AddrSize, EID: b.EIDSize}, MaxTTL: b.MaxTTL,
		MPL: b.MPL, MTU: b.MTU, Queue: b.Queue, Cube: b.Cubes, Policies: chosen,
	}, 0)
	if err != nil {
		return fmt.Errorf("%w: %w", core.ErrInvalid, err)
	}
	return nil
}

func (r router) enroll(dst core.Name, done func(error)) (cancel func()) {
	return r.Enroll(dst, "", 0, done)
}

func (r router) connect(dst core.Name, comp ipcp.Components, qos core.QoS, done func(error)) {
	r.Connect(dst, "", unicast.ConnectOptions{Components: comp, QoS: watched(qos), Persist: true}, done)
}

func (r router) disconnect(dst core.Name, comp ipcp.Components) { r.Disconnect(dst, comp) }

// hub is a broadcast IPCP. Its management, the tree protocol, comes and goes with its data.
type hub struct{ *broadcast.IPCP }

func (h hub) bootstrap(b *control.BootstrapConfig) error { return h.Bootstrap(core.Name(b.Layer)) }

func (h hub) enroll(dst core.Name, done func(error)) (cancel func()) { return h.Enroll(dst, "", done) }

func (h hub) connect(dst core.Name, _ ipcp.Components, qos core.QoS, done func(error)) {
	h.Connect(dst, "", broadcast.ConnectOptions{QoS: watched(qos), Persist: true}, done)
}

func (h hub) disconnect(dst core.Name, _ ipcp.Components) { h.Disconnect(dst) }
