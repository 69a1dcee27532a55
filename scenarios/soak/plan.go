package soak

import (
	"fmt"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"go.yaml.in/yaml/v3"

	"ouroboros/core"
	"ouroboros/scenarios"
	"ouroboros/scenarios/node"
)

// Plan is everything that happens in one run of the campaign. It is drawn from a seed, or read from a file:
// the same plan gives the same run, bit for bit.
type Plan struct {
	Seed uint64 `mapstructure:"seed"` // of the world: losses, start numbers, keys
	// Settle is how long after the last fault everything must work again; the flows must then deliver until
	// the end of the scenario.
	Settle scenarios.Duration `mapstructure:"settle"`
	Flows  []Flow             `mapstructure:"flows"`
	Clocks []Clock            `mapstructure:"clocks"` // the wall clocks of nodes jump
	// Scenario is the network with its layers and faults, as osim run takes it.
	Scenario scenarios.Scenario `mapstructure:"scenario"`
}

// Flow is a pair of programs that talk over a flow. When their flow fails the one at From asks for another.
type Flow struct {
	Name  string             `mapstructure:"name"`
	Layer string             `mapstructure:"layer"`
	From  string             `mapstructure:"from"` // asks for the flow
	To    string             `mapstructure:"to"`   // has the name
	QoS   scenarios.QoS      `mapstructure:"qos"`
	Start scenarios.Duration `mapstructure:"start"` // when the flow is asked for first
	Stop  scenarios.Duration `mapstructure:"stop"`  // when both ends stop writing and the one at From closes the flow
	Lag   scenarios.Duration `mapstructure:"lag"`   // how much later the one at To does
	// Encrypt asks for an encrypted flow.
	Encrypt bool `mapstructure:"encrypt"`
	// Authenticate asks for one whose other end shows a certificate for the name.
	Authenticate bool           `mapstructure:"authenticate"`
	FRCP         scenarios.FRCP `mapstructure:"frcp"`
	// FirstSeq is where the runs of FRCP begin to count, give or take a few; 0 = anywhere.
	FirstSeq uint64             `mapstructure:"first_seq"`
	Accept   scenarios.Duration `mapstructure:"accept"` // how long To lets a request wait
	There    []Burst            `mapstructure:"there"`
	Back     []Burst            `mapstructure:"back"`
	Echo     bool               `mapstructure:"echo"`   // To answers each message with one
	Pauses   []Pause            `mapstructure:"pauses"` // of the readers
}

// Burst are Count messages at every Interval from From until Until, sent as fast as the flow takes them.
type Burst struct {
	From     scenarios.Duration `mapstructure:"from"`
	Until    scenarios.Duration `mapstructure:"until"`
	Interval scenarios.Duration `mapstructure:"interval"`
	Count    int                `mapstructure:"count"`
	Min      scenarios.Size     `mapstructure:"min"` // of a message; at most what the flow takes
	Max      scenarios.Size     `mapstructure:"max"`
}

// Pause is a time in which the reader at one end does not read.
type Pause struct {
	End string             `mapstructure:"end"` // from or to
	At  scenarios.Duration `mapstructure:"at"`
	For scenarios.Duration `mapstructure:"for"`
}

// Clock has the wall clock of a node be wrong by a number of nanoseconds from a time on.
type Clock struct {
	Node string             `mapstructure:"node"`
	At   scenarios.Duration `mapstructure:"at"`
	By   int64              `mapstructure:"by"`
}

// End returns when the flows are closed and the network is taken down.
func (p *Plan) End() core.Time { return core.Time(p.Scenario.Duration) }

// Calm returns when the last fault has ended.
func (p *Plan) Calm() core.Time {
	var last core.Time
	for i := range p.Scenario.Faults {
		f := &p.Scenario.Faults[i]
		end := core.Time(f.At)
		switch {
		case f.Down != nil && *f.Down != scenarios.Forever:
			end = end.Add(time.Duration(*f.Down))
		case (f.Kill || f.Set != nil) && f.For != scenarios.Forever:
			end = end.Add(time.Duration(f.For))
		}
		last = max(last, end)
	}
	for _, c := range p.Clocks {
		last = max(last, core.Time(c.At))
	}
	return last
}

// Text writes the plan as a file.
func (p *Plan) Text() ([]byte, error) {
	sc, err := scenarios.Marshal(&p.Scenario)
	if err != nil {
		return nil, err
	}
	head := *p
	head.Scenario = scenarios.Scenario{}
	out, err := scenarios.MarshalSection(&head)
	if err != nil {
		return nil, err
	}
	var top, tail yaml.Node
	if err := yaml.Unmarshal(out, &top); err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(sc, &tail); err != nil {
		return nil, err
	}
	m := top.Content[0]
	m.Style = 0
	m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "scenario"}, tail.Content[0])
	return yaml.Marshal(m)
}

// Parse reads a plan. name is the file name in errors.
func Parse(name string, data []byte) (*Plan, error) {
	var m map[string]any
	if err := yaml.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if m["scenario"] == nil {
		return nil, fmt.Errorf("%s: scenario: is missing; accepted is a plan as osim soak --print writes it", name)
	}
	text, err := yaml.Marshal(m["scenario"])
	if err != nil {
		return nil, fmt.Errorf("%s: scenario: %w", name, err)
	}
	delete(m, "scenario")
	p := &Plan{}
	dec, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result: p, ErrorUnused: true, DecodeHook: mapstructure.ComposeDecodeHookFunc(presetAlone, mapstructure.TextUnmarshallerHookFunc()),
	})
	if err == nil {
		err = dec.Decode(m)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	sc, err := scenarios.Load(name+": scenario", text, scenarios.Options{Catalog: node.Catalog{}})
	if err != nil {
		return nil, err
	}
	p.Scenario = *sc
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}
