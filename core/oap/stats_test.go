package oap

import (
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/crypt"
	"ouroboros/core/wire"
)

// Every request is in exactly one counter.
func TestRequestsAreCountedByWhatBecameOfThem(t *testing.T) {
	_, roots := ca(t)
	var s Server
	total := uint64(0)
	try := func(what string, cfg *Config, change func(*wire.OAP), counter *uint64) {
		t.Helper()
		total++
		m := wire.OAP{ID: [16]byte{byte(total)}, Timestamp: epoch}
		change(&m)
		before := *counter
		_, _, err := s.Respond(system(2), cfg, m.Append(nil))
		if *counter != before+1 || s.stats.Accepted+s.stats.Refused() != total || (err == nil) != (counter == &s.stats.Accepted) {
			t.Errorf("%s: %+v, %v", what, s.Stats(), err)
		}
	}
	demanding := &Config{Roots: roots, RequirePeer: true}
	try("plain", nil, func(*wire.OAP) {}, &s.stats.Accepted)
	try("bytes behind", nil, func(m *wire.OAP) { m.Signature = []byte{1} }, &s.stats.Malformed)
	try("flags without a key", nil, func(m *wire.OAP) { m.KexFlags = wire.OAPKexRaw }, &s.stats.Malformed)
	try("old", nil, func(m *wire.OAP) { m.Timestamp -= uint64(time.Minute) }, &s.stats.Stale)
	try("from the future", nil, func(m *wire.OAP) { m.Timestamp += uint64(time.Minute) }, &s.stats.Stale)
	try("no time at all", nil, func(m *wire.OAP) { m.Timestamp = 1 << 63 }, &s.stats.Stale)
	try("repeated", nil, func(m *wire.OAP) { m.ID[0] = 1 }, &s.stats.Repeated)
	try("anonymous", demanding, func(*wire.OAP) {}, &s.stats.Unknown)
	try("no certificate", demanding, func(m *wire.OAP) { m.Certificate, m.Signature = []byte{1}, []byte{2} }, &s.stats.Unknown)
	try("no key", &Config{Enc: crypt.DefaultConfig()}, func(*wire.OAP) {}, &s.stats.Unmet)
	for i := len(s.replay.seen); i < MaxReplay; i++ {
		s.replay.note(&wire.OAP{ID: [16]byte{0xff, byte(i), byte(i >> 8)}, Timestamp: epoch}, epoch)
	}
	try("one too many", nil, func(*wire.OAP) {}, &s.stats.Excess)
	_, _, err := s.Respond(system(2), nil, (&wire.OAP{ID: [16]byte{77}, Timestamp: epoch}).Append(nil))
	mustFail(t, err, core.ErrAgain, "65536 requests")
}
