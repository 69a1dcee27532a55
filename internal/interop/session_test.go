package interop

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/irm"
	"ouroboros/core/oap"
	"ouroboros/ipcp/broadcast"
	"ouroboros/ipcp/unicast"
	"ouroboros/ipcp/unicast/addr"
	"ouroboros/ipcp/unicast/dir"
	"ouroboros/shim/eth"
	"ouroboros/shim/udp"
	"ouroboros/sim"
)

// session is a conversation between a node of ours, with its whole stack, and a puppet, in simulated time.
type session struct {
	t     *testing.T
	shim  string // dix or udp
	world *sim.World
	env   core.Env // of our node
	mac   [6]byte  // of our node
	b     *irm.Broker
	apps  *irm.Client
	uni   *unicast.IPCP
	hub   *broadcast.IPCP
	*puppet

	queue  []*seen             // of our node, in order, that the capture must have too
	loose  []*seen             // of our node, whose time is its own affair
	peerOf map[uint64]uint64   // puppet's endpoint id by that of our node in the capture
	qosOf  map[uint64]core.QoS // by endpoint id of our node in the capture
	opened map[uint64]core.Flow
	wait   int // operations under way
	waits  []core.Flow
	joined core.Flow
	heardB []string // broadcast SDUs
	// know are names that our directory has from the puppet: it is told of them, as by a member that registers them.
	know       []core.Name
	configured map[core.Name]*oap.Config // security of names
	whole      map[uint64]*record        // what the node in our place has sent in the capture, by endpoint id
	last       int                       // frame that ends a capture for us; 0: the last one
	update     time.Duration             // t_update of a layer that our node begins
	timeout    time.Duration             // and t_timeo
	plain      bool                      // applications use the flows of the shim
	unequal    bool                      // applications need not get what was sent
}

// fixed gives a member the address that it had in the capture.
type fixed uint64

// Assign returns it.
func (f fixed) Assign(int) (uint64, error) { return uint64(f), nil }

func catalog(address uint64) unicast.Catalog {
	c := unicast.NewCatalog(dir.NewNames())
	table := *c.Addressing
	table.Factories = slices.Clone(table.Factories)
	for i, f := range table.Factories {
		if f.Name == "flat-random" {
			f.New = func(core.Env, any) (addr.Policy, error) { return fixed(address), nil }
			table.Factories[i] = f
		}
	}
	c.Addressing = &table
	return c
}

func newSession(t *testing.T, shim string) *session {
	t.Helper()
	s := &session{
		t: t, shim: shim, world: sim.New(1), update: 5 * time.Second, timeout: 20 * time.Second, peerOf: map[uint64]uint64{}, qosOf: map[uint64]core.QoS{}, opened: map[uint64]core.Flow{},
	}
	s.env = s.world.Node("ours")
	s.b = irm.New(s.env.Derive("irm"), irm.Config{Explicit: true, Security: irm.Security{Client: s.security, Server: s.security}})
	s.apps = s.b.Attach(irm.Process{PID: 2, Program: "app"})
	s.plug("lower")
	t.Cleanup(s.end)
	return s
}

// beside returns the side of another link of our node, in a layer of its own.
func (s *session) beside(layer core.Name) *session {
	x := &session{
		t: s.t, shim: s.shim, world: s.world, env: s.env, b: s.b, apps: s.apps, uni: s.uni,
		peerOf: map[uint64]uint64{}, qosOf: map[uint64]core.QoS{}, opened: map[uint64]core.Flow{},
	}
	x.plug(layer)
	return x
}

// plug puts a shim of our node and a puppet on a new link.
func (s *session) plug(layer core.Name) {
	s.t.Helper()
	shim := s.shim
	spec := core.LinkSpec{Kind: core.LinkEthernet, Name: string(layer)}
	if shim == "udp" {
		spec.Kind, spec.MTU = core.LinkDatagram, 8980
	}
	far := s.world.Node("prototype at " + string(layer))
	w, err := s.world.Link(spec, s.env, far)
	s.ok(err)
	ours, theirs := w.Ends()
	s.mac = ours.Info().Addr.MAC()
	s.puppet = newPuppet(s, far, theirs)
	s.to = ours.Info().Addr
	var p core.Provider
	switch shim {
	case "llc":
		p, err = eth.NewLLC(s.env.Derive("shim-"+string(layer)), ours, eth.Config{Layer: layer, Hash: core.SHA3_256})
	case "dix":
		p, err = eth.New(s.env.Derive("shim-"+string(layer)), ours, eth.Config{Layer: layer, Hash: core.SHA3_256})
	default:
		hosts := udp.Hosts{}
		for _, n := range []core.Name{"net", "uni1", "bcast", "bc1", "o3"} {
			hosts.Add(n, theirs.Info().Addr)
		}
		p, err = udp.New(s.env.Derive("shim-"+string(layer)), ours, udp.Config{Layer: layer, Kind: core.KindUDP4, Resolver: hosts})
	}
	s.ok(err)
	s.ok(s.b.AddProvider(p))
}

// security is what is configured for the names of the encrypted captures.
func (s *session) security(n core.Name) (*oap.Config, error) { return s.configured[n], nil }

func (s *session) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// end has all go, and holds that nothing is left.
func (s *session) end() {
	for _, f := range s.waits {
		f.Close(0)
	}
	if s.uni != nil {
		s.uni.Leave()
	}
	if s.hub != nil {
		s.hub.Leave()
	}
	if err := s.world.Run(s.world.Now().Add(10 * time.Minute)); err != nil {
		s.t.Error(err)
	}
	if n := s.world.Pool().Live(); n != 0 {
		s.t.Errorf("%d packets were not released", n)
	}
	s.world.Close()
}

