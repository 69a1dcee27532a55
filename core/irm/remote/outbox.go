package remote

import (
	"encoding/binary"
	"errors"

	"ouroboros/core"
)

const (
	// batchLen is the length from which a message is sent without waiting for the end of the turn, so that
	// the other end can start on it.
	batchLen = 32 << 10
	// highWater is how many bytes may wait for the pipe before packets are refused.
	highWater = 256 << 10
	// maxFree is how many messages' memory is kept for the next ones.
	maxFree = 4
)

// outbox makes messages of records and sends them.
type outbox struct {
	env  core.Env
	pipe Pipe
	max  int

	msg    []byte   // being made
	queue  [][]byte // made and not taken by the pipe, oldest first
	free   [][]byte // memory of messages that were sent
	bytes  int      // in queue
	due    bool     // flush is posted
	run    func()   // flush, bound once
	secret bool     // there are keys in msg
	ended  bool
}

func (o *outbox) init(env core.Env, p Pipe) {
	o.env, o.pipe, o.max = env, p, p.Max()
	o.run = o.flush
}

// congested reports whether so much waits for the pipe that packets shall wait with their flows.
func (o *outbox) congested() bool { return o.waiting() >= highWater }

// waiting returns how many bytes have not been sent.
func (o *outbox) waiting() int { return o.bytes + len(o.msg) }

// header begins a record with a body of n bytes, which the caller appends to o.msg at once.
func (o *outbox) header(k kind, flags uint8, id uint32, n int) {
	if len(o.msg)+headerLen+n > o.max {
		o.seal()
	}
	o.msg = append(o.msg, byte(k), flags, byte(n>>8), byte(n))
	o.msg = binary.BigEndian.AppendUint32(o.msg, id)
	if !o.due {
		o.schedule()
	}
}

func (o *outbox) schedule() {
	o.due = true
	if t, ok := o.pipe.(Turns); ok {
		t.AtEnd(o.run)
		return
	}
	o.env.Post(o.run)
}

// data adds a packet.
func (o *outbox) data(id uint32, p []byte) {
	o.header(kindData, 0, id, len(p))
	o.msg = append(o.msg, p...)
	if len(o.msg) >= batchLen {
		o.seal()
	}
}

// put adds a record of another kind. Its body is made by fill.
func (o *outbox) put(k kind, flags uint8, id uint32, fill func(w *body)) {
	var w body
	if fill != nil {
		fill(&w)
	}
	o.header(k, flags, id, len(w.b))
	o.msg = append(o.msg, w.b...)
	clear(w.b) // there may be a key in it
}

// credit adds a record of that kind.
func (o *outbox) credit(id uint32, credit, packets, queue int) {
	o.header(kindCredit, 0, id, 12)
	o.msg = binary.BigEndian.AppendUint32(o.msg, uint32(credit))
	o.msg = binary.BigEndian.AppendUint32(o.msg, uint32(packets))
	o.msg = binary.BigEndian.AppendUint32(o.msg, uint32(queue))
}

// report adds a record of that kind.
func (o *outbox) report(id uint32, queue int, pace, rate int64) {
	o.header(kindReport, 0, id, 20)
	o.msg = binary.BigEndian.AppendUint32(o.msg, uint32(queue))
	o.msg = binary.BigEndian.AppendUint64(o.msg, uint64(max(pace, 0)))
	o.msg = binary.BigEndian.AppendUint64(o.msg, uint64(max(rate, 0)))
}

// flush sends what there is, at the end of the turn. Behind a message that waits it goes on growing.
func (o *outbox) flush() {
	o.due = false
	if len(o.queue) == 0 {
		o.seal()
	}
}

// seal ends the message that is being made and sends it.
func (o *outbox) seal() {
	switch {
	case len(o.msg) == 0:
	case o.ended:
		o.msg = o.msg[:0]
	case len(o.queue) > 0:
		o.keep()
	case o.send(o.msg):
		o.wipe(o.msg)
		o.msg, o.secret = o.msg[:0], false
	default:
		o.keep()
	}
}

// keep moves the message into the queue.
func (o *outbox) keep() {
	o.queue = append(o.queue, o.msg)
	o.bytes += len(o.msg)
	o.msg = nil
	if n := len(o.free); n > 0 {
		o.msg, o.free = o.free[n-1], o.free[:n-1]
	}
}

// send gives a message to the pipe and reports whether it is gone.
func (o *outbox) send(m []byte) bool {
	if err := o.pipe.Send(m); errors.Is(err, core.ErrWouldBlock) {
		return false
	}
	return true // or the pipe has ended, and Closed is on its way
}

// wipe clears a message that was sent if it may hold a key.
func (o *outbox) wipe(m []byte) {
	if o.secret {
		clear(m)
	}
}

// writable goes on when the pipe has room.
func (o *outbox) writable() {
	for len(o.queue) > 0 {
		m := o.queue[0]
		if !o.send(m) {
			return
		}
		o.queue[0] = nil
		o.queue = o.queue[1:]
		o.bytes -= len(m)
		o.wipe(m)
		if len(o.free) < maxFree {
			o.free = append(o.free, m[:0])
		}
	}
	o.queue = nil
	o.seal()
}

// end drops what has not been sent.
func (o *outbox) end() {
	o.ended = true
	o.msg, o.queue, o.free, o.bytes = nil, nil, nil, 0
}
