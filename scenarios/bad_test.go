package scenarios

import (
	"strings"
	"testing"
)

// base is a sound scenario; the tests below replace lines of it.
const base = `schema: 1
name: base
duration: 10s
seeds: [1]
topology:
  nodes: [a, b, c]
  wires:
    - {ends: [a, b], rate: 10Mbps}
    - {ends: [b, c], rate: 10Mbps}
links: []
layers:
  - {name: net, policies: {routing: {name: link-state, params: {k: 8}}}}
frcp: {recovery: rack}
workload:
  - {name: load, kind: cbr, from: a, to: c, size: 1000B, rate: 1Mbps}
faults: []
expect: []
`

// Every error names the file, the line, the key, the value and what is accepted (design §6).
func TestBadInputIsNamed(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{
			"unknown key", "seeds: [1]", "sedes: [1]",
			`f.yaml:4: "sedes": unknown key; did you mean seeds? accepted are schema, name, description, duration, warmup, seeds, mode, topology, links, layers, names, security, frcp, workload, faults, measure, series, expect`,
		},
		{
			"unknown key below", "{recovery: rack}", "{windows: 64}",
			`f.yaml:13: frcp: "windows": unknown key; did you mean window? accepted are recovery, tail_probe, undo, ranges, pacing, window, window_auto, max_window, memory, a, r, ack_every, ack_delay, first_ack_delay, plain_acks, key_epoch`,
		},
		{
			"key in another case", "seeds: [1]", "Seeds: [1]",
			`f.yaml:4: "Seeds": unknown key; did you mean seeds? accepted are schema,`,
		},
		{"key twice", "seeds: [1]", "schema: 1", `f.yaml:4: schema: "schema": the key stands twice, first in line 1`},
		{"unknown version", "schema: 1", "schema: 2", `f.yaml:1: schema: "2": unknown version of the scenario format; accepted is 1`},
		{"no version", "schema: 1\n", "\n", `f.yaml:2: schema: is missing; accepted is 1, the version of the scenario format`},
		{"bad name", "name: base", "name: Base 1", `f.yaml:2: name: "Base 1": is not a name; accepted are up to 64 lower case letters, digits and -`},
		{"zero duration", "duration: 10s", "duration: 0s", `f.yaml:3: duration: "0s": is out of range; accepted is at least 1ns`},
		{"negative duration", "duration: 10s", "duration: -10s", `f.yaml:3: duration: "-10s": is negative; accepted is a duration such as "5ms", "1s" or "1m30s", or 0`},
		{"duration without unit", "duration: 10s", "duration: 10", `f.yaml:3: duration: "10": is not a duration; accepted is a duration such as "5ms", "1s" or "1m30s", or 0`},
		{"no duration", "duration: 10s\n", "\n", `f.yaml:1: duration: is missing; accepted is a duration such as`},
		{"no value", "duration: 10s", "duration:", `f.yaml:3: duration: "": has no value; leave the key out or give one`},
		{"no seeds", "seeds: [1]", "seeds: []", `f.yaml:4: seeds: list of 0: is empty; accepted is a list of at least one whole number`},
		{"negative seed", "seeds: [1]", "seeds: [1, -1]", `f.yaml:4: seeds.1: "-1": is out of range; accepted is a whole number from 0 to 18446744073709551615`},
		{"seed in another base", "seeds: [1]", "seeds: [010]", `f.yaml:4: seeds.0: "010": is not a whole number; accepted is one from 0 to 18446744073709551615`},
		{"seed twice", "seeds: [1]", "seeds: [1, 1]", `f.yaml:4: seeds.1: "1": the seed stands twice; accepted are different ones, since equal seeds give equal runs`},
		{"seeds not a list", "seeds: [1]", "seeds: 1", `f.yaml:4: seeds: "1": is a single value; accepted is a list`},
		{"long warm-up", "seeds: [1]", "warmup: 10s", `f.yaml:4: warmup: "10s": takes the whole run; accepted is less than the duration, 10s`},
		{"unknown world", "seeds: [1]", "mode: {world: real}", `f.yaml:4: mode.world: "real": unknown value; accepted are sim, live, emulate, lab`},
		{"unknown measure", "seeds: [1]", "measure: [delay, godput]", `f.yaml:4: measure.1: "godput": unknown value; did you mean goodput? accepted are goodput, loss, delay, queue, utilisation, fairness, control, convergence`},
		{"series without interval", "seeds: [1]", "series: {record: [queue]}", `f.yaml:4: series.interval: is missing; accepted is a duration`},

		{"duplicate node", "[a, b, c]", "[a, b, c, a]", `f.yaml:6: topology.nodes.3: "a": duplicate node a; accepted is a name that stands once`},
		{"reserved node", "[a, b, c]", "[a, b, c, all]", `f.yaml:6: topology.nodes.3: "all": is not a node name; accepted are 1 to 255 bytes of text other than "all"`},
		{"link to nowhere", "ends: [b, c]", "ends: [b, d]", `f.yaml:9: topology.wires.1.ends.1: "d": no such node; accepted are a, b, c`},
		{"link with one end", "ends: [b, c]", "ends: [b]", `f.yaml:9: topology.wires.1.ends: list of 1: has 1 ends; accepted is a list of two nodes`},
		{"link to itself", "ends: [b, c]", "ends: [b, b]", `f.yaml:9: topology.wires.1.ends: list of 2: both ends are b; accepted are two different nodes`},
		{"duplicate link", "ends: [b, c]", "ends: [a, b]", `f.yaml:9: topology.wires.1.name: duplicate name a-b, first in line 8; accepted is a name that stands once`},
		{"two topologies", "topology:", "topology:\n  map: abilene", `f.yaml:7: topology.nodes: list of 3: stands beside map; accepted is exactly one of map, file, generator, nodes`},
		{"negative rate", "[b, c], rate: 10Mbps", "[b, c], rate: -10Mbps", `f.yaml:9: topology.wires.1.rate: "-10Mbps": is negative; accepted is a rate such as "500bps", "64kbps", "80Mbps" or "1.5Gbps"`},
		{"zero rate", "[b, c], rate: 10Mbps", "[b, c], rate: 0bps", `f.yaml:9: topology.wires.1.rate: "0bps": is out of range; accepted is at least 1bps`},
		{"rate without unit", "[b, c], rate: 10Mbps", "[b, c], rate: 10", `f.yaml:9: topology.wires.1.rate: "10": has no known unit; accepted is a rate such as`},
		{"rate in parts of bits", "[b, c], rate: 10Mbps", "[b, c], rate: 0.5bps", `f.yaml:9: topology.wires.1.rate: "0.5bps": is not a whole number of bps; accepted is a rate such as`},
		{"probability above 1", "[b, c], rate: 10Mbps", "[b, c], loss: 1.5", `f.yaml:9: topology.wires.1.loss: "1.5": is out of range; accepted is a number from 0 to 1`},
		{"number as text", "[b, c], rate: 10Mbps", `[b, c], loss: "0.5"`, `f.yaml:9: topology.wires.1.loss: "0.5": is not a number; accepted is one from 0 to 1`},
		{"not a truth value", "[b, c], rate: 10Mbps", "[b, c], fcs: no", `f.yaml:9: topology.wires.1.fcs: "no": is not a truth value; accepted are true, false`},
		{"queue without size", "[b, c], rate: 10Mbps", "[b, c], queue: {full: block}", `f.yaml:9: topology.wires.1.queue: section: has no size; accepted is packets, bytes or both`},
		{"queue of text", "[b, c], rate: 10Mbps", "[b, c], queue: 100", `f.yaml:9: topology.wires.1.queue: "100": is a single value; accepted is a section`},
		{"small mtu", "[b, c], rate: 10Mbps", "[b, c], mtu: 63B", `f.yaml:9: topology.wires.1.mtu: "63B": is out of range; accepted is at least 64B`},
		{"half a burst model", "[b, c], rate: 10Mbps", "[b, c], gilbert: {p: 0.1}", `f.yaml:9: topology.wires.1.gilbert.r: is missing; accepted is the probability of a change from bad to good`},

		{"rule for no link", "links: []", "links: [{link: x*, loss: 0}]", `f.yaml:10: links.0.link.0: "x*": no link matches; accepted are a-b, b-c`},
		{"rule without effect", "links: []", "links: [{link: a-b}]", `f.yaml:10: links.0: section: changes nothing; accepted are rate, delay, detect, mtu, queue,`},
		{"bad pattern", "links: []", `links: [{link: "[", loss: 0}]`, `f.yaml:10: links.0.link.0: "[": is not a pattern; accepted are names in which *, ? and [a-z] stand for other text`},

		{"unknown policy", "link-state", "link-sate", `f.yaml:12: layers.net.policies.routing.name: "link-sate": unknown routing policy "link-sate", accepted are link-state`},
		{"unknown policy, short", "{name: link-state, params: {k: 8}}", "distance-vector", `f.yaml:12: layers.net.policies.routing.name: "distance-vector": unknown routing policy "distance-vector", accepted are link-state`},
		{"unknown kind of policy", "policies: {routing:", "policies: {route:", `f.yaml:12: layers.net.policies: "route": unknown key; accepted are routing, forwarding, congestion, directory, scheduler, addressing, cost, shaping, admission`},
		{"unknown parameter", "params: {k: 8}", "params: {k: 8, kk: 1}", `f.yaml:12: layers.net.policies.routing.params.kk: "1": routing policy "link-state": 'scenarios.testConfig' has invalid keys: kk; parameters are k (int,`},
		{"parameters that do not go together", "params: {k: 8}", "params: {k: 8, least: 9}", `f.yaml:12: layers.net.policies.routing.params: section: routing policy "link-state": least 9, accepted is at most k, 8`},
		{"parameter key", "params: {k: 8}", "params: {K: 8}", `f.yaml:12: layers.net.policies.routing.params: "K": is not a key; accepted are lower case letters, digits and _`},
		{"duplicate layer", "layers:", "layers:\n  - {name: net}", `f.yaml:13: layers.net.name: "net": duplicate name net, first in line 12; accepted is a name that stands once`},
		{"layer over nothing", "{name: net,", "{name: net, over: ground,", `f.yaml:12: layers.net.over.0: "ground": no such unicast layer before this one; accepted is links`},
		{"layer without name", "{name: net,", "{members: all,", `f.yaml:12: layers.0.name: is missing; accepted is a name`},
		{"layer name with a dot", "{name: net,", "{name: n.t,", `f.yaml:12: layers.n.t.name: "n.t": is not a name; accepted are up to 64 letters, digits, _, + and -`},
		{"member from nowhere", "{name: net,", "{name: net, members: [a, z*],", `f.yaml:12: layers.net.members.1: "z*": no node matches; accepted are a, b, c`},
		{"policies of a shim layer", "{name: net,", "{name: net, kind: shim,", `f.yaml:12: layers.net.policies: section: are for a layer of kind unicast only`},
		{"layer over the same twice", "{name: net,", "{name: net, over: [links, links],", `f.yaml:12: layers.net.over.1: "links": stands twice; accepted is each name once`},
		{"bootstrap by a stranger", "{name: net,", "{name: net, bootstrap: z,", `f.yaml:12: layers.net.bootstrap: "z": no such member; accepted are a, b, c`},
		{"unknown shim", "{name: net,", "{name: net, shims: [{link: a-b, shim: atm}],", `f.yaml:12: layers.net.shims.0.shim: "atm": unknown value; accepted are eth-dix, eth-llc, udp4, udp6, direct`},
		{"shim on no link", "{name: net,", "{name: net, shims: [{link: x, shim: udp4}],", `f.yaml:12: layers.net.shims.0.link.0: "x": no link matches; accepted are a-b, b-c`},
		{"unicast traffic on a broadcast layer", "{name: net, policies: {routing: {name: link-state, params: {k: 8}}}}", "{name: net, kind: broadcast}", `f.yaml:15: workload.load.kind: "cbr": does not go with layer net of kind broadcast; accepted are group on a broadcast layer`},
		{"ttl", "{name: net,", "{name: net, params: {max_ttl: 256},", `f.yaml:12: layers.net.params.max_ttl: "256": is out of range; accepted is a whole number from 1 to 255`},

		{"frcp recovery", "recovery: rack", "recovery: reno", `f.yaml:13: frcp.recovery: "reno": unknown value; accepted are rack, prototype`},

		{"security of strangers", "frcp: {", "security: [{nodes: z}]\nfrcp: {", `f.yaml:13: security.0.nodes.0: "z": no node matches; accepted are a, b, c`},
		{"cipher that there is not", "frcp: {", "security: [{name: all, cipher: rot13}]\nfrcp: {", `f.yaml:13: security.all.cipher: "rot13": unknown value; accepted are aes-128-gcm, aes-192-gcm, aes-256-gcm, chacha20-poly1305, aes-128-ctr, aes-192-ctr, aes-256-ctr`},
		{"key agreement that cannot be had", "frcp: {", "security: [{kex: X448}]\nfrcp: {", `f.yaml:13: security.0.kex: "X448": unknown value; accepted are X25519, prime256v1`},
		{"peers without certificates", "frcp: {", "security: [{require_peer: true}]\nfrcp: {", `f.yaml:13: security.0.require_peer: "true": no rule gives any system certificates, so no flow would come about; accepted is it beside certificates`},

		{"duplicate workload", "workload:", "workload:\n  - {name: load, kind: bulk, bytes: 1B, from: a, to: b}", `f.yaml:16: workload.load.name: "load": duplicate name load, first in line 15; accepted is a name that stands once`},
		{"unknown kind", "kind: cbr", "kind: cbt", `f.yaml:15: workload.load.kind: "cbt": unknown value; did you mean cbr? accepted are cbr, poisson, onoff, bulk, ping, matrix`},
		{"no kind", "kind: cbr, ", "", `f.yaml:15: workload.load.kind: is missing; accepted is one of cbr,`},
		{"source from nowhere", "from: a,", "from: x,", `f.yaml:15: workload.load.from.0: "x": no member of layer net matches; accepted are a, b, c`},
		{"flow to itself", "to: c,", "to: a,", `f.yaml:15: workload.load.to: "a": names the sources only; accepted is at least one other node`},
		{"unequal zip", "to: c,", "to: '[bc]', pairing: zip,", `f.yaml:15: workload.load.pairing: "zip": pairs 1 sources with 2 destinations; accepted are equal numbers`},
		{"key of another kind", "rate: 1Mbps", "rate: 1Mbps, bytes: 1B", `f.yaml:15: workload.load.bytes: "1B": is not a key of kind cbr; accepted are name, kind, layer,`},
		{"rate and interval", "rate: 1Mbps", "rate: 1Mbps, interval: 1ms", `f.yaml:15: workload.load.interval: "1ms": stands beside rate; accepted is exactly one of rate, interval`},
		{"neither rate nor interval", ", rate: 1Mbps}", "}", `f.yaml:15: workload.load: section: gives none of rate, interval; accepted is exactly one`},
		{"no size", "size: 1000B, ", "", `f.yaml:15: workload.load.size: is missing; accepted is a value, since kind cbr needs it`},
		{"size in bits", "1000B", "1000bit", `f.yaml:15: workload.load.size: "1000bit": has no known unit; accepted is a size such as "1000B", "64kB", "64KiB", "10MB" or "1GiB"`},
		{"unknown qos", "size: 1000B", "qos: gold, size: 1000B", `f.yaml:15: workload.load.qos.preset: "gold": unknown value; accepted are raw, raw_no_errors, best, video, voice, data`},
		{"qos below a millisecond", "size: 1000B", "qos: {delay: 1500us}, size: 1000B", `f.yaml:15: workload.load.qos.delay: "1500us": cannot be sent; accepted are whole milliseconds below 2^32`},
		{"start after the end", "rate: 1Mbps", "rate: 1Mbps, start: 10s", `f.yaml:15: workload.load.start: "10s": is not before the end of the run; accepted is less than the duration, 10s`},
		{"stop before start", "rate: 1Mbps", "rate: 1Mbps, start: 5s, stop: 5s", `f.yaml:15: workload.load.stop: "5s": is not after the start, 5s`},
		{"unknown layer", "size: 1000B", "layer: nat, size: 1000B", `f.yaml:15: workload.load.layer: "nat": no such layer; did you mean net? accepted is net`},

		{"fault after the end", "faults: []", "faults: [{at: 10s, link: a-b, down: 1s}]", `f.yaml:16: faults.0.at: "10s": is not before the end of the run; accepted is less than the duration, 10s`},
		{"fault on nothing", "faults: []", "faults: [{at: 1s, down: 1s}]", `f.yaml:16: faults.0: section: gives none of link, node; accepted is exactly one`},
		{"fault on an unknown link", "faults: []", "faults: [{at: 1s, link: b-a, down: 1s}]", `f.yaml:16: faults.0.link.0: "b-a": no link matches; did you mean b-c? accepted are a-b, b-c`},
		{"fault without effect", "faults: []", "faults: [{name: f, at: 1s, link: a-b, set: {}}]", `f.yaml:16: faults.f.set: section: changes nothing; accepted are rate, delay,`},
		{"fault of zero length", "faults: []", "faults: [{at: 1s, link: a-b, down: 0s}]", `f.yaml:16: faults.0.down: "0s": is not a period above 0; accepted is a duration such as "5s", or "forever"`},
		{"link killed", "faults: []", "faults: [{at: 1s, link: a-b, kill: true}]", `f.yaml:16: faults.0.kill: "true": ends nodes; accepted is node in place of link, or down`},

		{"link joins", "faults: []", "faults: [{at: 1s, link: a-b, join: net}]", `f.yaml:16: faults.0.join: "net": is about nodes; accepted is node in place of link`},
		{"joining nothing", "faults: []", "faults: [{at: 1s, node: a, join: nat}]", `f.yaml:16: faults.0.join: "nat": no such layer; did you mean net? accepted is net`},
		{"for what", "faults: []", "faults: [{at: 1s, node: a, leave: net, for: 1s}]", `f.yaml:16: faults.0.for: "1s": stands without set or kill; accepted is one of these beside it`},
		{"name taken back first", "faults: []", "faults: []\nnames: [{name: x, nodes: a, at: 5s, until: 4s}]", `f.yaml:17: names.x.until: "4s": is not after the registration, 5s`},

		{"unknown metric", "expect: []", "expect: [{metric: goodput.gain, op: '>', value: 1}]", `f.yaml:17: expect.0.metric: "goodput.gain": unknown metric; did you mean goodput.jain? accepted are goodput.sum, goodput.min,`},
		{"unknown operator", "expect: []", "expect: [{metric: loss, op: '=<', value: 1}]", `f.yaml:17: expect.0.op: "=<": unknown value; accepted are <, <=, ==, !=, >=, >, ~`},
		{"value without unit", "expect: []", "expect: [{metric: goodput.sum, op: '>', value: 1}]", `f.yaml:17: expect.0.value: "1": has no known unit; accepted is a rate such as`},
		{"no tolerance", "expect: []", "expect: [{metric: loss, op: '~', value: 1}]", `f.yaml:17: expect.0.tolerance: goes with the operator ~; accepted are both or neither`},
		{"metric of nothing", "expect: []", "expect: [{metric: outage.max, op: '<', value: 1s}]", `f.yaml:17: expect.0.metric: "outage.max": there is no fault that it could be measured on`},
		{"expectation on an unknown flow", "expect: []", "expect: [{metric: loss, of: lode, op: '<', value: 1}]", `f.yaml:17: expect.0.of.0: "lode": no workload matches; did you mean load? accepted is load`},

		{"alias", "seeds: [1]", "seeds: &s [1]", `f.yaml:4: YAML anchors and aliases (&, *) are not accepted; write the value out, or quote the text`},
		{"tag", "seeds: [1]", "seeds: !x [1]", `f.yaml:4: YAML tag "!x" is not accepted`},
		{"second document", "seeds: [1]", "seeds: [1]\n---\nx: 1\n---", `f.yaml:`},
		{"not YAML", "seeds: [1]", "seeds: [1", `f.yaml:`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(base, c.old) {
				t.Fatalf("base has no %q", c.old)
			}
			_, err := Load("f.yaml", []byte(strings.Replace(base, c.old, c.new, 1)), Options{Catalog: testCatalog{}})
			if err == nil {
				t.Fatal("accepted")
			}
			if got := err.Error(); !strings.Contains("\n"+got, "\n"+c.want) {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if n := len(Errors(err)); n != 1 && c.name != "second document" {
				t.Errorf("%d errors for one mistake:\n%s", n, err)
			}
		})
	}
}

