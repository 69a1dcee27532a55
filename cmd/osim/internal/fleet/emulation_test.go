package fleet

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ouroboros/cmd/osim/internal/source"
	"ouroboros/internal/netns"
	"ouroboros/scenarios/result"
)

// needRoot skips a test that makes network namespaces, and says what is not tested then.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED without root: osim run --mode emulate needs network namespaces")
	}
}

// load reads a scenario that comes with the program, or a text.
func load(t *testing.T, what string, set ...string) *source.Scenario {
	t.Helper()
	if strings.Contains(what, "\n") {
		file := filepath.Join(t.TempDir(), "s.yaml")
		if err := os.WriteFile(file, []byte(what), 0o600); err != nil {
			t.Fatal(err)
		}
		what = file
	}
	sc, err := source.Load(what, append([]string{"mode=emulate"}, set...))
	if err != nil {
		t.Fatal(err)
	}
	return sc
}

// emulate runs a scenario. Afterwards nothing of it is left.
func emulate(t *testing.T, sc *source.Scenario, stop <-chan struct{}) (result.Run, []error) {
	t.Helper()
	site, err := NewEmulation(sc.Scenario, sc.Graph)
	if err != nil {
		t.Fatal(err)
	}
	run, network, err := Run(Plan{Scenario: sc.Scenario, Graph: sc.Graph, File: sc.File, Seed: 1, Version: testVersion, Stop: stop}, site)
	if e := site.Close(); e != nil {
		t.Error(e)
	}
	if err != nil {
		t.Fatal(err)
	}
	if left := remains(t, os.Getpid()); left != "" {
		t.Errorf("left behind: %s", left)
	}
	return run, network
}

// remains lists the namespaces and the agents of a process.
func remains(t *testing.T, pid int) string {
	t.Helper()
	var out []string
	names, _ := filepath.Glob(fmt.Sprintf("/run/netns/ouro-%d-*", pid))
	out = append(out, names...)
	for _, p := range agentsOf(t, pid) {
		out = append(out, fmt.Sprintf("agent %d", p))
	}
	return strings.Join(out, ", ")
}

// agentsOf returns the numbers of the agents that a process has started, also of one that has ended.
func agentsOf(t *testing.T, pid int) (out []int) {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		line, err := os.ReadFile(filepath.Join(d, "cmdline"))
		if err != nil || !strings.HasSuffix(string(line), "\x00"+AgentCommand+"\x00") {
			continue
		}
		stat, err := os.ReadFile(filepath.Join(d, "stat"))
		if err != nil {
			continue
		}
		f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(f) > 1 && f[1] == strconv.Itoa(pid) && f[0] != "Z" {
			n, _ := strconv.Atoi(filepath.Base(d))
			out = append(out, n)
		}
	}
	return out
}

// Two hosts on a wire in namespaces: nothing is lost, and no message is faster than light and serialisation allow.
func TestTwoHosts(t *testing.T) {
	needRoot(t)
	sc := load(t, "two-hosts", "duration=2s", "workload.cbr.stop=1700ms", "workload.ping.count=15")
	run, network := emulate(t, sc, nil)
	if len(network) > 0 {
		t.Error(network)
	}
	if run.Mode != result.ModeEmulate || run.Partial || run.Seed != 1 {
		t.Errorf("mode %s, partial %v, seed %d", run.Mode, run.Partial, run.Seed)
	}
	want := map[string]uint64{"ping/a-b": 15, "cbr/a-b": 1875}
	for _, f := range run.Flows {
		if f.SentPackets != f.DeliveredPackets+f.InFlightPackets || f.LostPackets != 0 {
			t.Errorf("%s: %d sent, %d delivered, %d lost", f.Name, f.SentPackets, f.DeliveredPackets, f.LostPackets)
		}
		if d := int(f.DeliveredPackets) - int(want[f.Name]); d < -20 || d > 20 {
			t.Errorf("%s: %d messages, want about %d", f.Name, f.DeliveredPackets, want[f.Name])
		}
		if lo := f.Delay.Min.Or(0); lo < time.Millisecond {
			t.Errorf("%s: a message took %v over a wire of 1 ms", f.Name, lo)
		}
		if f.Kind == "ping" && f.RTT.N != 15 {
			t.Errorf("%d round trips, want 15", f.RTT.N)
		}
		for _, x := range f.Theory {
			if m := x.Measured.Or(0); m < x.Value {
				t.Errorf("%s: %s is %v ns, below %v ns, which serialisation and propagation take", f.Name, x.What, m, x.Value)
			}
		}
	}
	if left := run.Totals.BuffersLeft; !left.OK() || left.Or(0) != 0 {
		t.Errorf("buffers left: %v", left)
	}
}

