package topologies

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"time"
)

// Generator makes maps of one kind.
type Generator struct {
	// Name chooses the generator; Doc is one line about what it makes.
	Name, Doc string
	// Config returns a pointer to a fresh typed configuration that holds the
	// defaults. Its fields carry mapstructure tags with the keys of a scenario
	// file and doc tags; counts are int, rates int64 in bit/s, delays
	// time.Duration, ratios float64.
	Config func() any
	// Build makes the map from what Config returned, filled in. The same
	// configuration and state of rng give the same map. rng may be nil for a
	// generator without Random. An impossible value is an error that names its
	// key, the value and what is accepted.
	Build func(cfg any, rng *rand.Rand) (*Graph, error)
	// Random says that the map depends on rng.
	Random bool
}

// Param is one key of a generator's configuration.
type Param struct {
	// Key as in a scenario file; Type is count, rate, duration or number.
	Key, Type string
	// Default as one would write it in a scenario file.
	Default string
	// Doc is one line with unit and range.
	Doc string
}

// Params lists the keys of g's configuration in order.
func (g Generator) Params() []Param {
	v := reflect.ValueOf(g.Config()).Elem()
	params := make([]Param, 0, v.NumField())
	for i := range v.NumField() {
		f := v.Type().Field(i)
		p := Param{Key: f.Tag.Get("mapstructure"), Doc: f.Tag.Get("doc")}
		switch x := v.Field(i).Interface().(type) {
		case time.Duration:
			p.Type, p.Default = "duration", x.String()
		case int64:
			p.Type, p.Default = "rate", FormatRate(x)
		case int:
			p.Type, p.Default = "count", fmt.Sprint(x)
		default:
			p.Type, p.Default = "number", fmt.Sprint(x)
		}
		params = append(params, p)
	}
	return params
}

// Generators returns all generators, in the order in which help texts list them.
func Generators() []Generator {
	return []Generator{
		generator("line", "a chain of nodes", defaultLine, false, buildLine),
		generator("ring", "a closed chain of nodes", defaultRing, false, buildRing),
		generator("star", "leaves around one hub", defaultStar, false, buildStar),
		generator("mesh", "a full mesh: every node linked to every other", defaultMesh, false, buildMesh),
		generator("grid", "a rectangular grid of rows and columns", defaultGrid, false, buildGrid),
		generator("dumbbell", "left and right hosts around a bottleneck, behind two routers or one", defaultDumbbell, false, buildDumbbell),
		generator("fat-tree", "the k-ary fat-tree of data centres (Al-Fares et al., 2008)", defaultFatTree, false, buildFatTree),
		generator("erdos-renyi", "every pair linked with the same probability (Gilbert, 1959)", defaultErdosRenyi, true, buildErdosRenyi),
		generator("waxman", "random points, near ones linked more likely (Waxman, 1988)", defaultWaxman, true, buildWaxman),
		generator("barabasi-albert", "growth by preferential attachment (Barabási and Albert, 1999)", defaultBarabasiAlbert, true, buildBarabasiAlbert),
	}
}

// GeneratorNamed returns the generator called name; the error lists those there
// are.
func GeneratorNamed(name string) (Generator, error) {
	var names []string
	for _, g := range Generators() {
		if g.Name == name {
			return g, nil
		}
		names = append(names, g.Name)
	}
	return Generator{}, fmt.Errorf("generator %q: accepted: %s", name, strings.Join(names, ", "))
}

// generator ties a builder with a typed configuration into the table.
func generator[C any](name, doc string, defaults C, random bool, build func(*sketch, C, *rand.Rand)) Generator {
	return Generator{
		Name: name, Doc: doc, Random: random,
		Config: func() any { c := defaults; return &c },
		Build: func(cfg any, rng *rand.Rand) (*Graph, error) {
			c, ok := cfg.(*C)
			if !ok || c == nil {
				return nil, fmt.Errorf("generator %s: configuration of type %T: accepted: what Config returned, a %T", name, cfg, c)
			}
			if random && rng == nil {
				return nil, fmt.Errorf("generator %s: no random source", name)
			}
			s := &sketch{gen: name}
			build(s, *c, rng)
			return s.finish()
		},
	}
}

// sketch is a map in the making. The first impossible value sets err; builders
// return early then, and finish reports it.
type sketch struct {
	gen   string
	nodes []Node
	links []Link
	notes []string
	err   error
}

func (s *sketch) fail(key string, value any, format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("generator %s: %s = %v: accepted: %s", s.gen, key, value, fmt.Sprintf(format, args...))
	}
}

// count checks a number of things; it reports whether all went well so far.
func (s *sketch) count(key string, n, low, high int) bool {
	if n < low || n > high {
		s.fail(key, n, "%d to %d", low, high)
	}
	return s.err == nil
}

// ratio checks a number above 0 and at most high.
func (s *sketch) ratio(key string, f, high float64) bool {
	if !(f > 0 && f <= high) {
		s.fail(key, f, "above 0, at most %v", high)
	}
	return s.err == nil
}

// rate checks a rate in bit/s.
func (s *sketch) rate(key string, r int64) bool {
	if r <= 0 {
		s.fail(key, fmt.Sprintf("%d bit/s", r), "1 bit/s or more, such as 1Gbps")
	}
	return s.err == nil
}

// delay checks a one-way delay.
func (s *sketch) delay(key string, d time.Duration) bool {
	if d < 0 {
		s.fail(key, d, "0s or more")
	}
	return s.err == nil
}

// node adds a node and returns its index.
func (s *sketch) node(format string, args ...any) int {
	name := fmt.Sprintf(format, args...)
	s.nodes = append(s.nodes, Node{Name: name, Label: name})
	return len(s.nodes) - 1
}

// numbered adds n nodes n0, n1…
func (s *sketch) numbered(n int) {
	for i := range n {
		s.node("n%d", i)
	}
}

func (s *sketch) link(a, b int, rate int64, delay time.Duration) {
	s.links = append(s.links, Link{A: a, B: b, Rate: rate, Delay: delay, HasDelay: true})
}

func (s *sketch) finish() (*Graph, error) {
	if s.err != nil {
		return nil, s.err
	}
	g, err := Build(s.gen, s.nodes, s.links)
	if err != nil {
		return nil, fmt.Errorf("generator %s: %w", s.gen, err)
	}
	g.Source = "generator " + s.gen
	g.Notes = s.notes
	return g, nil
}
