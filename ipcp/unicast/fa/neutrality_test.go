package fa

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
	"ouroboros/ipcp/unicast/adm"
	"ouroboros/ipcp/unicast/dt"
	"ouroboros/ipcp/unicast/pff"
	"ouroboros/ipcp/unicast/sched"
	"ouroboros/ipcp/unicast/shape"
)

// The rule of this file: two flows with equal QoS and different payload get the same. A member treats a packet
// by its length, its time and the QoS that its flow asked for, and by nothing that it carries.

// payloads are ways to fill a packet of n bytes.
var payloads = map[string]func(pool *pkt.Pool, n int) *pkt.Buf{
	"zeros":   func(pool *pkt.Pool, n int) *pkt.Buf { return pool.Get(64, n) },
	"phantom": func(pool *pkt.Pool, n int) *pkt.Buf { return pool.GetPhantom(64, 0, n) },
	"ones":    func(pool *pkt.Pool, n int) *pkt.Buf { return filled(pool, n, func(int) byte { return 0xFF }) },
	"text": func(pool *pkt.Pool, n int) *pkt.Buf {
		return filled(pool, n, func(i int) byte { return "GET / HTTP/1.1\r\n"[i%16] })
	},
	"encrypted": func(pool *pkt.Pool, n int) *pkt.Buf { // as uniform as a good cipher makes it
		var seed [32]byte
		stream := rand.NewChaCha8(seed)
		return filled(pool, n, func(int) byte { return byte(stream.Uint64()) })
	},
	"half phantom": func(pool *pkt.Pool, n int) *pkt.Buf { return pool.GetPhantom(64, n/2, n-n/2) },
	"a message of the layer": func(pool *pkt.Pool, n int) *pkt.Buf {
		p := pool.Get(64, n)
		if n >= wire.FAFixed {
			(&wire.FA{Source: first, SEID: 64, ECE: 0xFFFF, Code: wire.FlowUpdate}).Put(p.Bytes())
		}
		return p
	},
	"a header of voice": func(pool *pkt.Pool, n int) *pkt.Buf {
		p := pool.Get(64, n)
		if l := wire.DefaultPCI; n >= l.Len() {
			l.Put(p.Bytes(), second, uint8(core.CubeVoice), 60, 255, 64)
		}
		return p
	},
}

func filled(pool *pkt.Pool, n int, at func(i int) byte) *pkt.Buf {
	p := pool.Get(64, n)
	for i, b := 0, p.Bytes(); i < len(b); i++ {
		b[i] = at(i)
	}
	return p
}

// wishes are the QoS of the flows of an experiment: each twice, and what passes through besides.
var wishes = []core.QoS{
	core.QoSVoice, core.QoSVoice,
	{Bandwidth: 400_000, Delay: core.DontCare, MaxGap: core.DontCare},
	{Bandwidth: 400_000, Delay: core.DontCare, MaxGap: core.DontCare},
	core.QoSRaw, core.QoSRaw,
	core.QoSVideo, core.QoSVideo,
	{Bandwidth: 900_000, Delay: core.DontCare, MaxGap: core.DontCare},
	{Bandwidth: 900_000, Delay: core.DontCare, MaxGap: core.DontCare},
}

// experiment offers the flows of an overloaded member the same packets at the same times, with the payload
// kinds[i] for flow i and kinds[last] for what passes through, and returns all that can be seen from outside:
// which flows were taken on, when each packet left and how long it was, what was refused and dropped.
func experiment(t *testing.T, s setup, kinds []string) string {
	const transit = 3 // flows of others, one of each cube
	s.queue, s.cube, s.rate = 8, true, 2_000_000
	b := newBenchWith(t, s)
	b.below.quiet = true
	pool, traffic := b.env.Pool, rand.New(rand.NewPCG(1, 2))
	var flows []core.Flow
	number := map[uint64]int{}
	b.fa.OnRequest(func(in core.IncomingFlow) {
		f, err := in.Respond(0, in.Piggyback)
		if err != nil {
			t.Fatal(err)
		}
		flows = append(flows, f)
	})
	var seen strings.Builder
	b.below.seen = func(p *pkt.Buf) {
		l, h := wire.DefaultPCI, p.Front()
		fmt.Fprintf(&seen, "%d: %d bytes of cube %d to %d\n", b.env.Now(), p.Len(), l.Cube(h), number[l.EndpointID(h)])
	}
	for i, q := range wishes {
		number[uint64(100+i)] = i
		hello := payloads[kinds[i]](pool, 40)
		b.qos = q
		n := len(flows)
		b.message(requestOf(first, uint64(100+i), q), core.SHA3_256.Sum("x"), string(hello.Bytes()))
		hello.Release()
		if len(flows) == n {
			flows = append(flows, nil)
		}
		fmt.Fprintf(&seen, "flow %d: taken on %v\n", i, len(flows) > n && flows[n] != nil)
	}
	for i := range transit {
		number[uint64(200+i)] = len(wishes) + i
	}
	for range 700 {
		b.run(time.Duration(traffic.IntN(3_000_000)))
		i, n := traffic.IntN(len(wishes)+transit), 40+traffic.IntN(1200)
		if i >= len(wishes) {
			cube := i - len(wishes)
			p := payloads[kinds[len(wishes)]](pool, n)
			wire.DefaultPCI.Put(p.Push(wire.DefaultPCI.Len()), second, uint8(cube), 60, 0, uint64(200+cube))
			b.below.sink.Deliver(p)
			continue
		}
		p := payloads[kinds[i]](pool, n)
		if flows[i] == nil {
			p.Release()
			continue
		}
		if err := flows[i].Write(p); err != nil {
			fmt.Fprintf(&seen, "%d: flow %d refuses %d bytes: %v\n", b.env.Now(), i, n, err)
			if !errors.Is(err, core.ErrWouldBlock) {
				t.Fatal(err)
			}
			p.Release()
		}
	}
	b.run(time.Minute)
	b.fa.Flows(func(f FlowInfo) { fmt.Fprintf(&seen, "flow %d: %+v\n", number[f.RemoteEID], f.Stats) })
	b.dt.Ports(func(_ pff.Port, _ uint64, st dt.Stats, queued int) { fmt.Fprintf(&seen, "%+v, %d wait\n", st, queued) })
	return seen.String()
}

