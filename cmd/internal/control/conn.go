package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ouroboros/cmd/internal/control/pb"
	"ouroboros/core"
)

// conn is a connection of a Server. One goroutine reads, so that it sees the client go while another works.
type conn struct {
	s      *Server
	c      *net.UnixConn
	ctx    context.Context
	cancel context.CancelFunc
	work   chan *pb.Request
	busy   atomic.Bool
	write  sync.Mutex
}

func newConn(s *Server, c *net.UnixConn) *conn {
	ctx, cancel := context.WithCancel(s.ctx)
	if p, err := peerOf(c); err == nil {
		ctx = context.WithValue(ctx, peerKey{}, p)
	}
	return &conn{s: s, c: c, ctx: ctx, cancel: cancel, work: make(chan *pb.Request)}
}

// hangUp ends the connection from outside.
func (c *conn) hangUp() {
	c.cancel()
	c.c.Close()
}

// serve answers the requests of a connection until it ends.
func (c *conn) serve() {
	var worker sync.WaitGroup
	worker.Go(func() {
		for r := range c.work {
			c.respond(r)
		}
	})
	err := c.read()
	if errors.Is(err, errMalformed) {
		c.s.malformed.Add(1)
		c.s.complain("control: connection closed", "error", err)
		c.send(failure(fmt.Errorf("%w: %w", core.ErrInvalid, err)))
	}
	c.cancel()
	close(c.work)
	c.c.Close()
	worker.Wait()
}

// read reads requests and hands them out until the connection ends.
func (c *conn) read() error {
	buf := make([]byte, packetLen)
	for {
		if err := c.c.SetReadDeadline(time.Now().Add(idleTime)); err != nil {
			return err
		}
		r := new(pb.Request)
		err := receive(c.c, r, MaxRequest, buf)
		if errors.Is(err, os.ErrDeadlineExceeded) && c.busy.Load() {
			continue // it waits for its reply
		}
		if err != nil {
			return err
		}
		if !c.busy.CompareAndSwap(false, true) {
			return fmt.Errorf("%w: a request before the reply to the one before", errMalformed)
		}
		c.work <- r
	}
}

// respond answers a request. The next one may come as soon as the client can have the reply.
func (c *conn) respond(r *pb.Request) {
	reply := c.s.answer(c.ctx, r)
	c.busy.Store(false)
	_ = c.c.SetReadDeadline(time.Now().Add(idleTime))
	c.send(reply)
}

func (c *conn) send(r *pb.Reply) {
	c.write.Lock()
	defer c.write.Unlock()
	err := c.c.SetWriteDeadline(time.Now().Add(writeTime))
	if err == nil {
		err = send(c.c, r, MaxReply)
	}
	if errors.Is(err, errTooLong) {
		err = send(c.c, failure(err), MaxReply)
	}
	if err != nil && !errors.Is(err, io.ErrClosedPipe) && !errors.Is(err, net.ErrClosed) {
		c.s.log().Debug("control: reply lost", "error", err)
		c.c.Close()
	}
}

// Peer is the process at the other end of a connection when it was made.
type Peer struct {
	PID      int
	UID, GID uint32
}

type peerKey struct{}

// PeerOf returns who has sent the request that a Handler's context belongs to, and whether it is known.
func PeerOf(ctx context.Context) (Peer, bool) {
	p, ok := ctx.Value(peerKey{}).(Peer)
	return p, ok
}

func peerOf(c *net.UnixConn) (p Peer, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return p, err
	}
	var cred *unix.Ucred
	ctl := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err = errors.Join(ctl, err); err != nil {
		return p, err
	}
	return Peer{PID: int(cred.Pid), UID: cred.Uid, GID: cred.Gid}, nil
}

// isTemporary reports whether a listener can go on after an error: the process or system has no descriptors or
// buffers left, or the client has gone already.
func isTemporary(err error) bool {
	for _, e := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
