package e2e

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// list returns the names that a list has, by its form for programs.
func (n *node) list(line string) []string {
	n.l.t.Helper()
	var all []struct{ Name string }
	out := n.sh("irm --json " + line)
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		n.l.t.Fatalf("%s: %v\n%s", line, err, out)
	}
	var names []string
	for _, e := range all {
		names = append(names, e.Name)
	}
	return names
}

func (n *node) lists(line string, want ...string) {
	n.l.t.Helper()
	if got := n.list(line); !slices.Equal(got, want) {
		n.l.t.Errorf("%s: %s: %q, want %q", n.name, line, got, want)
	}
}

// TestIRMOnOneSystem goes through the operations of spec 13 §13.4 that need no other system, with what they say when
// they fail.
func TestIRMOnOneSystem(t *testing.T) {
	l := newLab(t, "n1")
	n := l.node("n1")
	n.fails("irm ipcp list", "Failed to communicate with the Ouroboros IPC Resource Manager daemon.")
	l.run(`
		irmd --stdout &
		irm ipcp create name a type local
		irm i b n a l loop
		irm ipcp bootstrap type u name b layer net autobind
		irm ipcp create name c type unicast
		irm name create x lb spillover ; irm name create y ; irm name create y
	`)
	n.lists("ipcp list", "a", "b", "c")
	n.lists("ipcp list type unicast", "b", "c")
	n.lists("ipcp list layer net", "b")
	n.lists("ipcp list name '*' type local", "a")
	// autobind has made the names of the IPCP and of its layer.
	n.lists("name list", "b", "net", "x", "y")
	n.lists("name list x", "x")

	n.fails("irm ipcp create name a type local", "Failed to create IPCP. ")
	n.fails("irm ipcp bootstrap name a layer other", "Failed to bootstrap IPCP. ")
	n.fails("irm ipcp bootstrap name d layer other", "its type is needed")
	n.fails("irm --timeout 500ms ipcp enroll name c layer nowhere", "Failed to enroll IPCP. ")
	n.fails("irm ipcp connect name a dst b", "Failed to connect IPCP. ")
	n.fails("irm name register x layer nowhere", "Failed to register name. ")
	n.fails("irm bind process 1 name x", "Failed to bind process. ")
	n.fails("irm bind ipcp nobody name x", "Failed to bind IPCP. ")
	n.fails("irm rib nowhere", "Failed to read the management tree. ")
	n.lists("ipcp list", "a", "b", "c")

	// Registrations by wildcard, and back.
	l.run(`irm name register x ipcp a* layer l* ; irm name register y layer loop ; irm name unregister y layer '*'`)
	if got := registered(t, n); got["x"] != "loop" || got["y"] != "" {
		t.Errorf("registered: %v", got)
	}
	if state := n.sh("irm rib b/info/_state"); state != "operational\n" {
		t.Errorf("the state of b is %q", state)
	}
	// Status and counters, for people and for programs.
	var st struct {
		PID      int
		Counters map[string]int64
	}
	if err := json.Unmarshal([]byte(n.sh("irm status --json")), &st); err != nil || st.PID == 0 || st.Counters["ipcps"] != 3 {
		t.Errorf("status %+v, %v", st, err)
	}
	l.run(`irm name destroy x ; irm ipcp destroy name b ; irm ipcp destroy name b`)
	n.lists("ipcp list", "a", "c")
}

// registered returns the layers of each name.
func registered(t *testing.T, n *node) map[string]string {
	t.Helper()
	var names []struct {
		Name   string
		Layers []string
	}
	if err := json.Unmarshal([]byte(n.sh("irm --json name list")), &names); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range names {
		out[e.Name] = strings.Join(e.Layers, " ")
	}
	return out
}

// TestBindings: a process that runs is bound and unbound, by itself and by its program (spec 13 §13.1).
func TestBindings(t *testing.T) {
	l := newLab(t, "n1")
	n := l.node("n1")
	l.run(`
		irmd --stdout &
		irm ipcp bootstrap type local name loc layer loop
	`)
	server := n.start("oping --listen")
	server.await("started")
	pid := server.cmd.Process.Pid
	l.eventually("the process can be bound", func() bool {
		code, _ := n.try(fmt.Sprintf("irm bind process %d name one", pid))
		return code == 0
	})
	l.run(`irm bind program oping name two ; irm name register one layer loop ; irm name register two layer loop`)
	for _, name := range []string{"one", "two"} {
		pinged(t, l.run("oping -n "+name+" -c 1 -i 10"), name, 1)
	}
	l.run(fmt.Sprintf("irm unbind process %d name one", pid))
	n.fails("timeout 3 oping -n one -c 1 -i 10", "")
	pinged(t, l.run("oping -n two -c 1 -i 10"), "two", 1)
	l.run("irm unbind program oping")
	n.fails("timeout 3 oping -n two -c 1 -i 10", "")
}

