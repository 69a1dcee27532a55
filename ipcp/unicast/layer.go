package unicast

import (
	"fmt"
	"math"
	"time"

	"ouroboros/core"
	"ouroboros/core/policy"
	"ouroboros/core/wire"
	"ouroboros/ipcp/unicast/addr"
	"ouroboros/ipcp/unicast/adm"
	"ouroboros/ipcp/unicast/ca"
	"ouroboros/ipcp/unicast/cost"
	"ouroboros/ipcp/unicast/dir"
	"ouroboros/ipcp/unicast/dt"
	"ouroboros/ipcp/unicast/pff"
	"ouroboros/ipcp/unicast/routing"
	"ouroboros/ipcp/unicast/sched"
	"ouroboros/ipcp/unicast/shape"
)

// Catalog is what a member knows: the tables of all kinds of policies. A layer whose policies are not in
// them refuses it by their names.
type Catalog struct {
	Routing    *policy.Registry[routing.Routing]
	Forwarding *policy.Registry[pff.PFF]
	Congestion *policy.Registry[ca.Avoidance]
	Directory  *policy.Registry[dir.Directory]
	Scheduler  *policy.Registry[sched.Scheduler]
	Addressing *policy.Registry[addr.Policy]
	Cost       *policy.Registry[cost.Cost]
	Shaping    *policy.Registry[shape.Shaper]
	Admission  *policy.Registry[adm.Admission]
}

// NewCatalog returns the catalog of all policies of this program. names is what the members of a layer
// share under the directory policy static; nil for members that do not use it.
func NewCatalog(names *dir.Names) Catalog {
	return Catalog{
		Routing: routing.Policies(nil), Forwarding: pff.Policies(), Congestion: ca.Policies(),
		Directory: dir.Policies(names), Scheduler: sched.Policies(), Addressing: addr.Policies(),
		Cost: cost.Policies(), Shaping: shape.Policies(), Admission: adm.Policies(),
	}
}

// Choices are the policies of a layer, the same for all its members. One without a name is the default.
type Choices struct {
	Routing    policy.Choice[routing.Routing]
	Forwarding policy.Choice[pff.PFF]
	Congestion policy.Choice[ca.Avoidance]
	Directory  policy.Choice[dir.Directory]
	Scheduler  policy.Choice[sched.Scheduler]
	Addressing policy.Choice[addr.Policy]
	Cost       policy.Choice[cost.Cost]
	Shaping    policy.Choice[shape.Shaper]
	Admission  policy.Choice[adm.Admission]
}

// The policies of a layer that does not say otherwise: those of the prototype, and none where it has none.
const (
	DefaultRouting    = "link-state"
	DefaultForwarding = "simple"
	DefaultCongestion = "mb-ecn"
	DefaultDirectory  = "dht"
	DefaultScheduler  = "fifo"
	DefaultAddressing = "flat-random"
	DefaultCost       = "hops"
	DefaultShaping    = "none"
	DefaultAdmission  = "none"
)

// pick looks a policy up in a table of the catalog.
func pick[T any](r *policy.Registry[T], kind, name string, params map[string]any) (policy.Choice[T], error) {
	if r == nil {
		return policy.Choice[T]{}, fmt.Errorf("unknown %s policy %q, this member knows none", kind, name)
	}
	return r.Choose(name, params)
}

// fill completes a choice by the default of its kind.
func fill[T any](err *error, c *policy.Choice[T], r *policy.Registry[T], kind, def string, params map[string]any) {
	if *err == nil && c.Name == "" {
		*c, *err = pick(r, kind, def, params)
	}
}

// Complete chooses the default of each kind that has no choice yet, with addresses of the given length in
// bytes.
func (c Catalog) Complete(x Choices, addrSize int) (Choices, error) {
	var err error
	fill(&err, &x.Routing, c.Routing, "routing", DefaultRouting, nil)
	fill(&err, &x.Forwarding, c.Forwarding, "forwarding", DefaultForwarding, nil)
	fill(&err, &x.Congestion, c.Congestion, "congestion", DefaultCongestion, nil)
	fill(&err, &x.Directory, c.Directory, "directory", DefaultDirectory, nil)
	fill(&err, &x.Scheduler, c.Scheduler, "scheduler", DefaultScheduler, nil)
	fill(&err, &x.Addressing, c.Addressing, "addressing", DefaultAddressing, map[string]any{paramAddrSize: addrSize})
	fill(&err, &x.Cost, c.Cost, "cost", DefaultCost, nil)
	fill(&err, &x.Shaping, c.Shaping, "shaping", DefaultShaping, nil)
	fill(&err, &x.Admission, c.Admission, "admission", DefaultAdmission, nil)
	return x, err
}

// Layer is the configuration of a layer: what the first member fixes and enrollment hands on to all
// others. Nothing in it changes while the layer exists.
type Layer struct {
	Info   core.LayerInfo
	Header wire.PCI      // sizes of the fields of the header; the zero value is that of the prototype
	MaxTTL uint8         // 0 = 60
	MPL    time.Duration // maximum packet lifetime; 0 = 100 ms
	Queue  int           // transmit queue of a flow in packets, up to 2^24; 0 = 1023
	// MTU is the longest packet of a user in bytes, up to 2^31-1: what every way in the layer takes, since no
	// member connects over an N-1 flow that takes less. 0 = what the member's own N-1 flows take; a longer way
	// may then take less, which nobody tells a user.
	MTU      int
	Cube     bool // packets carry the cube of their flow (decision 3); else 0, as in the prototype
	Policies Choices
}

const (
	maxQueue = 1 << 24       // of the transmit queue of a flow in packets
	maxMTU   = math.MaxInt32 // bytes
)

// complete fills in the defaults and checks the ranges.
func (l Layer) complete(c Catalog) (Layer, error) {
	if l.Header == (wire.PCI{}) {
		l.Header = wire.DefaultPCI
	}
	if err := l.Header.Validate(); err != nil {
		return l, err
	}
	if l.MaxTTL == 0 {
		l.MaxTTL = dt.DefaultTTL
	}
	l.Info.Kind = core.KindUnicast
	if err := l.Info.Name.Validate(); err != nil {
		return l, fmt.Errorf("layer: %w", err)
	}
	if l.Info.Hash.Len() == 0 {
		return l, fmt.Errorf("layer %s: hash algorithm %d is unknown", l.Info.Name, l.Info.Hash)
	}
	if l.MPL < 0 || l.Queue < 0 || l.Queue > maxQueue {
		return l, fmt.Errorf("layer %s: mpl %v, queue %d packets, accepted are 0 and more, up to %d packets", l.Info.Name, l.MPL, l.Queue, maxQueue)
	}
	if l.MTU < 0 || l.MTU > maxMTU {
		return l, fmt.Errorf("layer %s: mtu %d, accepted are 0 to %d bytes", l.Info.Name, l.MTU, maxMTU)
	}
	var err error
	l.Policies, err = c.Complete(l.Policies, l.Header.Addr)
	return l, err
}
