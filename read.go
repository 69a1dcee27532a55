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
func (f *Flow) ReadMsg(b []byte) (int, error) {
	f.dropPart()
	p, err := f.receive()
	if err != nil {
		return 0, err
	}
	defer p.Release()
	if p.Len() > len(b) {
		return 0, fmt.Errorf("read: message of %d bytes into %d: %w", p.Len(), len(b), core.ErrMsgSize)
	}
	return copy(b, p.Bytes()), nil
}

// Read reads one message or a part of it into b and returns how many bytes. The rest of a message
// longer than b is returned by the next calls. A message has ended with the read that does not fill b;
// where it ends exactly with b, the next Read returns 0 and no error (spec 14 §14.3).
func (f *Flow) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if f.endMark {
		f.endMark = false
		return 0, nil
	}
	if f.part == nil {
		p, err := f.receive()
		if err != nil {
			return 0, err
		}
		f.part = p
	}
	n := min(len(b), f.part.Len())
	copy(b, f.part.Pull(n))
	if f.part.Len() == 0 {
		f.dropPart()
		f.endMark = n == len(b)
	}
	return n, nil
}

// ReadPacket reads one whole message without copying it. The caller owns the packet and releases it.
func (f *Flow) ReadPacket() (*pkt.Buf, error) {
	f.dropPart()
	return f.receive()
}

func (f *Flow) dropPart() {
	f.endMark = false
	if f.part != nil {
		f.part.Release()
		f.part = nil
	}
}

// receive waits for the next packet.
func (f *Flow) receive() (*pkt.Buf, error) {
	if err := f.reader.await(&f.readDeadline, f.tryRead); err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if f.err != nil {
		return nil, fmt.Errorf("read: %w", f.err)
	}
	p := f.got
	f.got = nil
	return p, nil
}

// take is one attempt to read, on the actor.
func (f *Flow) take() bool {
	f.err = nil
	switch {
	case f.closed:
		f.err = core.ErrNotAlloc
	case len(f.rx) > 0:
		f.got = f.rx[0]
		f.rx = slices.Delete(f.rx, 0, 1)
		if f.paused && len(f.rx) <= readAgain {
			f.paused, f.resumed = false, true
			f.under.SetReceive(true)
		}
	case f.ended != nil:
		f.err = f.ended
	case f.down && f.resumed:
		// What the provider held is delivered by calls posted for this instant. A nanosecond later
		// they have been made, and the end of the flow may be reported.
		f.settle.Reset(time.Nanosecond)
		return false
	case f.down:
		f.err = core.ErrFlowDown
	default:
		return false
	}
	return true
}
