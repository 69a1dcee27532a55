package topologies

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// ErdosRenyiConfig configures the generator "erdos-renyi": nodes n0…, every pair
// linked with probability p. Give p, or degree for p = degree/(nodes−1), not both.
//
// The map is made connected: going through the components in the order of their
// lowest node, each after the first gets one link between a random node of its
// own and a random node of those before it. A note counts these links.
type ErdosRenyiConfig struct {
	Nodes  int           `mapstructure:"nodes" doc:"number of nodes, 1 to 10000"`
	P      float64       `mapstructure:"p" doc:"probability of a link, above 0 to 1; 0: from degree"`
	Degree float64       `mapstructure:"degree" doc:"mean degree, above 0 to nodes-1; 0: from p, or 3 if p is 0 too"`
	Rate   int64         `mapstructure:"rate" doc:"rate of every link"`
	Delay  time.Duration `mapstructure:"delay" doc:"one-way delay of every link"`
}

// WaxmanConfig configures the generator "waxman": nodes n0… at random points of a
// square, two at distance d linked with probability alpha·exp(−d/(beta·L)), where
// L is the diagonal (the letters as BRITE uses them; Waxman's paper has them the
// other way round).
//
// The map is made connected: as long as there are several components, the one
// that holds n0 and the nearest node outside it are joined by the shortest link
// between them. A note counts these links.
type WaxmanConfig struct {
	Nodes int           `mapstructure:"nodes" doc:"number of nodes, 1 to 2000"`
	Alpha float64       `mapstructure:"alpha" doc:"probability of the shortest link, above 0 to 1"`
	Beta  float64       `mapstructure:"beta" doc:"how far links reach, above 0 to 1"`
	Rate  int64         `mapstructure:"rate" doc:"rate of every link"`
	Delay time.Duration `mapstructure:"delay" doc:"one-way delay of a link as long as the square is wide; others in proportion"`
}

// BarabasiAlbertConfig configures the generator "barabasi-albert": a full mesh of
// m+1 nodes n0…, then every new node links to m different old ones, each chosen
// with a probability in proportion to its degree. It is connected by construction.
type BarabasiAlbertConfig struct {
	Nodes int           `mapstructure:"nodes" doc:"number of nodes, 2 to 10000"`
	M     int           `mapstructure:"m" doc:"links of a new node, 1 to nodes-1, at most 20"`
	Rate  int64         `mapstructure:"rate" doc:"rate of every link"`
	Delay time.Duration `mapstructure:"delay" doc:"one-way delay of every link"`
}

var (
	defaultErdosRenyi     = ErdosRenyiConfig{Nodes: 20, Rate: defaultRate, Delay: defaultDelay}
	defaultWaxman         = WaxmanConfig{Nodes: 20, Alpha: 0.4, Beta: 0.3, Rate: defaultRate, Delay: 10 * time.Millisecond}
	defaultBarabasiAlbert = BarabasiAlbertConfig{Nodes: 20, M: 2, Rate: defaultRate, Delay: defaultDelay}
)

// maxWaxman bounds the generator that looks at all pairs of points several times.
const maxWaxman = 2000

func buildErdosRenyi(s *sketch, c ErdosRenyiConfig, rng *rand.Rand) {
	if !s.count("nodes", c.Nodes, 1, MaxNodes) || !s.rate("rate", c.Rate) || !s.delay("delay", c.Delay) {
		return
	}
	p, ok := s.erdosRenyiP(c)
	if !ok {
		return
	}
	s.numbered(c.Nodes)
	for i := range c.Nodes {
		for j := i + 1; j < c.Nodes; j++ {
			if rng.Float64() < p {
				s.link(i, j, c.Rate, c.Delay)
			}
		}
	}
	parts := s.parts()
	joined := slices.Clone(parts[0])
	for _, part := range parts[1:] {
		s.link(joined[rng.IntN(len(joined))], part[rng.IntN(len(part))], c.Rate, c.Delay)
		joined = append(joined, part...)
	}
	s.noteJoined(len(parts) - 1)
}

