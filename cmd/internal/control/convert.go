package control

import (
	"fmt"
	"net/netip"
	"time"

	"ouroboros/cmd/internal/control/pb"
	"ouroboros/core"
	"ouroboros/core/line"
	"ouroboros/ipcp"
)

// narrow returns a number that must fit a smaller type.
func narrow[T uint8 | uint16](what string, v uint32) (T, error) {
	if v > uint32(^T(0)) {
		return 0, fmt.Errorf("%w: %s %d, accepted are 0 to %d", core.ErrInvalid, what, v, ^T(0))
	}
	return T(v), nil
}

func readKind(v uint32) (Kind, error) {
	if v >= uint32(len(kinds)) {
		return 0, fmt.Errorf("%w: kind %d, accepted are 0 to %d", core.ErrIPCPType, v, len(kinds)-1)
	}
	return Kind(v), nil
}

// readAddr returns an IP address, the zero one of no bytes.
func readAddr(what string, b []byte) (netip.Addr, error) {
	if len(b) == 0 {
		return netip.Addr{}, nil
	}
	a, ok := netip.AddrFromSlice(b)
	if !ok {
		return a, fmt.Errorf("%w: %s of %d bytes, accepted are 4 or 16", core.ErrInvalid, what, len(b))
	}
	return a, nil
}

