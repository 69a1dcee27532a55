package fleet

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ouroboros/core"
	"ouroboros/scenarios/experiment"
	"ouroboros/scenarios/measure"
)

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
			wait = f.moves[0].at.Sub(f.now())
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
		return fmt.Errorf("node %s, %s: %w at %v", m.name, m.role, because(ended(r.err), m.proc.Wait(leaving)), time.Duration(f.now()).Round(time.Millisecond))
	case x.Error != "":
		return fmt.Errorf("node %s, %s: %s", m.name, m.role, x.Error)
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

// because adds to an error what the agent says about its own end, if it does.
func because(err, own error) error {
	if own == nil {
		return err
	}
	return fmt.Errorf("%w: %w", err, own)
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
		if at, dying := f.lastWordsOf(m.name); dying {
			f.schedule(move{at: at, m: m, start: true}) // behind the move that buries it
			return nil
		}
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
		f.schedule(move{at: x.at.Add(lastWords), m: m})
	}
	return nil
}

// lastWordsOf reports whether an agent of a node was told that it is killed and has not said yet what it measured, and
// until when it may. Both agents of a node start again together: the applications wait for the layers.
func (f *fleet) lastWordsOf(node string) (until core.Time, dying bool) {
	for _, m := range f.members {
		if m.name != node || !m.dying {
			continue
		}
		dying = true
		if i := slices.IndexFunc(f.moves, func(x move) bool { return x.m == m && !x.start }); i >= 0 {
			until = max(until, f.moves[i].at)
		}
	}
	return until, dying
}

// schedule enters a move behind those of the same time.
func (f *fleet) schedule(x move) {
	f.moves = append(f.moves, x)
	slices.SortStableFunc(f.moves, func(a, b move) int { return int(a.at.Sub(b.at)) })
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
