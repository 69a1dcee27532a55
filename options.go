package ouroboros

import (
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/frcp"
)

// FlowFlags say how the program uses its end of a flow. They are never sent to the peer. The values are those of
// fccntl (spec 14 §14.4).
type FlowFlags uint32

// Access, one of three, and switches. A flow has DefaultFlags until SetFlags.
const (
	ReadOnly  FlowFlags = 0 // WriteMsg fails with core.ErrPerm
	WriteOnly FlowFlags = 1 // ReadMsg fails with core.ErrPerm
	ReadWrite FlowFlags = 2

	// MarkDown has the program itself take the flow for down, as if its provider had said so.
	MarkDown FlowFlags = 4

	ReadNonblock  FlowFlags = 0o1000 // a read that would wait fails with core.ErrAgain
	WriteNonblock FlowFlags = 0o2000 // a write that would wait fails with core.ErrAgain
	Nonblock                = ReadNonblock | WriteNonblock

	// ReadNoPartial makes Read discard a message that is too long, with core.ErrMsgSize, as ReadMsg does.
	ReadNoPartial FlowFlags = 0o10000
	// WriteNoPartial changes nothing: a message is written whole or not at all.
	WriteNoPartial FlowFlags = 0o20000

	DefaultFlags = ReadWrite | WriteNoPartial

	accessMask FlowFlags = 3
	allFlags             = accessMask | MarkDown | Nonblock | ReadNoPartial | WriteNoPartial
)

// FRCPFlags say what the end-to-end protocol of a flow does (spec 10 §10.16).
type FRCPFlags = frcp.Flags

// The flags.
const (
	FRCPRetransmit      = frcp.FlagRetransmit      // what is lost is sent again; it cannot be changed
	FRCPResourceControl = frcp.FlagResourceControl // writing waits for the window of the peer
	FRCPLinger          = frcp.FlagLinger          // Close has what was written delivered
)

// SetReadTimeout limits how long each read waits, from its start: then it fails with core.ErrTimedOut. 0 is no limit.
// A deadline that is set as well may come first.
func (f *Flow) SetReadTimeout(d time.Duration) error { return f.setTimeout("read", &f.readTimeout, d) }

// SetWriteTimeout does the same for writing: for the window of the peer, and for room in the queue.
func (f *Flow) SetWriteTimeout(d time.Duration) error {
	return f.setTimeout("write", &f.writeTimeout, d)
}

func (f *Flow) setTimeout(what string, of *time.Duration, d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("%s timeout %v: accepted is 0 (none) or more: %w", what, d, core.ErrInvalid)
	}
	return f.set("set "+what+" timeout", func() error {
		*of = d
		return nil
	})
}

// ReadTimeout returns what SetReadTimeout has set, 0 for none.
func (f *Flow) ReadTimeout() (d time.Duration) {
	f.gate.do(func() { d = f.readTimeout })
	return d
}

// WriteTimeout returns what SetWriteTimeout has set, 0 for none.
func (f *Flow) WriteTimeout() (d time.Duration) {
	f.gate.do(func() { d = f.writeTimeout })
	return d
}

// Flags returns the flags that are set.
func (f *Flow) Flags() (x FlowFlags) {
	f.gate.do(func() { x = f.flags })
	return x
}

// SetFlags replaces all flags; access must be among them, since ReadOnly is 0. A call that waits sees the new ones.
// Unlike the prototype's, WriteOnly is about reading and ReadWrite undoes both, and a call that does not change
// MarkDown makes no event.
func (f *Flow) SetFlags(x FlowFlags) error {
	if x&^allFlags != 0 || x&accessMask == accessMask {
		return fmt.Errorf("set flags %#o: accepted are one of ReadOnly, WriteOnly, ReadWrite and the switches %#o: %w",
			uint32(x), uint32(allFlags&^accessMask), core.ErrInvalid)
	}
	return f.set("set flags", func() error {
		f.turn(func() { f.flags = x })
		return nil
	})
}

// FRCPFlags returns the flags of the end-to-end protocol. It fails with core.ErrPerm on raw flows, which have none.
func (f *Flow) FRCPFlags() (x FRCPFlags, err error) {
	err = f.set("frcp flags", func() error {
		e, err := f.endpoint()
		if err == nil {
			x = e.Flags()
		}
		return err
	})
	return x, err
}

// SetFRCPFlags replaces them. FRCPRetransmit must be as it is: it belongs to the quality that was agreed on. It
// fails with core.ErrPerm on raw flows.
func (f *Flow) SetFRCPFlags(x FRCPFlags) error {
	return f.set("set frcp flags", func() error {
		e, err := f.endpoint()
		if err == nil {
			err = e.SetFlags(x)
		}
		return err
	})
}

// endpoint returns the end-to-end protocol of the flow, on the actor.
func (f *Flow) endpoint() (*frcp.Endpoint, error) {
	if e, ok := f.under.(*frcp.Endpoint); ok && f.under.Info().QoS.Mode() != core.ModeRaw {
		return e, nil
	}
	return nil, fmt.Errorf("a raw flow has no FRCP: %w", core.ErrPerm)
}

// set runs fn on the actor while the flow is open, and has what waits look again.
func (f *Flow) set(what string, fn func() error) error {
	err := error(core.ErrNotAlloc) // also when there is no actor any more
	f.gate.do(func() {
		if !f.closed {
			err = fn()
			f.signal()
		}
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// isDown reports whether the flow is down, for its provider or by MarkDown.
func (f *Flow) isDown() bool { return f.down || f.flags&MarkDown != 0 }

// turn makes a change that may take the flow down or bring it up, and tells of it.
func (f *Flow) turn(change func()) {
	was := f.isDown()
	change()
	switch is := f.isDown(); {
	case is && !was:
		f.news = f.news&^EventUp | EventDown
	case was && !is:
		f.news = f.news&^EventDown | EventUp
	}
	f.signal()
	f.member.wake()
}
