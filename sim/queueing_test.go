package sim

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

// Packets have 4000 bytes in the mean and the link sends a byte in 1 ns, so that rounding to bytes and ns
// is far below the confidence intervals.
const (
	meanSize     = 4000
	byteRate     = 8e9
	replications = 30
	warmUp       = 5_000 // packets that are sent before the measurement
	measured     = 40_000
)

// queueingLoads are those of validation.md §6.
var queueingLoads = []float64{0.5, 0.8, 0.95}

// station is a Poisson source, a link with an unbounded queue, and a meter behind it.
type station struct {
	w     *World
	env   core.Env
	wire  core.Wire
	link  core.Link
	timer core.Timer
	load  float64
	exp   bool // exponential sizes, else constant

	sent    []clock.Time
	base    core.LinkStats
	from    clock.Time
	waits   float64 // ns, sum over the measured packets
	arrived int
	seen    float64 // packets queued when a measured packet comes, sum
}

func newStation(t *testing.T, seed uint64, load float64, exponential bool) *station {
	w := New(seed)
	s := &station{w: w, env: w.Node("source"), load: load, exp: exponential, sent: make([]clock.Time, 0, warmUp+measured)}
	meter := w.Node("meter")
	wi, err := w.Link(core.LinkSpec{Kind: core.LinkDirect, Rate: byteRate, Delay: 777, QueuePackets: 1 << 30}, s.env, meter)
	if err != nil {
		t.Fatal(err)
	}
	s.wire = wi
	a, b := wi.Ends()
	s.link = a
	b.Attach(s)
	s.timer = s.env.NewTimer(s.send)
	s.next()
	return s
}

func (s *station) next() {
	s.timer.Reset(time.Duration(math.Round(s.env.Rand.ExpFloat64() * meanSize / s.load)))
}

func (s *station) send() {
	n := len(s.sent)
	if n == warmUp {
		s.base, s.from = s.wire.Stats(0), s.env.Now()
	}
	if n == warmUp+measured {
		s.w.Stop()
		return
	}
	if n >= warmUp {
		s.seen += float64(s.link.Queued())
	}
	size := meanSize
	if s.exp {
		size = min(int(math.Round(s.env.Rand.ExpFloat64()*meanSize)), 65535) // cuts 1 in 10^7
	}
	p := s.env.Pool.GetPhantom(0, 0, size)
	p.Meta.Flow = uint32(n)
	s.sent = append(s.sent, s.env.Now())
	_ = s.link.Send(p, core.Addr{})
	s.next()
}

// Receive measures the wait from outside: what the packet took beyond service and propagation.
func (s *station) Receive(p *pkt.Buf, _ core.Addr) {
	if n := int(p.Meta.Flow); n >= warmUp {
		s.waits += float64(s.w.Now()-s.sent[n]) - float64(p.Len()) - 777
		s.arrived++
	}
	p.Release()
}

func (*station) Writable()      {}
func (*station) LinkState(bool) {}

// run returns the mean wait in units of the mean service time, the mean queue over time, and the mean queue
// that arrivals see.
func (s *station) run() [3]float64 {
	_ = s.w.Run(clock.Never)
	st := s.wire.Stats(0)
	s.w.Close()
	queue := float64(st.QueueTime-s.base.QueueTime) / float64(s.w.Now()-s.from)
	return [3]float64{s.waits / float64(s.arrived) / meanSize, queue, s.seen / measured}
}

// A link under Poisson traffic is an M/M/1 or M/D/1 queue: waiting time, queue over time, and queue as
// arrivals see it (which is the same: Poisson arrivals see time averages) have their theoretical means
// inside the 99.9 % confidence interval of 30 replications with the seeds 1 to 30 (validation.md §6).
func TestQueueingTheory(t *testing.T) {
	student := distuv.StudentsT{Sigma: 1, Nu: replications - 1}.Quantile(1 - 0.001/2)
	table := &strings.Builder{}
	fmt.Fprintf(table, "\n%-6s %-5s %-12s %9s %9s ± %s\n", "queue", "load", "quantity", "theory", "measured", "99.9 %")
	for _, model := range []struct {
		name        string
		exponential bool
		factor      float64 // Pollaczek–Khinchine: (1 + squared coefficient of variation)/2
	}{{"M/M/1", true, 1}, {"M/D/1", false, 0.5}} {
		for _, load := range queueingLoads {
			var x [3][]float64
			for seed := range uint64(replications) {
				for i, v := range newStation(t, seed+1, load, model.exponential).run() {
					x[i] = append(x[i], v)
				}
			}
			wait := model.factor * load / (1 - load)
			for i, want := range []float64{wait, load * wait, load * wait} {
				mean, dev := stat.MeanStdDev(x[i], nil)
				half := student * dev / math.Sqrt(replications)
				what := [...]string{"wait/service", "queue", "queue seen"}[i]
				fmt.Fprintf(table, "%-6s %-5v %-12s %9.4f %9.4f ± %.4f\n", model.name, load, what, want, mean, half)
				if math.Abs(mean-want) > half {
					t.Errorf("%s at load %v: %s %.4f ± %.4f, theory says %.4f", model.name, load, what, mean, half, want)
				}
			}
		}
	}
	t.Log(table)
}
