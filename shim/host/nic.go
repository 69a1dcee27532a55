package host

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

const (
	nicBatch   = 64    // frames in one sendmmsg
	nicTurn    = 128   // frames received in one turn
	loopbackMT = 9000  // largest MTU on an interface whose name begins with lo (spec 01 §3.7)
	largestMTU = 65535 // spec 01 §3.7
)

// EthernetConfig describes a link over a network interface.
type EthernetConfig struct {
	// Device is the name of the interface.
	Device string
	// EtherType is that of the frames, 0x0600 to 0xFFFE; 0 = IEEE 802.3 frames, which have a length there.
	EtherType uint16
}

func (c EthernetConfig) validate() error {
	if c.EtherType != 0 && (c.EtherType < 0x0600 || c.EtherType == 0xFFFF) {
		return fmt.Errorf("ethertype 0x%04X: accepted are 0x0600 to 0xFFFE, and 0 for LLC frames", c.EtherType)
	}
	if c.Device == "" {
		return errors.New("device: no name; wanted is that of a network interface")
	}
	return nil
}

// NICStats counts what an interface has sent, received and dropped. Bytes are those of whole frames without
// FCS.
type NICStats struct {
	Sent, SentBytes         uint64 // taken by the kernel
	Received, ReceivedBytes uint64 // handed to the user
	RingDrops               uint64 // not received: the ring was full, the actor behind
	Unheard                 uint64 // received while nobody was attached
	Runts                   uint64 // received, shorter than an Ethernet header
	Oversize                uint64 // received, longer than the MTU
	SendOversize            uint64 // not sent: longer than the MTU
	SendDown                uint64 // not sent: the link was down
	SendErrors              uint64 // not sent: refused by the kernel
	Waits                   uint64 // times that the kernel had no room for a frame, which waited
}

// NIC is a network interface of this system as a link: AF_PACKET with a filter and a receive ring in the
// kernel. Its methods belong to the actor.
type NIC struct {
	outlet[*pkt.Buf]
	cfg  EthernetConfig
	info core.LinkInfo
	why  error // why the link is down; nil when it is up

	fd      int // -1 when shut
	ring    *packetRing
	monitor *linkMonitor
	index   int // number of the interface, 0 when there is none

	batch *sendBatch

	stats NICStats
}

var (
	_ core.Link = (*NIC)(nil)
	_ device    = (*NIC)(nil)
)

// Ethernet opens a network interface for frames of one EtherType, or for LLC frames. The interface is the
// one of that name in the network namespace of the calling thread; it need not be up. When it is removed,
// the link goes down until one of that name is back.
func (w *World) Ethernet(env core.Env, cfg EthernetConfig) (*NIC, error) {
	fail := func(err error) (*NIC, error) {
		return nil, fmt.Errorf("ethernet device %q: %w", cfg.Device, err)
	}
	owner, err := w.owner(env)
	if err != nil {
		return fail(err)
	}
	if err := cfg.validate(); err != nil {
		return fail(err)
	}
	n := &NIC{cfg: cfg, fd: -1, batch: newSendBatch(nicBatch)}
	n.init(w, owner, n.flush)
	if err := n.start(); err != nil {
		n.shut()
		return fail(err)
	}
	w.open(n)
	return n, nil
}

// start opens the sockets and reads the state of the interface.
func (n *NIC) start() (err error) {
	// The monitor first, so that no change after the first look is missed.
	if n.monitor, err = newLinkMonitor(n); err != nil {
		return err
	}
	state, err := n.monitor.look()
	if errors.Is(err, errRemoved) {
		return fmt.Errorf("%w; there are: %s", err, n.monitor.names())
	}
	if err != nil {
		return err
	}
	if n.fd, err = openPacketSocket(n.cfg.EtherType); err != nil {
		return err
	}
	if n.ring, err = newPacketRing(n.fd, state.mtu); err != nil {
		return err
	}
	if err := bindPacketSocket(n.fd, state.index, n.cfg.EtherType); err != nil {
		return err
	}
	n.index, n.why, n.info = state.index, state.why, state.info()
	if n.watcher, err = n.w.watch(n.node, n.fd, n.readable, n.writable); err != nil {
		return err
	}
	return n.watcher.byEdge()
}

// Info describes the interface.
func (n *NIC) Info() core.LinkInfo { return n.info }

// Err returns why the link is down, nil when it is up.
func (n *NIC) Err() error { return n.why }

// Stats returns the counters.
func (n *NIC) Stats() NICStats {
	n.countDrops()
	n.stats.Waits = n.waits
	return n.stats
}

// countDrops adds what the kernel has dropped since it was asked last.
func (n *NIC) countDrops() {
	if n.fd < 0 {
		return
	}
	if st, err := unix.GetsockoptTpacketStats(n.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
		n.stats.RingDrops += uint64(st.Drops)
	}
}

// Send takes a whole frame, which is written at the end of the turn. One that is longer than the MTU allows
// is dropped with core.SizeError, on a link that is down with core.ErrFlowDown.
func (n *NIC) Send(p *pkt.Buf, _ core.Addr) error {
	largest := n.info.MTU + etherHeader
	switch {
	case !n.info.Up:
		n.stats.SendDown++
		p.Release()
		return core.ErrFlowDown
	case p.Len() > largest:
		n.stats.SendOversize++
		defer p.Release()
		return core.SizeError{Len: p.Len(), MTU: largest}
	case n.full():
		return core.ErrWouldBlock
	}
	n.put(p, nicBatch)
	return nil
}

// flush writes what is to be sent, as far as the kernel takes it.
func (n *NIC) flush() {
	for n.out.n > 0 && !n.waiting && n.fd >= 0 {
		sent, err := n.batch.write(n.fd, &n.out)
		for range sent {
			p := n.out.pop()
			n.stats.Sent++
			n.stats.SentBytes += uint64(p.Len())
			p.Release()
		}
		if err != nil {
			n.refused(err)
		}
	}
	n.wake()
}

// refused handles the error of the first frame that waits.
func (n *NIC) refused(err error) {
	switch {
	case n.mustWait(err):
		return
	case errors.Is(err, unix.EMSGSIZE):
		n.stats.SendOversize++ // the MTU has just become smaller
		n.out.pop().Release()
		return
	}
	n.stats.SendErrors++
	n.out.pop().Release()
}

// dropOutput drops what waits on a link that went down.
func (n *NIC) dropOutput() {
	for n.out.n > 0 {
		n.stats.SendDown++
		n.out.pop().Release()
	}
	n.wake()
}

// Close gives the interface back. It is called on the actor, or while the world does not run; Send drops
// afterwards.
func (n *NIC) Close() {
	n.shut()
	n.release()
	n.w.forget(n)
}

func (n *NIC) shut() {
	n.countDrops()
	n.info.Up = false
	if n.why == nil {
		n.why = errors.New("the link was closed")
	}
	n.close()
	n.dropOutput()
	n.monitor.close()
	if n.ring != nil {
		_ = n.ring.close() // unmapping what was mapped
		n.ring = nil
	}
	if n.fd >= 0 {
		_ = unix.Close(n.fd) // nothing waits in a packet socket
		n.fd = -1
	}
}
