package traffic

import (
	"fmt"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// ErrKilled ends the source of a flow whose node was killed. It is core.ErrFlowDown.
var ErrKilled = fmt.Errorf("%w: the node of the source was killed", core.ErrFlowDown)

// killed ends a source that has begun: what it was about is gone with its node. One that begins later fails too,
// unless its node is there again by then.
func (f *Flow) killed() {
	switch {
	case f.halves != nil: // it says so itself
	case f.Stats.Ended != clock.Never:
	case f.began:
		f.fail(ErrKilled)
	default:
		f.Stats.Failure = ErrKilled
	}
}

// revived arms the start of a source that has not begun by now.
func (f *Flow) revived() {
	if f.began || f.halves != nil || f.Stats.Ended != clock.Never || !f.From.AppsHere() {
		return
	}
	f.live()
	if f.Start < f.env.Now() {
		f.fail(ErrKilled)
		return
	}
	f.Stats.Failure = nil
	f.Begin()
}
