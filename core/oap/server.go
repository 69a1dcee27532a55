package oap

import (
	"crypto/sha512"
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/wire"
)

const (
	// ReplayWindow is how old a request may be (spec 11 §11.6).
	ReplayWindow = 20 * time.Second
	// ClockSlack is how far in the future its timestamp may lie.
	ClockSlack = 100 * time.Millisecond
	// MaxReplay is how many requests a server accepts within a window. The list of the prototype has no
	// bound; a request beyond it is refused, because forgetting one would open the door to its replay.
	MaxReplay = 1 << 16
)

// Server answers requests. The only thing that it keeps is the list of requests seen within the
// replay window. The zero Server is ready.
type Server struct {
	seen map[seenKey]struct{}
	// order holds the same requests oldest first, from head on.
	order []seenAt
	head  int
}

type seenKey struct {
	id        [wire.OAPIDLen]byte
	timestamp uint64
}

type seenAt struct {
	key  seenKey
	wall int64
}

// Respond checks a request and returns the response to it, ResponseLen bytes that belong to the
// caller. A malformed, stale or repeated request is an ErrAuth, one that asks for what the plain
// exchange does not know an ErrCrypt, one too many within the window an ErrAgain. The code of the
// error travels in the negative reply, without OAP bytes (spec 11 §11.4).
func (s *Server) Respond(env core.Env, _ *Config, request []byte) ([]byte, Outcome, error) {
	m, err := wire.ParseOAP(request, 0)
	if err != nil {
		return nil, Outcome{}, fmt.Errorf("%w: request: %w", core.ErrAuth, err)
	}
	wall := env.Wall()
	if err := s.fresh(&m, wall); err != nil {
		return nil, Outcome{}, err
	}
	if err := refuse(&m); err != nil {
		return nil, Outcome{}, err
	}
	hash := sha512.Sum384(request)
	answer := wire.OAP{ID: m.ID, Timestamp: uint64(wall), RequestHash: hash[:]}
	return answer.Append(make([]byte, 0, ResponseLen)), Outcome{}, nil
}

// fresh is the replay check of spec 11 §11.6. It notes the request as seen.
func (s *Server) fresh(m *wire.OAP, wall int64) error {
	if m.Timestamp > 1<<63-1 || wall < 0 {
		return fmt.Errorf("%w: request: timestamp %d ns out of range", core.ErrAuth, m.Timestamp)
	}
	// Truncated to milliseconds, as the prototype compares: 20.0009 s is still in time.
	switch age := (wall - int64(m.Timestamp)) / int64(time.Millisecond); {
	case age > ReplayWindow.Milliseconds():
		return fmt.Errorf("%w: request: %d ms old, accepted are %d", core.ErrAuth, age, ReplayWindow.Milliseconds())
	case age < -ClockSlack.Milliseconds():
		return fmt.Errorf("%w: request: %d ms in the future, accepted are %d", core.ErrAuth, -age, ClockSlack.Milliseconds())
	}
	s.forget(wall)
	key := seenKey{m.ID, m.Timestamp}
	if _, dup := s.seen[key]; dup {
		return fmt.Errorf("%w: request: repeated", core.ErrAuth)
	}
	if len(s.seen) >= MaxReplay {
		return fmt.Errorf("%w: %d requests within %v", core.ErrAgain, MaxReplay, ReplayWindow)
	}
	if s.seen == nil {
		s.seen = make(map[seenKey]struct{})
	}
	s.seen[key] = struct{}{}
	s.order = append(s.order, seenAt{key, wall})
	return nil
}

// forget drops the requests that are too old to be accepted again whatever their timestamp was.
func (s *Server) forget(wall int64) {
	const keep = int64(ReplayWindow + ClockSlack + time.Millisecond)
	for s.head < len(s.order) && wall-s.order[s.head].wall > keep {
		delete(s.seen, s.order[s.head].key)
		s.head++
	}
	// Moving the rest down only when half is gone keeps the cost of a request constant.
	if s.head > len(s.order)/2 {
		n := copy(s.order, s.order[s.head:])
		s.order, s.head = s.order[:n], 0
	}
}
