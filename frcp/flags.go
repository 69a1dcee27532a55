package frcp

import (
	"fmt"

	"ouroboros/core"
)

// Flags switch parts of the protocol at one end of a flow; the peer is not told. The values are those of fccntl (spec
// 10 §10.16).
type Flags uint16

// The flags. A reliable flow starts with all, an ordered one with FlagResourceControl.
const (
	// FlagRetransmit says that the flow is reliable. It cannot be changed: both ends have agreed on it.
	FlagRetransmit Flags = 1
	// FlagResourceControl has writing wait for the window of the peer. Without it, what is sent beyond the window is
	// dropped by a peer that has no room, and sent again on a reliable flow; on an ordered flow it is lost, and so is
	// all that follows until the peer has read so far.
	FlagResourceControl Flags = 2
	// FlagLinger has Close go on until what was sent is acknowledged. Without it, Close gives the rest up.
	FlagLinger Flags = 4

	allFlags = FlagRetransmit | FlagResourceControl | FlagLinger
)

// Flags returns the flags that are set; none on a raw flow.
func (c *Conn) Flags() Flags {
	var f Flags
	switch c.cfg.Mode {
	case core.ModeRaw:
		return 0
	case core.ModeReliable:
		f = FlagRetransmit
		if !c.hasty {
			f |= FlagLinger
		}
	}
	if !c.snd.free {
		f |= FlagResourceControl
	}
	return f
}

// SetFlags replaces the flags. It fails with core.ErrPerm on raw flows and when FlagRetransmit would change, and with
// core.ErrInvalid for what is no flag. FlagLinger is ignored on ordered flows, where nothing is sent again.
func (c *Conn) SetFlags(f Flags) error {
	switch {
	case f&^allFlags != 0:
		return fmt.Errorf("frcp flags %#o: accepted are %#o: %w", uint16(f), uint16(allFlags), core.ErrInvalid)
	case c.cfg.Mode == core.ModeRaw:
		return fmt.Errorf("a raw flow has no FRCP: %w", core.ErrPerm)
	case (f&FlagRetransmit != 0) != (c.cfg.Mode == core.ModeReliable):
		return fmt.Errorf("retransmission of a flow that is %v cannot be changed: %w", c.cfg.Mode, core.ErrPerm)
	}
	c.snd.free = f&FlagResourceControl == 0
	c.hasty = f&FlagLinger == 0
	return nil
}

// Flags returns the flags that are set; none on a raw flow.
func (e *Endpoint) Flags() Flags { return e.conn.Flags() }

// SetFlags replaces the flags; see Conn.SetFlags. A user who waits for the window of the peer is told when it need
// not any more.
func (e *Endpoint) SetFlags(f Flags) error {
	if err := e.conn.SetFlags(f); err != nil {
		return err
	}
	e.post()
	return nil
}
