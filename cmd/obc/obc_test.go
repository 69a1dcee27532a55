package main

import (
	"strings"
	"testing"
	"time"

	"ouroboros/cmd/internal/tool/tooltest"
	"ouroboros/core"
)

// TestTheOthersPrintTheMessage_14_8: who listens prints what the other sends, in both worlds, and a writer leaves.
func TestTheOthersPrintTheMessage_14_8(t *testing.T) {
	for world, mk := range tooltest.Worlds {
		t.Run(world, func(t *testing.T) {
			n := tooltest.New(t, mk(), core.LinkSpec{})
			n.Broadcast("bcast")
			near := n.Systems[0].Start(newTool(), "-n bcast --listen")
			far := n.Systems[1].Start(newTool(), "-n bcast -l")
			n.Advance(50 * time.Millisecond)
			first := n.Systems[0].Start(newTool(), "-n bcast")
			n.Wait(first)
			n.Until("both have heard it", func() bool { return near.Out.Len() > 0 && far.Out.Len() > 0 })
			second := n.Systems[1].Start(newTool(), "-n bcast -m hello")
			n.Wait(second)
			want := "Message is Ouroboros multicast rocks!.\nMessage is hello.\n"
			n.Until("both have heard both", func() bool { return len(near.Out.String()) >= len(want) && len(far.Out.String()) >= len(want) })
			near.Interrupt(0)
			far.Interrupt(0)
			n.Wait(near, far)
			first.Expect(0, "", "")
			second.Expect(0, "", "")
			near.Expect(0, want, "")
			far.Expect(0, want, "")
		})
	}
}

// TestNoSuchLayer: exit code 1 with the reason, and 2 without a name.
func TestNoSuchLayer(t *testing.T) {
	n := tooltest.New(t, tooltest.Worlds["simulated"](), core.LinkSpec{})
	for line, want := range map[string]struct {
		code int
		text string
	}{
		"-n other": {1, `obc: join "other": no layer knows the name`},
		"-l":       {2, "no layer: give its name with -n"},
	} {
		p := n.Systems[0].Start(newTool(), line)
		if n.Wait(p); p.Code != want.code || !strings.Contains(p.Err.String(), want.text) {
			t.Errorf("%q: exit code %d, %q", line, p.Code, p.Err.String())
		}
	}
}

func TestOptionsAreDocumented(t *testing.T) { tooltest.Documented(t, newTool()) }
