// Package inject puts onto a network what no honest program would: frames and datagrams that are malformed, forged,
// or too many. It serves the tests of faults, inside network namespaces that they have made.
package inject

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"ouroboros/core/wire"
	"ouroboros/internal/netns"
)

// Device sends raw Ethernet frames out of a device.
type Device struct {
	fd  int
	MAC [6]byte // of the device
}

// Open opens a device of a namespace. It needs CAP_NET_RAW.
func Open(n *netns.Namespace, device string) (*Device, error) {
	d := &Device{fd: -1}
	err := n.Do(func() error {
		dev, err := net.InterfaceByName(device)
		if err != nil {
			return err
		}
		copy(d.MAC[:], dev.HardwareAddr)
		// Protocol 0: the socket receives nothing.
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("AF_PACKET socket: %w", err)
		}
		if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: dev.Index}); err != nil {
			return errors.Join(err, unix.Close(fd))
		}
		d.fd = fd
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("device %s: %w", device, err)
	}
	return d, nil
}

// Close gives the socket back.
func (d *Device) Close() error { return unix.Close(d.fd) }

// Send sends one frame, header included. A full device queue makes it wait.
func (d *Device) Send(frame []byte) error {
	for {
		_, err := unix.Write(d.fd, frame)
		if !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, unix.EINTR) {
			return err
		}
		time.Sleep(50 * time.Microsecond)
	}
}

// Flood sends a frame over and over, as fast as it can, and returns how many times.
func (d *Device) Flood(frame []byte, during time.Duration) (int, error) {
	n := 0
	for end := time.Now().Add(during); time.Now().Before(end); {
		for range 32 {
			if err := d.Send(frame); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

// DIX returns a frame of the Ethernet II shim (spec 01 §3.2). length is what its length field says, whatever the
// payload has.
func DIX(dst, src [6]byte, etherType, eid uint16, length int, payload []byte) []byte {
	f := make([]byte, wire.DIXFrameHeaderLen, wire.DIXFrameHeaderLen+len(payload))
	copy(f, dst[:])
	copy(f[6:], src[:])
	binary.BigEndian.PutUint16(f[12:], etherType)
	binary.BigEndian.PutUint16(f[14:], eid)
	binary.BigEndian.PutUint16(f[16:], uint16(length))
	return append(f, payload...)
}

// LLC returns a frame of the IEEE 802.3 shim (spec 01 §4.2). length is that of its length field; the SAPs stand there
// as they travel, with their bits reversed.
func LLC(dst, src [6]byte, length int, dsap, ssap byte, payload []byte) []byte {
	f := make([]byte, 17, 17+len(payload))
	copy(f, dst[:])
	copy(f[6:], src[:])
	binary.BigEndian.PutUint16(f[12:], uint16(length))
	f[14], f[15], f[16] = dsap, ssap, 3
	return append(f, payload...)
}

// Datagrams sends UDP datagrams from an address of a namespace.
type Datagrams struct{ conn *net.UDPConn }

// Dial opens a socket in a namespace, on a free port of the address, to a member of a layer.
func Dial(n *netns.Namespace, from netip.Addr, to netip.AddrPort) (*Datagrams, error) {
	d := &Datagrams{}
	err := n.Do(func() error {
		c, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0)), net.UDPAddrFromAddrPort(to))
		d.conn = c
		return err
	})
	return d, err
}

// Send sends one datagram. That nobody listens is no error.
func (d *Datagrams) Send(b []byte) error {
	_, err := d.conn.Write(b)
	if errors.Is(err, unix.ECONNREFUSED) {
		return nil
	}
	return err
}

// Close closes the socket.
func (d *Datagrams) Close() error { return d.conn.Close() }

// Random returns n payloads of 1 to most bytes, the same ones for a seed.
func Random(seed uint64, n, most int) [][]byte {
	r := rand.New(rand.NewPCG(seed, 0))
	out := make([][]byte, n)
	for i := range out {
		out[i] = make([]byte, 1+r.IntN(most))
		for k := range out[i] {
			out[i][k] = byte(r.Uint32())
		}
	}
	return out
}
