package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"ouroboros"
	"ouroboros/cmd/internal/tool"
	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/core/irm"
	"ouroboros/core/pkt"
	"ouroboros/shim/eth"
	"ouroboros/shim/host"
	"ouroboros/sim"
)

// card is a virtual interface that the test reads and writes.
type card struct {
	cfg    host.TunConfig
	user   host.TunUser
	paused bool
	got    [][]byte // what the tunnel has written
	closed bool
}

func (c *card) Name() string          { return "card0" }
func (c *card) MTU() int              { return c.cfg.MTU }
func (c *card) Attach(u host.TunUser) { c.user = u }
func (c *card) Pause(on bool)         { c.paused = on }
func (c *card) Close()                { c.closed = true }
func (c *card) Stats() host.TunStats  { return host.TunStats{} }
func (c *card) Write(p *pkt.Buf) {
	c.got = append(c.got, bytes.Clone(p.Bytes()))
	p.Release()
}

// side is one end of the tunnel: a system with the command on it.
type side struct {
	env    core.Env
	broker *irm.Broker
	card   *card
	app    *ouroboros.App
	out    strings.Builder
	errOut strings.Builder
	code   int
	ended  bool
	refuse error // what making the interface gives
}

// pair is two systems on a wire, in the simulator.
type pair struct {
	*coretest.Harness
	t     *testing.T
	wire  core.Wire
	sides [2]*side
}

func newPair(t *testing.T, spec core.LinkSpec, cfg irm.Config) *pair {
	t.Helper()
	p := &pair{Harness: coretest.New(t, sim.New(1)), t: t}
	envs := [2]core.Env{p.Node("a"), p.Node("b")}
	spec.Name, spec.Kind = "wire", core.LinkEthernet
	p.wire = p.Wire(spec, envs[0], envs[1])
	ends := [2]core.Link{}
	ends[0], ends[1] = p.wire.Ends()
	for i, env := range envs {
		shim, err := eth.New(env.Derive("eth"), ends[i], eth.Config{Layer: "lan", Hash: core.SHA3_256})
		if err != nil {
			t.Fatal(err)
		}
		p.sides[i] = &side{env: env, broker: irm.New(env.Derive("irm"), cfg), code: -1}
		p.On(env, func() {
			if err := p.sides[i].broker.AddProvider(shim); err != nil {
				t.Error(err)
			}
		})
	}
	return p
}

// start runs the command with a command line.
func (p *pair) start(i int, line string) *side {
	s := p.sides[i]
	o := &ovpn{}
	client := s.broker.Attach(irm.Process{PID: 100 + i, Program: "ovpn"})
	o.on = system{env: s.env, alloc: client, tun: func(cfg host.TunConfig) (device, error) {
		if s.refuse != nil {
			return nil, s.refuse
		}
		s.card = &card{cfg: cfg}
		return s.card, nil
	}}
	p.Go(s.env, func(b core.Blocker) {
		open := func(_ context.Context, _, _ string, out io.Writer, program func(*tool.System) error) error {
			s.app = ouroboros.New(s.env, client, b)
			return program(&tool.System{App: s.app, B: b, Wall: s.env.Wall, Out: out})
		}
		s.code = o.tool().Run(context.Background(), strings.Fields(line), &s.out, &s.errOut, open)
		client.Close()
		s.ended = true
	})
	p.Advance(time.Millisecond)
	return s
}

// up starts both ends and waits for the interfaces.
func (p *pair) up(more string) (a, b *side) {
	p.t.Helper()
	b = p.start(1, "-n vpn -l -i 10.7.0.2 -m 255.255.255.0 "+more)
	a = p.start(0, "-n vpn -i 10.7.0.1 -m 255.255.255.0 "+more)
	p.Until("both interfaces are up", func() bool { return a.card != nil && b.card != nil })
	return a, b
}

// put has the system send a packet on the interface of a side.
func (p *pair) put(s *side, data []byte) {
	p.On(s.env, func() { s.card.user.Packet(s.env.Pool.GetCopy(s.card.cfg.Headroom, data)) })
}

func (p *pair) interrupt(s *side) {
	p.On(s.env, func() { s.app.Interrupt() })
	p.Until("the command ends", func() bool { return s.ended })
}

