package host

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/line"
	"ouroboros/core/pkt"
)

const (
	// rxHeadroom is the space in front of a received frame, for a node that forwards it with a longer
	// header.
	rxHeadroom = 64
	// stallTime is how long a socket may hold frames without handing over any, before they count as
	// lost in the kernel.
	stallTime = 200 * time.Millisecond
)

// end is one end of a wire. What its user sends goes through the line, which is the model of the wire
// that the simulator uses, and then into a socket, which adds nothing but the real world.
//
// The kernel drops a datagram silently when the receiving socket is full. So that the line alone
// decides what is lost, the frames inside the kernel are kept below what the socket at the other end
// holds; the rest waits in out and is written when the other end has read.
type end struct {
	w    *World
	node *node
	port *port // for the node in its latest life
	peer *end
	user core.LinkUser
	line *line.Line
	info core.LinkInfo
	sock *socket
	max  int // bytes of the largest frame

	arrival *timer // next packet at the end of the line
	room    *timer // next room in the line, for a blocked user
	stall   *timer // the frames in the kernel have not moved
	notice  *timer // the user learns of the state of the wire; nil until it is first needed

	out     queue  // packets that have passed the line and wait for the socket
	flusher output // writes them
	limit   int    // packets in out from which the link is full
	blocked bool   // the user waits for Writable
	waiting bool   // for the socket to take more

	inKernel tally // written and not read at the other end
	budget   int   // bytes of buffer that these may take
	cost     int   // and take now
	moved    bool  // some have been read since the stall timer was set

	lost    tally // in the kernel
	unheard tally // arrived where nobody listens
	astray  tally // sent to an address that is not the other end
}

// tally counts packets and their bytes.
type tally struct{ packets, bytes uint64 }

func (t *tally) add(n int) { t.packets++; t.bytes += uint64(n) }

func (t *tally) sub(n int) { t.packets--; t.bytes -= uint64(n) }

func newEnd(w *World, n *node, info core.LinkInfo, ln *line.Line, s *socket) (*end, error) {
	e := &end{w: w, node: n, line: ln, info: info, sock: s, max: info.MTU, budget: s.budget}
	if info.Kind == core.LinkEthernet {
		e.max += etherHeader
	}
	e.arrival = w.newTimer(nil, func() { e.pump(w.Now()) })
	e.room = w.newTimer(nil, e.writable)
	e.stall = w.newTimer(nil, e.giveUp)
	e.flusher.write = e.flush
	e.port = &port{end: e}
	e.setLimit()
	return e, s.start(e)
}

// setLimit takes the limit of out from the line's queue.
func (e *end) setLimit() {
	e.limit = e.line.Spec().QueuePackets
	if e.limit == 0 {
		e.limit = line.DefaultQueue
	}
}

// send puts a frame on the line.
func (e *end) send(p *pkt.Buf, to core.Addr) error {
	if p.Len() > e.max {
		defer p.Release()
		return core.SizeError{Len: p.Len(), MTU: e.max}
	}
	if e.info.Kind == core.LinkDatagram && !to.IsZero() && to != e.peer.info.Addr {
		e.astray.add(p.Len())
		p.Release()
		return nil
	}
	now := e.w.Now()
	if e.line.Spec().Block && e.out.n >= e.limit {
		e.blocked = true
		return core.ErrWouldBlock
	}
	if err := e.line.Send(now, p); err != nil {
		if errors.Is(err, core.ErrWouldBlock) {
			e.blocked = true
			e.room.Reset(e.line.Room(now).Sub(now))
		}
		return err
	}
	e.pump(now)
	return nil
}

// pump moves what has reached the end of the line to the socket, and sets the alarm for the next.
func (e *end) pump(now clock.Time) {
	for e.line.Next() <= now {
		p := e.line.Pop(now)
		switch {
		case p == nil:
		case e.out.n >= e.limit+e.sock.batch() && !e.line.Spec().Block:
			e.lost.add(p.Len())
			p.Release()
		default:
			e.out.push(p)
		}
	}
	if next := e.line.Next(); next != clock.Never {
		e.arrival.Reset(next.Sub(now))
	} else {
		e.arrival.Stop()
	}
	if e.out.n == 0 {
		return
	}
	e.w.touch(&e.flusher)
	if e.out.n%e.sock.batch() == 0 {
		e.flush()
	}
}

