package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ouroboros/cmd/internal/tool/tooltest"
	"ouroboros/core"
	"ouroboros/core/coretest"
)

func cbrNet(t *testing.T, w coretest.World, spec core.LinkSpec, line string) (n *tooltest.Net, server *tooltest.Process) {
	n = tooltest.New(t, w, spec)
	n.Systems[1].Bind("ocbr", "sink")
	server = n.Systems[1].Start(newTool(), "--listen "+line)
	n.Advance(20 * time.Millisecond)
	return n, server
}

// TestRateIsKept_15_4: 8 Mbit/s in packets of 1000 bytes are 1000 packets in a second; both ends print it in the form of the
// prototype.
func TestRateIsKept_15_4(t *testing.T) {
	n, server := cbrNet(t, tooltest.Worlds["simulated"](), core.LinkSpec{}, "")
	client := n.Systems[0].Start(newTool(), "-n sink -d 3 -r 8M")
	n.Wait(client)
	server.Interrupt(1500 * time.Millisecond)
	n.Wait(server)
	if got, want := client.Out.String(), "Client started, duration 3, rate 8000000 b/s, size 1000 B.\n"+
		"sent statistics:      3000 packets,      3000000 bytes in      3000 ms, 8.0000 Mb/s\n"; got != want {
		t.Errorf("client:\n%s\nwant\n%s", got, want)
	}
	lines := tooltest.Lines(server.Out.String(), "packets")
	var packets, total int
	for _, l := range lines {
		var fd, p, b, d int
		var pps, mbps float64
		if k, err := fmt.Sscanf(l, "Flow %d: %d packets (%d bytes) in %d ms => %f pps, %f Mbps", &fd, &p, &b, &d, &pps, &mbps); k != 6 || fd != 64 {
			t.Errorf("%q: %v", l, err)
		}
		packets, total = packets+p, total+b
	}
	if packets != 3000 || total != 3_000_000 || !strings.HasPrefix(lines[1], "Flow   64:      1000 packets (     1000000 bytes) in      1000 ms => 1000.0000 pps, 8.0000 Mbps") {
		t.Errorf("%d packets, %d bytes in\n%s", packets, total, strings.Join(lines, "\n"))
	}
	if !strings.HasSuffix(server.Out.String(), "Flow 64 timed out.\n") {
		t.Errorf("the server ends with\n%s", server.Out.String())
	}
}

// TestFloodFillsTheLink_14_8: as fast as it is taken, which a link that blocks makes 10 Mbit/s; and an interrupt prints the
// statistics.
func TestFloodFillsTheLink_14_8(t *testing.T) {
	n, _ := cbrNet(t, tooltest.Worlds["simulated"](), core.LinkSpec{Rate: 10e6, Block: true, QueuePackets: 10}, "-i 10s")
	client := n.Systems[0].Start(newTool(), "-n sink -d 1000 -f -s 1000")
	n.Advance(time.Millisecond)
	client.Interrupt(2 * time.Second)
	n.Wait(client)
	var packets, total, d int
	var mbps float64
	lines := tooltest.Lines(client.Out.String(), "sent")
	if k, err := fmt.Sscanf(lines[0], "sent statistics: %d packets, %d bytes in %d ms, %f Mb/s", &packets, &total, &d, &mbps); k != 4 || client.Code != 0 {
		t.Fatalf("%q: %v, exit code %d", lines, err, client.Code)
	}
	if mbps < 9.4 || mbps > 10 || d < 1990 || d > 2010 {
		t.Errorf("%q, want less than 10 Mbit/s by the headers for 2 s", lines[0])
	}
}

// TestLive: the same in real time.
func TestLive(t *testing.T) {
	n, server := cbrNet(t, tooltest.Worlds["live"](), core.LinkSpec{}, "-i 50ms -t 100ms")
	client := n.Systems[0].Start(newTool(), "-n sink -d 200ms -r 1M -s 125")
	n.Wait(client)
	n.Until("the flow times out", func() bool { return strings.Contains(server.Out.String(), "Flow 64 timed out.") })
	server.Interrupt(0)
	n.Wait(server)
	client.Expect(0, `
Client started, duration N, rate 1000000 b/s, size 125 B.
`+client.Out.String()[strings.Index(client.Out.String(), "sent"):strings.LastIndex(client.Out.String(), ",")]+", N Mb/s\n", "")
	if len(tooltest.Lines(client.Out.String(), "sent statistics:       200 packets,        25000 bytes")) != 1 {
		t.Errorf("%q", client.Out.String())
	}
}

// TestTooMuchForTheFlow names the two lengths.
func TestTooMuchForTheFlow(t *testing.T) {
	n, _ := cbrNet(t, tooltest.Worlds["simulated"](), core.LinkSpec{}, "")
	client := n.Systems[0].Start(newTool(), "-n sink -s 9000")
	n.Wait(client)
	if client.Code != 1 || !strings.Contains(client.Err.String(), "a packet of 9000 bytes is too long: the flow takes 1") {
		t.Errorf("exit code %d, %q", client.Code, client.Err.String())
	}
	for line, want := range map[string]string{
		"-n sink -r 0":        `rate "0": accepted is a number of bit/s`,
		"-n sink -s 7":        `"7": accepted is a number from 8 to 524288`,
		"-n sink -d 1 -r 10":  "the duration is too short for one packet at this rate",
		"-d 1":                "no server name",
		"-l -i 0":             `"0": accepted is 1ms to 1h`,
		"-n sink --bandwidth": "unknown flag",
	} {
		p := n.Systems[0].Start(newTool(), line)
		if n.Wait(p); p.Code != 2 || !strings.Contains(p.Err.String(), want) {
			t.Errorf("%q: exit code %d, %q", line, p.Code, p.Err.String())
		}
	}
}

// TestTenFlowsAtATime_14_8: the eleventh client waits until one of them has ended, and is served then.
func TestTenFlowsAtATime_14_8(t *testing.T) {
	n, server := cbrNet(t, tooltest.Worlds["simulated"](), core.LinkSpec{}, "")
	var clients []*tooltest.Process
	for range 11 {
		clients = append(clients, n.Systems[0].Start(newTool(), "-n sink -d 2"))
	}
	n.Advance(time.Second)
	if got := len(tooltest.Lines(server.Out.String(), "New flow")); got != 10 {
		t.Errorf("%d flows are served at a time, want 10", got)
	}
	n.Wait(clients...)
	failed := 0
	for _, c := range clients {
		failed += c.Code
	}
	n.Advance(5 * time.Second)
	if got := len(tooltest.Lines(server.Out.String(), "New flow")); got+failed != 11 {
		t.Errorf("%d flows were served and %d clients failed", got, failed)
	}
}

func TestOptionsAreDocumented(t *testing.T) { tooltest.Documented(t, newTool()) }

// TestFlowsThatHaveEndedDoNotCount: one client after the other, more than can be served at a time.
func TestFlowsThatHaveEndedDoNotCount(t *testing.T) {
	n, _ := cbrNet(t, tooltest.Worlds["simulated"](), core.LinkSpec{}, "")
	for i := range 2*maxFlows + 1 {
		client := n.Systems[0].Start(newTool(), "-n sink -d 10ms -q data")
		if n.Wait(client); client.Code != 0 {
			t.Fatalf("client %d: %s", i, client.Err.String())
		}
		n.Advance(20 * time.Millisecond)
	}
}
