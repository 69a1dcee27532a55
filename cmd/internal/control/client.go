package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"ouroboros/cmd/internal/control/pb"
	"ouroboros/core"
)

// answerTime is what the daemon has at most to say, within the deadline of a call, why it did not make it.
const answerTime = 200 * time.Millisecond

// Client is the Handler of a daemon, seen from another process. Its calls wait for one another; for calls at the
// same time take several Clients. A context that ends gives core.ErrTimedOut or core.ErrCanceled, and cancels the
// request in the daemon.
type Client struct {
	dir string

	mu   sync.Mutex
	c    *net.UnixConn // nil: to be made
	used time.Time
	buf  []byte
}

var _ Handler = (*Client)(nil)

// Dial connects to the daemon of a directory. A *DialError, a core.ErrIRMD, says that there is none.
func Dial(ctx context.Context, dir string) (*Client, error) {
	c := &Client{dir: dir, buf: make([]byte, packetLen)}
	return c, c.connect(ctx)
}

// Close ends the connection. A later call would make a new one.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop()
	return nil
}

func (c *Client) drop() {
	if c.c != nil {
		c.c.Close()
		c.c = nil
	}
}

const (
	// startTime is how long a daemon that was started just now may take to make its socket: a script may call irm
	// right behind it.
	startTime = time.Second
	// startPause is the time between two looks.
	startPause = 20 * time.Millisecond
)

// dial connects to the socket of a daemon, which may be about to start.
func dial(ctx context.Context, path string) (net.Conn, error) {
	var d net.Dialer
	for end := time.Now().Add(startTime); ; {
		conn, err := d.DialContext(ctx, "unixpacket", path)
		starting := errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
		if err == nil || !starting || time.Now().After(end) {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(startPause):
		}
	}
}

// connect makes the connection if there is none that can be used.
func (c *Client) connect(ctx context.Context) error {
	if c.c != nil && time.Since(c.used) > idleTime/2 {
		c.drop() // the daemon may be about to give it up
	}
	if c.c != nil {
		return nil
	}
	path := SocketPath(c.dir)
	if err := ctx.Err(); err != nil {
		return ended(err)
	}
	conn, err := dial(ctx, path)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		var sys *os.SyscallError
		if errors.As(err, &sys) {
			err = sys.Err
		}
		return &DialError{Path: path, Err: err}
	}
	c.c, c.used = conn.(*net.UnixConn), time.Now()
	return nil
}

// ended is the error for a context that has ended.
func ended(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: the daemon has not answered in time: %w", core.ErrTimedOut, err)
	}
	return fmt.Errorf("%w: %w", core.ErrCanceled, err)
}

// call sends a request and returns the reply. After an error that is not the daemon's the connection is given
// up, since a late reply could be taken for that of the next request.
func (c *Client) call(ctx context.Context, r *pb.Request) (*pb.Reply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.connect(ctx); err != nil {
		return nil, err
	}
	if t, ok := ctx.Deadline(); ok {
		left := time.Until(t)
		if left <= 0 {
			return nil, ended(context.DeadlineExceeded)
		}
		r.TimeoutNs = uint64(left - min(left/10, answerTime))
	}
	conn := c.c
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	reply, err := c.exchange(conn, r)
	if !stop() || ctx.Err() != nil {
		c.drop() // its deadline has been moved, or is about to be
		if err != nil {
			return nil, ended(ctx.Err())
		}
	}
	switch {
	case errors.Is(err, errTooLong):
		return nil, fmt.Errorf("%w: %w", core.ErrInvalid, err)
	case err != nil:
		c.drop()
		return nil, fmt.Errorf("%w: the connection to the daemon broke: %w", core.ErrIRMD, err)
	}
	if reply.Failed {
		c.drop() // it may have hung up after that
	}
	c.used = time.Now()
	return reply, result(reply)
}

// exchange sends and receives. A daemon that does not take the request may have said why before.
func (c *Client) exchange(conn *net.UnixConn, r *pb.Request) (*pb.Reply, error) {
	sent := send(conn, r, MaxRequest)
	if errors.Is(sent, errTooLong) {
		return nil, sent
	}
	reply := new(pb.Reply)
	err := receive(conn, reply, MaxReply, c.buf)
	if errors.Is(err, syscall.ECONNRESET) { // it hung up without reading all: that is told before its reply
		err = receive(conn, reply, MaxReply, c.buf)
	}
	if err != nil {
		return nil, errors.Join(sent, err)
	}
	return reply, nil
}

// do is a call whose reply says nothing but whether it worked.
func (c *Client) do(ctx context.Context, r *pb.Request) error {
	_, err := c.call(ctx, r)
	return err
}
