package interop

import (
	"errors"
	"slices"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/irm"
	"ouroboros/core/wire"
	"ouroboros/ipcp"
	"ouroboros/ipcp/broadcast"
	"ouroboros/ipcp/unicast"
)

// member is one side of a session of captures.
type member struct {
	name    string // MAC or IP address
	ipcp    core.Name
	address uint64
	first   bool // it has begun the layer
}

// sides are both members of a session: who has begun the layer, and who has enrolled with it.
type sides struct {
	shim, start   string // the capture in which the layer comes up
	first, second member
}

var (
	ethSides = sides{
		"dix", "01-enroll-connect-eth",
		member{"2a:65:96:be:66:7a", "uni1", 0x179bd9f5, true},
		member{"5a:39:79:1f:9e:90", "uni2", 0xd7fc19d8, false},
	}
	udpSides = sides{
		"udp", "01-enroll-connect-udp",
		member{"10.1.1.1", "uni1", 0x4be8a003, true},
		member{"10.1.1.2", "uni2", 0xc5b923f0, false},
	}
)

// roles runs a replay twice: with our node in the place of either member.
func (x sides) roles(t *testing.T, run func(s *session, ours, theirs member)) {
	t.Run("ours begins the layer", func(t *testing.T) { run(newSession(t, x.shim), x.first, x.second) })
	t.Run("ours enrolls", func(t *testing.T) { run(newSession(t, x.shim), x.second, x.first) })
}

// unicast makes the IPCP of our node.
func (s *session) unicast(m member) {
	var err error
	c := s.b.Attach(irm.Process{PID: 1, Program: "ipcpd-unicast", IPCP: m.ipcp})
	s.uni, err = unicast.New(s.env.Derive("net"), c, unicast.Config{Name: m.ipcp, Catalog: catalog(s.used(m.address)), Autobind: true, Prompt: true})
	s.ok(err)
	s.ok(s.uni.Serve())
}

// bootstrap begins the layer as the captures have it: t_recalc 1, and t_update and t_timeo of the session.
func (s *session) bootstrap(m member) {
	s.unicast(m)
	l := unicast.Layer{Info: core.LayerInfo{Name: "net", Kind: core.KindUnicast, Hash: core.SHA3_256}}
	var err error
	l.Policies.Routing, err = catalog(0).Routing.Choose("link-state", map[string]any{"recalc": "1s", "update": s.update.String(), "timeout": s.timeout.String()})
	s.ok(err)
	s.ok(s.uni.Bootstrap(l, 0))
	s.ok(s.b.AddProvider(s.uni))
	for _, n := range []core.Name{m.ipcp, "net"} {
		s.ok(s.b.RegisterName(n, "lower"))
	}
}

func (s *session) enroll() {
	done := s.operation("enroll")
	s.uni.Enroll("net", "lower", 1, func(err error) {
		if err == nil {
			err = s.b.AddProvider(s.uni)
		}
		done(err)
	})
}

func (s *session) connect(to core.Name, comp ipcp.Components) func() {
	return func() {
		s.uni.Connect(to, "lower", unicast.ConnectOptions{Components: comp}, s.operation("connect"))
	}
}

// begin brings two nodes into one layer by the first capture of a session, ours in the place of one.
func (s *session) begin(x sides, ours, theirs member) {
	s.t.Helper()
	if ours.first {
		s.bootstrap(ours)
		s.replay(x.start, ours.name, nil)
	} else {
		s.unicast(ours)
		at := map[string][3]int{"dix": {1, 10, 16}, "udp": {3, 10, 14}}[s.shim]
		s.replay(x.start, ours.name, map[int]func(){
			at[0]: s.enroll, at[1]: s.connect("uni1", ipcp.Mgmt), at[2]: s.connect("uni1", ipcp.DT),
		})
	}
	s.connected(ours, theirs)
}

// connected holds that both nodes see each other: our node has the connections, and announces its link.
func (s *session) connected(ours, theirs member) {
	s.t.Helper()
	if s.wait != 0 || !s.uni.Connected(s.used(theirs.address)) {
		s.t.Fatalf("%d operations are under way; connected: %v", s.wait, s.uni.Connected(s.used(theirs.address)))
	}
	link := wire.LSA{Dst: s.used(theirs.address), Src: s.used(ours.address)}
	if !slices.ContainsFunc(s.loose, func(f *seen) bool {
		_, _, body := split(s.shim, f.data)
		l, err := wire.ParseLSA(body)
		return f.kind[1] == "lsa" && err == nil && l.Dst == link.Dst && l.Src == link.Src && !l.Ext
	}) {
		s.t.Error("our node has not announced its link")
	}
}

