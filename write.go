package ouroboros

import (
	"errors"
	"fmt"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// WriteMsg writes b as one message and waits until the flow has taken it. An empty message only tells
// the peer that this end is alive. A message longer than Info().MTU fails with a core.SizeError, which
// says both lengths and is a core.ErrMsgSize; one on a flow that is down fails with core.ErrFlowDown; at the
// deadline it fails with core.ErrTimedOut and was not sent (spec 14 §14.2, §14.3).
func (f *Flow) WriteMsg(b []byte) error {
	if len(b) > f.mtu { // before the copy: b may be of any length
		return fmt.Errorf("write: %w", core.SizeError{Len: len(b), MTU: f.mtu})
	}
	p := f.NewPacket(len(b))
	copy(p.Bytes(), b)
	return f.WritePacket(p)
}

// Write is WriteMsg in the form of io.Writer.
func (f *Flow) Write(b []byte) (int, error) {
	if err := f.WriteMsg(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// NewPacket returns a packet of n zero bytes with the headroom that this flow needs, for WritePacket.
func (f *Flow) NewPacket(n int) *pkt.Buf {
	return f.app.env.Pool.Get(f.headroom, n)
}

// WritePacket writes p as one message without copying it. p is taken, whatever the result.
func (f *Flow) WritePacket(p *pkt.Buf) error {
	f.tx = p
	err := f.writer.await(&f.writeDeadline, f.tryWrite)
	if f.tx != nil {
		f.tx.Release()
		f.tx = nil
	}
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if f.err != nil {
		return fmt.Errorf("write: %w", f.err)
	}
	return nil
}

// put is one attempt to write, on the actor. A packet that the flow does not take stays in f.tx.
func (f *Flow) put() bool {
	f.err = nil
	switch {
	case f.closed:
		f.err = core.ErrNotAlloc
	case f.ended != nil:
		f.err = f.ended
	case f.down:
		f.err = core.ErrFlowDown
	case f.full:
		return false
	default:
		f.err = f.under.Write(f.tx)
		if errors.Is(f.err, core.ErrWouldBlock) {
			f.full = true
			return false
		}
		f.tx = nil
	}
	return true
}
