package main

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"ouroboros"
	"ouroboros/cmd/internal/tool/tooltest"
	"ouroboros/core"
	"ouroboros/core/coretest"
)

func perfNet(t *testing.T, w coretest.World, spec core.LinkSpec, line string) (n *tooltest.Net, server *tooltest.Process) {
	n = tooltest.New(t, w, spec)
	n.Systems[1].Bind("operf", "sink")
	server = n.Systems[1].Start(newTool(), "--listen "+line)
	n.Advance(20 * time.Millisecond)
	return n, server
}

// TestUnidirectionalTest_14_8: what the prototype's client only announces is sent: 8 Mbit/s in packets of 1000 bytes for a
// second, and the server prints the number of each and when.
func TestUnidirectionalTest_14_8(t *testing.T) {
	n, server := perfNet(t, tooltest.Worlds["simulated"](), core.LinkSpec{}, "")
	client := n.Systems[0].Start(newTool(), "-n sink -d 1s -r 8M -s 1000")
	n.Wait(client)
	n.Advance(2 * time.Second)
	server.Interrupt(0)
	n.Wait(server)
	client.Expect(0, `
Doing a unidirectional test.
Sending 1000 byte packets to sink at N Mb/s for 1 seconds.
Test finished.

--- sink perf statistics ---
1000 packets transmitted, time: N t, bandwidth: N Mb/s
`, "")
	lines := tooltest.Lines(server.Out.String(), "Seqno")
	for i, l := range lines {
		if !strings.HasPrefix(l, fmt.Sprintf("Seqno %d from fd 64: ", i)) {
			t.Fatalf("line %d is %q", i, l)
		}
	}
	if len(lines) != 1000 || !strings.HasSuffix(server.Out.String(), "Flow 64 timed out.\n") {
		t.Errorf("%d packets arrived\n%s", len(lines), server.Out.String()[max(0, server.Out.Len()-100):])
	}
}

// TestBidirectionalTest_14_8, in both worlds: the server sends back what comes.
func TestBidirectionalTest_14_8(t *testing.T) {
	for world, mk := range tooltest.Worlds {
		for _, qos := range strings.Split(ouroboros.QoSWords, ", ") {
			t.Run(world+"/"+qos, func(t *testing.T) {
				n, server := perfNet(t, mk(), core.LinkSpec{}, "-Q")
				client := n.Systems[0].Start(newTool(), "-n sink -t bi -d 200 -r 1M -s 125 --percentiles -q "+qos)
				n.Wait(client)
				client.Expect(0, `
Doing a bidirectional test.
Sending 125 byte packets to sink at N Mb/s for N seconds.
Test finished.

--- sink perf statistics ---
200 packets transmitted, 200 received, 0% packet loss, time: N t, bandwidth: N Mb/s
rtt min/p50/p90/p99/pN/max = N/N/N/N/N/N t
`, "")
				n.Until("the flow ends", func() bool { return len(tooltest.Lines(server.Out.String(), "Flow 64 ")) == 1 })
				if l := tooltest.Lines(server.Out.String(), "Flow   64:       200 packets (       25000 bytes) in "); len(l) != 1 {
					t.Errorf("the server says\n%s", server.Out.String())
				}
				server.Interrupt(0)
				n.Wait(server)
			})
		}
	}
}

// TestPercentilesAreThoseOfThePath: 5 ms there and back.
func TestPercentilesAreThoseOfThePath(t *testing.T) {
	n, _ := perfNet(t, tooltest.Worlds["simulated"](), core.LinkSpec{Delay: 5 * time.Millisecond}, "-Q")
	client := n.Systems[0].Start(newTool(), "-n sink -t bi -d 1s -r 1M --percentiles")
	n.Wait(client)
	got := tooltest.Lines(client.Out.String(), "rtt")
	var x [6]float64
	if len(got) != 1 {
		t.Fatalf("%q", client.Out.String())
	}
	if _, err := fmt.Sscanf(got[0], "rtt min/p50/p90/p99/p99.9/max = %f/%f/%f/%f/%f/%f ms", &x[0], &x[1], &x[2], &x[3], &x[4], &x[5]); err != nil {
		t.Fatalf("%q: %v", got[0], err)
	}
	for _, v := range x { // the histogram keeps three digits
		if v < 9.99 || v > 10.01 {
			t.Errorf("%q, want 10 ms each", got[0])
		}
	}
}

