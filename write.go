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
	return f.write(b, nil)
}

// Write is WriteMsg in the form of io.Writer.
func (f *Flow) Write(b []byte) (int, error) {
	if err := f.WriteMsg(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// NewPacket returns a packet of n zero bytes with the headroom that this flow needs, for WritePacket. It is nil when
// there is no actor any more.
func (f *Flow) NewPacket(n int) (p *pkt.Buf) {
	if f.app.shared == nil {
		return f.app.env.Pool.Get(f.headroom, n)
	}
	f.gate.do(func() { p = f.app.env.Pool.Get(f.headroom, n) })
	return p
}

// WritePacket writes p as one message without copying it. p is taken, whatever the result.
func (f *Flow) WritePacket(p *pkt.Buf) error { return f.write(nil, p) }

func (f *Flow) write(b []byte, p *pkt.Buf) error {
	f.writeMu.Lock()
	defer f.writeMu.Unlock()
	w := &f.writing
	w.out, w.tx, w.err = b, p, nil
	err := f.writer.await(&f.writeDeadline, &f.writeTimeout, w.msg)
	w.out = nil
	if w.tx != nil {
		f.gate.do(f.dropSending)
		w.tx = nil
	}
	if err == nil {
		err = w.err
	}
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// dropSending gives a packet back that was not taken, on the actor.
func (f *Flow) dropSending() {
	if p := f.writing.tx; p != nil {
		p.Release()
		f.writing.tx = nil
	}
}

// putMsg is one attempt to write, on the actor. A packet that the flow does not take stays with the call.
func (f *Flow) putMsg() bool {
	w := &f.writing
	if w.tx == nil {
		w.tx = f.app.env.Pool.GetCopy(f.headroom, w.out)
	}
	ok, took, err := f.put(w.tx)
	if w.err = err; took {
		w.tx = nil
	}
	return ok
}

// put tries to write p, on the actor. ok says that the call need not wait, took that p is gone.
func (f *Flow) put(p *pkt.Buf) (ok, took bool, err error) {
	switch {
	case f.closed:
		return true, false, core.ErrNotAlloc
	case f.flags&accessMask == ReadOnly:
		return true, false, core.ErrPerm
	case f.ended != nil:
		return true, false, f.ended
	case f.isDown():
		return true, false, core.ErrFlowDown
	}
	if !f.full {
		err = f.under.Write(p)
		if !errors.Is(err, core.ErrWouldBlock) {
			return true, true, err
		}
		f.full = true
	}
	if f.flags&WriteNonblock != 0 {
		f.refused = true
		return true, false, core.ErrAgain
	}
	return false, false, nil
}
