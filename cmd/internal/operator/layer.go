package operator

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
	"ouroboros/ipcp/unicast"
	"ouroboros/ipcp/unicast/catalog"
)

// Layer collects what is said about a layer that is to be bootstrapped, in any order.
type Layer struct {
	cfg      control.BootstrapConfig
	policies map[string]control.Policy // with the parameters that stand beside the name
	seconds  map[string][]setting      // parameters in whole seconds or counts, by the kind of policy
	set      []string                  // words of the parameters that were given
	spread   string                    // forwarding policy that the routing policy of the prototype stands for
}

// setting is a parameter of a policy that has a word of its own.
type setting struct {
	word   string // as it was written
	policy string // the policy that has it
	param  string
	value  string
}

// NewLayer begins with the defaults of a kind.
func NewLayer(kind control.Kind, name string) *Layer {
	return &Layer{
		cfg: control.DefaultBootstrap(kind, name), policies: map[string]control.Policy{}, seconds: map[string][]setting{},
	}
}

// Set gives a parameter a value.
func (l *Layer) Set(p *Param, value string) error {
	if !p.Of(l.cfg.Kind) {
		return fmt.Errorf("%s is no parameter of the type %s, only of %s", p.Word, control.KindWord(l.cfg.Kind), kindWords(p.Kinds))
	}
	if slices.Contains(l.set, p.Word) {
		return fmt.Errorf("%s stands twice", p.Word)
	}
	l.set = append(l.set, p.Word)
	if err := p.set(l, value); err != nil {
		return fmt.Errorf("%s: %w", p.Word, err)
	}
	return nil
}

// SetPolicy chooses a policy of a kind, with parameters.
func (l *Layer) SetPolicy(kind string, p control.Policy) error {
	name, ok := prototypeWords[kind][p.Name]
	if !ok {
		name = p.Name
	}
	if kind == catalog.Routing && slices.Contains(spreads, name) {
		l.spread, name = name, unicast.DefaultRouting
	}
	p.Name = name
	l.policies[kind] = p
	return catalog.Check(kind, name, Values(p.Params))
}

// Autobind says that the IPCP listens to its own name and to that of the layer.
func (l *Layer) Autobind() error {
	if l.cfg.Kind != core.KindUnicast && l.cfg.Kind != core.KindBroadcast {
		return fmt.Errorf("autobind is for unicast and broadcast, not for %s", control.KindWord(l.cfg.Kind))
	}
	l.cfg.Autobind = true
	return nil
}

// Config returns the configuration, or says what is missing or does not fit together.
func (l *Layer) Config() (control.BootstrapConfig, error) {
	b := l.cfg
	for i := range Params {
		if p := &Params[i]; p.Required && p.Of(b.Kind) && !slices.Contains(l.set, p.Word) {
			return b, fmt.Errorf("%s is missing: a layer of type %s needs it (%s)", p.Word, control.KindWord(b.Kind), p.Accepts)
		}
	}
	policies := maps.Clone(l.policies)
	if l.spread != "" {
		if f, ok := policies[catalog.Forwarding]; ok && f.Name != l.spread {
			return b, fmt.Errorf("routing %s stands for forwarding %s, but forwarding is %s", l.spread, l.spread, f.Name)
		} else if !ok {
			policies[catalog.Forwarding] = control.Policy{Name: l.spread}
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(l.seconds)) {
		if err := merge(policies, kind, l.seconds[kind]); err != nil {
			return b, err
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(policies)) {
		if err := catalog.Check(kind, policies[kind].Name, Values(policies[kind].Params)); err != nil {
			return b, err
		}
	}
	if len(policies) > 0 {
		b.Policies = policies
	}
	return b, nil
}

// merge adds parameters that have words of their own to the policy of a kind.
func merge(policies map[string]control.Policy, kind string, settings []setting) error {
	p, ok := policies[kind]
	params := maps.Clone(p.Params)
	if params == nil {
		params = map[string]string{}
	}
	for _, s := range settings {
		switch {
		case !ok:
			p.Name = s.policy
		case p.Name != s.policy:
			return fmt.Errorf("%s belongs to %s %s, but %s is %s", s.word, kind, s.policy, kind, p.Name)
		}
		if _, twice := params[s.param]; twice {
			return fmt.Errorf("%s: %s %s has %s set already", s.word, kind, p.Name, s.param)
		}
		params[s.param] = s.value
	}
	p.Params = params
	policies[kind] = p
	return nil
}

func kindWords(kinds []control.Kind) string {
	var out []string
	for _, k := range kinds {
		out = append(out, control.KindWord(k))
	}
	return strings.Join(out, ", ")
}
