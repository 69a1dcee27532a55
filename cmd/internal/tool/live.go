package tool

import (
	"context"
	"errors"
	"io"
	"time"

	"ouroboros"
	"ouroboros/core"
	"ouroboros/shim/host/app"
)

// Live runs a program on the system whose daemon has its sockets in dir, by default that of the environment. It is an
// Opener.
func Live(ctx context.Context, dir, _ string, out io.Writer, program func(*System) error) error {
	s, err := app.Open(app.WithDir(dir))
	if err != nil {
		return err
	}
	err = s.Run(ctx, func(b core.Blocker, a *ouroboros.App) error {
		return program(&System{App: a, B: b, Wall: func() int64 { return time.Now().UnixNano() }, Out: out})
	})
	return errors.Join(err, s.Close())
}
