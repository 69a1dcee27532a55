package topologies

import (
	"math/rand/v2"
	"time"
)

const (
	defaultRate  = 1_000_000_000
	defaultDelay = time.Millisecond
	// maxMesh is the largest full mesh within MaxLinks.
	maxMesh = 632
)

// LineConfig configures the generator "line": nodes n0…, each linked to the next.
type LineConfig struct {
	Nodes int           `mapstructure:"nodes" doc:"number of nodes, 1 to 10000"`
	Rate  int64         `mapstructure:"rate" doc:"rate of every link"`
	Delay time.Duration `mapstructure:"delay" doc:"one-way delay of every link"`
}

// RingConfig configures the generator "ring": a line whose ends are linked too.
type RingConfig struct {
	Nodes int           `mapstructure:"nodes" doc:"number of nodes, 3 to 10000"`
	Rate  int64         `mapstructure:"rate" doc:"rate of every link"`
	Delay time.Duration `mapstructure:"delay" doc:"one-way delay of every link"`
}

// StarConfig configures the generator "star": leaves n0… around the node "hub".
type StarConfig struct {
	Leaves int           `mapstructure:"leaves" doc:"number of leaves, 1 to 9999"`
	Rate   int64         `mapstructure:"rate" doc:"rate of every link"`
	Delay  time.Duration `mapstructure:"delay" doc:"one-way delay of every link"`
}

// MeshConfig configures the generator "mesh": nodes n0…, all linked to all.
type MeshConfig struct {
	Nodes int           `mapstructure:"nodes" doc:"number of nodes, 1 to 632"`
	Rate  int64         `mapstructure:"rate" doc:"rate of every link"`
	Delay time.Duration `mapstructure:"delay" doc:"one-way delay of every link"`
}

// GridConfig configures the generator "grid": nodes r0c0…, each linked to the
// next in its row and in its column.
type GridConfig struct {
	Rows  int           `mapstructure:"rows" doc:"number of rows, 1 to 10000"`
	Cols  int           `mapstructure:"cols" doc:"number of columns, 1 to 10000; at most 10000 nodes in all"`
	Rate  int64         `mapstructure:"rate" doc:"rate of every link"`
	Delay time.Duration `mapstructure:"delay" doc:"one-way delay of every link"`
}

// FatTreeConfig configures the generator "fat-tree" of k pods: (k/2)² core
// switches c0…, k/2 aggregation switches p0a0… and k/2 edge switches p0e0… a pod,
// k/2 hosts p0e0h0… an edge switch.
type FatTreeConfig struct {
	K     int           `mapstructure:"k" doc:"ports of a switch: even, 2 to 30"`
	Rate  int64         `mapstructure:"rate" doc:"rate of every link"`
	Delay time.Duration `mapstructure:"delay" doc:"one-way delay of every link"`
}

var (
	defaultLine    = LineConfig{Nodes: 3, Rate: defaultRate, Delay: defaultDelay}
	defaultRing    = RingConfig{Nodes: 4, Rate: defaultRate, Delay: defaultDelay}
	defaultStar    = StarConfig{Leaves: 4, Rate: defaultRate, Delay: defaultDelay}
	defaultMesh    = MeshConfig{Nodes: 4, Rate: defaultRate, Delay: defaultDelay}
	defaultGrid    = GridConfig{Rows: 3, Cols: 3, Rate: defaultRate, Delay: defaultDelay}
	defaultFatTree = FatTreeConfig{K: 4, Rate: defaultRate, Delay: defaultDelay}
)

func buildLine(s *sketch, c LineConfig, _ *rand.Rand) {
	if !s.count("nodes", c.Nodes, 1, MaxNodes) || !s.rate("rate", c.Rate) || !s.delay("delay", c.Delay) {
		return
	}
	s.numbered(c.Nodes)
	for i := 1; i < c.Nodes; i++ {
		s.link(i-1, i, c.Rate, c.Delay)
	}
}

func buildRing(s *sketch, c RingConfig, _ *rand.Rand) {
	if !s.count("nodes", c.Nodes, 3, MaxNodes) || !s.rate("rate", c.Rate) || !s.delay("delay", c.Delay) {
		return
	}
	s.numbered(c.Nodes)
	for i := range c.Nodes {
		s.link(i, (i+1)%c.Nodes, c.Rate, c.Delay)
	}
}

func buildStar(s *sketch, c StarConfig, _ *rand.Rand) {
	if !s.count("leaves", c.Leaves, 1, MaxNodes-1) || !s.rate("rate", c.Rate) || !s.delay("delay", c.Delay) {
		return
	}
	hub := s.node("hub")
	for i := range c.Leaves {
		s.link(hub, s.node("n%d", i), c.Rate, c.Delay)
	}
}

func buildMesh(s *sketch, c MeshConfig, _ *rand.Rand) {
	if !s.count("nodes", c.Nodes, 1, maxMesh) || !s.rate("rate", c.Rate) || !s.delay("delay", c.Delay) {
		return
	}
	s.numbered(c.Nodes)
	for i := range c.Nodes {
		for j := i + 1; j < c.Nodes; j++ {
			s.link(i, j, c.Rate, c.Delay)
		}
	}
}

func buildGrid(s *sketch, c GridConfig, _ *rand.Rand) {
	if !s.count("rows", c.Rows, 1, MaxNodes) || !s.count("cols", c.Cols, 1, MaxNodes/c.Rows) ||
		!s.rate("rate", c.Rate) || !s.delay("delay", c.Delay) {
		return
	}
	for row := range c.Rows {
		for col := range c.Cols {
			at := s.node("r%dc%d", row, col)
			if col > 0 {
				s.link(at-1, at, c.Rate, c.Delay)
			}
			if row > 0 {
				s.link(at-c.Cols, at, c.Rate, c.Delay)
			}
		}
	}
}

// buildFatTree wires aggregation switch i of every pod to the core switches
// i·k/2 … (i+1)·k/2−1 (Al-Fares, Loukissas, Vahdat, SIGCOMM 2008, figure 3).
func buildFatTree(s *sketch, c FatTreeConfig, _ *rand.Rand) {
	if c.K%2 != 0 {
		s.fail("k", c.K, "even, 2 to 30")
	}
	if !s.count("k", c.K, 2, 30) || !s.rate("rate", c.Rate) || !s.delay("delay", c.Delay) {
		return
	}
	half := c.K / 2
	for i := range half * half {
		s.node("c%d", i)
	}
	for pod := range c.K {
		agg := make([]int, half)
		for i := range agg {
			agg[i] = s.node("p%da%d", pod, i)
			for j := range half {
				s.link(i*half+j, agg[i], c.Rate, c.Delay)
			}
		}
		for i := range half {
			edge := s.node("p%de%d", pod, i)
			for _, a := range agg {
				s.link(a, edge, c.Rate, c.Delay)
			}
			for h := range half {
				s.link(edge, s.node("p%de%dh%d", pod, i, h), c.Rate, c.Delay)
			}
		}
	}
}
