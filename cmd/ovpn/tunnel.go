package main

import (
	"errors"
	"fmt"
	"time"

	"ouroboros/cmd/internal/tool"
	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/ring"
	"ouroboros/frcp"
	"ouroboros/shim/host"
)

const (
	etherHeader = 14    // bytes of an Ethernet header, which the MTU of an interface does not count
	maxMTU      = 65535 // of an IP packet
	// maxHeld is how many packets of the interface wait for a flow that is full: what one read brings, and more.
	maxHeld = 1024
	day     = 24 * time.Hour
)

// device is the virtual interface.
type device interface {
	Name() string
	MTU() int
	Attach(u host.TunUser)
	Pause(on bool)
	Write(p *pkt.Buf)
	Close()
	Stats() host.TunStats
}

// run is the program: it sets the tunnel up and waits until that ends, or the user ends it.
func (o *ovpn) run(s *tool.System) error {
	t := &tunnel{o: o, s: s, stop: func() {}}
	defer t.close()
	if err := t.start(); err != nil {
		return err
	}
	for {
		// The end of the tunnel interrupts the program, as the user does.
		if err := s.App.Sleep(day); err != nil {
			return t.result()
		}
	}
}

// tunnel is a flow and a virtual interface, either of which brings packets for the other. Its methods run on the
// actor: a packet passes without waking the program.
type tunnel struct {
	o    *ovpn
	s    *tool.System
	flow core.Flow
	dev  device

	stop   func() // asking or listening
	taken  bool   // a request was taken; the others are refused
	held   ring.Ring[*pkt.Buf]
	paused bool // the interface is not read: the flow is full

	in, out tally
	dropped uint64 // packets of the interface that the flow did not take

	over bool
	err  error
}

type tally struct{ packets, bytes uint64 }

func (t *tally) add(n int) { t.packets++; t.bytes += uint64(n) }

// start asks for the flow, or listens for it.
func (t *tunnel) start() (err error) {
	p, alloc := &t.o.peer, t.o.on.alloc
	name := core.Name(p.Name)
	if name != "" || !p.Listen {
		if err := name.Validate(); err != nil {
			return fmt.Errorf("--name: %w", err)
		}
	}
	if !p.Listen {
		t.stop = alloc.Alloc(core.Request{Name: name, QoS: p.QoS, Encrypt: p.Encrypt}, t.opened)
		return nil
	}
	if d, ok := alloc.(core.Distant); ok {
		t.stop = d.ListenLater(name, t.asked, func(err error) {
			if err != nil {
				t.end(err)
			}
		})
		return nil
	}
	stop, err := alloc.Listen(name, t.asked)
	if err == nil {
		t.stop = stop
	}
	return err
}

// asked takes the first request.
func (t *tunnel) asked(in core.Incoming) {
	if t.taken {
		in.Reject(core.ErrAgain)
		return
	}
	t.taken = true
	core.Accept(in, t.accepted)
}

// accepted takes the flow of a client, unless it has gone, or is not encrypted as the user wants: then the next
// client may come.
func (t *tunnel) accepted(below core.Flow, err error) {
	if _, locked := below.(core.SecureFlow); err == nil && t.o.peer.Encrypt && !locked {
		below.Close(0)
		err = core.ErrCrypt
	}
	if err != nil {
		t.taken = false
		t.s.Printf("A client was refused: %v.\n", err)
		return
	}
	t.stop()
	t.opened(below, nil)
}

// opened puts the interface on the flow.
func (t *tunnel) opened(below core.Flow, err error) {
	t.stop = func() {} // a request is not given up any more: that would close the flow
	if err != nil {
		t.end(err)
		return
	}
	if t.over {
		below.Close(0)
		return
	}
	if t.flow, err = frcp.Wrap(t.o.on.env.Derive("flow"), below); err != nil {
		t.flow = nil
		below.Close(0)
		t.end(err)
		return
	}
	if err := t.open(); err != nil {
		t.end(err)
	}
}

