// Package bench measures how fast scenarios run. The reference cases are ordinary scenarios that osim
// knows under the names bench-line, bench-dumbbell and bench-er1000.
package bench

import (
	_ "embed" // the cases
	"fmt"
	"strings"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

var (
	//go:embed cases/line.yaml
	lineText []byte
	//go:embed cases/dumbbell.yaml
	dumbbellText []byte
	//go:embed cases/er1000.yaml
	er1000Text []byte
)

// Case is a scenario whose run is measured.
type Case struct {
	Name     string // on the command line of osim bench
	Scenario string // on that of osim run
	Doc      string // one line
	Text     []byte // the scenario file
	// SteadyFrom is the simulated time from which on nothing is set up any more and allocations count as
	// those of packets; Never if there is no such time.
	SteadyFrom core.Time
}

// Cases returns the reference cases in the order in which they are run.
func Cases() []Case {
	return []Case{
		{"line", "bench-line", "benchmark: constant-rate traffic over a line of 10 unicast nodes", lineText, core.Time(7 * time.Second)},
		{"dumbbell", "bench-dumbbell", "benchmark: 16 reliable flows with mb-ecn through one bottleneck", dumbbellText, core.Time(12 * time.Second)},
		{"er1000", "bench-er1000", "benchmark: 1000 nodes converge and carry 10,000 pings", er1000Text, clock.Never},
	}
}

// CaseOf returns the case of that scenario name.
func CaseOf(scenario string) (Case, bool) {
	for _, c := range Cases() {
		if c.Scenario == scenario {
			return c, true
		}
	}
	return Case{}, false
}

// CaseNamed returns the case of that name; the error lists those there are.
func CaseNamed(name string) (Case, error) {
	var names []string
	for _, c := range Cases() {
		if c.Name == name {
			return c, nil
		}
		names = append(names, c.Name)
	}
	return Case{}, fmt.Errorf("benchmark %q is not known; accepted are %s", name, strings.Join(names, ", "))
}
