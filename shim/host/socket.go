package host

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"ouroboros/core"
)

const (
	batchSize  = 32      // datagrams in one system call
	bufferSize = 4 << 20 // bytes that a socket asks for; the kernel may give less
)

// socket is a connected UDP socket with batched input and output.
type socket struct {
	fd      int       // -1 when closed
	addr    core.Addr // own address
	budget  int       // bytes of kernel memory that arriving datagrams may take
	tx      *sendBatch
	rx      *receiveBatch
	watcher *watch
}

// bufferCost bounds from above what a datagram of n bytes takes of the receiving socket's memory: Linux
// rounds the buffer up to a power of two and adds its own descriptors (skb->truesize).
func bufferCost(n int) int { return 2*n + 1280 }

// socketPair returns two sockets on the loopback interface that are connected to each other.
func socketPair() ([2]*socket, error) {
	var pair [2]*socket
	for i := range pair {
		s, err := newSocket()
		if err != nil {
			if i == 1 {
				pair[0].close()
			}
			return pair, err
		}
		pair[i] = s
	}
	for i, s := range pair {
		if err := s.connect(pair[1-i].addr); err != nil {
			pair[0].close()
			pair[1].close()
			return pair, err
		}
	}
	return pair, nil
}

// newSocket binds a socket to a free port of the loopback interface.
func newSocket() (*socket, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("udp socket: %w", err)
	}
	s := &socket{fd: fd, tx: newSendBatch(batchSize)}
	if err := s.bind(); err != nil {
		s.close()
		return nil, fmt.Errorf("udp socket: %w", err)
	}
	return s, nil
}

func (s *socket) bind() error {
	if err := unix.Bind(s.fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return err
	}
	own, err := unix.Getsockname(s.fd)
	if err != nil {
		return err
	}
	at, ok := own.(*unix.SockaddrInet4)
	if !ok {
		return fmt.Errorf("address %T", own)
	}
	s.addr = core.IPAddr(netip.AddrPortFrom(netip.AddrFrom4(at.Addr), uint16(at.Port)))
	return s.enlarge()
}

// enlarge asks for a large receive buffer, beyond the limit of the system where that is allowed, and
// notes how large it became.
func (s *socket) enlarge() (err error) {
	if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bufferSize) != nil {
		if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, bufferSize); err != nil {
			return err
		}
	}
	s.budget, err = unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	return err
}

// connect has the socket send to that address, and receive from it alone.
func (s *socket) connect(to core.Addr) error {
	at := to.AddrPort()
	return unix.Connect(s.fd, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()})
}

// start has the actor read the socket for e.
func (s *socket) start(e *end) (err error) {
	s.rx = newReceiveBatch(batchSize, e.max+1)
	s.watcher, err = e.w.watch(nil, s.fd, e.readable, e.writableSocket)
	return err
}

// readable hands over what has arrived, as much as one system call brings.
func (e *end) readable() {
	n, err := e.sock.rx.read(e.sock.fd)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.ECONNREFUSED):
		return // nothing there, or the other end is being closed
	case err != nil:
		e.w.fail(err)
		return
	}
	for i := range n {
		e.receive(e.sock.rx.packet(i))
	}
	e.peer.flush()
}

// batch returns how many packets one write takes at most.
func (s *socket) batch() int { return batchSize }

// write puts as many packets from the front of q into the socket as one system call takes and as fit
// into room bytes of the receiver's memory. It does not block and does not take them out of q.
func (s *socket) write(q *queue, room int) (int, error) {
	n := 0
	for ; n < min(q.n, batchSize); n++ {
		if room -= bufferCost(q.at(n).Len()); room < 0 {
			break
		}
	}
	if n == 0 {
		return 0, nil
	}
	sent, err := s.tx.writeN(s.fd, q, n)
	if errors.Is(err, unix.ECONNREFUSED) {
		// The error of an earlier datagram, which the kernel reports once.
		sent, err = s.tx.writeN(s.fd, q, n)
	}
	return sent, err
}

func (s *socket) close() {
	if s.fd < 0 {
		return
	}
	if s.watcher != nil {
		s.watcher.stop()
	}
	_ = unix.Close(s.fd) // a UDP socket has nothing left to fail
	s.fd = -1
}
