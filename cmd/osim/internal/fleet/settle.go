package fleet

import (
	"errors"
	"fmt"
	"io"
	"time"

	"ouroboros/scenarios/experiment"
	"ouroboros/scenarios/result"
	"ouroboros/sim"
)

// settle waits until what was under way has come, asks for it, and takes the network down.
func (f *fleet) settle() error {
	time.Sleep(draining)
	f.tellAll(message{Count: true})
	if err := f.collect(func(m *member) bool { return m.late != nil }); err != nil {
		return err
	}
	// The applications first: what they hold goes back to the layers.
	for _, role := range []experiment.Role{experiment.Apps, experiment.System} {
		for _, m := range f.members {
			if m.alive && m.role == role {
				_ = m.conn.send(message{Close: true})
			}
		}
		if err := f.collect(func(m *member) bool { return m.role != role || m.left != nil }); err != nil {
			return err
		}
	}
	return nil
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
	var late, began time.Duration
	slowest, priority := "", ""
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
		priority = m.left.Priority
		if m.life == 1 {
			began = max(began, time.Duration(m.left.Began))
		}
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
		run.Notes = append(run.Notes, fmt.Sprintf("the last node was there %v after time 0", began.Round(time.Millisecond)))
		run.Notes = append(run.Notes, fmt.Sprintf("1 of 100 timers was %v late or more, on %s, where that was most; the agents, at %s priority, together used %.1f s of processor time in %v",
			late.Round(time.Microsecond), slowest, priority, cpuTime, time.Duration(f.ended).Round(time.Millisecond)))
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
			_ = m.proc.Wait(leaving) // nothing is left of it then
		}
	}
}
