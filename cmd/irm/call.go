package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"time"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
)

// call is a command line that was understood.
type call struct {
	cmd     *command
	opts    options
	subject string
	given   []given
	rest    []string // what stands behind "--"
	out     io.Writer
	client  *control.Client
}

// has reports whether a keyword was given.
func (c *call) has(word string) bool { return len(c.all(word)) > 0 }

// all returns the values of a keyword.
func (c *call) all(word string) []string {
	var out []string
	for _, g := range c.given {
		if g.k.word == word {
			out = append(out, g.value)
		}
	}
	return out
}

// value returns the value of a keyword, "" if it was not given.
func (c *call) value(word string) string {
	if all := c.all(word); len(all) > 0 {
		return all[0]
	}
	return ""
}

// grace is what a daemon has to tell that its own time is over.
const grace = 2 * time.Second

// execute runs the call.
func (c *call) execute(ctx context.Context) error {
	t := c.opts.timeout
	if t == 0 && c.cmd.time > 0 {
		t = c.cmd.time + grace
	}
	if t > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t)
		defer cancel()
	}
	defer func() {
		if c.client != nil {
			c.client.Close()
		}
	}()
	if err := c.cmd.run(ctx, c); err != nil {
		return &failedError{c.cmd, err}
	}
	return nil
}

// daemon returns the connection to the daemon.
func (c *call) daemon(ctx context.Context) (control.Handler, error) {
	if c.client == nil {
		client, err := control.Dial(ctx, control.Dir(c.opts.dir))
		if err != nil {
			return nil, err
		}
		c.client = client
	}
	return c.client, nil
}

// failedError is an error of a command that was understood.
type failedError struct {
	cmd *command
	err error
}

func (e *failedError) Error() string { return e.err.Error() }
func (e *failedError) Unwrap() error { return e.err }

// sentence is the line that a user reads.
func sentence(c *call, err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	var failed *failedError
	var dial *control.DialError
	if errors.As(err, &failed) && !errors.As(err, &dial) && failed.cmd.failure != "" {
		return failed.cmd.failure + " " + text
	}
	if c != nil && !errors.As(err, &failed) && !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

// code returns the number of an error, 0 for none.
func code(err error) int {
	var c core.Code
	if errors.As(err, &c) {
		return int(c)
	}
	return 0
}

// version describes this executable.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" {
		v = "(devel)"
	}
	return fmt.Sprintf("%s (%s)", v, info.GoVersion)
}
