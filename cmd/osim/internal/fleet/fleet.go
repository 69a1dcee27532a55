package fleet

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"ouroboros/core"
	"ouroboros/scenarios"
	"ouroboros/scenarios/experiment"
	"ouroboros/scenarios/measure"
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/result"
	"ouroboros/sim"
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
	// Start starts the agent of a node: once, and again each time that it is started after a kill.
	Start(node string) (Process, error)
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

// member is a node.
type member struct {
	name   string
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
		f.members = append(f.members, &member{name: n.Name})
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

// assemble starts all agents and gives them time 0: the moment at which all of them answer.
func (f *fleet) assemble() error {
	errs := make([]error, len(f.members))
	done := make(chan int)
	for i, m := range f.members {
		go func() {
			errs[i] = f.prepare(m)
			done <- i
		}()
	}
	for range f.members {
		<-done
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	f.epoch = time.Now()
	for _, m := range f.members {
		if err := f.begin(m); err != nil {
			return err
		}
	}
	return nil
}

// prepare starts an agent and tells it what it is to be part of.
func (f *fleet) prepare(m *member) error {
	fail := func(err error) error {
		if m.proc != nil {
			m.proc.Kill()
			err = errors.Join(err, m.proc.Wait(leaving))
		}
		return fmt.Errorf("node %s: %w", m.name, err)
	}
	var err error
	if m.proc, err = f.site.Start(m.name); err != nil {
		return fail(err)
	}
	m.conn = newChannel(m.proc, m.proc)
	x, err := f.await(m, func(x message) bool { return x.Hello != nil })
	if err != nil {
		return fail(err)
	}
	if v := x.Hello.Version; v != f.Version {
		return fail(fmt.Errorf("the agent is version %s; accepted is that of this program, %s", v, f.Version))
	}
	if !f.site.SameClock() {
		if err := f.compareClocks(m); err != nil {
			return fail(err)
		}
	}
	ports := map[string]Port{}
	for _, l := range f.Graph.Links {
		if a, b := f.Graph.Nodes[l.A].Name, f.Graph.Nodes[l.B].Name; a == m.name || b == m.name {
			ports[l.Name] = f.site.Port(l.Name, m.name)
		}
	}
	if err := m.conn.send(message{Prepare: &prepare{
		Scenario: f.text, File: f.File, Seed: f.Seed, Node: m.name, Ports: ports, Ahead: int64(m.offset),
	}}); err != nil {
		return fail(err)
	}
	if _, err := f.await(m, func(x message) bool { return x.Prepared }); err != nil {
		return fail(err)
	}
	return nil
}

// await reads from an agent that is not running yet until there is what is wanted.
func (f *fleet) await(m *member, wanted func(message) bool) (message, error) {
	type answer struct {
		message
		err error
	}
	got := make(chan answer, 1)
	go func() {
		x, err := m.conn.receive()
		got <- answer{x, err}
	}()
	select {
	case x := <-got:
		switch {
		case x.err != nil:
			return x.message, ended(x.err)
		case x.Error != "":
			return x.message, errors.New(x.Error)
		case !wanted(x.message):
			return x.message, errors.New("the agent answers something else than it was asked")
		}
		return x.message, nil
	case <-time.After(starting):
		return message{}, fmt.Errorf("the agent has not answered within %v", starting)
	case <-f.Stop:
		return message{}, errStopped
	}
}

// errStopped is the error of a run that was stopped before time 0.
var errStopped = errors.New("interrupted before the run began")

// ended gives the end of a stream another name.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errEnded
	}
	return err
}

// rounds is how often clocks are compared; the round trip that took least tells most.
const rounds = 20

// compareClocks finds out how far the clock of an agent is behind.
func (f *fleet) compareClocks(m *member) error {
	best := time.Duration(1 << 62)
	for range rounds {
		sent := time.Now()
		if err := m.conn.send(message{Clock: &clockReading{}}); err != nil {
			return err
		}
		x, err := f.await(m, func(x message) bool { return x.Clock != nil })
		if err != nil {
			return err
		}
		if d := time.Since(sent); d < best {
			best = d
			m.offset = sent.Add(d / 2).Sub(time.Unix(0, x.Clock.Wall))
		}
	}
	if f.MaxOffset > 0 && m.offset.Abs() > f.MaxOffset {
		return fmt.Errorf("its clock is %v away from that of this machine, measured to %v; accepted are %v: set the clocks, or raise max_offset",
			m.offset, best/2, f.MaxOffset)
	}
	f.inbox <- report{m: m, err: note(fmt.Sprintf("the clock of %s was %v behind, measured to %v, and was corrected; one-way delays are right to that",
		m.name, m.offset.Round(time.Microsecond), (best / 2).Round(time.Microsecond)))}
	return nil
}

