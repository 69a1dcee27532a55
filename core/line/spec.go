package line

import (
	"fmt"
	"slices"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// Validate reports the first value of a spec that no line can have.
func Validate(s core.LinkSpec) error {
	probs := []struct {
		key string
		v   float64
	}{{"loss", s.Loss}, {"ber", s.BER}, {"reorder", s.Reorder}, {"duplicate", s.Duplicate}}
	if g := s.Gilbert; g != nil {
		probs = append(probs, []struct {
			key string
			v   float64
		}{{"gilbert p", g.P}, {"gilbert r", g.R}, {"gilbert loss_good", g.LossGood}, {"gilbert loss_bad", g.LossBad}}...)
	}
	for _, p := range probs {
		if !(p.v >= 0 && p.v <= 1) {
			return fmt.Errorf("link %s: %s: %v: accepted is a probability from 0 to 1", s.Name, p.key, p.v)
		}
	}
	for _, v := range []struct {
		key string
		v   int64
	}{
		{"rate", s.Rate},
		{"delay", int64(s.Delay)},
		{"jitter", int64(s.Jitter)},
		{"detect", int64(s.Detect)},
		{"reorder by", int64(s.ReorderBy)},
		{"queue packets", int64(s.QueuePackets)},
		{"queue bytes", s.QueueBytes},
		{"queue device", int64(s.Device)},
		{"mtu", int64(s.MTU)},
		{"overhead", int64(s.Overhead)},
		{"detect", int64(s.Detect)},
	} {
		if v.v < 0 {
			return fmt.Errorf("link %s: %s: %d: accepted is 0 or more", s.Name, v.key, v.v)
		}
	}
	return nil
}

// Set changes the line at time now. Packets whose service has begun keep what they started with; those
// that wait are served at the new rate and delay. A change of rate or overhead ends the busy period for
// the carried remainder, which is below 1 ns.
func (l *Line) Set(now clock.Time, s core.LinkSpec) error {
	if err := Validate(s); err != nil {
		return err
	}
	if s.QueuePackets == 0 && s.QueueBytes == 0 {
		s.QueuePackets = DefaultQueue
	}
	s.Drop = slices.Clone(s.Drop)
	if s.Gilbert != nil {
		g := *s.Gilbert
		s.Gilbert = &g
	}
	old := l.spec
	l.spec = s
	l.plain = s.Loss == 0 && s.Gilbert == nil && len(s.Drop) == 0 && s.BER == 0 && s.Jitter == 0 && s.Reorder == 0 && s.Duplicate == 0
	l.sent = 0
	served := old.Rate == s.Rate && old.Overhead == s.Overhead
	if !served {
		l.serSize, l.rem = -1, 0
	}
	if !served || old.Delay != s.Delay {
		l.retime(now, !served)
	}
	return nil
}

// Spec returns the spec in force.
func (l *Line) Spec() core.LinkSpec { return l.spec }
