package remote

import (
	"errors"
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/ring"
)

// Config tells a Server of whom it serves.
type Config struct {
	// Attach returns the allocator of an application that has said hello. An error refuses it. detach is called once
	// when the application is gone, before its flows are closed; nil = nothing to do.
	Attach func(Hello) (a core.Allocator, detach func(), err error)
	// Ended is called once when the connection is over, with the reason: nil = the application has closed it, a
	// Malformed = it has broken the protocol. Nil = nobody is told.
	Ended func(error)
}

// Stats are the counters of a Server.
type Stats struct {
	// In and Out are packets of the application to the layers and back.
	InPackets, InBytes, OutPackets, OutBytes uint64
	// Refused counts packets that a layer did not take: the flow was down or had ended.
	Refused uint64
	// Dropped counts packets on their way to a flow, or to an application, that was closed.
	Dropped uint64
	// Malformed is 1 when the connection has ended because of a record that breaks the protocol.
	Malformed uint64
}

// Add adds the counters of another Server.
func (s *Stats) Add(o Stats) {
	s.InPackets += o.InPackets
	s.InBytes += o.InBytes
	s.OutPackets += o.OutPackets
	s.OutBytes += o.OutBytes
	s.Refused += o.Refused
	s.Dropped += o.Dropped
	s.Malformed += o.Malformed
}

const (
	// budget is how many bytes the flows of one application may hold here, roughly: the more flows, the less each.
	budget = 16 << 20
	// minWindow is the least credit of a flow.
	minWindow = 4 << 10
	// outLimit is how many bytes may wait for an application. One that asks for so much and reads nothing is cut off.
	outLimit = 8 << 20
	// helloTime is how long an application may take to say hello.
	helloTime = 5 * time.Second
)

// Server is the broker's end of the boundary to one application, on the actor of its Env.
type Server struct {
	env   core.Env
	out   outbox
	cfg   Config
	alloc core.Allocator // nil before the hello
	leave func()         // Config.Attach's detach

	flows   [2]table[end] // by who has chosen the number: the client, the server
	listens table[ear]
	offered int             // requests that wait for the answer of the application
	waiting ring.Ring[*end] // for the pipe, in the order in which they were refused
	watched ring.Ring[*end] // in front of which the layer has a queue
	look    core.Timer
	due     core.Timer // of the hello
	ended   bool
	st      Stats
}

var _ PipeUser = (*Server)(nil)

// NewServer returns the server of the application at the other end of the pipe.
func NewServer(env core.Env, p Pipe, cfg Config) *Server {
	s := &Server{env: env, cfg: cfg}
	s.out.init(env, p)
	s.look = env.NewTimer(s.watch)
	s.due = env.NewTimer(func() { s.breach(fmt.Errorf("no hello within %v", helloTime)) })
	s.due.Reset(helloTime)
	p.Attach(s)
	return s
}

// Stats returns the counters so far.
func (s *Server) Stats() Stats { return s.st }

// Flows returns the number of flows, those included that are asked for or not wholly ended.
func (s *Server) Flows() int { return s.flows[0].n + s.flows[1].n }

// Close ends the connection: the application loses its broker.
func (s *Server) Close() {
	if s.ended {
		return
	}
	s.out.flush()
	s.out.pipe.Close()
	s.shut(nil)
}

// Closed gives everything back that the application had.
func (s *Server) Closed(err error) { s.shut(err) }

// shut ends everything.
func (s *Server) shut(err error) {
	if s.ended {
		return
	}
	s.ended = true
	s.out.end()
	s.look.Stop()
	s.due.Stop()
	s.listens.each(func(l *ear) { l.stop() })
	if s.leave != nil {
		s.leave()
	}
	for i := range s.flows {
		s.flows[i].each((*end).lose)
	}
	s.flows, s.listens = [2]table[end]{}, table[ear]{}
	s.waiting, s.watched = ring.Ring[*end]{}, ring.Ring[*end]{}
	if s.cfg.Ended != nil {
		s.cfg.Ended(err)
	}
}

// breach cuts off an application that breaks the protocol.
func (s *Server) breach(err error) {
	if s.ended {
		return
	}
	if m := (*Malformed)(nil); errors.As(err, &m) {
		s.st.Malformed++
	}
	s.out.pipe.Close()
	s.shut(err)
}

// Writable goes on with what waits for the pipe: records first, then the flows in turn.
func (s *Server) Writable() {
	s.out.writable()
	for s.waiting.Len() > 0 && !s.out.congested() && !s.ended {
		f := s.waiting.Pop()
		f.queued = false
		f.resume()
	}
}

// Receive takes a message of the application.
func (s *Server) Receive(m []byte) {
	for len(m) > 0 && !s.ended {
		r, rest, err := nextRecord(m)
		if err == nil {
			err = s.record(r)
		}
		if err == nil && s.out.waiting() > outLimit {
			err = fmt.Errorf("the application does not read: %d bytes wait for it", s.out.waiting())
		}
		if err != nil {
			s.breach(err)
			return
		}
		m = rest
	}
}

