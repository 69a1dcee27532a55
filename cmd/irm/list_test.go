package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The lists look as those of the prototype, byte for byte (spec 15 §15.1).
func TestListsLookAsThoseOfThePrototype(t *testing.T) {
	newBench(t)
	for line, want := range map[string]string{"ipcp list": "No IPCPs in system.\n", "name list": "No names in system.\n"} {
		if code, out, _ := irm(strings.Fields(line)...); code != 0 || out != want {
			t.Errorf("irm %s: exit %d, %q", line, code, out)
		}
	}
	must(t, "ipcp create name uni2 type unicast", "ipcp bootstrap name uni1 type unicast layer net", "name create oping_server lb spillover")
	_, out, _ := irm("ipcp", "list")
	if d := cmp.Diff(`+---------+----------------------+------------+----------------------+
|     pid |                 name |       type |                layer |
+---------+----------------------+------------+----------------------+
|      50 |                 uni2 |    unicast |        Not enrolled. |
|      51 |                 uni1 |    unicast |                  net |
+---------+----------------------+------------+----------------------+

`, out); d != "" {
		t.Error(d)
	}
	_, out, _ = irm("name", "list")
	if d := cmp.Diff(`+----------------------------------------------------+----------------------+
|                                               name |  load-balance policy |
+----------------------------------------------------+----------------------+
|                                       oping_server |            spillover |
+----------------------------------------------------+----------------------+

`, out); d != "" {
		t.Error(d)
	}
}

// A column grows with what is in it, and nothing in a name acts on the terminal.
func TestBoxGrows(t *testing.T) {
	newBench(t)
	long := strings.Repeat("n", 25)
	if code, out, _ := irm("ipcp", "create", "name", long, "type", "local"); code != 0 {
		t.Fatal(out)
	}
	if code, out, _ := irm("ipcp", "create", "name", "é\x1b[31m", "type", "local"); code != 0 {
		t.Fatal(out)
	}
	_, out, _ := irm("ipcp", "list")
	if d := cmp.Diff(`+---------+---------------------------+------------+----------------------+
|     pid |                      name |       type |                layer |
+---------+---------------------------+------------+----------------------+
|      50 | nnnnnnnnnnnnnnnnnnnnnnnnn |      local |        Not enrolled. |
|      51 |                    é?[31m |      local |        Not enrolled. |
+---------+---------------------------+------------+----------------------+

`, out); d != "" {
		t.Error(d)
	}
}

// Filters are applied (a defect of the prototype, spec 13 §13.4), in lists for people and for programs.
func TestFilters(t *testing.T) {
	newBench(t)
	must(t, "ipcp create name uni2 type unicast", "ipcp bootstrap name uni1 type unicast layer net", "ipcp bootstrap name loc type local layer loop",
		"name create oping", "name create operf", "name create list", "name register net layer net")
	for line, want := range map[string]string{
		"ipcp list": "loc uni2 uni1", "ipcp list name uni1": "uni1", "ipcp list name uni*": "uni2 uni1", "ipcp list name uni": "",
		"ipcp list type local": "loc", "ipcp list layer net": "uni1", "ipcp list layer *o*": "loc", "ipcp list type unicast layer net name *": "uni1",
		"i l t unicast l n*": "uni1",
		"name list":          "list net operf oping", "name list op": "operf oping", "name list oping": "oping", "name list *g": "oping",
		"name list list op": "operf oping", "name list opingx": "", "name list list list": "list",
	} {
		code, out, _ := irm(append([]string{"--json"}, strings.Fields(line)...)...)
		var list []struct{ Name string }
		if err := json.Unmarshal([]byte(out), &list); code != 0 || err != nil {
			t.Errorf("irm %s: exit %d, %v, %s", line, code, err, out)
		}
		var got []string
		for _, e := range list {
			got = append(got, e.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("irm %s: %q, want %q", line, got, want)
		}
		_, out, _ = irm(strings.Fields(line)...)
		if n := strings.Count(out, "\n"); want != "" && n != len(got)+5 || want == "" && n != 1 {
			t.Errorf("irm %s:\n%s", line, out)
		}
	}
}

// The forms of --json.
func TestJSON(t *testing.T) {
	newBench(t)
	must(t, "ipcp bootstrap name uni1 type unicast layer net", "name create oping")
	for line, want := range map[string]string{
		"ipcp list": `[{"pid":50,"name":"uni1","type":"unicast","state":"operational","layer":"net","hash":"SHA3_224"}]`,
		"name list": `[{"name":"oping","load_balance":"round-robin","programs":[],"processes":[],"ipcps":[],"layers":[],"active":0,"security":{}}]`,
		"status":    `{"version":"test","pid":1234,"uptime_s":90,"counters":{"dropped.ttl":0,"flows":3}}`,
		"rib uni2":  `[{"path":"uni2/dt.1/64","content":"a: 1\nb: 2\n"}]`,
	} {
		_, out, _ := irm(append(strings.Fields(line), "--json")...)
		var got, wanted any
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Errorf("irm %s: %v\n%s", line, err, out)
		}
		json.Unmarshal([]byte(want), &wanted)
		if d := cmp.Diff(wanted, got); d != "" {
			t.Errorf("irm %s:\n%s", line, d)
		}
	}
}

// rib prints a file as it is, and of a directory all that is below it.
func TestRIB(t *testing.T) {
	newBench(t)
	for line, want := range map[string]string{
		"rib uni1/info/_state":  "operational\n",
		"rib /uni1/info/_state": "operational\n",
		"rib uni1":              "uni1/info/_layer\n    net\n\nuni1/info/_state\n    operational\n\n",
		"rib uni2/dt.1 names":   "uni2/dt.1/64\n",
		"rib names":             "uni1/info/_layer\nuni1/info/_state\nuni2/dt.1/64\n",
		"status":                "Ouroboros version test, process 1234, up 1m30s\n  flows                  3\n  dropped.ttl            0\n",
	} {
		if code, out, _ := irm(strings.Fields(line)...); code != 0 || out != want {
			t.Errorf("irm %s: exit %d, %q", line, code, out)
		}
	}
}

// shape: what stands before a direction is for both.
func TestShape(t *testing.T) {
	b := newBench(t)
	for line, want := range map[string]string{
		"shape u rate 10Mbps delay 5ms queue 50":                    `shape "u" out{rate=10000000 delay=5ms queue=50} in{rate=10000000 delay=5ms queue=50}`,
		"shape u out rate 1.5Gbps in loss 0.01":                     `shape "u" out{rate=1500000000} in{loss=0.01}`,
		"shape u jitter 1ms out ber 1e-6 both duplicate 0.5":        `shape "u" out{jitter=1ms ber=1e-06 duplicate=0.5} in{jitter=1ms duplicate=0.5}`,
		"shape u in reorder 0.1 reorder-by 10ms overhead 38":        `shape "u" out{} in{reorder=0.1 reorder-by=10ms overhead=38}`,
		"shape u out burst-loss 0.01,0.3,0,1 rate 64kbps in loss 1": `shape "u" out{rate=64000 gilbert={0.01 0.3 0 1}} in{loss=1}`,
		"shape u clear": `shape "u" out{} in{}`,
	} {
		must(t, line)
		if d := cmp.Diff([]string{want}, b.Calls()); d != "" {
			t.Errorf("irm %s:\n%s", line, d)
		}
	}
}
