package main

import (
	"errors"
	"time"

	"ouroboros/cmd/internal/tool"
)

const (
	maxFlows = 256
	maxIdle  = 10 * time.Second
)

// serve answers requests until it is interrupted.
func (o *options) serve(s *tool.System) error {
	l, err := o.peer.ListenOn(s)
	if err != nil {
		return err
	}
	defer l.Close()
	say := s.Printf
	if o.quiet {
		say = func(string, ...any) {}
	}
	say("Ouroboros ping server started.\n")
	v := tool.Server[struct{}]{
		System: s, MaxFlows: maxFlows, Idle: maxIdle, Buffer: maxSize,
		Opened: func(c *tool.Client[struct{}]) error {
			say("New flow %d.\n", c.FD)
			return nil
		},
		Message: func(c *tool.Client[struct{}], b []byte) error {
			say("Received %d bytes on fd %d.\n", len(b), c.FD)
			if !makeReply(b) {
				return nil
			}
			return c.Flow.WriteMsg(b)
		},
		Ended: func(c *tool.Client[struct{}], err error) {
			if errors.Is(err, tool.ErrIdle) {
				say("Flow %d timed out.\n", c.FD)
			} else {
				say("Flow %d closed.\n", c.FD)
			}
		},
	}
	return v.Serve(l)
}