// register replays the capture in which the member that has enrolled registers its names.
func (s *session) register(x sides, ours member) {
	s.t.Helper()
	{
		{
			if ours.first {
				ask := func() {
					s.apps.Alloc(core.Request{Name: "nosuch", Timeout: 250 * time.Millisecond}, func(_ core.Flow, err error) {
						if !errors.Is(err, core.ErrIPCP) {
							s.t.Errorf("an unknown name: %v", err)
						}
					})
				}
				s.replay("02-register-query-"+ethOr(x), ours.name, map[int]func(){3: ask})
				return
			}
			register := func(n core.Name) func() {
				return func() { s.ok(s.b.RegisterName(n, "net")) }
			}
			s.replay("02-register-query-"+ethOr(x), ours.name, map[int]func(){1: register("oping"), 6: register("second.name")})
		}
	}
}

func ethOr(x sides) string {
	if x.shim == "dix" {
		return "eth"
	}
	return "udp"
}

// count returns how many frames of a kind our node has sent in its own time.
func (s *session) count(kind string) (n int) {
	for _, f := range s.loose {
		if slices.Contains(f.kind, kind) {
			n++
		}
	}
	return n
}

// service has the name of the server known: our application listens to it, or our directory has it from the puppet.
func (s *session) service(ours member, n core.Name) {
	if !ours.first {
		s.ok(s.b.RegisterName(n, "net"))
		s.serve(n)
		s.until(s.world.Now().Add(time.Second))
		return
	}
	s.know = append(s.know, n)
}

// Later sessions, whose beginning was not captured. It is that of 01, in which the client of the later ones begins the
// layer, with other addresses.
var (
	ethClient, ethServer = "06:78:9e:61:fd:c5", "ee:a7:ec:36:bf:54"
	udpClient, udpServer = "10.1.1.1", "10.1.1.2"
)

// resume brings the members of a later session into a layer. The server's application listens to a name.
func (s *session) resume(ours string, n core.Name) {
	s.t.Helper()
	x := ethSides
	s.alias[x.first.address], s.alias[x.second.address] = 0xd1e00978, 0x57407976
	if s.shim == "udp" {
		x = udpSides
		s.alias[x.first.address], s.alias[x.second.address] = 0x9f973e7a, 0xe295d2e0
	}
	if ours == ethClient || ours == udpClient {
		s.begin(x, x.first, x.second)
		s.service(x.first, n)
		return
	}
	s.begin(x, x.second, x.first)
	s.service(x.second, n)
}

// broadcast makes the hub of our node, and a user of it.
func (s *session) broadcast(first bool) {
	name := core.Name("bc2")
	if first {
		name = "bc1"
	}
	var err error
	s.hub, err = broadcast.New(s.env.Derive("bcast"), s.b, broadcast.Config{Name: name, Autobind: true, Trust: true})
	s.ok(err)
	s.ok(s.hub.Serve())
	if first {
		s.ok(s.hub.Bootstrap("bcast"))
		s.ok(s.b.AddProvider(s.hub))
		s.ok(s.b.RegisterName("bc1", "lower"))
		s.ok(s.b.RegisterName("bcast", "lower"))
		s.join()
	}
}

func (s *session) enrollHub() {
	done := s.operation("enroll")
	s.hub.Enroll("bcast", "lower", func(err error) {
		if err == nil {
			err = s.b.AddProvider(s.hub)
			s.join()
		}
		done(err)
	})
}

func (s *session) connectHub() {
	s.hub.Connect("bc1", "lower", broadcast.ConnectOptions{}, s.operation("connect"))
}

func (s *session) join() {
	done := s.operation("join")
	s.apps.Join("bcast", func(f core.Flow, err error) {
		if err == nil {
			s.joined = f
			s.waits = append(s.waits, f)
			f.Attach(&listener{s})
		}
		done(err)
	})
}

func (s *session) shout(f *frame) {
	_, _, body := split(s.shim, f.data)
	s.ok(s.joined.Write(s.world.Pool().GetCopy(s.joined.Info().Headroom, body)))
}