// readAll converts the elements of a list.
func readAll[M, T any](list []M, read func(M) (T, error)) ([]T, error) {
	var out []T
	for _, m := range list {
		v, err := read(m)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func writeIPCP(i IPCPInfo) *pb.IPCPInfo {
	return &pb.IPCPInfo{
		Pid: int64(i.PID), Name: i.Name, Kind: uint32(i.Kind), State: uint32(i.State), Layer: i.Layer, Hash: uint32(i.Hash),
	}
}

func readIPCP(m *pb.IPCPInfo) (i IPCPInfo, err error) {
	i = IPCPInfo{PID: int(m.Pid), Name: m.Name, Layer: m.Layer}
	if i.Kind, err = readKind(m.Kind); err != nil {
		return i, err
	}
	state, err := narrow[uint8]("state", m.State)
	if err != nil {
		return i, err
	}
	hash, err := narrow[uint8]("hash", m.Hash)
	i.State, i.Hash = ipcp.State(state), core.HashAlgo(hash)
	return i, err
}

func writeBootstrap(name string, b BootstrapConfig) *pb.Bootstrap {
	m := &pb.Bootstrap{
		Name: name, Kind: uint32(b.Kind), Layer: b.Layer, Hash: uint32(b.Hash), Autobind: b.Autobind,
		Device: b.Device, EtherType: uint32(b.EtherType),
		Ip: b.IP.AsSlice(), Port: uint32(b.Port), Dns: b.DNS.AsSlice(), Hosts: b.Hosts,
		AddrSize: int64(b.AddrSize), EidSize: int64(b.EIDSize), MaxTtl: uint32(b.MaxTTL), MplNs: int64(b.MPL),
		Mtu: int64(b.MTU), Queue: int64(b.Queue), Cubes: b.Cubes,
	}
	for kind, p := range b.Policies {
		m.Policies = append(m.Policies, &pb.Policy{Kind: kind, Name: p.Name, Params: p.Params})
	}
	return m
}

func readBootstrap(m *pb.Bootstrap) (b BootstrapConfig, err error) {
	b = BootstrapConfig{
		Layer: m.GetLayer(), Autobind: m.GetAutobind(), Device: m.GetDevice(), Hosts: m.GetHosts(),
		AddrSize: int(m.GetAddrSize()), EIDSize: int(m.GetEidSize()), MPL: time.Duration(m.GetMplNs()),
		MTU: int(m.GetMtu()), Queue: int(m.GetQueue()), Cubes: m.GetCubes(),
	}
	var hash uint8
	for _, read := range []func() error{
		func() (err error) { b.Kind, err = readKind(m.GetKind()); return },
		func() (err error) { hash, err = narrow[uint8]("hash", m.GetHash()); return },
		func() (err error) { b.EtherType, err = narrow[uint16]("ethertype", m.GetEtherType()); return },
		func() (err error) { b.Port, err = narrow[uint16]("port", m.GetPort()); return },
		func() (err error) { b.MaxTTL, err = narrow[uint8]("ttl", m.GetMaxTtl()); return },
		func() (err error) { b.IP, err = readAddr("ip", m.GetIp()); return },
		func() (err error) { b.DNS, err = readAddr("dns", m.GetDns()); return },
	} {
		if err := read(); err != nil {
			return b, err
		}
	}
	b.Hash = core.HashAlgo(hash)
	for _, p := range m.GetPolicies() {
		if b.Policies == nil {
			b.Policies = map[string]Policy{}
		}
		if _, twice := b.Policies[p.Kind]; twice {
			return b, fmt.Errorf("%w: two %s policies", core.ErrInvalid, p.Kind)
		}
		b.Policies[p.Kind] = Policy{Name: p.Name, Params: p.Params}
	}
	return b, nil
}

func readConnect(m *pb.Connect) (c ConnectConfig, err error) {
	comp := m.GetComponents()
	if comp == 0 || comp > uint32(ipcp.Both) {
		return c, fmt.Errorf("%w: components %d, accepted are mgmt, dt or both", core.ErrInvalid, comp)
	}
	if _, ok := QoS(m.GetQos()); !ok {
		return c, fmt.Errorf("%w: qos %q, accepted are %v", core.ErrInvalid, m.GetQos(), QoSWords())
	}
	return ConnectConfig{Dst: m.GetDst(), Components: Components(comp), QoS: m.GetQos()}, nil
}

func writeName(name string, n NameConfig) *pb.Name {
	return &pb.Name{
		Name: name, Balance: uint32(n.Balance), ServerEnc: n.ServerEnc, ServerCrt: n.ServerCrt, ServerKey: n.ServerKey,
		ClientEnc: n.ClientEnc, ClientCrt: n.ClientCrt, ClientKey: n.ClientKey,
	}
}

func readName(m *pb.Name) (n NameConfig, err error) {
	if m.GetBalance() > uint32(Spillover) {
		return n, fmt.Errorf("%w: balance %d, accepted are 0 and 1", core.ErrInvalid, m.GetBalance())
	}
	return NameConfig{
		Balance: Balance(m.GetBalance()), ServerEnc: m.GetServerEnc(), ServerCrt: m.GetServerCrt(), ServerKey: m.GetServerKey(),
		ClientEnc: m.GetClientEnc(), ClientCrt: m.GetClientCrt(), ClientKey: m.GetClientKey(),
	}, nil
}

func writeNameInfo(n NameInfo) *pb.NameInfo {
	m := &pb.NameInfo{
		Config: writeName(n.Name, n.NameConfig), Programs: n.Programs, Ipcps: n.IPCPs, Layers: n.Layers, Active: int64(n.Active),
	}
	for _, pid := range n.Processes {
		m.Processes = append(m.Processes, int64(pid))
	}
	return m
}

func readNameInfo(m *pb.NameInfo) (n NameInfo, err error) {
	n = NameInfo{Name: m.Config.GetName(), Programs: m.Programs, IPCPs: m.Ipcps, Layers: m.Layers, Active: int(m.Active)}
	for _, pid := range m.Processes {
		n.Processes = append(n.Processes, int(pid))
	}
	n.NameConfig, err = readName(m.Config)
	return n, err
}

func writeSpec(s core.LinkSpec) *pb.LinkSpec {
	m := &pb.LinkSpec{
		Rate: s.Rate, DelayNs: int64(s.Delay), QueuePackets: int64(s.QueuePackets), QueueBytes: s.QueueBytes, Block: s.Block,
		Loss: s.Loss, Drop: s.Drop, Ber: s.BER, NoFcs: s.NoFCS, JitterNs: int64(s.Jitter), Reorder: s.Reorder,
		ReorderByNs: int64(s.ReorderBy), Duplicate: s.Duplicate, Overhead: int64(s.Overhead), Device: int64(s.Device),
		DetectNs: int64(s.Detect),
	}
	if g := s.Gilbert; g != nil {
		m.Gilbert = &pb.GilbertElliott{P: g.P, R: g.R, LossGood: g.LossGood, LossBad: g.LossBad}
	}
	return m
}

func readSpec(m *pb.LinkSpec) (core.LinkSpec, error) {
	s := core.LinkSpec{
		Rate: m.GetRate(), Delay: time.Duration(m.GetDelayNs()), QueuePackets: int(m.GetQueuePackets()), QueueBytes: m.GetQueueBytes(),
		Block: m.GetBlock(), Loss: m.GetLoss(), Drop: m.GetDrop(), BER: m.GetBer(), NoFCS: m.GetNoFcs(),
		Jitter: time.Duration(m.GetJitterNs()), Reorder: m.GetReorder(), ReorderBy: time.Duration(m.GetReorderByNs()),
		Duplicate: m.GetDuplicate(), Overhead: int(m.GetOverhead()), Device: int(m.GetDevice()), Detect: time.Duration(m.GetDetectNs()),
	}
	if g := m.GetGilbert(); g != nil {
		s.Gilbert = &core.GilbertElliott{P: g.P, R: g.R, LossGood: g.LossGood, LossBad: g.LossBad}
	}
	if err := line.Validate(s); err != nil {
		return s, fmt.Errorf("%w: %w", core.ErrInvalid, err)
	}
	return s, nil
}