func (s *session) until(at core.Time) {
	s.t.Helper()
	if at > s.world.Now() {
		s.ok(s.world.Run(at))
	}
}

// operation notes how an operation of our node ends.
func (s *session) operation(what string) func(error) {
	s.wait++
	return func(err error) {
		s.wait--
		if err != nil {
			s.t.Errorf("%s: %v", what, err)
		}
	}
}

// replay goes through a capture: what the prototype has sent is sent at its time, what the node in our place has sent is
// awaited, and compared. acts are what an operator does before a frame of our node, by its number.
func (s *session) replay(capture, ours string, acts map[int]func()) {
	s.t.Helper()
	base := s.world.Now()
	note(capture, ours)
	frames := load(s.t, capture)
	s.whole = spoken(s.shim, ours, frames)
	for _, f := range frames {
		s.step(f, base, ours, acts)
	}
	s.settle(capture)
}

// replayTwo goes through the captures of two links of our node at a time: x is the side of the second link, whose capture
// begins later.
func (s *session) replayTwo(captures, ours [2]string, x *session, later time.Duration, acts map[int]func()) {
	s.t.Helper()
	base := s.world.Now()
	sides := [2]*session{s, x}
	var frames [2][]*frame
	for i := range sides {
		note(captures[i], ours[i])
		frames[i] = load(s.t, captures[i])
	}
	for len(frames[0])+len(frames[1]) > 0 {
		i := 0
		if len(frames[0]) == 0 || len(frames[1]) > 0 && frames[1][0].at+later < frames[0][0].at {
			i = 1
		}
		f := frames[i][0]
		frames[i] = frames[i][1:]
		if i == 0 {
			s.step(f, base, ours[0], acts)
		} else {
			x.step(f, base.Add(later), ours[1], nil)
		}
	}
	for i := range sides {
		sides[i].settle(captures[i])
	}
}

// step has one frame of a capture said, or awaits it.
func (s *session) step(f *frame, base core.Time, ours string, acts map[int]func()) {
	s.t.Helper()
	switch {
	case s.last > 0 && f.number > s.last, f.kind[0] != s.shim:
		return
	case f.from == ours:
		s.expect(f, base, acts[f.number])
	default:
		s.until(base.Add(f.at))
		if data := s.say(f); data != nil {
			s.puppet.send(data)
		}
		s.until(s.world.Now().Add(20 * time.Microsecond))
	}
	if s.t.Failed() {
		s.t.Fatalf("the replay ends at %s", f)
	}
}

// settle holds that nothing is missing at the end of a capture, and that there is nothing more.
func (s *session) settle(capture string) {
	s.t.Helper()
	s.until(s.world.Now().Add(500 * time.Millisecond))
	if len(s.queue) > 0 {
		s.t.Errorf("%s: our node has also sent %v", capture, s.queue)
	}
	if len(s.pending) > 0 {
		s.t.Errorf("%s: our node has not answered %d requests of the directory", capture, len(s.pending))
	}
	s.same(capture)
}

// same holds what the applications got, and what ours sent, to the capture.
func (s *session) same(capture string) {
	s.t.Helper()
	if s.unequal {
		return
	}
	for _, u := range s.users {
		if u.encrypted {
			continue
		}
		if want := u.heardCap.all(); !slices.Equal(u.heard, want) {
			s.t.Errorf("%s: flow %x: our application got %d messages, %d were sent", capture, u.own, len(u.heard), len(want))
		}
		if q := u.heardCap.ordered(); u.qos.Mode() == core.ModeReliable && len(q) > 0 && u.acked != q[len(q)-1]+1 {
			s.t.Errorf("%s: flow %x: our node has acknowledged %x, the last message is %x", capture, u.own, u.acked, q[len(q)-1])
		}
		if said, want := u.said.all(), u.saidCap.all(); !slices.Equal(said, want) {
			s.t.Errorf("%s: flow %x: our node has sent %d messages, in the capture %d", capture, u.own, len(said), len(want))
		}
	}
}

// expect awaits a frame of our node.
func (s *session) expect(f *frame, base core.Time, act func()) {
	s.t.Helper()
	if act != nil {
		s.until(base.Add(f.at))
		act()
	}
	switch {
	case len(f.kind) > 2 && f.kind[1] == "pci":
		s.use(f, base)
	case f.kind[1] == "data":
		_, own, body := split(s.shim, f.data)
		s.until(base.Add(f.at))
		s.write(f, uint64(own), body)
	}
	if !strict(f) {
		return
	}
	for limit := max(s.world.Now(), base.Add(f.at)).Add(3 * time.Second); len(s.queue) == 0; {
		if s.world.Now() >= limit {
			s.t.Fatalf("%s: our node has sent nothing of the kind", f)
		}
		s.until(s.world.Now().Add(20 * time.Microsecond))
	}
	got := s.queue[0]
	s.queue = s.queue[1:]
	if err := s.compare(f, got); err != nil {
		s.t.Fatalf("%s: our node has sent %v: %v\n%x\nin the capture\n%x", f, got, err, got.data, f.data)
	}
}

// strict reports whether our node must send such a frame where the capture has it. The others have their own timers: link
// state, directory, keepalives, congestion control, and packets of FRCP, whose acks and retransmissions follow
// another schedule.
func strict(f *frame) bool {
	for _, k := range f.kind {
		if k == "lsa" || k == "keepalive" || k == "encrypted" || strings.HasPrefix(k, "dht-") || strings.HasPrefix(k, "frcp-") || k == "fa-FLOW_UPDATE" {
			return false
		}
	}
	return true
}
