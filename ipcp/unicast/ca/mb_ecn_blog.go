package ca

import (
	"ouroboros/core"
	"ouroboros/core/policy"
)

// mbECNBlog is mb-ecn as its author described it before it was released (project blog, 12 December 2020).
// Marking and sender are those of mb-ecn; the receiver differs from spec 06 §4:
//
//   - when congestion ends the level halves with every unmarked packet, instead of falling to a quarter;
//   - every packet that makes the level rise is reported, instead of the 1st, the 3rd and then every 8th;
//     while the level stays or falls every 8th packet is.
//
// A rising level therefore reaches the sender at once, for more messages.
//
// The description has slots double or halve once per slot where spec 06 scales by several steps at once. That
// is left as in the specification, since both end at the same length. Slow start is left too: the context
// that the description prints, from a run with two clients at about 43 Mb/s, has 51349 bytes per 65.536 µs,
// that is 6.3 Gb/s, so nothing capped it there either.
type mbECNBlog struct{ mbECN }

func (a *mbECNBlog) NewFlow(now core.Time) Flow { return &mbBlogFlow{a.newFlow(now)} }

// mbBlogFlow is mbFlow with another receiver.
type mbBlogFlow struct{ mbFlow }

// Recv counts all packets of a spell of congestion, marked or not.
func (f *mbBlogFlow) Recv(_ core.Time, _ int, ecn uint8) (report bool, ece uint16) {
	before := f.congested
	if before == 0 {
		f.seen = 0
		if ecn == 0 {
			return false, 0
		}
	}
	if ecn == 0 {
		f.congested >>= 1
	} else {
		f.congested += uint16(ecn) - before>>f.cfg.AverageShift
	}
	f.seen++
	report = f.congested > before || f.congested == 0 || f.seen%uint32(f.cfg.ReportEvery) == 0
	return report, f.congested
}

func (f *mbBlogFlow) Snapshot() Snapshot {
	s := f.mbFlow.Snapshot()
	s.Algorithm = "Multi-bit ECN (blog)"
	return s
}

func mbECNBlogFactory() policy.Factory[Avoidance] {
	return policy.Factory[Avoidance]{
		Name:   "mb-ecn-blog",
		Doc:    "mb-ecn as its author's blog has it: levels halve when congestion ends, every rise is reported",
		Config: func() any { return defaults() },
		New:    func(env core.Env, cfg any) (Avoidance, error) { return &mbECNBlog{newMBECN(env, cfg)}, nil },
	}
}
