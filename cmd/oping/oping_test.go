package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"ouroboros/cmd/internal/tool/tooltest"
	"ouroboros/core"
	"ouroboros/core/coretest"
)

const ms = time.Millisecond

// pingNet is two systems 5 ms apart, with the server bound to "oping_server" and up.
func pingNet(t *testing.T, w coretest.World, spec core.LinkSpec) (n *tooltest.Net, server *tooltest.Process) {
	n = tooltest.New(t, w, spec)
	n.Systems[1].Bind("oping", "oping_server")
	server = n.Systems[1].Start(newTool(), "--listen")
	n.Advance(20 * ms)
	return n, server
}

// TestOutputIsThePrototypes_15_4: client and server print what users know.
func TestOutputIsThePrototypes_15_4(t *testing.T) {
	for world, mk := range tooltest.Worlds {
		t.Run(world, func(t *testing.T) {
			n, server := pingNet(t, mk(), core.LinkSpec{Delay: 5 * ms})
			client := n.Systems[0].Start(newTool(), "-n oping_server -c 3 -i 20")
			n.Wait(client)
			server.Interrupt(0)
			n.Wait(server)
			client.Expect(0, `
Pinging oping_server with 64 bytes of data (3 packets):

64 bytes from oping_server: seq=0 time=N t
64 bytes from oping_server: seq=1 time=N t
64 bytes from oping_server: seq=2 time=N t

--- oping_server ping statistics ---
3 packets transmitted, 3 received, 0 out-of-order, 0% packet loss, time: N t
rtt min/avg/max/mdev = N/N/N/N t
`, "")
			server.Expect(0, `
Ouroboros ping server started.
New flow 64.
Received 64 bytes on fd 64.
Received 64 bytes on fd 64.
Received 64 bytes on fd 64.
`, "")
		})
	}
}

// TestFiguresAreThoseOfThePath: in the simulator every digit is known. 10 ms there and back over an idle wire without a
// rate, every 200 ms.
func TestFiguresAreThoseOfThePath(t *testing.T) {
	n, _ := pingNet(t, tooltest.Worlds["simulated"](), core.LinkSpec{Delay: 5 * ms})
	client := n.Systems[0].Start(newTool(), "-n oping_server -c 4 -i 200ms -D")
	n.Wait(client)
	lines := tooltest.Lines(client.Out.String(), "seq=")
	for i, l := range lines {
		if !strings.HasSuffix(l, fmt.Sprintf("] 64 bytes from oping_server: seq=%d time=10.000 ms", i)) || l[0] != '[' {
			t.Errorf("line %q", l)
		}
	}
	want := []string{
		"4 packets transmitted, 4 received, 0 out-of-order, 0% packet loss, time: 610.000 ms",
		"rtt min/avg/max/mdev = 10.000/10.000/10.000/0.000 ms",
	}
	if got := tooltest.Lines(client.Out.String(), "m"); len(lines) != 4 || fmt.Sprint(got[len(got)-2:]) != fmt.Sprint(want) {
		t.Errorf("%q", client.Out.String())
	}
}

// TestASingleReplyHasNoDeviation_14_8, and below 0.1 ms the unit is µs.
func TestASingleReplyHasNoDeviation_14_8(t *testing.T) {
	n, _ := pingNet(t, tooltest.Worlds["simulated"](), core.LinkSpec{Delay: 20 * time.Microsecond})
	client := n.Systems[0].Start(newTool(), "-n oping_server -c 1 -s 1000")
	n.Wait(client)
	for _, want := range []string{"1000 bytes from oping_server: seq=0 time=40.000 µs\n", "rtt min/avg/max/mdev = 40.000/40.000/40.000/NaN µs\n"} {
		if !strings.Contains(client.Out.String(), want) {
			t.Errorf("no line %q in\n%s", want, client.Out.String())
		}
	}
}

// TestQuietAndDuration_14_8: -d is a number of requests, by the interval.
func TestQuietAndDuration_14_8(t *testing.T) {
	n, _ := pingNet(t, tooltest.Worlds["simulated"](), core.LinkSpec{Delay: 5 * ms})
	client := n.Systems[0].Start(newTool(), "-n oping_server -d 2s -i 100ms -Q -q data")
	n.Wait(client)
	client.Expect(0, `
Pinging oping_server with 64 bytes of data (20 packets):


--- oping_server ping statistics ---
20 packets transmitted, 20 received, 0 out-of-order, 0% packet loss, time: N t
rtt min/avg/max/mdev = N/N/N/N t
`, "")
}