// TestFloodIsWhatTheLinkCarries, there and back, with backpressure: a link of 10 Mbit/s that blocks; and losses are told.
func TestFloodIsWhatTheLinkCarries(t *testing.T) {
	n, _ := perfNet(t, tooltest.Worlds["simulated"](), core.LinkSpec{Rate: 10e6, Delay: time.Millisecond, Block: true, QueuePackets: 10}, "-Q")
	client := n.Systems[0].Start(newTool(), "-n sink -t bi -f -d 2s -s 1000")
	n.Wait(client)
	var sent, received int
	var d, mbps float64
	lines := tooltest.Lines(client.Out.String(), "transmitted")
	if k, err := fmt.Sscanf(lines[0], "%d packets transmitted, %d received, 0%% packet loss, time: %f ms, bandwidth: %f Mb/s", &sent, &received, &d, &mbps); k != 4 {
		t.Fatalf("%q: %v", lines, err)
	}
	if sent != received || mbps < 9.3 || mbps > 10 || d < 2000 || d > 2100 {
		t.Errorf("%q", lines[0])
	}

	n, _ = perfNet(t, tooltest.Worlds["simulated"](), core.LinkSpec{Loss: 0.3, Duplicate: 0.1, Reorder: 0.1, ReorderBy: 20 * time.Millisecond}, "-Q")
	client = n.Systems[0].Start(newTool(), "-n sink -t bi -r 1M -d 5s -s 1000")
	n.Wait(client)
	var twice, late int
	var loss float64
	lines = tooltest.Lines(client.Out.String(), "transmitted")
	if k, err := fmt.Sscanf(lines[0], "%d packets transmitted, %d received, +%d duplicates, +%d out-of-order, %f%% packet loss", &sent, &received, &twice, &late, &loss); k != 5 {
		t.Fatalf("%q: %v", lines, err)
	}
	if sent != 625 || loss < 35 || loss > 65 || twice < 10 || late < 10 {
		t.Errorf("%q", lines[0])
	}
}

// TestTheFirstMessageSaysTheTest_14_8: four bytes, little endian; a flow that begins with anything else is closed, and the
// others go on.
func TestTheFirstMessageSaysTheTest_14_8(t *testing.T) {
	n, server := perfNet(t, tooltest.Worlds["simulated"](), core.LinkSpec{}, "-Q")
	for _, first := range []string{"00", "02000000", "0000000000", strings.Repeat("00", 1000), "01000000"} {
		b, err := hex.DecodeString(first)
		if err != nil {
			t.Fatal(err)
		}
		n.Systems[0].Send("sink", b)
	}
	n.Advance(2 * time.Second)
	if c := len(tooltest.Lines(server.Out.String(), "its first message says no test")); c != 4 {
		t.Errorf("%d flows were closed for their first message, want 4\n%s", c, server.Out.String())
	}
	client := n.Systems[0].Start(newTool(), "-n sink -d 100 -r 1M")
	if n.Wait(client); client.Code != 0 {
		t.Error(client.Err.String())
	}
}

// TestSizes: what the flow takes is the default, more is an error that says how much.
func TestSizes(t *testing.T) {
	n, _ := perfNet(t, tooltest.Worlds["simulated"](), core.LinkSpec{}, "-Q")
	p := n.Systems[0].Start(newTool(), "-n sink -d 10 -r 100M")
	if n.Wait(p); len(tooltest.Lines(p.Out.String(), "Sending 149")) != 1 {
		t.Errorf("%s%s", p.Out.String(), p.Err.String())
	}
	for line, want := range map[string]string{
		"-n sink -s 1500":        "a packet of 1500 bytes is too long: the flow takes 149",
		"-n sink -s 63":          `"63": accepted is a number from 64 to 1048576`,
		"-n sink -t both":        `test "both": accepted are uni, bi`,
		"-n sink --percentiles":  "--percentiles needs --test bi",
		"-n sink -r 1T":          `rate "1T": accepted is`,
		"-d 10":                  "no server name",
		"-n sink --duration 0ms": `"0ms": accepted is 1ms to 365d`,
	} {
		p := n.Systems[0].Start(newTool(), line)
		if n.Wait(p); p.Code == 0 || !strings.Contains(p.Err.String(), want) {
			t.Errorf("%q: exit code %d, %q", line, p.Code, p.Err.String())
		}
	}
}

func TestOptionsAreDocumented(t *testing.T) { tooltest.Documented(t, newTool()) }