// note is no error: it goes into the results.
type note string

func (n note) Error() string { return string(n) }

// begin has an agent run.
func (f *fleet) begin(m *member) error {
	if err := m.conn.send(message{Start: &start{Epoch: f.epoch.UnixNano(), News: f.news}}); err != nil {
		return fmt.Errorf("node %s: %w", m.name, ended(err))
	}
	m.life++
	m.alive, m.dying = true, false
	life := m.life
	go func() {
		for {
			x, err := m.conn.receive()
			f.inbox <- report{m, life, x, err}
			if err != nil {
				return
			}
		}
	}()
	return nil
}

// now is the time of the run.
func (f *fleet) now() core.Time { return core.Time(time.Since(f.epoch)) }

// conduct lets the run take its time: it passes news on, kills and starts nodes, and takes what they report.
func (f *fleet) conduct() error {
	end := core.Time(f.Scenario.Duration)
	f.ended = end
	deadline := f.epoch.Add(time.Duration(end)).Add(collecting)
	stop := f.Stop
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !f.all(func(m *member) bool { return m.done }) {
		wait := time.Hour
		if len(f.moves) > 0 {
			wait = time.Duration(f.moves[0].at.Sub(f.now()))
		}
		next := time.NewTimer(max(wait, 0))
		var err error
		select {
		case r := <-f.inbox:
			err = f.take(r)
		case <-next.C:
			x := f.moves[0]
			f.moves = f.moves[1:]
			err = f.carryOut(x)
		case <-tick.C:
			if f.Told != nil {
				f.Told(min(f.now(), end))
			}
			if time.Now().After(deadline) {
				err = fmt.Errorf("nodes %s have not reported within %v of the end", f.missing(), collecting)
			}
		case <-stop:
			stop = nil
			f.ended = min(f.now(), end)
			f.moves = nil
			deadline = time.Now().Add(collecting)
			f.tellAll(message{Stop: true})
		}
		next.Stop()
		if err != nil {
			return err
		}
	}
	return nil
}

// all reports whether something holds for all nodes that live.
func (f *fleet) all(is func(*member) bool) bool {
	return !slices.ContainsFunc(f.members, func(m *member) bool { return m.alive && !is(m) })
}

func (f *fleet) missing() string {
	var out []string
	for _, m := range f.members {
		if m.alive && !m.done {
			out = append(out, m.name)
		}
	}
	return strings.Join(out, ", ")
}

// tellAll sends a message to all nodes that live. Those that cannot be reached are noticed where they are heard.
func (f *fleet) tellAll(x message) {
	for _, m := range f.members {
		if m.alive {
			_ = m.conn.send(x)
		}
	}
}

// take takes what an agent has said.
func (f *fleet) take(r report) error {
	m, x := r.m, r.msg
	var n note
	switch {
	case errors.As(r.err, &n):
		f.notes = append(f.notes, string(n))
	case r.life != m.life || !m.alive:
	case r.err != nil && m.left != nil: // it has said all
	case r.err != nil && m.dying:
		f.buried(m, nil)
	case r.err != nil:
		return fmt.Errorf("node %s: %w at %v", m.name, errors.Join(ended(r.err), m.proc.Wait(leaving)), time.Duration(f.now()).Round(time.Millisecond))
	case x.Error != "":
		return fmt.Errorf("node %s: %s", m.name, x.Error)
	case x.News != nil:
		f.pass(m, x.News)
	case x.Piece != nil && x.Killed:
		f.buried(m, x.Piece)
	case x.Piece != nil:
		m.pieces, m.done = append(m.pieces, *x.Piece), true
	case x.Late != nil:
		m.late = x.Late
	case x.Left != nil:
		m.left = x.Left
	}
	return nil
}

// pass tells the others what one has told, and keeps it for those that are started later.
func (f *fleet) pass(from *member, all []experiment.News) {
	f.news = append(f.news, all...)
	for _, m := range f.members {
		if m != from && m.alive {
			_ = m.conn.send(message{News: all})
		}
	}
}

// carryOut kills a node or starts it again.
func (f *fleet) carryOut(x move) error {
	m := x.m
	switch {
	case x.start:
		if err := f.prepare(m); err != nil {
			return err
		}
		m.done = false
		return f.begin(m)
	case m.dying: // it has had its time for last words
		f.notes = append(f.notes, fmt.Sprintf("node %s did not say in time what it had measured before it was killed: that is missing", m.name))
		f.buried(m, nil)
	case m.alive:
		m.dying = true
		f.moves = append(f.moves, move{at: x.at.Add(lastWords), m: m})
		slices.SortStableFunc(f.moves, func(a, b move) int { return int(a.at.Sub(b.at)) })
	}
	return nil
}

