package experiment

import (
	"errors"

	"ouroboros/core"
	"ouroboros/scenarios"
	"ouroboros/scenarios/faults"
	"ouroboros/scenarios/measure"
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/result"
	"ouroboros/scenarios/traffic"
	"ouroboros/topologies"
)

type flow = traffic.Flow

// Parts are what all parts of an experiment have reported.
type Parts struct {
	Scenario *scenarios.Scenario
	Graph    *topologies.Graph
	Seed     uint64
	Mode     string
	// End is when it was over; before the end of the scenario the results are partial.
	End core.Time
	// Pieces are those of all lives of all nodes, in the order of the nodes and then of their lives.
	Pieces []measure.Piece
	// Late are the messages that receivers have had when nothing was under way any more, by the ID of the flow; nil
	// if nobody has waited for that.
	Late map[int]uint64
	Left result.Opt[uint64] // buffers that were not returned
}

// Join puts the results of an experiment together from what its parts have reported. w is a fresh world without any
// life of its own, in which time passes at once: in it shadows of all nodes go through the faults again, and the
// recorder sees what the parts have seen.
func Join(w World, p Parts) (result.Run, error) {
	none := func(string) bool { return false }
	nobody := &node.Part{Here: none, Apps: none}
	e, err := build(w, p.Scenario, p.Graph, p.Seed, config{part: nobody})
	if err != nil {
		return result.Run{}, err
	}
	if err := e.rec.Join(p.Pieces); err != nil {
		return result.Run{}, err
	}
	e.schedule(func(x *faults.Event) { e.rec.Happened(x) })
	e.replay(p.End)
	if err := w.Run(p.End); err != nil {
		return result.Run{}, err
	}
	e.rec.AtEnd()
	run := e.rec.Results(p.End)
	run.Seed, run.Mode = p.Seed, p.Mode
	run.Partial = p.End < e.End()
	peak := uint64(0)
	for i := range p.Pieces {
		peak = max(peak, p.Pieces[i].Peak)
	}
	for _, f := range e.Flows {
		f.Stats.Delivered = max(f.Stats.Delivered, p.Late[f.ID])
	}
	e.rec.Settle(&run)
	run.Totals.BuffersPeak, run.Totals.BuffersLeft = result.Some(peak), p.Left
	measure.Judge(p.Scenario, &run)
	return run, errors.Join(e.failed...)
}

// replay has the recorder see the events of the control plane at their times, after the faults of the same time.
func (e *Experiment) replay(end core.Time) {
	events := e.rec.Events()
	env := e.World.Node(controlNode + "-events")
	var timer core.Timer
	timer = env.NewTimer(func() {
		for len(events) > 0 && events[0].Time <= env.Now() {
			e.rec.Observe(events[0])
			events = events[1:]
		}
		if len(events) > 0 && events[0].Time <= end {
			timer.Reset(events[0].Time.Sub(env.Now()))
		}
	})
	if len(events) > 0 {
		timer.Reset(events[0].Time.Sub(env.Now()))
	}
}