// flush writes as much of out as the socket at the other end has room for.
func (e *end) flush() {
	for e.out.n > 0 && !e.waiting {
		room := e.budget - e.cost
		if e.cost == 0 {
			room = max(room, bufferCost(e.max)) // one frame always fits
		}
		n, err := e.sock.write(&e.out, room)
		for range n {
			p := e.out.pop()
			e.cost += bufferCost(p.Len())
			e.inKernel.add(p.Len())
			p.Release()
		}
		if errors.Is(err, unix.EAGAIN) {
			e.waiting = true
			err = e.sock.watcher.awaitRoom()
		}
		if err != nil && !e.w.isClosed() {
			e.w.fail(err)
			return
		}
		if n > 0 && e.stall.place == idle {
			e.moved = false
			e.stall.Reset(stallTime)
		}
		if n == 0 {
			break
		}
	}
	if e.blocked && e.out.n < e.limit && e.room.place == idle {
		e.room.Reset(e.untilRoom())
	}
}

// untilRoom returns how long the line stays full.
func (e *end) untilRoom() time.Duration {
	now := e.w.Now()
	if at := e.line.Room(now); at != clock.Never {
		return at.Sub(now)
	}
	return 0
}

// writableSocket goes on when the socket takes more.
func (e *end) writableSocket() {
	e.waiting = false
	e.flush()
}

// tell has the user know the state of the wire, unless it does.
func (e *end) tell(up bool) {
	if e.info.Up == up {
		return
	}
	e.info.Up = up
	if e.user != nil {
		e.user.LinkState(up)
	}
}

// revive gives the end to the next life of its node. The port of the old life is inert from then on.
func (e *end) revive(next *node) {
	if e.notice != nil {
		e.notice.Stop()
	}
	e.port.info, e.port.end = e.info, nil
	e.port.info.Up = false
	e.node, e.user, e.blocked, e.notice = next, nil, false, nil
	e.port = &port{end: e}
}

// writable tells a blocked user that there is room again.
func (e *end) writable() {
	if !e.blocked {
		return
	}
	e.blocked = false
	if e.user != nil && !e.node.dead {
		e.user.Writable()
	}
}

// changed brings the timers up to date after the line was changed.
func (e *end) changed(now clock.Time) {
	e.setLimit()
	e.pump(now)
	if e.blocked {
		e.room.Reset(0)
	}
}

// receive hands over a frame that arrived, a copy of data.
func (e *end) receive(data []byte) {
	from := e.peer
	from.delivered(len(data))
	if e.user == nil || e.node.dead {
		from.unheard.add(len(data))
		return
	}
	e.user.Receive(e.w.pool.GetCopy(rxHeadroom, data), from.info.Addr)
}

// delivered takes a frame of n bytes that was read at the other end off the account of the kernel.
func (e *end) delivered(n int) {
	if e.inKernel.packets == 0 {
		return // late, after giveUp
	}
	e.cost -= bufferCost(n)
	e.inKernel.sub(n)
	e.moved = true
}

// giveUp counts the frames in the kernel as lost and goes on, unless some have come out of it.
func (e *end) giveUp() {
	if e.moved && e.inKernel.packets > 0 {
		e.moved = false
		e.stall.Reset(stallTime)
		return
	}
	e.lost.packets += e.inKernel.packets
	e.lost.bytes += e.inKernel.bytes
	e.inKernel, e.cost = tally{}, 0
	e.flush()
}

// stats returns the counters of the direction from this end.
func (e *end) stats() core.LinkStats {
	st := e.line.Stats(e.w.Now())
	st.SentPackets += e.astray.packets
	st.SentBytes += e.astray.bytes
	st.DropLoss += e.astray.packets
	st.DropQueue += e.lost.packets
	st.DropDown += e.unheard.packets
	st.DeliveredPackets -= e.lost.packets + e.unheard.packets
	st.DeliveredBytes -= e.lost.bytes + e.unheard.bytes
	return st
}

// release gives back what is still on the link.
func (e *end) release() {
	e.line.Abandon()
	for e.out.n > 0 {
		e.out.pop().Release()
	}
}