// All shims that there are on real interfaces carry flows: Ethernet with LLC, and datagrams over IPv4 and IPv6.
func TestShims(t *testing.T) {
	needRoot(t)
	for _, shim := range []string{"eth-llc", "udp4", "udp6"} {
		t.Run(shim, func(t *testing.T) {
			sc := load(t, "two-hosts", "duration=1s", "workload.cbr.stop=900ms", "workload.ping.count=5", "layers.eth.shim="+shim)
			run, _ := emulate(t, sc, nil)
			for _, f := range run.Flows {
				if f.DeliveredPackets < 5 || f.LostPackets != 0 || f.Failure != "" {
					t.Errorf("%s: %d of %d messages, %d lost, %q", f.Name, f.DeliveredPackets, f.SentPackets, f.LostPackets, f.Failure)
				}
			}
		})
	}
}

const crossing = `schema: 1
name: crossing
duration: 5s
topology:
  nodes: [a, b, c, d]
  wires:
    - {ends: [a, b]}
    - {ends: [b, d]}
    - {ends: [b, c]}
    - {ends: [c, d]}
  defaults: {rate: 100Mbps, delay: 1ms, detect: 10ms}
layers:
  - {name: net, policies: {routing: link-state, congestion: none, directory: DIRECTORY}}
workload:
  - {name: probe, kind: cbr, from: a, to: d, qos: raw, size: 100B, interval: 5ms, start: 800ms, stop: 3800ms}
  - {name: file, kind: cbr, from: a, to: d, qos: data, size: 500B, rate: 1Mbps, start: 800ms, stop: 3500ms}
  - {name: back, kind: cbr, from: c, to: a, qos: raw, size: 100B, interval: 5ms, start: 4300ms, stop: 4900ms}
faults:
  - {name: cut, at: 1500ms, link: b-d, down: 1s}
  - {name: crash, at: 2800ms, node: c, kill: true, for: 200ms}
series: {interval: 100ms, record: [goodput]}
`

// A link fails and is repaired, and a node is killed (its process, by SIGKILL) and started again: the layer sends
// packets another way, and what it did about it is measured as in the simulator. All directory policies work, also
// the one whose members share a table.
func TestFaults(t *testing.T) {
	needRoot(t)
	sc := load(t, strings.Replace(crossing, "DIRECTORY", "static", 1))
	run, network := emulate(t, sc, nil)
	if len(network) > 0 {
		t.Error(network)
	}
	flows := map[string]result.Flow{}
	for _, f := range run.Flows {
		flows[f.Workload] = f
		if f.Failure != "" {
			t.Errorf("%s: %s", f.Name, f.Failure)
		}
	}
	if f := flows["file"]; f.LostPackets != 0 || f.DeliveredPackets == 0 {
		t.Errorf("reliable flow: %d of %d messages lost", f.LostPackets, f.SentPackets)
	}
	if f := flows["probe"]; f.LostPackets == 0 || f.LostPackets > 60 {
		t.Errorf("probe: %d of %d messages lost, want those of the detection", f.LostPackets, f.SentPackets)
	}
	if f := flows["back"]; f.DeliveredPackets == 0 {
		t.Errorf("from the node that was started again: %d of %d messages", f.DeliveredPackets, f.SentPackets)
	}
	conv := map[string]result.Convergence{}
	for _, c := range run.Layers[0].Convergence {
		conv[c.Fault] = c
	}
	if c := conv["cut"]; len(c.Outages) != 2 || c.Total.Or(0) < 10*time.Millisecond || c.Total.Or(0) > time.Second {
		t.Errorf("cut: %d flows hit, converged in %v; want 2 and some 10 ms", len(c.Outages), c.Total)
	}
	for _, o := range conv["cut"].Outages {
		if d := o.Duration.Or(0); d < 10*time.Millisecond || d > time.Second {
			t.Errorf("cut: flow %d was out for %v; want at least the detection of 10 ms", o.Flow, d)
		}
	}
	if _, ok := conv["crash restarted"]; !ok || run.Layers[0].Joined != 4 {
		t.Errorf("after the crash %d of 4 members are in the layer; faults seen: %v", run.Layers[0].Joined, conv)
	}
	if n := len(run.Series); n == 0 {
		t.Error("no series")
	}
}

