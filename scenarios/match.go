package scenarios

import (
	"path"
	"slices"
)

// matches reports whether the pattern names s. The pattern has been checked.
func matches(pattern, s string) bool {
	ok, _ := path.Match(pattern, s)
	return ok || pattern == s
}

// Select returns the names that any of the patterns names, in their order and each once. The pattern
// "all" names all of them.
func (p Patterns) Select(names []string) []string {
	var out []string
	for _, n := range names {
		if slices.ContainsFunc(p, func(pat string) bool { return pat == All || matches(pat, n) }) {
			out = append(out, n)
		}
	}
	return out
}

// Pairs returns the sources and destinations of a workload among the members of its layer: Pairing
// says how. A node is paired with itself in a local layer, and only there. Under "any" each source is
// paired with the first destination.
func (w *Workload) Pairs(members []string, local bool) [][2]string {
	from, to := w.From.Select(members), w.To.Select(members)
	var out [][2]string
	for i, a := range from {
		for j, b := range to {
			if (a == b) != local || w.Pairing == "zip" && i != j {
				continue
			}
			out = append(out, [2]string{a, b})
			if w.Pairing == "any" {
				break
			}
		}
	}
	return out
}