// TestFloodWaitsForReplies_14_8: each reply brings the next request, so that there are as many as fit in the time.
func TestFloodWaitsForReplies_14_8(t *testing.T) {
	n, _ := pingNet(t, tooltest.Worlds["simulated"](), core.LinkSpec{Delay: 5 * ms})
	client := n.Systems[0].Start(newTool(), "-n oping_server --flood -d 1s -Q")
	n.Wait(client)
	if got := tooltest.Lines(client.Out.String(), "transmitted"); len(got) != 1 ||
		got[0] != "100 packets transmitted, 100 received, 0 out-of-order, 0% packet loss, time: 1000.000 ms" {
		t.Errorf("%q", got)
	}
}

// TestWithoutAnIntervalTheFlowSetsThePace: what the link refuses is sent when there is room, and nothing is lost.
func TestWithoutAnIntervalTheFlowSetsThePace(t *testing.T) {
	n, _ := pingNet(t, tooltest.Worlds["simulated"](), core.LinkSpec{Rate: 1e6, Delay: ms, Block: true, QueuePackets: 4})
	client := n.Systems[0].Start(newTool(), "-n oping_server -i 0 -c 300 -Q")
	n.Wait(client)
	if got := tooltest.Lines(client.Out.String(), "300 packets transmitted, 300 received, 0 out-of-order, 0% packet loss"); len(got) != 1 {
		t.Errorf("%s", client.Out.String())
	}
}

// TestDuplicatesAndReorderingAreTold.
func TestDuplicatesAndReorderingAreTold(t *testing.T) {
	n, _ := pingNet(t, tooltest.Worlds["simulated"](), core.LinkSpec{Delay: 5 * ms, Duplicate: 0.3, Reorder: 0.3, ReorderBy: 15 * ms})
	client := n.Systems[0].Start(newTool(), "-n oping_server -c 100 -i 10")
	n.Wait(client)
	out := client.Out.String()
	late, twice := len(tooltest.Lines(out, "[out-of-order]")), len(tooltest.Lines(out, "[duplicate]"))
	want := fmt.Sprintf("100 packets transmitted, 100 received, +%d duplicates, %d out-of-order, 0%% packet loss", twice, late)
	if late < 10 || twice < 10 || len(tooltest.Lines(out, want)) != 1 {
		t.Errorf("%d late, %d twice, no line %q in\n%s", late, twice, want, out[max(0, len(out)-300):])
	}
}

// TestASilentServer_14_8: no reply for the interval and two seconds ends it, with exit code 1.
func TestASilentServer_14_8(t *testing.T) {
	n, server := pingNet(t, tooltest.Worlds["simulated"](), core.LinkSpec{Delay: 5 * ms})
	client := n.Systems[0].Start(newTool(), "-n oping_server -c 100")
	n.Advance(2500 * ms)
	cut := n.Wire.Spec(0)
	cut.Loss = 1
	if err := n.Wire.Set(0, cut); err != nil {
		t.Fatal(err)
	}
	n.Wait(client)
	out := client.Out.String()
	if client.Code != 0 || !strings.Contains(out, "Server timed out.\n\n--- ") || !strings.Contains(out, "6 packets transmitted, 3 received, 0 out-of-order, 50% packet loss") {
		t.Errorf("exit code %d, output\n%s", client.Code, out)
	}
	n.Advance(11 * time.Second)
	if got := tooltest.Lines(server.Out.String(), "Flow"); fmt.Sprint(got) != "[Flow 64 timed out.]" {
		t.Errorf("the server says %q", got)
	}
	if err := n.Wire.Set(1, cut); err != nil {
		t.Fatal(err)
	}
	gone := n.Systems[0].Start(newTool(), "-n oping_server -c 1")
	n.Wait(gone)
	if gone.Code != 1 || !strings.Contains(gone.Err.String(), "oping: dial \"oping_server\": ") {
		t.Errorf("no server: exit code %d, %q", gone.Code, gone.Err.String())
	}
}

// TestInterruptPrintsTheStatistics, as Ctrl-C does.
func TestInterruptPrintsTheStatistics(t *testing.T) {
	n, _ := pingNet(t, tooltest.Worlds["simulated"](), core.LinkSpec{Delay: 5 * ms})
	client := n.Systems[0].Start(newTool(), "-n oping_server -Q")
	n.Advance(ms)
	client.Interrupt(2500 * ms)
	n.Wait(client)
	client.Expect(0, `
Pinging oping_server with 64 bytes of data (2147483647 packets):


--- oping_server ping statistics ---
3 packets transmitted, 3 received, 0 out-of-order, 0% packet loss, time: N t
rtt min/avg/max/mdev = N/N/N/N t
`, "")
}

