package tool_test

import (
	"errors"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"ouroboros/cmd/internal/tool"
	"ouroboros/cmd/internal/tool/tooltest"
	"ouroboros/core"
)

// A server keeps a flow when an answer cannot be sent because the link is down: what comes later is answered.
func TestServerKeepsAFlowWhoseLinkWasDown(t *testing.T) {
	n := tooltest.New(t, tooltest.Worlds["simulated"](), core.LinkSpec{Delay: time.Millisecond})
	n.Systems[1].Bind("server", "echo")
	var writes []error
	var ended int
	none := func(*pflag.FlagSet) {}
	server := &tool.Tool{Name: "server", Flags: none, Program: func(s *tool.System) error {
		l, err := s.App.ListenBound()
		if err != nil {
			return err
		}
		v := tool.Server[struct{}]{
			System: s, MaxFlows: 2, Buffer: 100,
			Message: func(c *tool.Client[struct{}], b []byte) error {
				if len(writes) == 0 { // the request was the last that came through
					n.Wire.SetUp(false)
					if err := s.App.Sleep(time.Millisecond); err != nil {
						return err
					}
				}
				err := c.Flow.WriteMsg(b)
				writes = append(writes, err)
				n.Wire.SetUp(true)
				return err
			},
			Ended: func(*tool.Client[struct{}], error) { ended++ },
		}
		return v.Serve(l)
	}}
	answers := 0
	client := &tool.Tool{Name: "client", Flags: none, Program: func(s *tool.System) error {
		f, err := s.App.Dial("echo")
		if err != nil {
			return err
		}
		defer f.Close()
		for range 2 {
			if err := f.WriteMsg(make([]byte, 50)); err != nil {
				return err
			}
			if err := f.SetReadTimeout(100 * time.Millisecond); err != nil {
				return err
			}
			switch _, err := f.ReadMsg(make([]byte, 100)); {
			case err == nil:
				answers++
			case !errors.Is(err, core.ErrTimedOut) && !errors.Is(err, core.ErrFlowDown):
				return err
			}
			if err := s.App.Sleep(50 * time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	}}
	p := n.Systems[1].Start(server, "")
	n.Advance(20 * time.Millisecond)
	c := n.Systems[0].Start(client, "")
	n.Wait(c)
	if c.Code != tool.Fine || answers != 1 || ended != 0 || len(writes) != 2 || !errors.Is(writes[0], core.ErrFlowDown) {
		t.Errorf("client: code %d, %d answers, %s; the server ended %d flows, wrote %v", c.Code, answers, c.Err.String(), ended, writes)
	}
	p.Interrupt(0)
	n.Wait(p)
}
