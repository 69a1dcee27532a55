package result

import "time"

// The worlds that a run can take place in.
const (
	ModeSim     = "sim"
	ModeLive    = "live"    // in one process, over loopback sockets
	ModeEmulate = "emulate" // a process for each node, on one machine, in network namespaces
	ModeLab     = "lab"     // a process for each node, on several machines
)

// Run is everything that one run of a scenario (one seed, one set of parameters) produced.
type Run struct {
	Scenario    string `json:"scenario"`    // name of the scenario
	Description string `json:"description"` // its one-line description
	Seed        uint64 `json:"seed"`        // seed of every random stream of the run
	Mode        string `json:"mode"`        // one of the modes

	Duration      time.Duration `json:"duration_ns"`  // what the scenario asked for
	SimulatedTime time.Duration `json:"simulated_ns"` // how far the run came; live: how long it took
	Warmup        time.Duration `json:"warmup_ns"`    // leading part that rates, delays and fairness leave out
	// Partial: the run was interrupted; every figure covers SimulatedTime only and expectations are not
	// judged.
	Partial bool `json:"partial"`

	Version     string `json:"version"`     // identity of the executable that made the run
	Fingerprint string `json:"fingerprint"` // hash over the observable events, 16 hex digits; "" in a live run
	// Wall is the wall-clock time that the run took. It differs from run to run and therefore goes into
	// the manifest only, never into a table or a golden file.
	Wall time.Duration `json:"-"`

	// Parameters are the values that were set aside from the scenario file (--set, environment, a sweep),
	// in the order in which they were applied.
	Parameters []Parameter `json:"parameters"`

	Nodes        int           `json:"nodes"` // number of nodes
	Flows        []Flow        `json:"flows"` // in the order of the workload section, then by number
	Links        []Link        `json:"links"` // two per wire: a to b, then b to a
	Layers       []Layer       `json:"layers"`
	Expectations []Expectation `json:"expectations"` // in the order of the expect section
	Series       []Series      `json:"series"`
	Totals       Totals        `json:"totals"`
	Notes        []string      `json:"notes"` // what a reader must know to read the figures rightly
}

// Parameter is one value set from outside the scenario file.
type Parameter struct {
	Path   string `json:"path"`   // as for --set: layers.net.policies.routing.name
	Value  string `json:"value"`  // as it was written
	Origin string `json:"origin"` // "flag", "environment" or "sweep"
}

// Totals count the work of the engine.
type Totals struct {
	Events      Opt[uint64] `json:"events"`       // events executed; missing in a live run
	PacketHops  Opt[uint64] `json:"packet_hops"`  // packets delivered by a link
	BuffersPeak Opt[uint64] `json:"buffers_peak"` // most packet buffers in use at one time
	BuffersLeft Opt[uint64] `json:"buffers_left"` // buffers not returned at the end; anything but 0 is a defect
}

// OK reports whether the run is whole and every expectation was met.
func (r *Run) OK() bool {
	if r.Partial {
		return false
	}
	for i := range r.Expectations {
		if e := &r.Expectations[i]; !e.OK && !e.Published {
			return false
		}
	}
	return true
}

// Modes lists the worlds.
func Modes() []string { return []string{ModeSim, ModeLive, ModeEmulate, ModeLab} }

// Timed reports whether a run in a world takes the time that it is about: then runs at the same time disturb each
// other, and no two are the same.
func Timed(mode string) bool { return mode != ModeSim }

// Apart reports whether every node of a run in a world is a process of its own.
func Apart(mode string) bool { return mode == ModeEmulate || mode == ModeLab }
