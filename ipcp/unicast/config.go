package unicast

import (
	"maps"
	"math"
	"reflect"
	"slices"
	"time"

	"ouroboros/ipcp"
	"ouroboros/ipcp/pb"
)

// The policies that the prototype has travel in its fields, so that the message of a layer of them is that
// of the prototype to the byte (spec 07 §6). All else travels by name in fields from 100 on, and the
// prototype's field says other: a prototype does not find such a policy and stays out of the layer.

// other is the code of a policy that the prototype does not have.
const other = 100

// Codes of the prototype's policies.
const (
	codeLinkState  = 0
	codeDHT        = 0
	codeFlatRandom = 0
)

// The prototype's codes by the index in these lists.
var (
	forwardingCodes = [...]string{"simple", "lfa", "ecmp"}
	congestionCodes = [...]string{"none", "mb-ecn"}
)

// Parameters that have a field of the prototype.
const paramAddrSize = "addr_size"

var (
	linkStateFields = [...]string{"recalc", "update", "timeout"}
	dhtFields       = [...]string{"alpha", "k", "t_expire", "t_refresh", "t_replicate"}
)

// field returns the value of a parameter in a decoded configuration: a count, or a duration in seconds. It
// reports false if there is none or if it is no whole number that fits 32 bits.
func field(cfg any, name string) (uint32, bool) {
	v := reflect.ValueOf(cfg)
	if !v.IsValid() {
		return 0, false
	}
	v = v.Elem()
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("mapstructure") != name || !v.Field(i).CanInt() {
			continue
		}
		n := v.Field(i).Int()
		if v.Field(i).Type() == reflect.TypeFor[time.Duration]() {
			if n%int64(time.Second) != 0 {
				return 0, false
			}
			n /= int64(time.Second)
		}
		return uint32(n), n >= 0 && n <= math.MaxUint32
	}
	return 0, false
}

// fields returns the parameters that have a field of the prototype, and the rest of the parameters. A value
// that does not fit its field stays in the rest, and the field holds at least 1.
func fields(cfg any, params map[string]any, names []string) (values []uint32, rest map[string]any) {
	rest = maps.Clone(params)
	for _, n := range names {
		v, ok := field(cfg, n)
		if ok {
			delete(rest, n)
		} else {
			v = 1
		}
		values = append(values, v)
	}
	return values, rest
}

// extra returns the field of a policy beyond 100: nil for one that the prototype's fields describe wholly.
func extra(err *error, known bool, name string, rest map[string]any) *pb.Policy {
	if *err != nil || known && len(rest) == 0 {
		return nil
	}
	var p *pb.Policy
	p, *err = encodePolicy(name, rest)
	return p
}

// encode returns the configuration that a member with the address peer hands on.
func (l Layer) encode(peer uint64) (*pb.Config, error) {
	var err error
	c := ipcp.ConfigOf(l.Info)
	u := &pb.UnicastConfig{
		Dt:           &pb.DtConfig{AddrSize: u32(l.Header.Addr), EidSize: u32(l.Header.EID), MaxTtl: u32(int(l.MaxTTL))},
		AddrAuthType: u32(other), CongAvoid: u32(other),
	}
	c.Unicast = u
	l.encodeRouting(u, &err)
	l.encodeDirectory(u, peer, &err)

	p := l.Policies
	code := slices.Index(congestionCodes[:], p.Congestion.Name)
	if code >= 0 {
		u.CongAvoid = u32(code)
	}
	u.Congestion = extra(&err, code >= 0, p.Congestion.Name, p.Congestion.Params)

	params := p.Addressing.Params
	if size, ok := field(p.Addressing.Config(), paramAddrSize); ok && size == uint32(l.Header.Addr) {
		params = maps.Clone(params)
		delete(params, paramAddrSize)
	}
	flat := p.Addressing.Name == DefaultAddressing
	if flat {
		u.AddrAuthType = u32(codeFlatRandom)
	}
	u.Addressing = extra(&err, flat, p.Addressing.Name, params)

	u.Scheduler = extra(&err, p.Scheduler.Name == DefaultScheduler, p.Scheduler.Name, p.Scheduler.Params)
	u.Cost = extra(&err, p.Cost.Name == DefaultCost, p.Cost.Name, p.Cost.Params)
	u.Shaping = extra(&err, p.Shaping.Name == DefaultShaping, p.Shaping.Name, p.Shaping.Params)
	u.Admission = extra(&err, p.Admission.Name == DefaultAdmission, p.Admission.Name, p.Admission.Params)
	if l.MPL != 0 {
		mpl := uint64(l.MPL)
		u.Mpl = &mpl
	}
	if l.Queue != 0 {
		u.Queue = u32(l.Queue)
	}
	if l.MTU != 0 {
		u.Mtu = u32(l.MTU)
	}
	if l.Cube {
		u.Cube = &l.Cube
	}
	return c, err
}

func u32(n int) *uint32 {
	v := uint32(n)
	return &v
}

// encodeRouting writes routing and forwarding: the prototype has them as one policy.
func (l Layer) encodeRouting(u *pb.UnicastConfig, err *error) {
	r, f := l.Policies.Routing, l.Policies.Forwarding
	if r.Name != DefaultRouting {
		u.Dt.Routing = &pb.RoutingConfig{Pol: u32(other)}
		u.Routing = extra(err, false, r.Name, r.Params)
		u.Forwarding = extra(err, false, f.Name, f.Params)
		return
	}
	v, rest := fields(r.Config(), r.Params, linkStateFields[:])
	code := slices.Index(forwardingCodes[:], f.Name)
	known := code >= 0
	if !known {
		code = other
	}
	u.Dt.Routing = &pb.RoutingConfig{
		Pol: u32(codeLinkState),
		Ls:  &pb.LsConfig{Pol: u32(code), TRecalc: &v[0], TUpdate: &v[1], TTimeo: &v[2]},
	}
	u.Routing = extra(err, true, r.Name, rest)
	u.Forwarding = extra(err, known, f.Name, f.Params)
}

// encodeDirectory writes the directory, and the address of the member that hands it on.
func (l Layer) encodeDirectory(u *pb.UnicastConfig, peer uint64, err *error) {
	d := l.Policies.Directory
	if d.Name != DefaultDirectory {
		u.Dir = &pb.DirConfig{Pol: u32(other)}
		u.Directory = extra(err, false, d.Name, d.Params)
		u.Peer = &peer
		return
	}
	v, rest := fields(d.Config(), d.Params, dhtFields[:])
	u.Dir = &pb.DirConfig{Pol: u32(codeDHT), Dht: &pb.DhtConfig{
		Alpha: &v[0], K: &v[1], TExpire: &v[2], TRefresh: &v[3], TReplicate: &v[4], Peer: &peer,
	}}
	u.Directory = extra(err, true, d.Name, rest)
}
