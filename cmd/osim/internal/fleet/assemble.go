package fleet

import (
	"errors"
	"fmt"
	"io"
	"time"

	"ouroboros/scenarios/experiment"
)

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
			err = because(err, m.proc.Wait(leaving))
		}
		return fmt.Errorf("node %s, %s: %w", m.name, m.role, err)
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
		if a, b := f.Graph.Nodes[l.A].Name, f.Graph.Nodes[l.B].Name; (a == m.name || b == m.name) && m.role == experiment.System {
			ports[l.Name] = f.site.Port(l.Name, m.name)
		}
	}
	if err := m.conn.send(message{Prepare: &prepare{
		Scenario: f.text, File: f.File, Seed: f.Seed, Node: m.name, Role: m.role, Socket: f.site.Socket(m.name), Ports: ports, Ahead: int64(m.offset),
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
	if m.role == experiment.Apps {
		return nil // it is on the same machine as the layers of its node
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
		return fmt.Errorf("node %s, %s: %w", m.name, m.role, ended(err))
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
