package daemon

import (
	"context"
	"os"
	"time"

	"ouroboros/cmd/internal/control"
)

// Status describes the daemon.
func (s *System) Status(context.Context) (control.Status, error) {
	st := control.Status{Version: s.version, PID: os.Getpid(), Uptime: time.Since(s.began)}
	err := s.call(func() error {
		st.Counters = counters(s.numbers())
		return nil
	})
	return st, err
}