// record takes a record.
func (s *Server) record(r record) error {
	if s.alloc == nil {
		return s.hello(r)
	}
	switch r.kind {
	case kindData, kindCredit, kindEnd, kindAccept:
		f := s.flows[r.id>>31].get(r.id &^ ofServer)
		if f == nil {
			return malformed("%v: flow %#x does not exist", r.kind, r.id)
		}
		return f.record(r)
	case kindAlloc, kindJoin:
		return s.ask(r)
	case kindListen:
		return s.listen(r)
	case kindUnlisten:
		l := s.listens.get(r.id)
		if l == nil || len(r.body) > 0 {
			return malformed("unlisten: listener %d, a body of %d bytes", r.id, len(r.body))
		}
		l.unlisten()
		return nil
	}
	return malformed("%v: not from an application", r.kind)
}

// hello takes the first record.
func (s *Server) hello(r record) error {
	s.due.Stop()
	rd := reader{b: r.body}
	version, pid, program := rd.u16(), rd.count(1<<31-1), rd.text(core.MaxName)
	if r.kind != kindHello || version == Version && !rd.done() {
		return malformed("%v of %d bytes where a hello is due", r.kind, len(r.body))
	}
	err := error(nil)
	if version != Version {
		err = fmt.Errorf("%w: the program has version %d of the protocol, the daemon has %d", core.ErrUnsupp, version, Version)
	} else {
		s.alloc, s.leave, err = s.cfg.Attach(Hello{PID: pid, Program: program})
	}
	if err != nil {
		s.alloc = nil
		s.out.put(kindRefuse, 0, 0, func(w *body) { w.fail(err) })
		s.Close()
		return nil
	}
	s.out.put(kindWelcome, 0, 0, func(w *body) { w.u16(Version) })
	return nil
}

// ask passes a request for a flow on to the broker.
func (s *Server) ask(r record) error {
	f := &end{s: s, id: r.id, phase: phaseAsking, credit: Window}
	if r.id&ofServer != 0 || !s.flows[0].put(r.id, f, MaxFlows) {
		return malformed("%v: flow %#x exists, or is beyond %d", r.kind, r.id, MaxFlows)
	}
	if r.kind == kindJoin {
		rd := reader{b: r.body}
		layer := rd.name()
		if !rd.done() {
			return malformed("join: a body of %d bytes", len(r.body))
		}
		f.cancel = s.alloc.Join(layer, f.answered)
		return nil
	}
	q, ok := readRequest(r)
	if !ok {
		return malformed("alloc: a body of %d bytes", len(r.body))
	}
	f.cancel = s.alloc.Alloc(q, f.answered)
	return nil
}

// forget drops a flow from the table: both sides have said their last word.
func (s *Server) forget(f *end) {
	if f.id&ofServer == 0 {
		s.flows[0].take(f.id)
	} else {
		s.flows[1].drop(f.id &^ ofServer)
	}
	f.phase = phaseOver
}

// window is the credit towards the layer that a flow may have now.
func (s *Server) window() int {
	return min(max(budget/max(s.Flows(), 1), minWindow), Window)
}

// ear is a name that the application listens to, at the broker's side.
type ear struct {
	s    *Server
	id   uint32
	stop func()
	over bool // the broker's side has said its last word
}

// listen has the requests for a name passed on.
func (s *Server) listen(r record) error {
	rd := reader{b: r.body}
	name := rd.name()
	l := &ear{s: s, id: r.id, stop: func() {}}
	if !rd.done() || !s.listens.put(r.id, l, MaxListens) {
		return malformed("listen: listener %d exists or is beyond %d, or its body of %d bytes is wrong", r.id, MaxListens, len(r.body))
	}
	stop, err := s.alloc.Listen(name, l.offer)
	if err != nil {
		l.over = true
		s.out.put(kindUnlisten, 0, l.id, func(w *body) { w.fail(err) })
		return nil
	}
	l.stop = stop
	s.out.put(kindListening, 0, l.id, nil)
	return nil
}

// unlisten ends it at the wish of the application.
func (l *ear) unlisten() {
	l.stop()
	l.stop = func() {}
	if !l.over {
		l.s.out.put(kindUnlisten, 0, l.id, func(w *body) { w.fail(nil) })
	}
	l.s.listens.take(l.id)
}

// offer passes a request on to the application, unless it has too many already.
func (l *ear) offer(in core.Incoming) {
	s := l.s
	f := &end{s: s, phase: phaseOffered, in: in, credit: Window}
	if s.ended || s.offered >= MaxOffered || s.out.congested() {
		in.Reject(core.ErrAgain)
		return
	}
	id, ok := s.flows[1].add(f, MaxFlows)
	if !ok {
		in.Reject(core.ErrAgain)
		return
	}
	f.id = id | ofServer
	s.offered++
	s.out.put(kindIncoming, 0, f.id, func(w *body) {
		w.u32(l.id)
		w.qos(in.QoS())
		w.name(in.Name())
	})
}
