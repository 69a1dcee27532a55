package oap

import (
	"testing"
	"time"

	"ouroboros/core/wire"
)

// A clock that was ahead and is set right does not keep the list full: requests are accepted again after a window.
func TestReplayListSurvivesAClockSetBack_11_6(t *testing.T) {
	h := newHost()
	var s Server
	right := h.wall
	ask := func(i int) error {
		m := wire.OAP{Timestamp: uint64(h.wall)}
		m.ID[0], m.ID[1], m.ID[2] = byte(i), byte(i>>8), byte(i>>16)
		_, _, err := s.Respond(h.env(), nil, m.Append(nil))
		return err
	}
	h.wall += int64(time.Hour)
	if err := ask(0); err != nil {
		t.Fatal(err)
	}
	h.wall = right
	for i := range 2 * MaxReplay {
		h.wall += int64(time.Millisecond)
		if err := ask(i + 1); err != nil {
			t.Fatalf("request %d after the clock was set right: %v", i, err)
		}
	}
	m := wire.OAP{Timestamp: uint64(h.wall)}
	if _, _, err := s.Respond(h.env(), nil, m.Append(nil)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Respond(h.env(), nil, m.Append(nil)); err == nil {
		t.Error("a request was accepted twice")
	}
}