// TestManyClientsAtOnce: each has a flow of its own, and numbers are used again.
func TestManyClientsAtOnce(t *testing.T) {
	n, server := pingNet(t, tooltest.Worlds["simulated"](), core.LinkSpec{Delay: 5 * ms})
	var clients []*tooltest.Process
	for range 20 {
		clients = append(clients, n.Systems[0].Start(newTool(), "-n oping_server -c 5 -i 50 -q data"))
	}
	n.Wait(clients...)
	for _, c := range clients {
		if c.Code != 0 || !strings.Contains(c.Out.String(), " 5 received,") {
			t.Errorf("exit code %d\n%s", c.Code, c.Out.String())
		}
	}
	n.Advance(time.Second)
	out := server.Out.String()
	for fd := 64; fd < 84; fd++ {
		if len(tooltest.Lines(out, fmt.Sprintf("New flow %d.", fd))) != 1 || len(tooltest.Lines(out, fmt.Sprintf("Flow %d closed.", fd))) != 1 {
			t.Errorf("flow %d did not come and go in\n%s", fd, out)
		}
	}
	again := n.Systems[0].Start(newTool(), "-n oping_server -c 1")
	n.Wait(again)
	if n := len(tooltest.Lines(server.Out.String(), "New flow 64.")); n != 2 {
		t.Errorf("number 64 was used %d times, want 2", n)
	}
}

// TestCommandLine: mistakes name the option, the value and what is accepted, with exit code 2.
func TestCommandLine(t *testing.T) {
	n := tooltest.New(t, tooltest.Worlds["simulated"](), core.LinkSpec{})
	for line, want := range map[string]string{
		"":                       "no server name: give one with -n, or be the server with --listen",
		"-n x -i 11s":            `"11s": accepted is 0 to 10s`,
		"-n x -c 0":              `"0": accepted is a number from 1 to 2147483647`,
		"-n x -s 1501":           `"1501": accepted is a number from 1 to 1500`,
		"-n x -q gold":           `"gold": accepted are raw, best, video, voice, data`,
		"-n x -i fast":           `time "fast": accepted is a number with us, ms, s, m, h or d`,
		"-n x -c 1 -d 1s":        "--count and --duration exclude each other",
		"-n x --unknown":         "unknown flag: --unknown",
		"-n x something":         `unknown command "something"`,
		"--server-name x -c 0x1": `"0x1": accepted`,
	} {
		p := n.Systems[0].Start(newTool(), line)
		n.Wait(p)
		if p.Code != 2 || !strings.Contains(p.Err.String(), want) || !strings.HasSuffix(p.Err.String(), "See 'oping --help'.\n") {
			t.Errorf("%q: exit code %d, %q, want %q", line, p.Code, p.Err.String(), want)
		}
	}
	p := n.Systems[0].Start(newTool(), "--help")
	n.Wait(p)
	if p.Code != 0 || !strings.Contains(p.Out.String(), "oping -n oping_server -c 4") {
		t.Errorf("--help: exit code %d\n%s", p.Code, p.Out.String())
	}
}

// TestTheMessageIsThePrototypes_14_8: type and id in network order, the time in that of a little-endian host.
func TestTheMessageIsThePrototypes_14_8(t *testing.T) {
	b := make([]byte, 64)
	putRequest(b, 0x01020304, 0x11*core.Time(time.Second)+0x0a0b0c)
	const want = "00000000" + "01020304" + "1100000000000000" + "0c0b0a0000000000"
	if got := hex.EncodeToString(b[:headerLen]); got != want || !bytes.Equal(b[headerLen:], make([]byte, 40)) {
		t.Errorf("%s, want %s", got, want)
	}
	if !makeReply(b) || b[3] != 1 {
		t.Error("no reply")
	}
	if makeReply(b) || makeReply(b[:headerLen-1]) {
		t.Error("a reply to what is no request")
	}
	id, sent, ok := readReply(b, math.MaxInt64)
	if id != 0x01020304 || sent != 0x11*core.Time(time.Second)+0x0a0b0c || !ok {
		t.Errorf("%x, %v, %v", id, sent, ok)
	}
	if _, _, ok := readReply(b, core.Time(time.Second)); ok {
		t.Error("a reply to what was not sent yet")
	}
}

// FuzzReply: whatever comes is no harm, and a time is between the beginning and now.
func FuzzReply(f *testing.F) {
	b := make([]byte, 64)
	putRequest(b, 7, 1e9)
	makeReply(b)
	f.Add(b, int64(2e9))
	f.Add(bytes.Repeat([]byte{0xff}, 24), int64(1))
	f.Fuzz(func(t *testing.T, b []byte, at int64) {
		now := core.Time(max(at, 0))
		if _, sent, ok := readReply(b, now); ok && (sent < 0 || sent > now) {
			t.Errorf("sent %v, now %v", sent, now)
		}
		makeReply(b)
	})
}

func TestOptionsAreDocumented(t *testing.T) { tooltest.Documented(t, newTool()) }