// Each packet of an interface is a message on the flow, and each message a packet of the other interface, whose
// MTU is that of the flow (spec 14 §14.8).
func TestPacketsAreMessages_14_8(t *testing.T) {
	for _, c := range []struct {
		flags string
		mtu   int
	}{{"", 1496}, {"--tap", 1496 - 14}, {"-q data", 65535}, {"-q best", 65535}} {
		p := newPair(t, core.LinkSpec{}, irm.Config{})
		a, b := p.up(c.flags)
		if a.card.cfg.MTU != c.mtu && c.flags != "-q data" && c.flags != "-q best" {
			t.Errorf("%q: MTU %d, want %d", c.flags, a.card.cfg.MTU, c.mtu)
		}
		if want := strings.Contains(c.flags, "tap"); a.card.cfg.Ethernet != want {
			t.Errorf("%q: Ethernet is %v", c.flags, a.card.cfg.Ethernet)
		}
		largest := a.card.cfg.MTU
		if a.card.cfg.Ethernet {
			largest += 14
		}
		sizes := []int{1, 20, 600, 1400, largest}
		for i, n := range sizes {
			p.put(a, bytes.Repeat([]byte{byte(i)}, n))
			p.put(b, bytes.Repeat([]byte{byte(i)}, n))
		}
		p.Until("all packets arrive", func() bool { return len(a.card.got) == len(sizes) && len(b.card.got) == len(sizes) })
		for i, n := range sizes {
			for _, s := range p.sides {
				if want := bytes.Repeat([]byte{byte(i)}, n); !bytes.Equal(s.card.got[i], want) {
					t.Errorf("%q: packet %d has %d bytes, want %d", c.flags, i, len(s.card.got[i]), n)
				}
			}
		}
		p.interrupt(a)
		p.interrupt(b)
		for _, s := range p.sides {
			if s.code != 0 || !s.card.closed || !strings.Contains(s.out.String(), "5 packets (") || s.errOut.Len() != 0 {
				t.Errorf("%q: exit code %d, closed %v, %q, %q", c.flags, s.code, s.card.closed, s.out.String(), s.errOut.String())
			}
		}
		p.Released()
	}
}

// What the command prints when the tunnel is up.
func TestTheInterfaceIsShown(t *testing.T) {
	p := newPair(t, core.LinkSpec{}, irm.Config{})
	a, _ := p.up("-i fd07::1/64")
	if got, want := a.out.String(), "Interface card0 is up, MTU 1496, 10.7.0.1/24, fd07::1/64.\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	p.interrupt(a)
	p.interrupt(p.sides[1])
}

// A flow that is full stops the interface, so that the system sees the congestion, and loses nothing.
func TestAFullFlowStopsTheInterface(t *testing.T) {
	p := newPair(t, core.LinkSpec{Rate: 1e6, QueuePackets: 4, Block: true}, irm.Config{})
	a, b := p.up("")
	sent := 0
	p.On(a.env, func() {
		for ; !a.card.paused && sent < 1000; sent++ {
			a.card.user.Packet(a.env.Pool.GetCopy(a.card.cfg.Headroom, fmt.Appendf(nil, "packet %d of the tunnel", sent)))
		}
		for range 100 { // what was read with the last
			a.card.user.Packet(a.env.Pool.GetCopy(a.card.cfg.Headroom, fmt.Appendf(nil, "packet %d of the tunnel", sent)))
			sent++
		}
	})
	if !a.card.paused {
		t.Fatal("the interface is not stopped")
	}
	p.Until("the interface goes on", func() bool { return !a.card.paused })
	p.Until("all arrive", func() bool { return len(b.card.got) == sent })
	for i, got := range b.card.got {
		if want := fmt.Sprintf("packet %d of the tunnel", i); string(got) != want {
			t.Fatalf("packet %d is %q", i, got)
		}
	}
	p.On(a.env, func() {
		for range 2000 {
			a.card.user.Packet(a.env.Pool.GetCopy(a.card.cfg.Headroom, make([]byte, 1000)))
		}
	})
	p.interrupt(a)
	if !strings.Contains(a.out.String(), " dropped.") || strings.Contains(a.out.String(), " 0 dropped.") {
		t.Errorf("more packets than are kept: %q", a.out.String())
	}
	p.interrupt(b)
	p.Released()
}

// The command accepts one flow; another client is told to try again, or finds nobody.
func TestOneFlowIsAccepted(t *testing.T) {
	p := newPair(t, core.LinkSpec{}, irm.Config{})
	p.up("")
	var err error
	answered := false
	p.On(p.sides[0].env, func() {
		p.sides[0].broker.Alloc(core.Request{Name: "vpn", QoS: core.QoSRaw, Timeout: time.Second}, func(_ core.Flow, e error) { err, answered = e, true })
	})
	p.Until("the second client is answered", func() bool { return answered })
	if err == nil {
		t.Error("a second flow was accepted")
	}
	p.interrupt(p.sides[0])
	p.interrupt(p.sides[1])
}

