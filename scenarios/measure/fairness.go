package measure

import (
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/result"
)

// fairness returns Jain's index for each workload with at least two flows in the layer.
func (r *Recorder) fairness(l *node.Layer, run *result.Run) (out []result.Fairness) {
	groups := map[string][]float64{}
	var names []string
	for i, f := range r.cfg.Flows {
		g, ok := run.Flows[i].Goodput.Get()
		if !ok || f.Layer != l.Name {
			continue
		}
		if groups[f.Workload] == nil {
			names = append(names, f.Workload)
		}
		groups[f.Workload] = append(groups[f.Workload], g)
	}
	for _, n := range names {
		if len(groups[n]) > 1 {
			out = append(out, result.Fairness{Group: n, Flows: len(groups[n]), Jain: Jain(groups[n])})
		}
	}
	return out
}

// Jain returns Jain's fairness index (sum x)^2 / (n sum x^2), missing when all are 0 or there are none.
func Jain(x []float64) result.Opt[float64] {
	var sum, squares float64
	for _, v := range x {
		sum += v
		squares += v * v
	}
	return result.Ratio(sum*sum, float64(len(x))*squares)
}
