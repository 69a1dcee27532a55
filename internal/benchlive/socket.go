package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// conduit moves packets one at a time, as plainly as the operating system allows: one system call each. Reads and
// writes wait in the runtime's poller, as those of any Go program do.
type conduit interface {
	Read(b []byte) (int, error)
	Write(b []byte) (int, error)
	SetReadDeadline(t time.Time) error
	Close() error
}

// etherType is that of the bare frames: one of those that IEEE keeps for experiments.
const etherType = 0x88b5

const etherHeader = 14

// packetSocket is an AF_PACKET socket that talks to one other station. It adds and removes the Ethernet header.
type packetSocket struct {
	file *os.File
	out  []byte // header, then room for a payload
	in   []byte
}

// openPacket opens a socket on a device, to the station with that address.
func openPacket(device string, peer net.HardwareAddr) (*packetSocket, error) {
	dev, err := net.InterfaceByName(device)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, int(swap(etherType)))
	if err != nil {
		return nil, fmt.Errorf("AF_PACKET socket (CAP_NET_RAW is needed): %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<20)
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: swap(etherType), Ifindex: dev.Index}); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	s := &packetSocket{file: os.NewFile(uintptr(fd), device), out: make([]byte, etherHeader+maxSize), in: make([]byte, etherHeader+maxSize)}
	copy(s.out, peer)
	copy(s.out[6:], dev.HardwareAddr)
	binary.BigEndian.PutUint16(s.out[12:], etherType)
	return s, nil
}

// swap puts a number into network byte order, as the kernel wants protocol numbers.
func swap(v uint16) uint16 { return v<<8 | v>>8 }

func (s *packetSocket) Read(b []byte) (int, error) {
	n, err := s.file.Read(s.in)
	if err != nil || n < etherHeader {
		return 0, err
	}
	return copy(b, s.in[etherHeader:n]), nil
}

func (s *packetSocket) Write(b []byte) (int, error) {
	n := copy(s.out[etherHeader:], b)
	for {
		_, err := s.file.Write(s.out[:etherHeader+n])
		if !errors.Is(err, unix.ENOBUFS) {
			return n, err
		}
		time.Sleep(20 * time.Microsecond) // the device queue is full
	}
}

func (s *packetSocket) SetReadDeadline(t time.Time) error { return s.file.SetReadDeadline(t) }

func (s *packetSocket) Close() error { return s.file.Close() }

// openUDP opens a connected UDP socket; the reader's buffer is as large as the kernel allows.
func openUDP(local, remote string) (conduit, error) {
	la, err := net.ResolveUDPAddr("udp", local)
	if err != nil {
		return nil, err
	}
	ra, err := net.ResolveUDPAddr("udp", remote)
	if err != nil {
		return nil, err
	}
	c, err := net.DialUDP("udp", la, ra)
	if err != nil {
		return nil, err
	}
	return c, enlarge(c)
}

func enlarge(c *net.UDPConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	err = raw.Control(func(fd uintptr) {
		inner = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<20)
	})
	return errors.Join(err, inner)
}

// openLocal connects to the Unix socket of a daemon; the daemon side waits for one connection.
func openLocal(path string) (conduit, error) {
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"})
		if err == nil || time.Now().After(deadline) {
			return c, err
		}
	}
}

func acceptLocal(path string) (conduit, error) {
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return l.Accept()
}
