package host

import (
	"errors"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"ouroboros/core"
)

const (
	batchSize  = 32      // datagrams in one system call
	readAhead  = 2       // batches that a reader fills before the actor has taken the first
	bufferSize = 4 << 20 // bytes that a socket asks for; the kernel may give less
)

// socket is a connected UDP socket with batched input and output.
type socket struct {
	conn   *net.UDPConn
	raw    syscall.RawConn
	pc     *ipv4.PacketConn
	addr   core.Addr      // own address
	budget int            // bytes of kernel memory that arriving datagrams may take
	out    []ipv4.Message // of one write
	free   chan *batch    // batches that the reader may fill
}

// batch is what one read has brought. It belongs to the reader or, once posted, to the actor.
type batch struct {
	msgs    []ipv4.Message
	n       int
	deliver func() // hands the batch to the link, on the actor, and gives it back
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
		if err := s.connect(pair[1-i].addr.AddrPort()); err != nil {
			pair[0].close()
			pair[1].close()
			return pair, err
		}
	}
	return pair, nil
}

// newSocket binds a socket to a free port of the loopback interface.
func newSocket() (*socket, error) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	s := &socket{conn: conn, pc: ipv4.NewPacketConn(conn), out: make([]ipv4.Message, batchSize)}
	for i := range s.out {
		s.out[i].Buffers = make([][]byte, 1)
	}
	s.addr = core.IPAddr(conn.LocalAddr().(*net.UDPAddr).AddrPort())
	if s.raw, err = conn.SyscallConn(); err == nil {
		err = s.control(s.enlarge)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// control runs fn on the file descriptor.
func (s *socket) control(fn func(fd int) error) error {
	var inner error
	if err := s.raw.Control(func(fd uintptr) { inner = fn(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// enlarge asks for a large receive buffer, beyond the limit of the system where that is allowed, and
// notes how large it became.
func (s *socket) enlarge(fd int) error {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bufferSize) != nil {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, bufferSize); err != nil {
			return err
		}
	}
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	s.budget = n
	return err
}

// connect has the socket send to that address, and receive from it alone.
func (s *socket) connect(to netip.AddrPort) error {
	return s.control(func(fd int) error {
		return unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
	})
}

// start makes the batches that are read for e.
func (s *socket) start(e *end) {
	s.free = make(chan *batch, readAhead)
	for range readAhead {
		b := &batch{msgs: make([]ipv4.Message, batchSize)}
		mem := make([]byte, batchSize*(e.max+1))
		for i := range b.msgs {
			b.msgs[i].Buffers = [][]byte{mem[i*(e.max+1) : (i+1)*(e.max+1)]}
		}
		b.deliver = func() {
			for i := range b.msgs[:b.n] {
				m := &b.msgs[i]
				e.receive(m.Buffers[0][:m.N])
			}
			e.peer.flush()
			s.free <- b
		}
		s.free <- b
	}
}

// read is the goroutine that reads the socket of this end, a batch at a time.
func (e *end) read() {
	for {
		var b *batch
		select {
		case b = <-e.sock.free:
		case <-e.w.closed:
			return
		}
		n, err := e.sock.pc.ReadBatch(b.msgs, 0)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case errors.Is(err, syscall.ECONNREFUSED):
			e.sock.free <- b // the other end is being closed
			continue
		case err != nil:
			e.w.post(nil, func() { e.w.fail(err) })
			return
		}
		b.n = n
		e.w.post(nil, b.deliver)
	}
}

// batch returns how many packets one write takes at most.
func (s *socket) batch() int { return len(s.out) }

// write puts as many packets from the front of q into the socket as one system call takes and as fit
// into room bytes of the receiver's memory. It does not block and does not take them out of q.
func (s *socket) write(q *queue, room int) (int, error) {
	n := 0
	for ; n < min(q.n, len(s.out)); n++ {
		p := q.at(n)
		if room -= bufferCost(p.Len()); room < 0 {
			break
		}
		s.out[n].Buffers[0] = p.Bytes()
	}
	if n == 0 {
		return 0, nil
	}
	sent, err := s.pc.WriteBatch(s.out[:n], unix.MSG_DONTWAIT)
	if errors.Is(err, syscall.ECONNREFUSED) {
		// The error of an earlier datagram, which the kernel reports once.
		sent, err = s.pc.WriteBatch(s.out[:n], unix.MSG_DONTWAIT)
	}
	return max(sent, 0), err
}

// awaitWritable returns when the socket takes more, or is closed. The socket is polled once the wait
// has been prepared, so that an edge between the failed write and the wait is not missed.
func (s *socket) awaitWritable() {
	polled := false
	// The error says that the socket was closed; whoever writes next finds that out.
	_ = s.raw.Write(func(fd uintptr) bool {
		if polled {
			return true
		}
		polled = true
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		n, err := unix.Poll(fds, 0)
		return err == nil && n > 0
	})
}

func (s *socket) close() { _ = s.conn.Close() } // a UDP socket has nothing left to fail