// A run that is stopped gives what there is, marked as partial.
func TestStopGivesPartialResults(t *testing.T) {
	needRoot(t)
	sc := load(t, "two-hosts")
	stop := make(chan struct{})
	time.AfterFunc(1500*time.Millisecond, func() { close(stop) })
	began := time.Now()
	run, _ := emulate(t, sc, stop)
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("a run that was stopped after 1.5 s took %v", took)
	}
	if !run.Partial || run.SimulatedTime <= 0 || run.SimulatedTime > 2*time.Second || run.Flows[1].DeliveredPackets == 0 {
		t.Errorf("partial %v, %v, %d messages", run.Partial, run.SimulatedTime, run.Flows[1].DeliveredPackets)
	}
}

// A coordinator that is killed with SIGKILL leaves no process behind within seconds, and the next one removes its
// namespaces.
func TestCrashLeavesNothing(t *testing.T) {
	needRoot(t)
	file := filepath.Join(t.TempDir(), "s.yaml")
	data, err := source.Read("two-hosts")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(data, "mode: emulate\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), crashing+"="+file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(errors.Join(err, cmd.Wait()))
	}
	pid := cmd.Process.Pid
	var agents []int
	eventually(t, "the agents of both nodes run", func() bool { agents = agentsOf(t, pid); return len(agents) == 4 })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	eventually(t, "the agents have gone", func() bool {
		for _, p := range agents {
			if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p)); err == nil && strings.Contains(string(line), AgentCommand) {
				return false
			}
		}
		return true
	})
	if _, err := netns.Sweep(); err != nil {
		t.Fatal(err)
	}
	if left := remains(t, pid); left != "" {
		t.Errorf("left behind: %s", left)
	}
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 5 s: %s", what)
		}
	}
}

// An agent that ends by itself ends the run, with what it was and why; the others go too.
func TestLostAgentEndsTheRun(t *testing.T) {
	needRoot(t)
	sc := load(t, "two-hosts")
	site, err := NewEmulation(sc.Scenario, sc.Graph)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(1500*time.Millisecond, func() {
		for _, p := range agentsOf(t, os.Getpid())[:1] {
			_ = syscall.Kill(p, syscall.SIGKILL)
		}
	})
	_, _, err = Run(Plan{Scenario: sc.Scenario, Graph: sc.Graph, Seed: 1, Version: testVersion}, site)
	if err == nil || !strings.Contains(err.Error(), "the agent has ended: signal: killed") || strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
	if err := site.Close(); err != nil {
		t.Error(err)
	}
	if left := remains(t, os.Getpid()); left != "" {
		t.Errorf("left behind: %s", left)
	}
}

// An agent of another version is refused before anything happens.
func TestOtherVersionsAreRefused(t *testing.T) {
	needRoot(t)
	t.Setenv("OUROBOROS_TEST_VERSION", "another")
	sc := load(t, "two-hosts")
	site, err := NewEmulation(sc.Scenario, sc.Graph)
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	_, _, err = Run(Plan{Scenario: sc.Scenario, Graph: sc.Graph, Seed: 1, Version: testVersion}, site)
	if err == nil || !strings.Contains(err.Error(), "the agent is version another; accepted is that of this program, test") {
		t.Error(err)
	}
}
