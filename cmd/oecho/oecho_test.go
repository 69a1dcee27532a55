package main

import (
	"testing"
	"time"

	"ouroboros/cmd/internal/tool/tooltest"
	"ouroboros/core"
)

// TestBothPrintTheMessage_14_8: the sixteen bytes with their zero go there and back, in both worlds.
func TestBothPrintTheMessage_14_8(t *testing.T) {
	for world, mk := range tooltest.Worlds {
		t.Run(world, func(t *testing.T) {
			n := tooltest.New(t, mk(), core.LinkSpec{})
			n.Systems[1].Bind("oecho", "oecho")
			server := n.Systems[1].Start(newTool(), "--listen")
			n.Advance(20 * time.Millisecond)
			one := n.Systems[0].Start(newTool(), "")
			n.Wait(one)
			two := n.Systems[0].Start(newTool(), "-q data --encrypt -n oecho")
			n.Wait(two)
			server.Interrupt(0)
			n.Wait(server)
			for _, client := range []*tooltest.Process{one, two} {
				client.Expect(0, "Server replied with Client says hi!\n", "")
			}
			server.Expect(0, `
Message from client is Client says hi!.
Message from client is Client says hi!.
`, "")
		})
	}
}

// TestNobodyAnswers: the client ends with the reason, and exit code 1.
func TestNobodyAnswers(t *testing.T) {
	n := tooltest.New(t, tooltest.Worlds["simulated"](), core.LinkSpec{})
	client := n.Systems[0].Start(newTool(), "-n nobody")
	n.Wait(client)
	if client.Code != 1 || client.Out.String() != "" || client.Err.String() == "" {
		t.Errorf("exit code %d, %q, %q", client.Code, client.Out.String(), client.Err.String())
	}
}

// TestTextOfOthersIsHarmless: it ends with a zero or without, and does not reach the terminal's controls.
func TestTextOfOthersIsHarmless(t *testing.T) {
	for in, want := range map[string]string{"hi\x00rest": "hi", "hi": "hi", "\x1b[2J": "?[2J", "\xff": "?", "": "", "zwölf": "zwölf"} {
		if got := text([]byte(in)); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestOptionsAreDocumented(t *testing.T) { tooltest.Documented(t, newTool()) }