// open makes the interface as large as the messages of the flow.
func (t *tunnel) open() (err error) {
	info := t.flow.Info()
	cfg := host.TunConfig{
		Name: t.o.link.name, Ethernet: t.o.link.tap, Addrs: t.o.link.addrs,
		MTU: min(info.MTU, maxMTU), Headroom: info.Headroom,
	}
	if cfg.Ethernet {
		cfg.MTU = min(info.MTU-etherHeader, maxMTU)
	}
	if t.dev, err = t.o.on.tun(cfg); err != nil {
		t.dev = nil
		return err
	}
	t.dev.Attach(t)
	t.flow.Attach(t)
	t.flow.SetReceive(true)
	t.s.Printf("Interface %s is up, MTU %d", t.dev.Name(), t.dev.MTU())
	for _, a := range cfg.Addrs {
		t.s.Printf(", %v", a)
	}
	t.s.Printf(".\n")
	return nil
}

// Packet takes a packet of the interface.
func (t *tunnel) Packet(p *pkt.Buf) {
	switch {
	case t.flow == nil: // it has just ended
	case t.held.Len() == 0:
		t.write(p)
		return
	case t.held.Push(p, maxHeld):
		return
	}
	t.dropped++
	p.Release()
}

// write gives a packet to the flow. If that is full the packet waits, and the interface with it.
func (t *tunnel) write(p *pkt.Buf) {
	n := p.Len()
	switch err := t.flow.Write(p); {
	case err == nil:
		t.out.add(n)
	case errors.Is(err, core.ErrWouldBlock):
		t.held.Push(p, maxHeld)
		if !t.paused {
			t.paused = true
			t.dev.Pause(true)
		}
	default:
		t.dropped++
	}
}

// Writable goes on when the flow has room again.
func (t *tunnel) Writable() {
	for t.held.Len() > 0 {
		p := t.held.Front()
		n := p.Len()
		err := t.flow.Write(p)
		if errors.Is(err, core.ErrWouldBlock) {
			return
		}
		t.held.Pop()
		if err != nil {
			t.dropped++
			continue
		}
		t.out.add(n)
	}
	if t.paused && t.dev != nil {
		t.paused = false
		t.dev.Pause(false)
	}
}

// Deliver takes a message of the flow.
func (t *tunnel) Deliver(p *pkt.Buf) {
	if p.Len() == 0 { // a sign of life
		p.Release()
		return
	}
	t.in.add(p.Len())
	t.dev.Write(p)
}

// State says when the flow does not pass packets.
func (t *tunnel) State(up bool) {
	t.s.Printf("The flow is %s.\n", map[bool]string{true: "up", false: "down"}[up])
}

// Closed is the end of the flow.
func (t *tunnel) Closed(err error) {
	t.flow = nil
	if errors.Is(err, core.ErrPeerClosed) {
		t.s.Printf("The peer has closed the flow.\n")
		err = nil
	}
	t.end(err)
}

// Gone is the end of the interface.
func (t *tunnel) Gone(err error) { t.end(err) }

// end ends the program.
func (t *tunnel) end(err error) {
	if t.over {
		return
	}
	t.over, t.err = true, err
	t.s.App.Interrupt()
}

// result says what the tunnel has carried, and why it has ended.
func (t *tunnel) result() error {
	if t.dev != nil {
		st := t.dev.Stats()
		t.s.Printf("%d packets (%d bytes) sent, %d packets (%d bytes) received, %d dropped.\n",
			t.out.packets, t.out.bytes, t.in.packets, t.in.bytes, t.dropped+st.WriteErrors+st.WriteDrops)
	}
	return t.err
}

// close gives back what the tunnel has.
func (t *tunnel) close() {
	t.over = true
	t.stop()
	if t.dev != nil {
		t.dev.Close()
		t.dev = nil
	}
	if t.flow != nil {
		t.flow.Close(0)
		t.flow = nil
	}
	for t.held.Len() > 0 {
		t.held.Pop().Release()
	}
}
