package fleet

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"ouroboros/core/wire"
	"ouroboros/internal/netns"
	"ouroboros/scenarios"
	"ouroboros/topologies"
)

// Emulation is a site of network namespaces on this machine, one for each node, joined by pairs of virtual
// Ethernet devices. Their names carry the number of this process; what a crash leaves is removed by the next.
type Emulation struct {
	self   string
	spaces map[string]*netns.Namespace
	ports  map[[2]string]Port // by wire and node
	dir    string             // of the sockets of the nodes
}

// AgentCommand is the command of the program that is an agent.
const AgentCommand = "agent"

// MaxEmulated is how many nodes one machine is asked to emulate at most.
const MaxEmulated = 64

// NewEmulation makes the namespaces and the devices of a scenario. It needs root.
func NewEmulation(sc *scenarios.Scenario, g *topologies.Graph) (*Emulation, error) {
	if len(g.Nodes) > MaxEmulated {
		return nil, fmt.Errorf("mode emulate: %d nodes; accepted on one machine are %d", len(g.Nodes), MaxEmulated)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	e := &Emulation{self: self, spaces: map[string]*netns.Namespace{}, ports: map[[2]string]Port{}}
	if err := e.build(sc, g); err != nil {
		return nil, errors.Join(fmt.Errorf("mode emulate: %w", err), e.Close())
	}
	return e, nil
}

func (e *Emulation) build(sc *scenarios.Scenario, g *topologies.Graph) error {
	wires, err := shapes(sc, g)
	if err != nil {
		return err
	}
	sweepSockets()
	if e.dir, err = os.MkdirTemp("", fmt.Sprintf("%s%d-", sockets, os.Getpid())); err != nil {
		return err
	}
	for i, n := range g.Nodes {
		if e.spaces[n.Name], err = netns.New(fmt.Sprintf("n%d-%s", i, plain(n.Name))); err != nil {
			return err
		}
	}
	for i, w := range wires {
		if w.shim == "" {
			continue // no layer uses it
		}
		if err := e.join(i, w); err != nil {
			return fmt.Errorf("link %s: %w", w.name, err)
		}
	}
	return nil
}

// sockets begins the names of the folders with the sockets of nodes; the number of the coordinator follows.
const sockets = "osim-emulate-"

// sweepSockets removes what coordinators that have ended left behind.
func sweepSockets() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), sockets+"*"))
	for _, d := range dirs {
		number, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(d), sockets), "-")
		pid, err := strconv.Atoi(number)
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(d)
		}
	}
}

// plain makes a name one that a file can have.
func plain(name string) string {
	out := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '_'
	}, name)
	return out[:min(len(out), 32)]
}

// Headers of datagrams within the MTU of an Ethernet device.
const (
	udp4Headers = 20 + 8
	udp6Headers = 40 + 8
)

// join makes the devices of a wire.
func (e *Emulation) join(i int, w shape) error {
	dev := fmt.Sprintf("w%d", i)
	a, b := e.spaces[w.a], e.spaces[w.b]
	ends := [2]Port{{Device: dev}, {Device: dev}}
	mtu := w.spec.MTU
	if mtu == 0 {
		mtu = 1500
	}
	var prefix int
	switch w.shim {
	case "eth-llc":
		ends[0].LLC, ends[1].LLC = true, true
	case "udp4":
		base := i * 4
		addr := func(k int) netip.Addr {
			return netip.AddrFrom4([4]byte{10, byte(77 + base>>16), byte(base >> 8), byte(base + k)})
		}
		ends[0].Local, ends[1].Local = netip.AddrPortFrom(addr(1), wire.UDPPort), netip.AddrPortFrom(addr(2), wire.UDPPort)
		prefix, mtu = 30, mtu+udp4Headers
	case "udp6":
		addr := func(k int) netip.Addr {
			return netip.AddrFrom16([16]byte{0xfd, 0, 0, 0x77, 12: byte(i >> 8), 13: byte(i), 15: byte(k)})
		}
		ends[0].Local, ends[1].Local = netip.AddrPortFrom(addr(1), wire.UDPPort), netip.AddrPortFrom(addr(2), wire.UDPPort)
		prefix, mtu = 112, mtu+udp6Headers
	}
	if err := netns.Veth(a, dev, b, dev, netns.VethOptions{MTU: mtu}); err != nil {
		return err
	}
	for k, ns := range []*netns.Namespace{a, b} {
		if prefix > 0 {
			ends[k].Peer = ends[1-k].Local
			if err := ns.AddAddr(dev, fmt.Sprintf("%s/%d", ends[k].Local.Addr(), prefix)); err != nil {
				return err
			}
		}
	}
	e.ports[[2]string{w.name, w.a}], e.ports[[2]string{w.name, w.b}] = ends[0], ends[1]
	return nil
}

// Start starts an agent in the namespace of its node.
func (e *Emulation) Start(node string) (Process, error) {
	ns := e.spaces[node]
	if ns == nil {
		return nil, errors.New("it has no namespace")
	}
	cmd := ns.Command(e.self, AgentCommand)
	return started(cmd.Cmd, cmd.Start, nil)
}

// Port returns where a node is joined to a wire.
func (e *Emulation) Port(wire, node string) Port { return e.ports[[2]string{wire, node}] }

// Socket returns the path at which the layers of a node serve its applications.
func (e *Emulation) Socket(node string) string {
	return filepath.Join(e.dir, e.spaces[node].Name()+".sock")
}

// SameClock is true: there is one machine.
func (e *Emulation) SameClock() bool { return true }

// Notes says how the wires are made.
func (e *Emulation) Notes() []string {
	return []string{"every node is two processes, its layers and its applications, the wires are pairs of veth devices shaped at the sender by the same code as those of the simulator"}
}

// Close removes the namespaces and with them the devices.
func (e *Emulation) Close() error {
	var all error
	if e.dir != "" {
		all = os.RemoveAll(e.dir)
	}
	for _, ns := range e.spaces {
		if ns != nil {
			all = errors.Join(all, ns.Close())
		}
	}
	return all
}
