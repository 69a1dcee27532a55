package scenarios

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func mustLoad(t *testing.T, opts Options) *Scenario {
	t.Helper()
	opts.Catalog = testCatalog{}
	s, err := Load("f.yaml", []byte(base), opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What --set writes at a path is what stands at that place of the scenario (design §6).
func TestSetReachesItsPath(t *testing.T) {
	for _, c := range []struct {
		set string
		get func(s *Scenario) any
	}{
		{"duration=20s", func(s *Scenario) any { return s.Duration }},
		{"mode.world=live", func(s *Scenario) any { return s.Mode.World }},
		{"frcp.window=4096", func(s *Scenario) any { return s.FRCP.Window }},
		{"frcp.a=5s", func(s *Scenario) any { return s.FRCP.A }},
		{"seeds=[7,8,9]", func(s *Scenario) any { return strings.ReplaceAll(fmt.Sprint(s.Seeds), " ", ",") }},
		{"seeds.0=18446744073709551615", func(s *Scenario) any { return s.Seeds[0] }},
		{"name=other", func(s *Scenario) any { return s.Name }},
		{"layers.net.policies.routing.params.k=9", func(s *Scenario) any { return s.Layers[0].Policies.Routing.Params["k"] }},
		{"layers.net.policies.congestion.name=mb-ecn", func(s *Scenario) any { return s.Layers[0].Policies.Congestion.Name }},
		{"layers.net.policies.congestion=none", func(s *Scenario) any { return s.Layers[0].Policies.Congestion.Name }},
		{"layers.0.params.max_ttl=9", func(s *Scenario) any { return s.Layers[0].Params.MaxTTL }},
		{"workload.load.rate=2Mbps", func(s *Scenario) any { return s.Workload[0].Rate }},
		{"workload.load.qos=voice", func(s *Scenario) any { return s.Workload[0].QoS.Preset }},
		{"workload.load.qos.delay=50ms", func(s *Scenario) any { return s.Workload[0].QoS.Delay }},
		{"workload.load.from=b", func(s *Scenario) any { return s.Workload[0].From[0] }},
		{"topology.wires.1.loss=0.25", func(s *Scenario) any { return *s.Topology.Wires[1].Loss }},
		{"topology.defaults.queue.packets=64", func(s *Scenario) any { return s.Topology.Defaults.Queue.Packets }},
		{"topology.nodes.2=c", func(s *Scenario) any { return s.Topology.Nodes[2] }},
	} {
		s := mustLoad(t, Options{Set: []string{c.set}})
		path, value, _ := strings.Cut(c.set, "=")
		if got := fmt.Sprint(c.get(s)); got != value {
			t.Errorf("%s gives %s", c.set, got)
		}
		if want := []Override{{path, value, "flag"}}; !slices.Equal(s.Overrides, want) {
			t.Errorf("%s: overrides %v", c.set, s.Overrides)
		}
	}
}

// A field of a spec written as a word can be set: the rest stays that of the word.
func TestSetBelowAShorthandKeepsIt(t *testing.T) {
	s := mustLoad(t, Options{Set: []string{"workload.load.qos=voice", "workload.load.qos.delay=20ms"}})
	q := s.Workload[0].QoS
	if spec := q.Spec(); spec.Delay != 20 || spec.Availability != 5 || q.Label() != "custom" {
		t.Errorf("%+v, %s", spec, q.Label())
	}
}

// The layers are file < environment < flag.
func TestFlagBeatsEnvironmentBeatsFile(t *testing.T) {
	env := func(name string) string {
		return map[string]string{"OUROBOROS_DURATION": "30s", "OUROBOROS_FRCP_WINDOW": "512", "OUROBOROS_SEEDS": "[4, 5]"}[name]
	}
	s := mustLoad(t, Options{Env: env, Set: []string{"duration=40s"}})
	if s.Duration.D() != 40*time.Second || s.FRCP.Window != 512 || !slices.Equal(s.Seeds, []uint64{4, 5}) || s.FRCP.Recovery != "rack" {
		t.Errorf("%v %v %v %v", s.Duration, s.FRCP.Window, s.Seeds, s.FRCP.Recovery)
	}
	if len(s.Overrides) != 4 || s.Overrides[3].Origin != "flag" || s.Overrides[0].Origin != "environment" {
		t.Errorf("%v", s.Overrides)
	}
}

// Each variable names one value.
func TestEnvironmentNamesAreUnique(t *testing.T) {
	paths, vars := EnvPaths()
	sorted := slices.Sorted(slices.Values(vars))
	if n := len(slices.Compact(sorted)); n != len(paths) || n < 30 {
		t.Errorf("%d names for %d paths", n, len(paths))
	}
}

func TestBadEditsAreNamed(t *testing.T) {
	for _, c := range []struct{ set, want string }{
		{"durations=1s", `--set durations=1s: durations: unknown key; did you mean duration? accepted are schema, name,`},
		{"duration", `--set duration: is not of the form path=value, for instance duration=10s or layers.net.policies.routing.name=link-state`},
		{"duration=", `--set duration=: duration: the value is empty`},
		{"duration=0s", `--set duration=0s: duration: "0s": is out of range; accepted is at least 1ns`},
		{"duration=[", `--set duration=[: duration: is not YAML: `},
		{"duration=&a 1s", `--set duration=&a 1s: duration: YAML anchors and aliases`},
		{"duration.x=1", `--set duration.x=1: duration: is a value, nothing lies below it`},
		{"layers.nut.kind=shim", `--set layers.nut.kind=shim: layers.nut: no such element; did you mean net? accepted is net`},
		{"layers.net.policy.routing=x", `--set layers.net.policy.routing=x: layers.net.policy: unknown key; did you mean policies? accepted are name, kind,`},
		{"layers.net.policies.congestion=reno", `--set layers.net.policies.congestion=reno: layers.net.policies.congestion.name: "reno": unknown congestion policy "reno", accepted are none, mb-ecn`},
		{"topology.wires.7.loss=1", `--set topology.wires.7.loss=1: topology.wires.7: no such element; accepted are 0, 1`},
		{"faults=[{at: 1s, link: a-b, dwn: 1s}]", `--set faults=[{at: 1s, link: a-b, dwn: 1s}]: faults.0: "dwn": unknown key; did you mean down?`},
		{"layers.net.policies.routing.params.K=1", `--set layers.net.policies.routing.params.K=1: layers.net.policies.routing.params.K: is not a key;`},
	} {
		_, err := Load("f.yaml", []byte(base), Options{Set: []string{c.set}, Catalog: testCatalog{}})
		if err == nil {
			t.Errorf("%s was accepted", c.set)
		} else if !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", c.set, err, c.want)
		}
	}
	_, err := Load("f.yaml", []byte(base), Options{
		Catalog: testCatalog{},
		Env:     func(n string) string { return map[string]string{"OUROBOROS_FRCP_WINDOW": "8"}[n] },
	})
	if want := `OUROBOROS_FRCP_WINDOW=8: frcp.window: "8": is out of range; accepted is a whole number from 64 to 1048576`; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// All problems of a file are reported at once, in the order of the lines.
func TestAllProblemsAtOnce(t *testing.T) {
	bad := strings.NewReplacer("seeds: [1]", "sedes: [1]", "ends: [b, c]", "ends: [b, d]", "rack", "reno", "kind: cbr", "kind: cbt", "10s", "0s").Replace(base)
	_, err := Load("f.yaml", []byte(bad), Options{Catalog: testCatalog{}})
	var lines []int
	for _, e := range Errors(err) {
		if e.File != "f.yaml" || e.Msg == "" {
			t.Errorf("%+v", e)
		}
		lines = append(lines, e.Line)
	}
	if !slices.Equal(lines, []int{3, 4, 9, 13, 15}) {
		t.Errorf("lines %v\n%s", lines, err)
	}
}

// Without a catalog what depends on the tables stays unchecked, and nothing else.
func TestLoadWithoutCatalog(t *testing.T) {
	data := strings.NewReplacer("link-state", "anything", "[a, b, c]", "[a, b, c]").Replace(base)
	if _, err := Load("f.yaml", []byte(data), Options{}); err != nil {
		t.Error(err)
	}
	if _, err := Load("f.yaml", []byte(strings.Replace(data, "to: c", "to: d", 1)), Options{}); err == nil {
		t.Error("a destination from nowhere was accepted")
	}
}

func TestDefaults(t *testing.T) {
	s := mustLoad(t, Options{Set: []string{
		"seeds=[3]", "workload=[{kind: ping, from: a, to: b, size: 64B, interval: 1s}, {kind: ping, from: a, to: c, size: 64B, interval: 1s}]",
		"faults=[{at: 5s, link: a-b, set: {gilbert: {p: 0.1, r: 0.2}, queue: {packets: 5}}}]",
	}})
	l := s.Layers[0]
	if l.Kind != "unicast" || !l.OverLinks() || len(l.Over) != 1 || l.Shim != "eth-dix" || l.Params != (LayerParams{4, 8, 60, Duration(100 * time.Millisecond), 1023, 0, false}) {
		t.Errorf("layer %+v", l)
	}
	if !reflect.DeepEqual(l.Members, Patterns{All}) || s.Workload[0].Layer != "net" || s.Workload[0].QoS.Label() != "raw" {
		t.Errorf("members %v, workload %+v", l.Members, s.Workload[0])
	}
	if s.Workload[0].Name != "ping" || s.Workload[1].Name != "ping-2" || s.Topology.Wires[1].Name != "b-c" {
		t.Errorf("names %q %q %q", s.Workload[0].Name, s.Workload[1].Name, s.Topology.Wires[1].Name)
	}
	f := s.Faults[0]
	if f.Name != "set a-b at 5s" || f.For != Forever || *f.Set.Gilbert.LossBad != 1 || f.Set.Queue.Full != "drop" {
		t.Errorf("fault %+v", f)
	}
	if s.Mode.World != "sim" || len(s.Measure) != 8 {
		t.Errorf("%+v %v", s.Mode, s.Measure)
	}
}
