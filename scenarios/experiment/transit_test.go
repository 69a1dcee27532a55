package experiment_test

import (
	"bytes"
	"fmt"
	"testing"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
	"ouroboros/ipcp"
	"ouroboros/scenarios/experiment"
)

const gridScenario = `
schema: 1
name: grid
duration: 3s
topology: {generator: grid, params: {rows: 3, cols: 3, rate: 10Mbps, delay: 1ms}}
links:
  - {link: "*", queue: {packets: 100000}}
layers:
  - name: net
    kind: unicast
    over: links
    shim: eth-dix
    policies: {routing: link-state, forwarding: simple, congestion: mb-ecn, directory: static}
workload:
  - {name: raw, kind: matrix, qos: raw, size: 500B, total: 80Mbps, source: poisson, start: 1s, stop: 2500ms}
  - {name: data, kind: matrix, qos: data, size: 300B, total: 10Mbps, start: 1s, stop: 2500ms}
`

// TestOnlyTTLAndECNChangeInTransit compares every packet that a transit node sends with those it got:
// all that differs is the frame around it, a TTL one less, and marks that were added (spec 02 §6).
func TestOnlyTTLAndECNChangeInTransit(t *testing.T) {
	for name, marks := range map[string]bool{"line": false, "grid": true} {
		t.Run(name, func(t *testing.T) {
			sc := load(t, "grid", []byte(gridScenario))
			if name == "line" {
				sc = embedded(t, "line", "duration=5s", "workload.cbr.stop=4s")
			}
			e, w := build(t, sc, 1)
			defer w.Close()
			o := newTransit(t, e)
			w.SetTap(o.see)
			if err := e.Run(1, nil); err != nil {
				t.Fatal(err)
			}
			w.SetTap(nil) // flows that are closed now tell their peers, but no time is left for that
			run, err := e.Finish()
			if err != nil {
				t.Fatal(err)
			}
			o.end()
			for _, d := range run.Layers[0].Drops {
				if d.Value != 0 && d.Name != "no-route" { // before the layer has converged
					t.Errorf("%d packets dropped: %s", d.Value, d.Name)
				}
			}
			t.Logf("%d packets in transit, %d marked on the way", o.passed, o.marked)
			if o.passed < 1000 || (o.marked > 0) != marks {
				t.Errorf("%d packets in transit, %d marked on the way", o.passed, o.marked)
			}
		})
	}
}

// transit keeps what each node has been sent and has to pass on.
type transit struct {
	t       *testing.T
	e       *experiment.Experiment
	data    map[string]bool                 // flows of the shim that carry data transfer, by wire, direction and endpoint
	waiting map[string]map[string][][2]byte // node, packet without TTL and ECN: TTL and ECN that it came with
	passed  int
	marked  int
}

func newTransit(t *testing.T, e *experiment.Experiment) *transit {
	o := &transit{
		t: t, e: e, data: map[string]bool{}, waiting: map[string]map[string][][2]byte{},
	}
	for _, s := range e.Network.Systems {
		o.waiting[s.Name] = map[string][][2]byte{}
	}
	return o
}

// address returns that of a node in the layer, as it is now.
func (o *transit) address(node string) uint64 { return o.e.Network.System(node).IPCP("net").Address() }

// see looks at a frame that is sent.
func (o *transit) see(w core.Wire, dir int, _ core.Time, p *pkt.Buf) {
	c := p.Clone()
	defer c.Release()
	f, err := wire.ParseDIXFrame(c.Bytes())
	if err != nil {
		o.t.Errorf("frame %x: %v", c.Bytes(), err)
		return
	}
	body := f[wire.DIXFrameHeaderLen:][:f.Length()]
	if f.EID() == 0 {
		return // a message of the shim
	}
	from, to, name := "", "", ""
	for _, x := range o.e.Network.Wires {
		if x.Wire == w {
			from, to, name = x.A.Name, x.B.Name, x.Name
		}
	}
	if dir == 1 {
		from, to = to, from
	}
	flow := fmt.Sprint(name, dir, f.EID())
	if !o.data[flow] {
		a, err := ipcp.ParseAnnouncement(body)
		o.data[flow] = err == nil && a.Component == ipcp.DataTransfer.Component
		return
	}
	o.packet(from, to, body)
}

// packet takes a packet of data transfer from one node to the next.
func (o *transit) packet(from, to string, b []byte) {
	l := wire.DefaultPCI
	b = bytes.Clone(b)
	ttl, ecn := *l.TTL(b), *l.ECN(b)
	dst := l.Dst(b)
	*l.TTL(b), *l.ECN(b) = 0, 0
	if ttl != 60 { // not fresh: it must have come in
		came := o.waiting[from][string(b)]
		if len(came) == 0 {
			o.t.Fatalf("%s sends a packet that it did not get: TTL %d, %x", from, ttl, b)
		}
		in := came[0]
		if o.waiting[from][string(b)] = came[1:]; len(came) == 1 {
			delete(o.waiting[from], string(b))
		}
		o.passed++
		if ttl != in[0]-1 || ecn&in[1] != in[1] {
			o.t.Errorf("%s got TTL %d, ECN %d and sends %d, %d", from, in[0], in[1], ttl, ecn)
		}
		if ecn != in[1] {
			o.marked++
		}
	} else if dst == o.address(from) {
		o.t.Errorf("%s sends itself a packet", from)
	}
	if dst != o.address(to) {
		o.waiting[to][string(b)] = append(o.waiting[to][string(b)], [2]byte{ttl, ecn})
	}
}

// end checks that nothing got lost on the way.
func (o *transit) end() {
	for node, packets := range o.waiting {
		if len(packets) != 0 {
			o.t.Errorf("%s did not pass on %d different packets", node, len(packets))
		}
	}
}
