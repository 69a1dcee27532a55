package ouroboros

import (
	"fmt"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// ReadMsg reads one whole message into b and returns its length. A message longer than b is discarded
// with core.ErrMsgSize. The rest of a message that Read has begun is discarded first. What has arrived
// is read before the end of the flow is reported, with core.ErrPeerClosed, core.ErrFlowDown, core.ErrFlowPeer
// or the reason of the provider (spec 14 §14.3).
func (f *Flow) ReadMsg(b []byte) (int, error) { return f.read(b, f.reading.msg) }

// Read reads one message or a part of it into b and returns how many bytes. The rest of a message
// longer than b is returned by the next calls. A message has ended with the read that does not fill b;
// where it ends exactly with b, the next Read returns 0 and no error (spec 14 §14.3). With ReadNoPartial it is
// ReadMsg.
func (f *Flow) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	return f.read(b, f.reading.part)
}

func (f *Flow) read(b []byte, try func() bool) (int, error) {
	f.readMu.Lock()
	defer f.readMu.Unlock()
	r := &f.reading
	r.in, r.n, r.err = b, 0, nil
	err := f.reader.await(&f.readDeadline, &f.readTimeout, try)
	r.in = nil
	if err == nil {
		err = r.err
	}
	if err != nil {
		return 0, fmt.Errorf("read: %w", err)
	}
	return r.n, nil
}

// ReadPacket reads one whole message without copying it. The caller owns the packet and releases it. It is for
// programs: packets belong to the actor, so that goroutines get core.ErrUnsupp.
func (f *Flow) ReadPacket() (*pkt.Buf, error) {
	if f.app.shared != nil {
		return nil, fmt.Errorf("read: packets are for programs, goroutines use ReadMsg: %w", core.ErrUnsupp)
	}
	r := &f.reading
	r.packet, r.err = nil, nil
	err := f.reader.await(&f.readDeadline, &f.readTimeout, r.pkt)
	if err == nil {
		err = r.err
	}
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return r.packet, nil
}

func (f *Flow) dropPart() {
	f.endMark = false
	if f.part != nil {
		f.part.Release()
		f.part = nil
	}
}

// takeMsg is one attempt at ReadMsg, on the actor.
func (f *Flow) takeMsg() bool {
	f.dropPart()
	p, ok, err := f.take()
	if !ok {
		return false
	}
	r := &f.reading
	r.err = err
	if p == nil {
		return true
	}
	if p.Len() > len(r.in) {
		r.err = fmt.Errorf("message of %d bytes into %d: %w", p.Len(), len(r.in), core.ErrMsgSize)
	} else {
		r.n = copy(r.in, p.Bytes())
	}
	p.Release()
	return true
}

// takePart is one attempt at Read, on the actor.
func (f *Flow) takePart() bool {
	r := &f.reading
	switch {
	case f.flags&ReadNoPartial != 0:
		return f.takeMsg()
	case f.endMark:
		f.endMark = false
		return true
	case f.part == nil:
		p, ok, err := f.take()
		if r.err = err; p == nil {
			return ok
		}
		f.part = p
	}
	r.n = min(len(r.in), f.part.Len())
	copy(r.in, f.part.Pull(r.n))
	if f.part.Len() == 0 {
		f.dropPart()
		f.endMark = r.n == len(r.in)
	}
	return true
}

// takePacket is one attempt at ReadPacket, on the actor.
func (f *Flow) takePacket() (ok bool) {
	f.dropPart()
	f.reading.packet, ok, f.reading.err = f.take()
	return ok
}

// take takes the next packet, on the actor. ok says that the call need not wait; then there is a packet or an error.
func (f *Flow) take() (p *pkt.Buf, ok bool, err error) {
	switch {
	case f.closed:
		return nil, true, core.ErrNotAlloc
	case f.flags&accessMask == WriteOnly:
		return nil, true, core.ErrPerm
	case len(f.rx) > 0:
		p = f.rx[0]
		f.rx = slices.Delete(f.rx, 0, 1)
		if f.paused && len(f.rx) <= readAgain {
			f.paused, f.resumed = false, true
			f.under.SetReceive(true)
		}
		return p, true, nil
	case f.ended != nil:
		return nil, true, f.ended
	case f.isDown() && f.resumed:
		// What the provider held is delivered by calls posted for this instant. A nanosecond later
		// they have been made, and the end of the flow may be reported.
		f.settle.Reset(time.Nanosecond)
	case f.isDown():
		return nil, true, core.ErrFlowDown
	case f.flags&ReadNonblock != 0:
		return nil, true, core.ErrAgain
	}
	return nil, false, nil
}
