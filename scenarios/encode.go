package scenarios

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Marshal writes a scenario as the file that Load reads: keys in the order of the schema, zero values left
// out. What Load has filled in stands there like everything else, but for defaults that must not stand beside
// what the file says.
func Marshal(s *Scenario) ([]byte, error) {
	out := *s
	out.Faults = slices.Clone(s.Faults)
	for i := range out.Faults {
		f := &out.Faults[i]
		drop(&f.For, Forever)
		drop(&f.Direction, "both")
	}
	out.Workload = slices.Clone(s.Workload)
	for i := range out.Workload {
		w := &out.Workload[i]
		drop(&w.Flows, 1)
		drop(&w.Pairing, "all")
		drop(&w.QoS, QoS{Preset: "raw"})
	}
	out.Layers = slices.Clone(s.Layers)
	for i := range out.Layers {
		if l := &out.Layers[i]; l.Kind != LayerUnicast {
			l.Params = LayerParams{}
			drop(&l.QoS, QoS{Preset: "raw"})
		}
	}
	return MarshalSection(&out)
}

// drop is the opposite of fill.
func drop[T comparable](v *T, def T) {
	if *v == def {
		var zero T
		*v = zero
	}
}

// MarshalSection writes any section made of the types of this package, a struct with mapstructure tags, in
// the same way.
func MarshalSection(section any) ([]byte, error) {
	n, err := encode(reflect.ValueOf(section))
	if err != nil {
		return nil, err
	}
	return yaml.Marshal(n)
}

// encode returns the tree of a value.
func encode(v reflect.Value) (*yaml.Node, error) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	form, t := formOf(v.Type())
	switch form {
	case formSection:
		return encodeSection(v)
	case formList:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.Len() {
			x, err := encode(v.Index(i))
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, x)
		}
		if k := t.Elem().Kind(); k != reflect.Struct && k != reflect.Slice {
			n.Style = yaml.FlowStyle
		}
		return n, nil
	case formFree:
		return encodeFree(v)
	case formText:
		text, ok := v.Interface().(fmt.Stringer)
		if !ok {
			return nil, fmt.Errorf("%v cannot be written: it has no String", t)
		}
		return scalar(text.String())
	case formScalar:
	}
	return scalar(v.Interface())
}

func scalar(v any) (*yaml.Node, error) {
	n := &yaml.Node{}
	return n, n.Encode(v)
}

// encodeSection writes the keys that are not zero; one that its shorthand says wholly becomes that.
func encodeSection(v reflect.Value) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.MappingNode}
	if err := encodeKeys(n, v); err != nil {
		return nil, err
	}
	if short := shorthand(v.Type()); short != "" && len(n.Content) == 2 && n.Content[0].Value == short {
		return n.Content[1], nil
	}
	if small(n) {
		n.Style = yaml.FlowStyle
	}
	return n, nil
}

// small reports whether a section reads well on one line.
func small(n *yaml.Node) bool {
	return len(n.Content) <= 2*12 && !slices.ContainsFunc(n.Content, func(c *yaml.Node) bool {
		return c.Kind != yaml.ScalarNode && c.Style&yaml.FlowStyle == 0
	})
}

func encodeKeys(n *yaml.Node, v reflect.Value) error {
	for i := range v.NumField() {
		f := v.Field(i)
		k, opt, _ := strings.Cut(v.Type().Field(i).Tag.Get("mapstructure"), ",")
		switch {
		case opt == "squash":
			if err := encodeKeys(n, f); err != nil {
				return err
			}
			continue
		case k == "-", f.IsZero(), f.Kind() == reflect.Slice && f.Len() == 0, f.Kind() == reflect.Map && f.Len() == 0:
			continue
		}
		x, err := encode(f)
		if err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
		if x.Kind == yaml.MappingNode && len(x.Content) == 0 {
			continue
		}
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: k}, x)
	}
	return nil
}

func encodeFree(v reflect.Value) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, k := range keys {
		x, err := encode(v.MapIndex(k))
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: k.String()}, x)
	}
	return n, nil
}
