package tool

import (
	"errors"
	"time"

	"ouroboros"
	"ouroboros/core"
)

// firstFD is the number of the first flow of a process, as the tools print it (spec 14 §14.1).
const firstFD = 64

// Server is the server of a tool: one program that serves many flows with a set.
type Server[T any] struct {
	// MaxFlows is how many flows it serves at a time; more wait until one has ended. Idle is after which silence a flow is
	// closed, Tick how often Ticked is called; 0 = never.
	MaxFlows   int
	Idle, Tick time.Duration
	// Buffer is the length of the longest message.
	Buffer int

	// Opened is told of each new flow, Message of each message on one, Ended of the end of one, with why: Timeout after
	// silence, and else what the flow has said. An error ends the flow; ErrStop ends the server without one. Any may be
	// nil but Message.
	Opened  func(*Client[T]) error
	Message func(*Client[T], []byte) error
	Ended   func(*Client[T], error)
	Ticked  func()

	System  *System
	clients []*Client[T] // by number from firstFD, nil where there is none
	flows   map[*ouroboros.Flow]*Client[T]
	// Oldest and newest by the time of the last message.
	oldest, newest *Client[T]
}

// Client is a flow that is served.
type Client[T any] struct {
	Flow  *ouroboros.Flow
	FD    int
	State T
	// Last is when its last message came.
	Last           core.Time
	earlier, later *Client[T]
}

var (
	// ErrStop from Message has the server end.
	ErrStop = errors.New("stop")
	// ErrIdle is what a flow ends with after silence.
	ErrIdle = errors.New("idle")
	// ErrDone from Message ends one flow, as planned.
	ErrDone = errors.New("done")
)

// Serve serves until it is interrupted, which is no error, or the broker has gone.
func (v *Server[T]) Serve(l *ouroboros.Listener) error {
	set := v.System.App.NewSet()
	if err := set.AddListener(l); err != nil {
		return err
	}
	v.flows = map[*ouroboros.Flow]*Client[T]{}
	defer v.closeAll()
	buf := make([]byte, v.Buffer)
	next := ouroboros.Never
	if v.Tick > 0 {
		next = v.System.B.Now().Add(v.Tick)
	}
	taking := true
	for {
		events, err := set.Wait(min(next, v.idleAt()))
		if err != nil && !errors.Is(err, core.ErrTimedOut) {
			if Interrupted(err) {
				return nil
			}
			return err
		}
		for _, e := range events {
			if e.Listener != nil {
				err = v.accept(l, set, e)
			} else {
				err = v.serve(v.flows[e.Flow], e, buf)
			}
			if errors.Is(err, ErrStop) || Interrupted(err) {
				return nil
			}
			if err != nil {
				return err
			}
		}
		if room := len(v.flows) < v.MaxFlows; room != taking {
			if taking = room; !room {
				set.DelListener(l)
			} else if err := set.AddListener(l); err != nil {
				return err
			}
		}
		if now := v.System.B.Now(); now >= next {
			v.Ticked()
			next = now.Add(v.Tick)
		}
		v.closeIdle()
	}
}

// accept takes a new flow.
func (v *Server[T]) accept(l *ouroboros.Listener, set *ouroboros.Set, e ouroboros.Event) error {
	if e.Kind&ouroboros.EventAlloc == 0 {
		return e.Err
	}
	if len(v.flows) >= v.MaxFlows {
		return nil
	}
	f, err := l.Accept()
	if err != nil {
		if errors.Is(err, core.ErrNotAlloc) || errors.Is(err, core.ErrIRMD) || Interrupted(err) {
			return err
		}
		return nil // about this client only
	}
	// A client that does not read what it has asked for must not stop the others.
	if err := errors.Join(f.SetFlags(ouroboros.DefaultFlags|ouroboros.WriteNonblock), set.Add(f)); err != nil {
		return err
	}
	c := &Client[T]{Flow: f, FD: v.number()}
	v.clients[c.FD-firstFD], v.flows[f] = c, c
	v.touch(c)
	if v.Opened != nil {
		if err := v.Opened(c); err != nil {
			v.end(c, err)
		}
	}
	return nil
}

// number returns the lowest free one.
func (v *Server[T]) number() int {
	for i, c := range v.clients {
		if c == nil {
			return firstFD + i
		}
	}
	v.clients = append(v.clients, nil)
	return firstFD + len(v.clients) - 1
}

// serve does what an event of a flow asks for.
func (v *Server[T]) serve(c *Client[T], e ouroboros.Event, buf []byte) error {
	switch {
	case c == nil: // ended by an earlier event
	case e.Kind&ouroboros.EventPkt != 0:
		n, err := c.Flow.ReadMsg(buf)
		if Interrupted(err) {
			return err
		}
		if errors.Is(err, core.ErrMsgSize) {
			return nil // longer than any of ours
		}
		v.touch(c)
		if err == nil {
			// While the link below is down the answer is lost. When the flow has ended, an event of its own says so.
			if err = v.Message(c, buf[:n]); errors.Is(err, core.ErrFlowDown) {
				return nil
			}
		}
		if errors.Is(err, ErrStop) || Interrupted(err) {
			return err
		}
		if err != nil && !errors.Is(err, core.ErrAgain) { // ErrAgain: the answer is lost, as on any full queue
			v.end(c, err)
		}
	case e.Kind&(ouroboros.EventDealloc|ouroboros.EventPeer) != 0:
		v.end(c, e.Err)
	}
	return nil
}

func (v *Server[T]) end(c *Client[T], err error) {
	v.forget(c)
	_ = c.Flow.Close()
	if v.Ended != nil {
		v.Ended(c, err)
	}
}

// forget takes a client out of all lists.
func (v *Server[T]) forget(c *Client[T]) {
	delete(v.flows, c.Flow)
	v.clients[c.FD-firstFD] = nil
	v.unlink(c)
}

// touch makes c the newest.
func (v *Server[T]) touch(c *Client[T]) {
	c.Last = v.System.B.Now()
	if v.newest == c {
		return
	}
	v.unlink(c)
	if c.earlier = v.newest; c.earlier != nil {
		c.earlier.later = c
	} else {
		v.oldest = c
	}
	v.newest = c
}

func (v *Server[T]) unlink(c *Client[T]) {
	if c.earlier != nil {
		c.earlier.later = c.later
	} else if v.oldest == c {
		v.oldest = c.later
	}
	if c.later != nil {
		c.later.earlier = c.earlier
	} else if v.newest == c {
		v.newest = c.earlier
	}
	c.earlier, c.later = nil, nil
}

// idleAt is when the flow that is silent for longest has been so for too long.
func (v *Server[T]) idleAt() core.Time {
	if v.Idle == 0 || v.oldest == nil {
		return ouroboros.Never
	}
	return v.oldest.Last.Add(v.Idle)
}

func (v *Server[T]) closeIdle() {
	for now := v.System.B.Now(); v.idleAt() <= now; {
		v.end(v.oldest, ErrIdle)
	}
}

// Clients calls fn with all that are served, in the order of their numbers.
func (v *Server[T]) Clients(fn func(*Client[T])) {
	for _, c := range v.clients {
		if c != nil {
			fn(c)
		}
	}
}

func (v *Server[T]) closeAll() {
	v.Clients(func(c *Client[T]) { _ = c.Flow.Close() })
}
