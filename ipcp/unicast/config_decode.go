package unicast

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/policy"
	"ouroboros/core/wire"
	"ouroboros/ipcp"
	"ouroboros/ipcp/pb"
)

// decoder gathers the first error of a configuration.
type decoder struct{ err error }

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

// chosen looks up what a configuration says of one kind of policy: p, the field beyond 100, else the policy
// that code stands for. given are the parameters from fields of the prototype; what p says counts before
// them.
func chosen[T any](d *decoder, r *policy.Registry[T], kind string, p *pb.Policy, code uint32, codes []string, given map[string]any) (c policy.Choice[T]) {
	name := p.GetName()
	switch {
	case d.err != nil:
		return c
	case code < uint32(len(codes)):
		if p != nil && name != codes[code] {
			d.fail("%s: code %d is %q, but the name is %q", kind, code, codes[code], name)
			return c
		}
		name = codes[code]
	case code != other:
		d.fail("unknown %s policy: code %d", kind, code)
		return c
	case p == nil:
		d.fail("%s: the name of the policy is missing", kind)
		return c
	}
	params, err := decodeParams(p.GetParams())
	if err != nil {
		d.fail("%s policy %q: %w", kind, name, err)
		return c
	}
	if len(given) > 0 {
		given = maps.Clone(given)
		maps.Copy(given, params)
		params = given
	}
	c, err = pick(r, kind, name, params)
	if err != nil {
		d.fail("%w", err)
	}
	return c
}

// optional is chosen for the kinds that the prototype does not have: without a field it is the default.
func optional[T any](d *decoder, r *policy.Registry[T], kind string, p *pb.Policy, def string) policy.Choice[T] {
	if p == nil || p.GetName() == def {
		return chosen(d, r, kind, p, 0, []string{def}, nil)
	}
	return chosen(d, r, kind, p, other, nil, nil)
}

// decode reads a configuration strictly: what is missing, unknown or out of range is an error that says
// what. peer is the address of the member that handed it on, 0 if it is the first.
func (c Catalog) decode(m *pb.Config) (l Layer, peer uint64, err error) {
	l.Info, err = ipcp.CheckConfig(m, core.KindUnicast)
	if err != nil {
		return l, 0, err
	}
	u := m.GetUnicast()
	d := &decoder{}
	switch {
	case u == nil:
		d.fail("the part of a unicast layer is missing")
	case u.GetDt() == nil:
		d.fail("the part of data transfer is missing")
	case u.GetDir() == nil:
		d.fail("the part of the directory is missing")
	case m.GetUdp4() != nil || m.GetUdp6() != nil || m.GetEth() != nil:
		d.fail("it has a part of another type")
	}
	if d.err != nil {
		return l, 0, d.err
	}
	c.decodeSizes(d, &l, u)
	c.decodeRouting(d, &l, u)
	peer = c.decodeDirectory(d, &l, u)
	p := &l.Policies
	congestion := uint32(1) // the default of the prototype
	if u.CongAvoid != nil {
		congestion = u.GetCongAvoid()
	}
	p.Congestion = chosen(d, c.Congestion, "congestion", u.GetCongestion(), congestion, congestionCodes[:], nil)
	p.Addressing = chosen(d, c.Addressing, "addressing", u.GetAddressing(), u.GetAddrAuthType(),
		[]string{DefaultAddressing}, c.addrSize(u.GetAddressing().GetName(), l.Header.Addr))
	p.Scheduler = optional(d, c.Scheduler, "scheduler", u.GetScheduler(), DefaultScheduler)
	p.Cost = optional(d, c.Cost, "cost", u.GetCost(), DefaultCost)
	p.Shaping = optional(d, c.Shaping, "shaping", u.GetShaping(), DefaultShaping)
	p.Admission = optional(d, c.Admission, "admission", u.GetAdmission(), DefaultAdmission)
	if d.err != nil {
		return l, 0, d.err
	}
	l, err = l.complete(c)
	return l, peer, err
}