// The end of the flow ends the command: with success when the peer has closed it.
func TestThePeerEndsTheTunnel(t *testing.T) {
	p := newPair(t, core.LinkSpec{}, irm.Config{})
	a, b := p.up("-q data")
	p.On(a.env, func() { a.app.Interrupt() })
	p.Until("the other end ends", func() bool {
		p.On(b.env, func() { // the system goes on to send until the interface is gone
			if !b.card.closed {
				b.card.user.Packet(b.env.Pool.Get(b.card.cfg.Headroom, 100))
			}
		})
		return b.ended
	})
	if b.code != 0 || !strings.Contains(b.out.String(), "The peer has closed the flow.") || !b.card.closed {
		t.Errorf("exit code %d, %q, %q", b.code, b.out.String(), b.errOut.String())
	}
	p.Released()
}

// What goes wrong is said, with exit code 1; a command line that cannot be used has 2.
func TestWhatGoesWrong(t *testing.T) {
	for _, c := range []struct {
		line, says string
		code       int
		refuse     error
	}{
		{"-n nobody -i 10.7.0.1/24", "", 1, nil},
		{"-n vpn -l -i 10.7.0.1/24", "no such device", 1, errors.New("no such device")},
		{"-i 10.7.0.1", "no prefix length", 2, nil},
		{"-n vpn", "no address", 2, nil},
		{"-i 10.7.0.1/24 -q good", "accepted are", 2, nil},
		{"-i 10.7.0.1/24 -n " + strings.Repeat("x", 300), "--name", 1, nil},
	} {
		p := newPair(t, core.LinkSpec{}, irm.Config{})
		p.sides[0].refuse = c.refuse
		s := p.start(0, c.line)
		if c.refuse != nil {
			p.On(p.sides[1].env, func() {
				p.sides[1].broker.Alloc(core.Request{Name: "vpn", QoS: core.QoSRaw}, func(f core.Flow, err error) {
					if err == nil {
						f.Close(0)
					}
				})
			})
		}
		p.Advance(30 * time.Second) // a name is looked for for 20 s
		if !s.ended || s.code != c.code || !strings.Contains(s.errOut.String(), c.says) || s.errOut.Len() == 0 {
			t.Errorf("%s: exit code %d, %q", c.line, s.code, s.errOut.String())
		}
	}
}

// An interface that is removed ends the command.
func TestTheInterfaceIsRemoved(t *testing.T) {
	p := newPair(t, core.LinkSpec{}, irm.Config{})
	a, b := p.up("")
	p.On(a.env, func() { a.card.user.Gone(errors.New("it was removed")) })
	p.Until("the command ends", func() bool { return a.ended })
	if a.code != 1 || !strings.Contains(a.errOut.String(), "it was removed") {
		t.Errorf("exit code %d, %q", a.code, a.errOut.String())
	}
	p.interrupt(b)
	p.Released()
}

// With --encrypt nothing crosses the wire in clear, and a client that does not encrypt is refused (spec 11 §11.8).
func TestEncryption_11_8(t *testing.T) {
	p := newPair(t, core.LinkSpec{}, irm.Config{})
	a, b := p.up("--encrypt")
	var wire bytes.Buffer
	p.World.(*sim.World).SetTap(func(_ core.Wire, _ int, _ core.Time, f *pkt.Buf) { wire.Write(f.Bytes()) })
	secret := []byte("what nobody else may read")
	p.put(a, secret)
	p.Until("the packet arrives", func() bool { return len(b.card.got) == 1 })
	if !bytes.Equal(b.card.got[0], secret) || wire.Len() == 0 || bytes.Contains(wire.Bytes(), secret) {
		t.Errorf("%q arrived, %d bytes on the wire, in clear: %v", b.card.got[0], wire.Len(), bytes.Contains(wire.Bytes(), secret))
	}
	p.interrupt(a)
	p.interrupt(b)

	p = newPair(t, core.LinkSpec{}, irm.Config{})
	b = p.start(1, "-n vpn -l -i 10.7.0.2/24 --encrypt")
	a = p.start(0, "-n vpn -i 10.7.0.1/24")
	p.Until("the client is refused", func() bool { return strings.Contains(b.out.String(), "refused: encryption failed") })
	if b.card != nil {
		t.Error("the server has an interface for a flow in clear")
	}
	p.interrupt(a)
	p.interrupt(b)
}
