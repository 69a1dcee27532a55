package fleet

import (
	"fmt"
	"net/netip"

	"ouroboros/core"
	"ouroboros/core/line"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
	"ouroboros/shim/host"
)

// Port is where a node is joined to a wire: an interface of its system, or a UDP socket on it.
type Port struct {
	Device string `json:"device"`
	// LLC: the frames on the device are IEEE 802.3 frames with LLC, else DIX.
	LLC bool `json:"llc,omitempty"`
	// Local and Peer are set for datagrams: the own socket and that of the node at the other end.
	Local netip.AddrPort `json:"local"`
	Peer  netip.AddrPort `json:"peer"`
}

// ground is the world of an agent: a live world in which the wires of its own node are real, and all else is as
// far as it must be there for shadows.
type ground struct {
	*host.World
	node  string
	ports map[string]Port
	wires []*cable
	root  core.Env // outlives the node: what is plugged in stays so when it is killed
	dead  map[string]bool
}

func newGround(w *host.World, node string, ports map[string]Port) *ground {
	return &ground{World: w, node: node, ports: ports, root: w.Node("~ports"), dead: map[string]bool{}}
}

// Link makes a wire: its own end over a port, or a shadow.
func (g *ground) Link(spec core.LinkSpec, a, b core.Env) (core.Wire, error) {
	c := &cable{g: g, own: -1, names: [2]string{a.Path, b.Path}, specs: [2]core.LinkSpec{spec, spec}}
	for i, name := range c.names {
		c.ends[i] = &shadow{info: core.LinkInfo{Kind: spec.Kind, MTU: spec.MTU, Rate: spec.Rate, Delay: spec.Delay, Up: true, Addr: anyAddr(spec)}}
		if name == g.node {
			c.own = i
		}
	}
	g.wires = append(g.wires, c)
	p, has := g.ports[spec.Name]
	if c.own < 0 || !has {
		return c, nil
	}
	below, err := g.plug(p, spec)
	if err != nil {
		return nil, fmt.Errorf("link %s: %w", spec.Name, err)
	}
	if c.shaper, err = line.NewShaper(g.root.Derive("link:"+spec.Name), below, spec, core.LinkSpec{}); err != nil {
		return nil, fmt.Errorf("link %s: %w", spec.Name, err)
	}
	if p.Peer.IsValid() {
		c.ends[1-c.own].(*shadow).info.Addr = core.IPAddr(p.Peer)
	}
	return c, nil
}

// anyAddr returns an address for the end of a wire where nobody is.
func anyAddr(spec core.LinkSpec) core.Addr {
	switch {
	case spec.Kind != core.LinkDatagram:
		return core.MACAddr([6]byte{0x02})
	case spec.IPv6:
		return core.IPAddr(netip.AddrPortFrom(netip.IPv6LinkLocalAllNodes(), wire.UDPPort))
	}
	return core.IPAddr(netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), wire.UDPPort))
}

// plug opens a port.
func (g *ground) plug(p Port, spec core.LinkSpec) (core.Link, error) {
	if p.Local.IsValid() {
		return g.UDP(g.root, host.UDPConfig{Local: p.Local, MTU: spec.MTU})
	}
	ethertype := uint16(wire.DIXEtherType)
	if p.LLC {
		ethertype = 0
	}
	return g.Ethernet(g.root, host.EthernetConfig{Device: p.Device, EtherType: ethertype})
}

// Kill ends a node, here or as a shadow: the wires to it are down.
func (g *ground) Kill(name string) {
	g.dead[name] = true
	g.World.Kill(name)
	g.update()
}

// Revive starts a node again.
func (g *ground) Revive(name string) (core.Env, error) {
	delete(g.dead, name)
	env, err := g.World.Revive(name)
	g.update()
	return env, err
}

func (g *ground) update() {
	for _, c := range g.wires {
		c.update()
	}
}

// cable is a wire, of which at most one end is here.
type cable struct {
	g      *ground
	own    int // the end that is here, -1 for none
	names  [2]string
	specs  [2]core.LinkSpec
	ends   [2]core.Link // shadows
	shaper *line.Shaper // around the port of the own end; nil without one
	cut    bool
	down   bool
}

var _ core.Wire = (*cable)(nil)

// Ends returns the link as each node sees it.
func (c *cable) Ends() (a, b core.Link) {
	ends := c.ends
	if c.shaper != nil {
		ends[c.own] = c.shaper
	}
	return ends[0], ends[1]
}

// Spec returns the spec of one direction.
func (c *cable) Spec(dir int) core.LinkSpec { return c.specs[dir] }

// Set changes one direction: here if it begins here.
func (c *cable) Set(dir int, s core.LinkSpec) error {
	old := c.specs[dir]
	s.Name, s.Kind, s.MTU, s.IPv6 = old.Name, old.Kind, old.MTU, old.IPv6
	if err := line.Validate(s); err != nil {
		return err
	}
	if c.shaper != nil && dir == c.own {
		if err := c.shaper.Set(line.Out, s); err != nil {
			return err
		}
	}
	c.specs[dir] = s
	return nil
}

// SetUp takes the wire down or up, at the end that is here.
func (c *cable) SetUp(up bool) {
	c.cut = !up
	c.update()
}

func (c *cable) update() {
	down := c.cut || c.g.dead[c.names[0]] || c.g.dead[c.names[1]]
	if down == c.down {
		return
	}
	c.down = down
	if c.shaper != nil {
		c.shaper.SetUp(!down)
	}
}

// Stats returns the counters of the direction that begins here; those of the other are counted there.
func (c *cable) Stats(dir int) core.LinkStats {
	if c.shaper == nil || dir != c.own {
		return core.LinkStats{}
	}
	return c.shaper.Stats(line.Out)
}

// shadow is the end of a wire that is elsewhere: nothing goes in, nothing comes out.
type shadow struct{ info core.LinkInfo }

// Info describes the end.
func (s *shadow) Info() core.LinkInfo { return s.info }

// Queued is 0.
func (s *shadow) Queued() int { return 0 }

// Send drops the packet: only shadows of nodes could send here, and they do not.
func (s *shadow) Send(p *pkt.Buf, _ core.Addr) error {
	p.Release()
	return nil
}

// Attach forgets the user.
func (s *shadow) Attach(core.LinkUser) {}
