package main

import (
	"errors"
	"fmt"
	"time"

	"ouroboros"
	"ouroboros/cmd/internal/tool"
	"ouroboros/core"
)

// patience is how long a client waits for a reply, beyond its interval.
const patience = 2 * time.Second

const (
	floodInterval = 10 * time.Millisecond // after a reply that is lost
	burst         = 16                    // requests without an interval
)

// pinger is a client at work.
type pinger struct {
	*options
	s    *tool.System
	flow *ouroboros.Flow
	set  *ouroboros.Set
	buf  []byte

	total int       // requests to send
	end   core.Time // no request after it
	begin core.Time
	next  core.Time // when the next request is due
	full  bool      // the flow has no room for it
	heard core.Time // when the last reply came, or a request that may have one was the first to be sent
	stats statistics
}

// ping sends requests and prints the replies, and in the end what came of them.
func (o *options) ping(s *tool.System) error {
	f, err := o.peer.Dial(s)
	if err != nil {
		return err
	}
	defer f.Close()
	if mtu := f.Info().MTU; o.size > mtu {
		return fmt.Errorf("a request of %d bytes is too long: the flow takes %d", o.size, mtu)
	}
	p := &pinger{options: o, s: s, flow: f, set: s.App.NewSet(), buf: make([]byte, maxSize), end: ouroboros.Never}
	if err := errors.Join(f.SetFlags(ouroboros.DefaultFlags|ouroboros.WriteNonblock), p.set.Add(f)); err != nil {
		return err
	}
	p.plan()
	s.Printf("Pinging %s with %d bytes of data (%d packets):\n\n", o.peer.Name, o.size, p.total)
	p.begin = s.B.Now()
	p.next, p.heard = p.begin, p.begin
	if o.duration > 0 && (o.flood || o.interval == 0) {
		p.end = p.begin.Add(o.duration)
	}
	err = p.run()
	if tool.Interrupted(err) {
		err = nil
	}
	p.print()
	if err == nil && p.stats.received == 0 && p.stats.sent > 0 {
		err = tool.ErrReported // the statistics say it
	}
	return err
}

// plan says how many requests there will be (spec 14 §14.8).
func (p *pinger) plan() {
	p.total = p.count
	switch {
	case p.duration == 0 || p.flood:
	case p.interval == 0:
		p.total = int(min(p.duration/time.Millisecond*10, 1<<31-1))
	default:
		p.total = int(min(p.duration/p.interval, 1<<31-1))
	}
	p.total = max(p.total, 1)
}

// run goes on until everything was sent and answered, or nothing comes any more.
func (p *pinger) run() error {
	for p.sending() || p.stats.received < p.stats.sent {
		now := p.s.B.Now()
		if p.sending() && !p.full && now >= p.next {
			if err := p.send(now); err != nil {
				return err
			}
		}
		silent := p.heard.Add(p.interval + patience)
		until := silent
		if p.sending() {
			until = min(until, p.end)
			if !p.full {
				until = min(until, p.next)
			}
		}
		events, err := p.set.Wait(until)
		switch {
		case err == nil:
			err = p.take(events[0])
		case errors.Is(err, core.ErrTimedOut):
			if err = nil; p.stats.received < p.stats.sent && p.s.B.Now() >= silent {
				p.s.Printf("Server timed out.\n")
				return nil
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sending reports whether there are requests to send.
func (p *pinger) sending() bool {
	return p.stats.sent < p.total && p.s.B.Now() < p.end
}

// send sends the next request.
func (p *pinger) send(now core.Time) error {
	b := p.buf[:p.size]
	clear(b)
	putRequest(b, uint32(p.stats.sent), now)
	err := p.flow.WriteMsg(b)
	if errors.Is(err, core.ErrAgain) {
		p.full = true
		return nil
	}
	if err != nil {
		return err
	}
	if p.stats.sent == p.stats.received {
		p.heard = now
	}
	p.stats.sent++
	if p.flood {
		p.next = now.Add(max(p.interval, floodInterval)) // unless the reply comes first
	} else {
		p.next = max(p.next.Add(p.interval), now.Add(-p.interval)) // catches up with one, not with all
	}
	if p.interval == 0 && p.stats.sent%burst == 0 {
		p.s.B.Sleep(0) // let the system have its turn
	}
	return nil
}

// take does what an event asks for.
func (p *pinger) take(e ouroboros.Event) error {
	switch {
	case e.Kind&ouroboros.EventWritable != 0:
		p.full = false
	case e.Kind&(ouroboros.EventDealloc|ouroboros.EventPeer) != 0:
		return fmt.Errorf("the flow has ended: %w", e.Err)
	}
	if e.Kind&ouroboros.EventPkt == 0 {
		return nil
	}
	n, err := p.flow.ReadMsg(p.buf)
	if errors.Is(err, core.ErrMsgSize) {
		p.stats.invalid++
		return nil
	}
	if err != nil {
		return err
	}
	p.reply(p.buf[:n])
	return nil
}

// reply counts and prints a reply.
func (p *pinger) reply(b []byte) {
	now := p.s.B.Now()
	id, sent, ok := readReply(b, now)
	if !ok || uint64(id) >= uint64(p.stats.sent) {
		p.stats.invalid++
		return
	}
	p.heard = now
	if p.flood {
		p.next = now
	}
	rtt := now.Sub(sent)
	mark := p.stats.add(id, rtt)
	if p.quiet {
		return
	}
	if p.timeOfDay {
		us := p.s.Wall() / 1000
		p.s.Printf("[%d.%06d] ", us/1e6, us%1e6)
	}
	value, unit := inUnit(rtt, rtt)
	p.s.Printf("%d bytes from %s: seq=%d time=%.3f %s%s\n", len(b), p.peer.Name, id, value, unit, mark)
}
