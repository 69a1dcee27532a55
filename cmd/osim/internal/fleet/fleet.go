package fleet

import (
	"io"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/scenarios"
	"ouroboros/scenarios/experiment"
	"ouroboros/scenarios/measure"
	"ouroboros/scenarios/result"
	"ouroboros/topologies"
)

// Process is an agent that a site has started.
type Process interface {
	io.Reader
	io.Writer
	// Kill ends the agent at once, with all that it has started, and Wait waits for its end, at most d. Its error
	// holds what the agent wrote to its standard error.
	Kill()
	Wait(d time.Duration) error
}

// Site is where the nodes of an experiment run.
type Site interface {
	// Start starts an agent of a node: one for its layers and one for its applications, and again each time that it
	// is started after a kill.
	Start(node string) (Process, error)
	// Socket returns the path at which the layers of a node serve its applications.
	Socket(node string) string
	// Port returns where a node is joined to a wire.
	Port(wire, node string) Port
	// SameClock tells that the wall clocks of all agents are that of the coordinator.
	SameClock() bool
	// Notes are what a reader of the results must know of the site.
	Notes() []string
	// Close removes all that the site has made.
	Close() error
}

// Plan is what is run.
type Plan struct {
	Scenario *scenarios.Scenario
	Graph    *topologies.Graph
	File     []byte // the topology file, if the scenario names one
	Seed     uint64
	Version  string // identity of the executable
	// Stop ends the run early, with partial results; Told is called with the time that has passed.
	Stop <-chan struct{}
	Told func(core.Time)
	// MaxOffset is how far the clocks of two systems may be apart; 0 = any distance is corrected.
	MaxOffset time.Duration
}

// Times that the coordinator waits.
const (
	starting   = 20 * time.Second       // for an agent to answer
	lastWords  = 250 * time.Millisecond // for what a node has measured before it is killed
	draining   = 300 * time.Millisecond // for what is under way at the end
	collecting = 30 * time.Second       // for the pieces
	leaving    = 3 * time.Second        // for an agent to end by itself
)

// fleet is one run.
type fleet struct {
	Plan
	site    Site
	text    []byte // the scenario
	epoch   time.Time
	members []*member
	inbox   chan report
	news    []experiment.News // that a node which is started again must hear
	moves   []move            // kills and starts to come, in the order of their time
	notes   []string
	ended   core.Time
}

// member is a part of a node: its layers or its applications.
type member struct {
	name   string
	role   experiment.Role
	life   int
	conn   *channel
	proc   Process
	alive  bool
	dying  bool
	offset time.Duration // of its clock: what the coordinator's is ahead
	pieces []measure.Piece
	done   bool // it has reported the end
	late   *late
	left   *left
}

// report is what has come from an agent.
type report struct {
	m    *member
	life int
	msg  message
	err  error
}

// move is a kill of a node, or a start after one.
type move struct {
	at    core.Time
	m     *member
	start bool
}

// Run runs a scenario once on a site and returns its results. With an error there may be none.
func Run(p Plan, site Site) (run result.Run, network []error, err error) {
	f := &fleet{Plan: p, site: site, inbox: make(chan report, 1024)}
	if f.text, err = scenarios.Marshal(p.Scenario); err != nil {
		return run, nil, err
	}
	for _, n := range p.Graph.Nodes {
		f.members = append(f.members, &member{name: n.Name, role: experiment.System}, &member{name: n.Name, role: experiment.Apps})
	}
	f.plan()
	defer f.dismiss()
	if err := f.assemble(); err != nil {
		return run, nil, err
	}
	if err := f.conduct(); err != nil {
		return run, nil, err
	}
	if err := f.settle(); err != nil {
		return run, nil, err
	}
	return f.join()
}

// plan finds out which nodes are killed and started again, and when.
func (f *fleet) plan() {
	names := f.Graph.NodeNames()
	for i := range f.Scenario.Faults {
		x := &f.Scenario.Faults[i]
		if !x.Kill {
			continue
		}
		for _, m := range f.members {
			if !slices.Contains(x.Node.Select(names), m.name) {
				continue
			}
			f.moves = append(f.moves, move{at: core.Time(x.At), m: m})
			if x.For != scenarios.Forever {
				f.moves = append(f.moves, move{at: core.Time(x.At).Add(time.Duration(x.For)), m: m, start: true})
			}
		}
	}
	slices.SortStableFunc(f.moves, func(a, b move) int { return int(a.at.Sub(b.at)) })
}
