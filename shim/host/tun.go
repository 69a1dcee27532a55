package host

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/tun"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

const (
	tunTurn   = 32    // reads of the device in one turn
	tunBatch  = 128   // packets that one read or write takes at most
	tunQueue  = 1024  // packets that may wait for the end of the turn
	tunOffset = 16    // bytes in front of a packet that the library needs for a header of the kernel
	maxTunMTU = 65535 // of IP

	minIPv4MTU = 68   // RFC 791
	minIPv6MTU = 1280 // RFC 8200
)

// TunConfig describes a virtual interface whose other end is this process.
type TunConfig struct {
	// Name of the interface, at most 15 bytes; "%d" in it stands for the first number that is free. "" = tun%d, or
	// tap%d.
	Name string
	// Ethernet makes it an Ethernet interface (TAP), whose packets are frames without FCS; else it has IP packets.
	Ethernet bool
	// Addrs are its addresses with the length of the prefix on its link.
	Addrs []netip.Prefix
	// MTU is the largest IP packet in bytes: from 68, with an IPv6 address from 1280, to 65535.
	MTU int
	// Headroom is the space in front of packets that are read, for whoever passes them on.
	Headroom int
}

func (c TunConfig) validate() error {
	if len(c.Name) >= unix.IFNAMSIZ {
		return fmt.Errorf("name %q: accepted are at most %d bytes", c.Name, unix.IFNAMSIZ-1)
	}
	least := minIPv4MTU
	for _, a := range c.Addrs {
		switch ip := a.Addr(); {
		case !a.IsValid(), ip.IsUnspecified(), ip.IsMulticast(), ip.Is4In6(), ip.Zone() != "":
			return fmt.Errorf("address %v: accepted is an IPv4 or IPv6 address with a prefix length, as in 10.7.0.1/24", a)
		case ip.Is6():
			least = minIPv6MTU
		}
	}
	if c.MTU < least || c.MTU > maxTunMTU {
		return fmt.Errorf("mtu %d: accepted is %d to %d", c.MTU, least, maxTunMTU)
	}
	return nil
}

// TunStats counts the packets of a virtual interface.
type TunStats struct {
	Read, ReadBytes       uint64 // from the system, handed to the user
	Written, WrittenBytes uint64 // taken by the system
	ReadErrors            uint64 // packets that could not be read
	WriteErrors           uint64 // packets that the system did not take: the interface is down, or it is no IP packet
	WriteDrops            uint64 // packets that were dropped here: too many in one turn, or closed
}

// TunUser is the user of a virtual interface.
type TunUser interface {
	// Packet hands over a packet that the system has sent. The user owns it.
	Packet(p *pkt.Buf)
	// Gone tells that the interface was removed.
	Gone(err error)
}

// Tun is a virtual interface: what the system sends on it is read here, and what is written here the system
// receives. Its methods belong to the actor.
type Tun struct {
	w    *World
	node *node
	cfg  TunConfig
	user TunUser
	name string

	dev     tunDevice // nil when shut
	watcher *watch
	bufs    [][]byte // of one read
	sizes   []int
	ready   [1]unix.PollFd

	out     queue
	flusher output

	stats TunStats
}

var _ device = (*Tun)(nil)

// tunDevice is the part of a virtual interface that differs between IP and Ethernet.
type tunDevice interface {
	// descriptor is what is watched.
	descriptor() int
	// read reads packets into bufs, of which there is at least one, from tunOffset on.
	read(bufs [][]byte, sizes []int) (int, error)
	// write takes packets out of q and returns how many the system has not taken, and whether the interface is gone.
	write(q *queue) (refused int, err error)
	close()
}

// Tun makes a virtual interface in the network namespace of the calling thread, and takes it up. It exists until
// it is closed, the node is killed, or the process ends.
func (w *World) Tun(env core.Env, cfg TunConfig) (*Tun, error) {
	if cfg.Name == "" {
		if cfg.Name = "tun%d"; cfg.Ethernet {
			cfg.Name = "tap%d"
		}
	}
	fail := func(err error) (*Tun, error) {
		if errors.Is(err, unix.EPERM) {
			err = fmt.Errorf("%w (it needs the capability CAP_NET_ADMIN)", err)
		}
		return nil, fmt.Errorf("virtual interface %q: %w", cfg.Name, err)
	}
	owner, err := w.owner(env)
	if err != nil {
		return fail(err)
	}
	if err := cfg.validate(); err != nil {
		return fail(err)
	}
	t := &Tun{w: w, node: owner, cfg: cfg}
	t.flusher.write = t.flush
	if err := t.start(); err != nil {
		t.shut()
		return fail(err)
	}
	w.open(t)
	return t, nil
}

