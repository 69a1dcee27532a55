package host

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"ouroboros/core"
	"ouroboros/core/irm/remote"
)

const (
	// appMessage is the longest message between an application and the daemon in bytes.
	appMessage = 96 << 10
	// appBuffer is what the kernel may hold of them in one direction, in bytes with its own overhead.
	appBuffer = 512 << 10
	// appReads is how many messages are read of one socket in one turn.
	appReads = 16
	// appShort is the length in bytes up to which a message may be the only one.
	appShort = 4 << 10
	// appPause is how long a writer waits when the kernel has no memory.
	appPause = time.Millisecond
	// sunPath is the length of the longest path of a Unix socket in bytes.
	sunPath = 107
)

// appPipe is a connected Unix socket that keeps the boundaries of messages: a remote.Pipe.
type appPipe struct {
	w     *World
	node  *node
	fd    int
	watch *watch
	user  remote.PipeUser
	out   output // sends what the user has collected in a turn
	pause *timer
	over  bool   // closed, or the user knows that it is
	turn  uint64 // when it was last read
	busy  bool   // then there was more than one message
}

var (
	_ remote.Pipe  = (*appPipe)(nil)
	_ remote.Turns = (*appPipe)(nil)
	_ device       = (*appPipe)(nil)
)

// newAppPipe takes a connected socket, which does not block. It closes it when it fails.
func (w *World) newAppPipe(n *node, fd int) (*appPipe, error) {
	p := &appPipe{w: w, node: n, fd: fd}
	p.pause = w.newTimer(n, p.writable)
	enlargeSend(fd)
	var err error
	if p.watch, err = w.watch(n, fd, p.readable, p.writable); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	w.open(p)
	return p, nil
}

// enlargeSend asks for a send buffer of appBuffer bytes, beyond the limit of the system where that is allowed. A
// smaller one does as well.
func enlargeSend(fd int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, appBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, appBuffer)
	}
}

// Max returns the length of the longest message.
func (p *appPipe) Max() int { return appMessage }

// Attach sets the user.
func (p *appPipe) Attach(u remote.PipeUser) { p.user = u }

// AtEnd has fn called at the end of this turn.
func (p *appPipe) AtEnd(fn func()) {
	p.out.write = fn
	p.w.touch(&p.out)
}

// Send writes a message.
func (p *appPipe) Send(m []byte) error {
	if p.over {
		return core.ErrFlowDown
	}
	for {
		_, err := unix.Write(p.fd, m)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			if err = p.watch.awaitRoom(); err != nil {
				p.w.fail(err)
			}
			return core.ErrWouldBlock
		case errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.ENOMEM):
			p.pause.Reset(appPause)
			return core.ErrWouldBlock
		}
		// The reader finds the end as well, but behind what has arrived.
		if !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) {
			p.w.post(p.node, func() { p.end(os.NewSyscallError("write", err)) })
		}
		return core.ErrFlowDown
	}
}

func (p *appPipe) writable() {
	if !p.over {
		p.user.Writable()
	}
}

// readable reads what has arrived. Of a socket that had a single short message in its last turn, it reads one and lets
// the kernel say whether there are more: a second read, to find nothing, would be part of every round trip.
func (p *appPipe) readable() {
	buf := p.w.appBuffer()
	busy := p.busy || p.w.turn == p.turn+1
	p.turn, p.busy = p.w.turn, false
	for i := range appReads {
		if p.over {
			return
		}
		n, err := unix.Read(p.fd, buf)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			p.end(os.NewSyscallError("read", err))
			return
		case n == 0:
			p.end(nil)
			return
		case n > appMessage:
			p.end(fmt.Errorf("a message longer than %d bytes: %w", appMessage, io.ErrShortBuffer))
			return
		}
		p.user.Receive(buf[:n])
		if p.busy = i > 0; !busy && n < appShort {
			return
		}
	}
}

// appBuffer is where messages are read to, one after the other.
func (w *World) appBuffer() []byte {
	if w.appBuf == nil {
		w.appBuf = make([]byte, appMessage+1)
	}
	return w.appBuf
}

// end closes the socket and tells the user.
func (p *appPipe) end(err error) {
	if p.over {
		return
	}
	p.Close()
	p.user.Closed(err)
}

// Close closes the socket.
func (p *appPipe) Close() {
	p.shut()
	p.w.forget(p)
}

func (p *appPipe) owner() *node { return p.node }

func (p *appPipe) shut() {
	if p.over {
		return
	}
	p.over = true
	p.pause.Stop()
	p.watch.stop()
	_ = unix.Close(p.fd) // a socket has nothing left to fail
}

func (p *appPipe) release() {}