// erdosRenyiP settles the probability of a link.
func (s *sketch) erdosRenyiP(c ErdosRenyiConfig) (float64, bool) {
	most := float64(c.Nodes - 1)
	switch {
	case c.P != 0 && c.Degree != 0:
		s.fail("degree", c.Degree, "0 when p is given (p = %v)", c.P)
		return 0, false
	case c.P != 0:
		if !s.ratio("p", c.P, 1) {
			return 0, false
		}
	case c.Degree != 0:
		if !s.ratio("degree", c.Degree, most) {
			return 0, false
		}
		c.P = c.Degree / most
	case c.Nodes > 1:
		c.P = min(1, 3/most)
	}
	// Twice the mean leaves room for chance and for the links that connect.
	if most := MaxLinks / 2; c.P*float64(c.Nodes)*float64(c.Nodes-1)/2 > float64(most) {
		s.fail("p", c.P, "at most %.4g for %d nodes (%d links on average)",
			2*float64(most)/(float64(c.Nodes)*float64(c.Nodes-1)), c.Nodes, most)
	}
	return c.P, s.err == nil
}

func buildWaxman(s *sketch, c WaxmanConfig, rng *rand.Rand) {
	if !s.count("nodes", c.Nodes, 1, maxWaxman) || !s.ratio("alpha", c.Alpha, 1) || !s.ratio("beta", c.Beta, 1) ||
		!s.rate("rate", c.Rate) || !s.delay("delay", c.Delay) {
		return
	}
	s.numbered(c.Nodes)
	x, y := make([]float64, c.Nodes), make([]float64, c.Nodes)
	for i := range x {
		x[i], y[i] = rng.Float64(), rng.Float64()
	}
	dist := func(i, j int) float64 { return math.Hypot(x[i]-x[j], y[i]-y[j]) }
	link := func(i, j int) {
		s.link(i, j, c.Rate, time.Duration(math.Round(dist(i, j)*float64(c.Delay))))
	}
	for i := range c.Nodes {
		for j := i + 1; j < c.Nodes; j++ {
			if rng.Float64() < c.Alpha*math.Exp(-dist(i, j)/(c.Beta*math.Sqrt2)) {
				link(i, j)
			}
		}
	}
	s.joinNearest(dist, link)
}

// joinNearest grows the component of node 0 over the shortest missing links: for
// every node outside it keeps the nearest node inside, as Prim's algorithm does,
// so that all of it takes one look at each pair.
func (s *sketch) joinNearest(dist func(i, j int) float64, link func(i, j int)) {
	parts := s.parts()
	partOf := make([]int, len(s.nodes))
	for p, part := range parts {
		for _, n := range part {
			partOf[n] = p
		}
	}
	inside := make([]bool, len(s.nodes))
	nearest := make([]int, len(s.nodes)) // of every node outside, once any is inside
	admit := func(part []int) {
		for _, n := range part {
			inside[n] = true
		}
		for out := range s.nodes {
			for _, n := range part {
				if !inside[out] && (!inside[nearest[out]] || dist(out, n) < dist(out, nearest[out])) {
					nearest[out] = n
				}
			}
		}
	}
	admit(parts[0])
	for range len(parts) - 1 {
		best := -1
		for out := range s.nodes {
			if !inside[out] && (best < 0 || dist(out, nearest[out]) < dist(best, nearest[best])) {
				best = out
			}
		}
		link(nearest[best], best)
		admit(parts[partOf[best]])
	}
	s.noteJoined(len(parts) - 1)
}

func buildBarabasiAlbert(s *sketch, c BarabasiAlbertConfig, rng *rand.Rand) {
	if !s.count("nodes", c.Nodes, 2, MaxNodes) || !s.count("m", c.M, 1, min(c.Nodes-1, MaxLinks/MaxNodes)) ||
		!s.rate("rate", c.Rate) || !s.delay("delay", c.Delay) {
		return
	}
	s.numbered(c.Nodes)
	// ends holds every node once per link: a random element is a node chosen in
	// proportion to its degree.
	var ends []int
	link := func(a, b int) {
		s.link(a, b, c.Rate, c.Delay)
		ends = append(ends, a, b)
	}
	for i := range c.M + 1 {
		for j := range i {
			link(j, i)
		}
	}
	targets := make([]int, 0, c.M)
	for n := c.M + 1; n < c.Nodes; n++ {
		targets = targets[:0]
		for len(targets) < c.M {
			if t := ends[rng.IntN(len(ends))]; !slices.Contains(targets, t) {
				targets = append(targets, t)
			}
		}
		for _, t := range targets {
			link(t, n)
		}
	}
}

// parts returns the components so far in the order of their lowest node.
func (s *sketch) parts() [][]int {
	parts := (&Graph{Nodes: s.nodes, Links: s.links}).Components()
	slices.SortFunc(parts, func(a, b []int) int { return a[0] - b[0] })
	return parts
}

func (s *sketch) noteJoined(n int) {
	if n > 0 {
		s.notes = append(s.notes, "added "+count(n, "link")+" to make the map connected")
	}
}
