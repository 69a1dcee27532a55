package experiment_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
	"ouroboros/frcp"
	"ouroboros/scenarios/node"
)

// The rule of this file: two flows with equal QoS and different payload get the same, from end to end. What is
// compared is every arrival of every flow, to the nanosecond, and all that can be observed in the network.

// contested is a network in which everything that could favour a flow is at work: a bottleneck that other
// traffic fills, and the policies of the layer.
const contested = `
schema: 1
name: contested
duration: 6s
topology: {generator: dumbbell, params: {left: 3, right: 3, routers: 2, access: 100Mbps, bottleneck: 5Mbps, delay: 1ms}}
links: [{link: rl-rr, %s}]
layers:
  - {name: net, kind: unicast, params: {cubes: true, queue: 50}, policies: {%s}}
workload:
  - {name: rest, kind: poisson, from: l2, to: r2, qos: raw, size: 900B, rate: 3Mbps, start: 2s}
  - {name: film, kind: cbr, from: l2, to: r2, qos: {preset: video, in_order: false}, size: 700B, rate: 1Mbps, start: 2s}
`

// fillings are ways to fill a message of n bytes.
var fillings = map[string]func(pool *pkt.Pool, n int) *pkt.Buf{
	"zeros":   func(pool *pkt.Pool, n int) *pkt.Buf { return pool.Get(64, n) },
	"phantom": func(pool *pkt.Pool, n int) *pkt.Buf { return pool.GetPhantom(64, 0, n) },
	"random": func(pool *pkt.Pool, n int) *pkt.Buf {
		p := pool.Get(64, n)
		_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(p.Bytes())
		return p
	},
	"text": func(pool *pkt.Pool, n int) *pkt.Buf {
		p := pool.Get(64, n)
		for i := range p.Bytes() {
			p.Bytes()[i] = "GET /video.mp4 HTTP/1.1\r\n"[i%25]
		}
		return p
	},
	"a header of voice": func(pool *pkt.Pool, n int) *pkt.Buf {
		p := pool.Get(64, n)
		wire.DefaultPCI.Put(p.Bytes(), 1, uint8(core.CubeVoice), 60, 0, 64)
		return p
	},
}

// talk is a program that sends messages of drawn lengths at drawn times, and the one that receives them.
type talk struct {
	env  core.Env
	flow core.Flow
	fill func(pool *pkt.Pool, n int) *pkt.Buf
	rng  *rand.Rand
	next core.Timer
	held *pkt.Buf // that found no room
	t    *testing.T
	got  []string // arrivals
}

func (s *talk) Deliver(p *pkt.Buf) {
	s.got = append(s.got, fmt.Sprint(s.env.Now(), " ", p.Len()))
	p.Release()
}

func (s *talk) State(bool) {}

// Closed is the end of the run.
func (s *talk) Closed(error) { s.stop() }

// stop ends the source.
func (s *talk) stop() {
	if s.next != nil {
		s.next.Stop()
	}
	if s.held != nil {
		s.held.Release()
		s.held = nil
	}
}

// Writable has the message go that found no room.
func (s *talk) Writable() {
	if p := s.held; p != nil {
		s.held = nil
		s.write(p)
	}
}

func (s *talk) write(p *pkt.Buf) {
	switch err := s.flow.Write(p); {
	case errors.Is(err, core.ErrWouldBlock):
		s.held = p
	case err != nil:
		s.t.Errorf("write: %v", err)
	}
}

// send sends a message, unless one still waits.
func (s *talk) send() {
	n, gap := 100+s.rng.IntN(1100), time.Duration(s.rng.Int64N(int64(4*time.Millisecond)))
	if s.held == nil {
		s.write(s.fill(s.env.Pool, n))
	}
	s.next.Reset(gap)
}

// begin has a program on one node talk to one on another from 2 s to 5 s.
func begin(t *testing.T, from, to *node.System, name core.Name, qos core.QoS, filling string) *talk {
	t.Helper()
	in := &talk{env: to.Env.Derive("in"), t: t}
	if err := to.Broker.Register(name, "net"); err != nil {
		t.Fatal(err)
	}
	if _, err := to.Broker.Listen(name, func(r core.Incoming) {
		f, err := r.Accept()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		in.flow = wrap(t, in.env, f)
		in.flow.Attach(in)
	}); err != nil {
		t.Fatal(err)
	}
	out := &talk{env: from.Env.Derive("out"), t: t, fill: fillings[filling], rng: rand.New(rand.NewPCG(uint64(len(name)), 1))}
	start := out.env.NewTimer(func() {
		from.Broker.Alloc(core.Request{Name: name, QoS: qos, Layer: "net"}, func(f core.Flow, err error) {
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			out.flow = wrap(t, out.env, f)
			out.flow.Attach(out)
			out.next = out.env.NewTimer(out.send)
			out.send()
		})
	})
	start.Reset(2 * time.Second)
	end := out.env.NewTimer(func() {
		out.stop()
		if out.flow != nil {
			out.flow.Close(0)
		}
	})
	end.Reset(5 * time.Second)
	return in
}

// TestEqualQoSGetsTheSame: whatever two flows of equal QoS carry, both, and everybody else, have the same
// arrivals at the same times: under every scheduler, with congestion control that marks and pauses, with
// shaping and policing, over links that lose, and with retransmission.
func TestEqualQoSGetsTheSame(t *testing.T) {
	asked := core.QoSRaw
	asked.Bandwidth = 1_000_000
	reliable := core.QoSData
	reliable.Bandwidth = 1_000_000
	for name, tc := range map[string]struct {
		link, policies string
		qos            core.QoS
	}{
		"fifo, marked and paused":    {"queue: {packets: 1000}", "congestion: mb-ecn", core.QoSRaw},
		"strict priority and shaped": {"loss: 0.01", "congestion: none, scheduler: strict-priority, shaping: shape", asked},
		"drr and policed":            {"queue: {packets: 20}", "congestion: none, scheduler: drr, shaping: {name: police, params: {burst: 3000}}", asked},
		"reliable over losses":       {"loss: 0.02, ber: 0.000001", "congestion: mb-ecn, scheduler: drr", reliable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			look := func(first, second string) (got []string) {
				e, w := build(t, load(t, "contested", fmt.Appendf(nil, contested, tc.link, tc.policies)), 1)
				defer w.Close()
				n := e.Network
				a := begin(t, n.System("l0"), n.System("r0"), "a", tc.qos, first)
				b := begin(t, n.System("l1"), n.System("r1"), "bb", tc.qos, second)
				if err := e.Run(1, nil); err != nil {
					t.Fatal(err)
				}
				if len(a.got) < 100 || len(b.got) < 100 {
					t.Fatalf("%d and %d messages arrived", len(a.got), len(b.got))
				}
				got = append(append(got, a.got...), b.got...)
				for _, f := range e.Flows {
					got = append(got, fmt.Sprint(f.Name, f.Stats, f.Delay.Dist()))
				}
				return append(got, fmt.Sprint(w.Fingerprint()))
			}
			want := look("zeros", "zeros")
			for _, x := range [][2]string{{"random", "phantom"}, {"a header of voice", "zeros"}, {"text", "random"}} {
				if got := look(x[0], x[1]); !slices.Equal(got, want) {
					t.Errorf("%s and %s: not the same as zeros", x[0], x[1])
				}
			}
		})
	}
}

// wrap puts the end-to-end protocol on a flow.
func wrap(t *testing.T, env core.Env, f core.Flow) *frcp.Endpoint {
	t.Helper()
	e, err := frcp.Wrap(env, f)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