// What exists in the simulator only is refused where nodes are processes of their own (ADR 0041), by file and line.
func TestRealHostsCannotDoEverything(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{
			"policies: {routing: {name: link-state, params: {k: 8}}}", "shim: direct, policies: {routing: {name: link-state, params: {k: 8}}}",
			`f.yaml:12: layers.net.shim: "direct": exists in the simulator only, and the mode is emulate; accepted are eth-dix, eth-llc, udp4, udp6`,
		},
		{
			"faults: []", "faults: [{at: 1s, node: b, kill: true}, {at: 2s, node: [a, b], kill: true}]",
			`is killed already by fault 1, and the mode is emulate; accepted are kills of a node one after the other`,
		},
		{
			"faults: []", "security: [{certificates: ed25519}]",
			`f.yaml:16: security.0.certificates: "ed25519": are issued within one process, and in mode emulate every node is one; accepted is none`,
		},
	} {
		text := strings.Replace(base, c.old, c.new, 1)
		for mode, refused := range map[string]bool{"sim": false, "emulate": true} {
			_, err := Load("f.yaml", []byte(text), Options{Catalog: testCatalog{}, Set: []string{"mode.world=" + mode}})
			switch {
			case !refused && err != nil:
				t.Errorf("mode %s: %v", mode, err)
			case refused && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("mode %s: got\n%v\nwant\n%s", mode, err, c.want)
			}
		}
	}
}

func TestBaseIsSound(t *testing.T) {
	if _, err := Load("f.yaml", []byte(base), Options{Catalog: testCatalog{}}); err != nil {
		t.Fatal(err)
	}
}

// A local layer is on no wire, and its flows begin and end on one node.
func TestLocalLayerIsOnNoWire(t *testing.T) {
	text := strings.Replace(base, "{name: net, policies: {routing: {name: link-state, params: {k: 8}}}}", "{name: net, kind: local, shim: direct}", 1)
	_, err := Load("f.yaml", []byte(text), Options{Catalog: testCatalog{}})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		`f.yaml:12: layers.net.shim: "direct": is not for a layer of kind local, which is on no wire`,
		`f.yaml:15: workload.load.to: "c": names none of the sources; accepted on a local layer is the same node`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got\n%v\nwant\n%s", err, want)
		}
	}
}
