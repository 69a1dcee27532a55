package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"ouroboros/cmd/internal/control/pb"
	"ouroboros/core"
)

const (
	// DefaultMaxConns bounds the connections of a Server.
	DefaultMaxConns = 64
	// idleTime is how long a connection without a request stays open. A Client gives its own up earlier.
	idleTime = time.Minute
	// writeTime is how long a client may take to read a piece of a reply.
	writeTime = 10 * time.Second
	// acceptPause is how long a server waits that has no descriptors left.
	acceptPause = 50 * time.Millisecond
)

// Server answers requests by a Handler. Its fields are set before Serve.
type Server struct {
	Handler  Handler
	MaxConns int          // connections at one time; 0 = DefaultMaxConns. Those beyond are told so and closed
	Log      *slog.Logger // nil = nothing is logged

	mu     sync.Mutex
	ctx    context.Context
	cancel context.CancelFunc
	conns  map[*conn]bool
	lists  map[net.Listener]bool
	closed bool
	busy   sync.WaitGroup

	requests, failed, malformed, refused atomic.Uint64

	warned atomic.Int64  // when clients were last complained about, in ns of the Unix time
	silent atomic.Uint64 // complaints that were not made since
}

// ServerStats are the counters of a Server.
type ServerStats struct {
	Conns     int    // open now
	Requests  uint64 // answered, those that failed included
	Failed    uint64 // answered by an error
	Malformed uint64 // messages that are no request: their connections were closed
	Refused   uint64 // connections beyond MaxConns
}

// Serve answers the requests that come to l until it is closed. It is (&Server{Handler: h}).Serve(l).
func Serve(l net.Listener, h Handler) error { return (&Server{Handler: h}).Serve(l) }

// Serve answers the requests that come to l, a listener of Listen. It returns nil after Close, the error of the
// listener otherwise.
func (s *Server) Serve(l net.Listener) error {
	if !s.open(l) {
		l.Close()
		return nil
	}
	for {
		c, err := l.Accept()
		if err == nil {
			s.accept(c)
			continue
		}
		var ne net.Error
		switch {
		case s.ctx.Err() != nil:
			return nil
		case errors.As(err, &ne) && ne.Timeout(), isTemporary(err):
			s.log().Warn("control: cannot accept connections for now", "error", err)
			time.Sleep(acceptPause)
		default:
			return err
		}
	}
}

// Close stops listening, cancels the requests that run, and returns when they have ended.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.start()
	s.cancel()
	for l := range s.lists {
		l.Close()
	}
	for c := range s.conns {
		c.hangUp()
	}
	s.mu.Unlock()
	s.busy.Wait()
}

// Stats returns the counters.
func (s *Server) Stats() ServerStats {
	s.mu.Lock()
	n := len(s.conns)
	s.mu.Unlock()
	return ServerStats{
		Conns: n, Requests: s.requests.Load(), Failed: s.failed.Load(), Malformed: s.malformed.Load(), Refused: s.refused.Load(),
	}
}

// start makes the parts that the zero value lacks.
func (s *Server) start() {
	if s.ctx == nil {
		s.ctx, s.cancel = context.WithCancel(context.Background())
		s.conns, s.lists = map[*conn]bool{}, map[net.Listener]bool{}
	}
}

func (s *Server) open(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start()
	if s.closed {
		return false
	}
	s.lists[l] = true
	return true
}

func (s *Server) log() *slog.Logger {
	if s.Log != nil {
		return s.Log
	}
	return slog.New(slog.DiscardHandler)
}

// warnPause is the shortest time between two complaints about clients: they could fill the log.
const warnPause = time.Second

// complain logs what a client has done wrong, now and then; the counters have it all.
func (s *Server) complain(text string, args ...any) {
	now := time.Now().UnixNano()
	last := s.warned.Load()
	if now-last < int64(warnPause) || !s.warned.CompareAndSwap(last, now) {
		s.silent.Add(1)
		return
	}
	if n := s.silent.Swap(0); n > 0 {
		args = append(args, "not_logged", n)
	}
	s.log().Warn(text, args...)
}

// accept begins a connection, or refuses it.
func (s *Server) accept(nc net.Conn) {
	uc, ok := nc.(*net.UnixConn)
	if !ok {
		nc.Close()
		return
	}
	limit := s.MaxConns
	if limit == 0 {
		limit = DefaultMaxConns
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		uc.Close()
		return
	}
	if len(s.conns) >= limit {
		s.refused.Add(1)
		s.complain("control: connection refused", "limit", limit)
		_ = uc.SetWriteDeadline(time.Now().Add(time.Millisecond)) // it is closed in any case
		_ = send(uc, failure(fmt.Errorf("%w: %d management connections are open, more are not accepted", core.ErrAgain, limit)), MaxReply)
		uc.Close()
		return
	}
	c := newConn(s, uc)
	s.conns[c] = true
	s.busy.Add(1)
	go func() {
		defer s.busy.Done()
		c.serve()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
}

// answer does what a request says.
func (s *Server) answer(ctx context.Context, r *pb.Request) *pb.Reply {
	if t := time.Duration(r.TimeoutNs); t > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t)
		defer cancel()
	}
	reply, err := dispatch(ctx, s.Handler, r)
	s.requests.Add(1)
	if err != nil {
		s.failed.Add(1)
		if s.ctx.Err() != nil {
			err = fmt.Errorf("%w: the daemon ends: %w", core.ErrIRMD, err)
		}
		return failure(err)
	}
	return reply
}
