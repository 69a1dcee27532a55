package runner

import (
	"errors"
	"time"

	"ouroboros/cmd/osim/internal/fleet"
	"ouroboros/core"
	"ouroboros/scenarios/result"
)

// apart runs the seed with index i with a process for each node. It ends early when stop is closed.
func (r *Runner) apart(i int, stop <-chan struct{}, progress func(Progress)) (st state) {
	began := time.Now()
	site, err := r.site()
	if err != nil {
		return state{err: &ScenarioError{err}}
	}
	defer func() { st.err = errors.Join(st.err, site.Close()) }()
	p := fleet.Plan{
		Scenario: r.plan.Scenario, Graph: r.plan.Graph, File: r.plan.File, Seed: r.plan.Seeds[i], Version: r.plan.Version, Stop: stop,
	}
	if progress != nil {
		p.Told = func(now core.Time) { r.tell(i, now, 0, progress) }
	}
	if r.plan.Hosts != nil {
		p.MaxOffset = r.plan.Hosts.MaxOffset
	}
	run, network, err := fleet.Run(p, site)
	if err != nil {
		return state{err: err}
	}
	run.Version, run.Wall = r.plan.Version, time.Since(began)
	return state{now: core.Time(run.SimulatedTime), run: &run, network: network}
}

// site makes where the nodes run.
func (r *Runner) site() (fleet.Site, error) {
	if r.plan.Scenario.Mode.World == result.ModeLab {
		return fleet.NewLab(r.plan.Scenario, r.plan.Graph, r.plan.Hosts)
	}
	return fleet.NewEmulation(r.plan.Scenario, r.plan.Graph)
}
