package ouroboros

import "ouroboros/core"

// Bare takes FRCP away, so that a test sees the flow of the layer as the program uses it.
func (a *App) Bare() {
	a.wrap = func(_ core.Env, below core.Flow) (core.Flow, error) { return below, nil }
}

// Ready is how many places the list of ready members takes.
func (s *Set) Ready() int { return len(s.ready) }
