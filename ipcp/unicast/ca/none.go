package ca

import (
	"math"
	"time"

	"ouroboros/core"
	"ouroboros/core/policy"
)

func noneFactory() policy.Factory[Avoidance] {
	return policy.Factory[Avoidance]{
		Name: "none",
		Doc:  "no marking, no feedback, no pause (spec 06 §1)",
		New:  func(core.Env, any) (Avoidance, error) { return none{}, nil },
	}
}

// none is the policy and the context of each of its flows: it has no state.
type none struct{}

func (none) NewPort(int64) Marker { return nil }

func (none) NewFlow(core.Time) Flow { return none{} }

func (none) Send(core.Time, int) time.Duration { return 0 }

func (none) Recv(core.Time, int, uint8) (report bool, ece uint16) { return false, 0 }

func (none) Report(core.Time, uint16) {}

func (none) Rate() int64 { return 0 }

func (none) Snapshot() Snapshot { return Snapshot{Algorithm: "None", Rate: math.Inf(1)} }