// TestAllPoliciesCanBeChosen: each policy that irm names begins a layer, with its parameters.
func TestAllPoliciesCanBeChosen(t *testing.T) {
	l := newLab(t, "n1")
	n := l.node("n1")
	l.run(`irmd --stdout &`)
	i := 0
	for _, policies := range []string{
		"routing link_state directory DHT congestion mb-ecn addr_auth flat hash SHA3_512", "routing lfa congestion none addr 8 ttl 9", "routing ecmp congestion mb-ecn-blog",
		"routing path-vector forwarding ecmp congestion aimd", "congestion dctcp,gain=0.125,interval=20ms scheduler drr,quantum_voice=3000 cubes",
		"congestion lgc scheduler strict-priority cost delay,unit=1ms shaping shape admission bandwidth", "cost inverse-capacity shaping police addressing sequential",
		"ls_t_recalc 1 ls_t_update 2 ls_t_timeo 4 dht_alpha 2 dht_k 4 dht_t_expire 60 dht_t_refresh 30 dht_t_replicate 30 mpl 200ms mtu 1400 queue 100",
	} {
		i++
		l.run(fmt.Sprintf("irm ipcp bootstrap type unicast name u%d layer net%d %s", i, i, policies))
	}
	if got := n.list("ipcp list layer net*"); len(got) != i {
		t.Errorf("in layers are %q", got)
	}
	n.fails("irm ipcp bootstrap type unicast name v layer w congestion dctcp,gain=7", "gain")
	if got := n.list("ipcp list name v"); got != nil {
		t.Errorf("a layer that could not begin has left %q", got)
	}
}

// TestConfigurationFiles: two systems come up from their files alone (spec 13 §13.7), and shape impairs what is between
// them.
func TestConfigurationFiles(t *testing.T) {
	l := newLab(t, "n1", "n2")
	l.wire("n1", "v12", "n2", "v21")
	first := l.file("n1.toml", `
[eth-dix.shim]
bootstrap = "eth"
dev = "v12"

[name.oping]

[unicast.uni1]
bootstrap = "net"
autobind = true
ls_t_recalc = 1
congestion = {name = "dctcp", gain = 0.125}
`+"\n"+`[daemon]
manage_mode = "0600"
`)
	// The names of the IPCP and of its layer exist once it has been bound to them; they are registered by irm.
	second := l.file("n2.toml", `
[eth-dix.shim]
bootstrap = "eth"
dev = "v21"

[name.net]
[name.uni1]

[unicast.uni2]
enrol = "net"
autobind = true
reg = ["oping"]
conn = ["uni1"]

[name.oping]
prog = ["oping"]
`)
	l.run(`
		n1: irmd --stdout --config ` + first + ` &
		n1: irm name register uni1 layer eth ; irm name register net layer eth
		n2: irmd --stdout --config ` + second + ` &
		n2: oping --listen &
	`)
	l.node("n2").lists("ipcp list layer net", "uni2")
	l.reachable("n1", "oping")
	pinged(t, l.run(`n1: oping -n oping -c 3 -i 10`), "oping", 3)

	l.run(`n1: irm shape shim out loss 1`)
	l.node("n1").fails("timeout 3 oping -n oping -c 2 -i 10", "")
	l.run(`n1: irm shape shim clear`)
	l.reachable("n1", "oping")

	bad := l.file("bad.toml", "[unicast.u]\nbootstrap = \"net\"\ncongestion = \"lfa\"\n")
	l.node("n1").vars["OUROBOROS_DIR"] = l.home + "/other"
	l.node("n1").fails("irmd --stdout --config "+bad, bad+":3: unicast.u.congestion: unknown congestion policy")
}

// TestCompletionKnowsTheSystem: bash completes what the daemon has.
func TestCompletionKnowsTheSystem(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("NOT TESTED: completion, bash is not installed")
	}
	l := newLab(t, "n1")
	l.run(`
		irmd --stdout &
		irm ipcp bootstrap type local name local-ipcp layer local-layer
	`)
	script := l.file("complete.sh", `source <(irm completion bash)
COMP_WORDS=(irm name register x layer lo); COMP_CWORD=5; _irm irm lo layer; echo "${COMPREPLY[*]}"
COMP_WORDS=(irm rib local-ipcp/info/_s); COMP_CWORD=2; _irm irm local-ipcp/info/_s rib; echo "${COMPREPLY[*]}"
`)
	if out := l.node("n1").sh("bash " + script); out != "local-layer\nlocal-ipcp/info/_state\n" {
		t.Errorf("completed: %q", out)
	}
}