// addrSize returns the parameter that gives addresses the length of the header's, for policies that have
// it.
func (c Catalog) addrSize(name string, size int) map[string]any {
	if name == "" {
		name = DefaultAddressing
	}
	if c.Addressing == nil {
		return nil
	}
	for _, f := range c.Addressing.Docs() {
		has := func(p policy.Param) bool { return p.Name == paramAddrSize }
		if f.Name == name && slices.ContainsFunc(f.Params, has) {
			return map[string]any{paramAddrSize: size}
		}
	}
	return nil
}

// decodeSizes reads the numbers of the layer.
func (c Catalog) decodeSizes(d *decoder, l *Layer, u *pb.UnicastConfig) {
	t := u.GetDt()
	// The prototype cuts the first three to 8 bits (spec 07 §6); a value that this would change is wrong.
	for _, x := range []struct {
		name      string
		v         uint64
		low, high uint64
	}{
		{"addr_size", uint64(t.GetAddrSize()), 1, 8},
		{"eid_size", uint64(t.GetEidSize()), 1, 8},
		{"max_ttl", uint64(t.GetMaxTtl()), 1, 255},
		{"mpl", u.GetMpl(), 0, uint64(time.Hour)},
		{"queue", uint64(u.GetQueue()), 0, maxQueue},
		{"mtu", uint64(u.GetMtu()), 0, maxMTU},
	} {
		if x.v < x.low || x.v > x.high {
			d.fail("%s: %d, accepted are %d to %d", x.name, x.v, x.low, x.high)
		}
	}
	l.Header = wire.PCI{Addr: int(t.GetAddrSize()), EID: int(t.GetEidSize())}
	l.MaxTTL, l.MPL, l.Queue, l.Cube = uint8(t.GetMaxTtl()), time.Duration(u.GetMpl()), int(u.GetQueue()), u.GetCube()
	l.MTU = int(u.GetMtu())
}

// decodeRouting reads routing and forwarding.
func (c Catalog) decodeRouting(d *decoder, l *Layer, u *pb.UnicastConfig) {
	r := u.GetDt().GetRouting()
	forwarding, given := uint32(other), map[string]any(nil)
	if ls := r.GetLs(); r.GetPol() == codeLinkState {
		if ls == nil {
			d.fail("routing: the part of link state is missing")
		}
		forwarding = ls.GetPol()
		given = map[string]any{
			linkStateFields[0]: seconds(ls.GetTRecalc()), linkStateFields[1]: seconds(ls.GetTUpdate()), linkStateFields[2]: seconds(ls.GetTTimeo()),
		}
	} else if ls != nil {
		d.fail("routing: a part of link state, but the policy is another")
	}
	l.Policies.Routing = chosen(d, c.Routing, "routing", u.GetRouting(), r.GetPol(), []string{DefaultRouting}, given)
	l.Policies.Forwarding = chosen(d, c.Forwarding, "forwarding", u.GetForwarding(), forwarding, forwardingCodes[:], nil)
}

// decodeDirectory reads the directory and returns the address of the member that hands the configuration on.
func (c Catalog) decodeDirectory(d *decoder, l *Layer, u *pb.UnicastConfig) (peer uint64) {
	peer, given := u.GetPeer(), map[string]any(nil)
	dht := u.GetDir().GetDht()
	switch pol := u.GetDir().GetPol(); {
	case pol == codeDHT && dht == nil:
		d.fail("directory: the part of the distributed hash table is missing")
	case pol == codeDHT:
		peer = dht.GetPeer()
		given = map[string]any{
			dhtFields[0]: dht.GetAlpha(), dhtFields[1]: dht.GetK(), dhtFields[2]: seconds(dht.GetTExpire()),
			dhtFields[3]: seconds(dht.GetTRefresh()), dhtFields[4]: seconds(dht.GetTReplicate()),
		}
	case dht != nil:
		d.fail("directory: a part of the distributed hash table, but the policy is another")
	}
	l.Policies.Directory = chosen(d, c.Directory, "directory", u.GetDirectory(), u.GetDir().GetPol(), []string{DefaultDirectory}, given)
	return peer
}

func seconds(n uint32) time.Duration { return time.Duration(n) * time.Second }