// start makes the interface.
func (t *Tun) start() error {
	fd, name, err := openTun(t.cfg)
	if err != nil {
		return err
	}
	t.name = name
	room := tunOffset + t.cfg.MTU + etherHeader
	if t.cfg.Ethernet {
		t.dev = &tapDevice{fd: fd}
		t.bufs = makeBufs(1, room)
	} else {
		dev, _, err := tun.CreateUnmonitoredTUNFromFD(fd)
		if err != nil {
			return err // the library has taken the descriptor, and closes it
		}
		t.dev = newIPDevice(dev, fd)
		t.bufs = makeBufs(dev.BatchSize(), room)
	}
	t.sizes = make([]int, len(t.bufs))
	if err := setUpTun(name, t.cfg); err != nil {
		return err
	}
	t.watcher, err = t.w.watch(t.node, fd, t.readable, nil)
	return err
}

// makeBufs makes n slices of room bytes.
func makeBufs(n, room int) [][]byte {
	mem := make([]byte, n*room)
	bufs := make([][]byte, n)
	for i := range bufs {
		bufs[i] = mem[i*room : (i+1)*room : (i+1)*room]
	}
	return bufs
}

// Name returns the name of the interface.
func (t *Tun) Name() string { return t.name }

// MTU returns the length of the largest IP packet.
func (t *Tun) MTU() int { return t.cfg.MTU }

// Stats returns the counters.
func (t *Tun) Stats() TunStats { return t.stats }

// Attach sets the user. Packets that come before are dropped.
func (t *Tun) Attach(u TunUser) { t.user = u }

// Pause stops and starts reading. What the system sends meanwhile waits in the queue of the interface. Packets that
// were read with the last one may still come.
func (t *Tun) Pause(on bool) {
	if t.dev != nil && t.watcher.reading(!on) != nil {
		t.stats.ReadErrors++ // the descriptor is bad; reading will tell
	}
}

// readable hands over what the system has sent.
func (t *Tun) readable() {
	for range tunTurn {
		n, err := t.dev.read(t.bufs, t.sizes)
		if errors.Is(err, unix.EAGAIN) {
			return
		}
		if err != nil {
			if t.lookGone() {
				return
			}
			t.stats.ReadErrors++
		}
		for i := range n {
			t.take(t.bufs[i][tunOffset : tunOffset+t.sizes[i]])
		}
		if !t.more() {
			return
		}
	}
}

func (t *Tun) take(data []byte) {
	if t.user == nil {
		return
	}
	t.stats.Read++
	t.stats.ReadBytes += uint64(len(data))
	t.user.Packet(t.w.pool.GetCopy(t.cfg.Headroom, data))
}

// lookGone reports whether the interface was removed by somebody else, and tells the user.
func (t *Tun) lookGone() bool {
	ifr, err := unix.NewIfreq("")
	if err == nil {
		err = unix.IoctlIfreq(t.dev.descriptor(), unix.TUNGETIFF, ifr)
	}
	if err == nil {
		return false
	}
	user := t.user
	t.shut()
	if user != nil {
		user.Gone(fmt.Errorf("virtual interface %q was removed", t.name))
	}
	return true
}

// more reports whether another read has something to do. A read that had not would wait.
func (t *Tun) more() bool {
	if t.dev == nil || t.watcher.events&unix.EPOLLIN == 0 {
		return false
	}
	t.ready[0] = unix.PollFd{Fd: int32(t.dev.descriptor()), Events: unix.POLLIN}
	n, err := unix.Poll(t.ready[:], 0)
	return err == nil && n > 0 && t.ready[0].Revents&unix.POLLIN != 0
}

// Write takes a packet, which the system receives at the end of the turn.
func (t *Tun) Write(p *pkt.Buf) {
	if t.dev == nil || t.out.n >= tunQueue {
		t.stats.WriteDrops++
		p.Release()
		return
	}
	t.out.push(p)
	t.w.touch(&t.flusher)
	if t.out.n%tunBatch == 0 {
		t.flush()
	}
}

// flush gives the system what was written.
func (t *Tun) flush() {
	for t.out.n > 0 && t.dev != nil {
		n := min(t.out.n, tunBatch)
		for i := range n {
			t.stats.WrittenBytes += uint64(t.out.at(i).Len())
		}
		refused, err := t.dev.write(&t.out)
		t.stats.Written += uint64(n - refused)
		t.stats.WriteErrors += uint64(refused)
		if err != nil {
			t.lookGone()
		}
	}
}

// Close removes the interface. It is called on the actor, or while the world does not run.
func (t *Tun) Close() {
	t.shut()
	t.release()
	t.w.forget(t)
}

func (t *Tun) owner() *node { return t.node }

func (t *Tun) shut() {
	if t.watcher != nil {
		t.watcher.stop()
	}
	if t.dev != nil {
		t.dev.close()
		t.dev = nil
	}
	for t.out.n > 0 {
		t.stats.WriteDrops++
		t.out.pop().Release()
	}
}

func (t *Tun) release() { t.user = nil }