// kindsOf fills every flow with payloads that pick says.
func kindsOf(pick func(i int) string) []string {
	out := make([]string, len(wishes)+1)
	for i := range out {
		out[i] = pick(i)
	}
	return out
}

// TestEqualQoSGetsTheSameWhateverThePayload: for every scheduler, shaping and admission policy, packets leave
// at the same nanosecond and are dropped alike, whatever each flow carries.
func TestEqualQoSGetsTheSameWhateverThePayload(t *testing.T) {
	names := slices.Sorted(maps.Keys(payloads))
	for _, scheduler := range sched.Policies().Names() {
		for _, shaping := range shape.Policies().Names() {
			for _, admission := range adm.Policies().Names() {
				s := setup{scheduler: smallQueue(scheduler), shaping: smallBurst(shaping), admission: policyOf{name: admission}}
				want := experiment(t, s, kindsOf(func(int) string { return "zeros" }))
				checkExperiment(t, s, want)
				for shift := range 3 { // two flows with equal QoS always carry different things
					kinds := kindsOf(func(i int) string { return names[(i+3*shift)%len(names)] })
					if got := experiment(t, s, kinds); got != want {
						t.Errorf("%s, %s, %s: packets of %v are treated otherwise than zeros: %s",
							scheduler, shaping, admission, kinds, firstDifference(want, got))
					}
				}
			}
		}
	}
}

// smallQueue gives a scheduler so little room that it drops.
func smallQueue(name string) policyOf {
	if name == "fifo" {
		return policyOf{name, map[string]any{"limit": 6}}
	}
	return policyOf{name, map[string]any{"limit_best_effort": 3, "limit_video": 3, "limit_voice": 3}}
}

// smallBurst gives a shaping policy so little room that it acts.
func smallBurst(name string) policyOf {
	if name == "none" {
		return policyOf{name: name}
	}
	return policyOf{name, map[string]any{"burst": 1500}}
}

// checkExperiment holds that an experiment does what it is there for: queues run full, and every policy has
// something to do.
func checkExperiment(t *testing.T, s setup, seen string) {
	t.Helper()
	for text, want := range map[string]bool{
		`refuses \d+ bytes`:        true, // the queue of a flow is full
		`DropWrite:{Packets:[1-9]`: true, // that of the scheduler too
		`Policed:[1-9]`:            s.shaping.name == "police",
		`Shaped:[1-9]`:             s.shaping.name == "shape",
		`taken on false`:           s.admission.name == "bandwidth",
	} {
		if regexp.MustCompile(text).MatchString(seen) != want {
			t.Errorf("%s, %s, %s: %s is seen: %v", s.scheduler.name, s.shaping.name, s.admission.name, text, !want)
		}
	}
}

// firstDifference returns the first line in which two texts differ.
func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d: %q, %q", i, x[i], y[i])
		}
	}
	return "one is longer"
}

// nosy is a scheduler that looks into packets.
type nosy struct{ sched.Scheduler }

func (n nosy) Push(now core.Time, p *pkt.Buf, cube core.Cube) bool {
	if b := p.Bytes()[wire.DefaultPCI.Len():]; len(b) > 0 && b[0] != 0 {
		cube = core.CubeBestEffort
	}
	return n.Scheduler.Push(now, p, cube)
}

// TestASchedulerThatLooksIntoPacketsIsNoticed: the experiment tells a policy that goes by content from one that
// does not.
func TestASchedulerThatLooksIntoPacketsIsNoticed(t *testing.T) {
	s := setup{scheduler: smallQueue("strict-priority"), spy: func(q sched.Scheduler) sched.Scheduler { return nosy{q} }}
	zeros := experiment(t, s, kindsOf(func(int) string { return "zeros" }))
	if zeros == experiment(t, s, kindsOf(func(int) string { return "text" })) {
		t.Error("nothing is noticed")
	}
}
