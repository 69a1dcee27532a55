package routing

import (
	"slices"
	"time"

	"ouroboros/core"
)

// refresh sends the own adjacencies again and drops what has not been refreshed (spec 04 §4.3).
func (m *linkState) refresh(now core.Time) {
	m.release(now, len(m.db.entries)) // ageing numbers the entries anew
	m.age(now)
	for _, i := range m.own() {
		e := &m.db.entries[i]
		e.seq = after(e.seq)
		m.originate(now, i, routine)
	}
	m.strikes = slices.DeleteFunc(m.strikes, func(s strike) bool { return now.Sub(s.since) > m.cfg.Timeout })
}

// own returns the own adjacencies that stand, in database order.
func (m *linkState) own() []int32 {
	var own []int32
	for i := range m.db.entries {
		if e := &m.db.entries[i]; e.src == m.self && !e.withdrawn {
			own = append(own, int32(i))
		}
	}
	slices.SortFunc(own, func(a, b int32) int {
		if m.db.entries[a].dst < m.db.entries[b].dst {
			return -1
		}
		return 1
	})
	return own
}

// age drops entries of others that are older than t_timeo. A withdrawn one stays for two more rounds:
// the last copy of its announcement, at a member that does not know withdrawals, goes within one.
func (m *linkState) age(now core.Time) {
	stamp := stampOf(now)
	limit := uint32(m.cfg.Timeout / time.Millisecond)
	gone := uint32((m.cfg.Timeout + 2*m.cfg.Update) / time.Millisecond)
	aged := func(e *entry) bool { return !e.withdrawn && e.src != m.self && stamp-e.stamp > limit }
	before := m.stats.TimedOut
	for i := range m.db.entries {
		if aged(&m.db.entries[i]) {
			m.stats.TimedOut++
		}
	}
	m.db.removeIf(func(e *entry) bool { return aged(e) || e.withdrawn && stamp-e.stamp > gone })
	if m.stats.TimedOut != before {
		m.markLater(now)
	}
}