// buried kills the process of a node, which has told what it measured. What it had told the others of itself is
// not true any more.
func (f *fleet) buried(m *member, p *measure.Piece) {
	m.alive, m.dying = false, false
	m.proc.Kill()
	_ = m.proc.Wait(leaving)
	if p != nil {
		m.pieces = append(m.pieces, *p)
	}
	f.moves = slices.DeleteFunc(f.moves, func(x move) bool { return x.m == m && !x.start && x.at <= f.now().Add(lastWords) })
	f.news = slices.DeleteFunc(f.news, func(n experiment.News) bool { return n.Member != nil && n.Member.Node == m.name })
}

// settle waits until what was under way has come, asks for it, and takes the network down.
func (f *fleet) settle() error {
	time.Sleep(draining)
	f.tellAll(message{Count: true})
	if err := f.collect(func(m *member) bool { return m.late != nil }); err != nil {
		return err
	}
	f.tellAll(message{Close: true})
	return f.collect(func(m *member) bool { return m.left != nil })
}

// collect waits until all that live have said something.
func (f *fleet) collect(has func(*member) bool) error {
	deadline := time.After(collecting)
	for !f.all(has) {
		select {
		case r := <-f.inbox:
			if err := f.take(r); err != nil {
				return err
			}
		case <-deadline:
			return fmt.Errorf("nodes have not reported within %v of the end", collecting)
		}
	}
	return nil
}

// join puts the results together.
func (f *fleet) join() (result.Run, []error, error) {
	p := experiment.Parts{Scenario: f.Scenario, Graph: f.Graph, Seed: f.Seed, Mode: f.Scenario.Mode.World, End: f.ended, Late: map[int]uint64{}}
	buffers, cpuTime := 0, 0.0
	var late time.Duration
	slowest := ""
	for _, m := range f.members {
		p.Pieces = append(p.Pieces, m.pieces...)
		if m.left == nil {
			continue
		}
		for id, n := range m.late.Delivered {
			p.Late[id] += n
		}
		buffers += m.left.Buffers
		cpuTime += m.left.CPU
		f.notes = append(f.notes, m.left.Notes...)
		if d := time.Duration(m.left.LateP99); slowest == "" || d > late {
			late, slowest = d, m.name
		}
	}
	p.Left = result.Some(uint64(max(buffers, 0)))
	w := sim.New(f.Seed)
	defer w.Close()
	run, err := experiment.Join(w, p)
	if err != nil {
		return run, nil, err
	}
	run.Notes = append(run.Notes, f.site.Notes()...)
	run.Notes = append(run.Notes, f.notes...)
	if slowest != "" {
		run.Notes = append(run.Notes, fmt.Sprintf("1 of 100 timers was %v late or more, on %s, where that was most; the agents together used %.1f s of processor time in %v",
			late.Round(time.Microsecond), slowest, cpuTime, time.Duration(f.ended).Round(time.Millisecond)))
	}
	var network []error
	for i := range p.Pieces {
		for _, text := range p.Pieces[i].Failed {
			network = append(network, errors.New(text))
		}
	}
	return run, network, nil
}

// dismiss ends all agents: those that can by themselves, and the others by force.
func (f *fleet) dismiss() {
	for _, m := range f.members {
		if m.proc == nil {
			continue
		}
		if c, ok := m.proc.(io.Closer); ok {
			_ = c.Close() // its standard input: it ends
		}
	}
	for _, m := range f.members {
		if m.proc != nil && m.proc.Wait(leaving) != nil {
			m.proc.Kill()
		}
	}
}

// shape is what a site must know of the wires of a scenario.
type shape struct {
	name string
	a, b string
	spec core.LinkSpec
	shim string
}

// shapes returns the wires of a scenario as its layers use them.
func shapes(sc *scenarios.Scenario, g *topologies.Graph) (out []shape, err error) {
	w := sim.New(1)
	defer w.Close()
	n, err := node.BuildPart(w, sc, g, &node.Part{Here: func(string) bool { return false }})
	if err != nil {
		return nil, err
	}
	for _, x := range n.Wires {
		out = append(out, shape{x.Name, x.A.Name, x.B.Name, x.Spec(0), x.Shim})
	}
	return out, nil
}
