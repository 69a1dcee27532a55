package bench

import (
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/scenarios"
	"ouroboros/scenarios/experiment"
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/result"
	"ouroboros/sim"
)

// Outcome is what a case has cost.
type Outcome struct {
	Case      string        `json:"case"`
	Simulated time.Duration `json:"simulated_ns"`
	Wall      time.Duration `json:"wall_ns"` // building the network and running it
	Events    uint64        `json:"events"`
	Packets   uint64        `json:"packets"`     // messages that the workload sent
	Hops      uint64        `json:"packet_hops"` // packets delivered by a link
	// PeakMemory is the largest resident set of the process during the case, in bytes; missing where the
	// system does not tell.
	PeakMemory result.Opt[uint64] `json:"peak_memory_bytes"`
	// Allocs are the heap objects made per packet hop, and AllocsPacket per message sent, after
	// Case.SteadyFrom; missing if there is no such time.
	Allocs       result.Opt[float64] `json:"allocs_per_hop"`
	AllocsPacket result.Opt[float64] `json:"allocs_per_packet"`
	Fingerprint  string              `json:"fingerprint"`
	Failed       []string            `json:"failed"` // expectations that were not met
}

// EventsPerSecond is the rate over the wall time.
func (o *Outcome) EventsPerSecond() float64 { return float64(o.Events) / o.Wall.Seconds() }

// HopsPerSecond is the rate over the wall time.
func (o *Outcome) HopsPerSecond() float64 { return float64(o.Hops) / o.Wall.Seconds() }

// Measure runs a case with the first seed of its scenario. set are edits of the scenario as for osim
// run.
func Measure(c Case, set []string) (*Outcome, error) {
	sc, err := scenarios.Load(c.Scenario+".yaml", c.Text, scenarios.Options{Set: set, Catalog: node.Catalog{}})
	if err != nil {
		return nil, err
	}
	g, err := node.Catalog{}.Graph(&sc.Topology)
	if err != nil {
		return nil, err
	}
	debug.FreeOSMemory() // what earlier cases left behind
	resetPeak()
	w := sim.New(sc.Seeds[0])
	defer w.Close()
	began := time.Now()
	e, err := experiment.New(w, sc, g, sc.Seeds[0])
	if err != nil {
		return nil, err
	}
	o := &Outcome{Case: c.Name, Simulated: sc.Duration.D()}
	if c.SteadyFrom == clock.Never || c.SteadyFrom >= e.End() {
		err = w.Run(e.End())
	} else {
		err = o.steady(w, e, c.SteadyFrom)
	}
	if err != nil {
		return nil, err
	}
	o.Wall = time.Since(began)
	o.PeakMemory = peak()
	o.Events, o.Hops, o.Packets = w.Events(), hops(e), sent(e)
	run, err := e.Finish()
	if err != nil {
		return nil, err
	}
	o.Fingerprint = run.Fingerprint
	for _, x := range run.Expectations {
		if !x.OK {
			o.Failed = append(o.Failed, fmt.Sprintf("%s %s %v, measured %v", x.Metric, x.Op, x.Value, x.Measured))
		}
	}
	return o, nil
}

// steady runs to the end and counts the heap objects made from a time on.
func (o *Outcome) steady(w *sim.World, e *experiment.Experiment, from core.Time) error {
	if err := w.Run(from); err != nil {
		return err
	}
	objects, h, s := allocs(), hops(e), sent(e)
	if err := w.Run(e.End()); err != nil {
		return err
	}
	made := float64(allocs() - objects)
	o.Allocs = result.Some(made / float64(hops(e)-h))
	o.AllocsPacket = result.Some(made / float64(sent(e)-s))
	return nil
}

// hops counts the packets that links have delivered.
func hops(e *experiment.Experiment) (n uint64) {
	for _, x := range e.Network.Wires {
		n += x.Stats(0).DeliveredPackets + x.Stats(1).DeliveredPackets
	}
	return n
}

// sent counts the messages of the workload.
func sent(e *experiment.Experiment) (n uint64) {
	for _, f := range e.Flows {
		n += f.Stats.Sent
	}
	return n
}

// allocs returns the number of heap objects made since the program began.
func allocs() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// resetPeak makes the kernel forget the largest resident set so far (proc(5), clear_refs).
func resetPeak() {
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // without it the peak is that of all cases
}

// peak returns the largest resident set in bytes.
func peak() result.Opt[uint64] {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return result.None[uint64]()
	}
	for l := range strings.Lines(string(data)) {
		if v, ok := strings.CutPrefix(l, "VmHWM:"); ok {
			kib, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(v), "kB")), 10, 64)
			if err == nil {
				return result.Some(kib << 10)
			}
		}
	}
	return result.None[uint64]()
}
