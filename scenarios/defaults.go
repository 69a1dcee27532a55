package scenarios

import (
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Links is the value of a layer's over key for a layer over the wires.
const Links = "links"

// All is the pattern that stands for every node.
const All = "all"

// fill sets *v to def if it is zero.
func fill[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// setDefaults fills in what the file leaves open.
func (s *Scenario) setDefaults() {
	fill(&s.Mode.World, "sim")
	if s.Seeds == nil {
		s.Seeds = []uint64{1}
	}
	if s.Measure == nil {
		k, _ := findKey(keysOf(reflect.TypeFor[Scenario]()), "measure")
		s.Measure = k.enum
	}
	if s.Series.Interval > 0 && s.Series.Record == nil {
		s.Series.Record = []string{"goodput", "queue"}
	}
	s.Topology.setDefaults()
	for i := range s.Links {
		fill(&s.Links[i].Direction, "both")
		s.Links[i].LinkParams.setDefaults()
	}
	for i := range s.Layers {
		s.Layers[i].setDefaults()
	}
	last := ""
	if n := len(s.Layers); n > 0 {
		last = s.Layers[n-1].Name
	}
	for i := range s.Names {
		fill(&s.Names[i].Layer, last)
	}
	for i := range s.Security {
		s.Security[i].setDefaults()
	}
	count := map[string]int{}
	for i := range s.Workload {
		s.Workload[i].setDefaults(last, count)
	}
	for i := range s.Faults {
		f := &s.Faults[i]
		fill(&f.Direction, "both")
		fill(&f.For, Forever)
		fill(&f.Name, f.does())
		if f.Set != nil {
			f.Set.setDefaults()
		}
	}
}

func (t *Topology) setDefaults() {
	t.Defaults.setDefaults()
	for i := range t.Wires {
		w := &t.Wires[i]
		w.LinkParams.setDefaults()
		if len(w.Ends) == 2 {
			fill(&w.Name, w.Ends[0]+"-"+w.Ends[1])
		}
	}
}

func (p *LinkParams) setDefaults() {
	if p.Queue != nil {
		fill(&p.Queue.Full, "drop")
	}
	if p.Gilbert != nil && p.Gilbert.LossBad == nil {
		all := 1.0
		p.Gilbert.LossBad = &all
	}
}

func (l *Layer) setDefaults() {
	fill(&l.Kind, LayerUnicast)
	if l.Over == nil && l.Kind != LayerLocal {
		l.Over = Patterns{Links}
	}
	if l.OverLinks() {
		fill(&l.Shim, "eth-dix")
	}
	fill(&l.QoS.Preset, "raw")
	if l.Members == nil {
		l.Members = Patterns{All}
	}
	p := &l.Params
	fill(&p.AddrSize, 4)
	fill(&p.EIDSize, 8)
	fill(&p.MaxTTL, 60)
	fill(&p.MPL, Duration(100*time.Millisecond))
	fill(&p.Queue, 1023)
}

func (w *Workload) setDefaults(layer string, count map[string]int) {
	fill(&w.Layer, layer)
	if w.Name == "" && w.Kind != "" {
		count[w.Kind]++
		w.Name = w.Kind
		if n := count[w.Kind]; n > 1 {
			w.Name += "-" + strconv.Itoa(n)
		}
	}
	fill(&w.Pairing, "all")
	fill(&w.Flows, 1)
	fill(&w.QoS.Preset, "raw")
	if w.Kind == KindMatrix {
		fill(&w.Model, "gravity")
		fill(&w.Source, KindCBR)
		if w.From == nil {
			w.From = Patterns{All}
		}
		if w.To == nil {
			w.To = Patterns{All}
		}
	}
}

// does names a fault by what it does.
func (f *Fault) does() string {
	what := "set"
	switch {
	case f.Down != nil:
		what = "down"
	case f.Up:
		what = "up"
	case f.Kill:
		what = "kill"
	case f.Join != "":
		what = "join " + f.Join
	case f.Leave != "":
		what = "leave " + f.Leave
	}
	return what + " " + strings.Join(append(append([]string{}, f.Link...), f.Node...), " ") + " at " + f.At.String()
}
