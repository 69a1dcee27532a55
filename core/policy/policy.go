// Package policy is the table by which policies are chosen: a name, a typed configuration with
// defaults, a line of documentation and a constructor. A table is an explicit value; nothing
// registers itself. Adding a policy takes one file and one line in its table.
package policy

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"

	"ouroboros/core"
)

// Factory describes one policy of kind T.
type Factory[T any] struct {
	Name string // as scenarios write it
	Doc  string // one line
	// Config returns a pointer to a fresh configuration that holds the defaults. Its fields carry
	// mapstructure tags (lower_snake) and doc tags. Nil means no parameters.
	Config func() any
	// New makes the policy from such a configuration.
	New func(env core.Env, cfg any) (T, error)
}

// Validator is implemented by configurations that can check themselves.
type Validator interface{ Validate() error }

// Registry is the table of one kind of policy, in the order in which it is printed.
type Registry[T any] struct {
	Kind      string // for instance "routing"
	Factories []Factory[T]
}

// Names returns the names in table order.
func (r *Registry[T]) Names() []string {
	out := make([]string, len(r.Factories))
	for i, f := range r.Factories {
		out[i] = f.Name
	}
	return out
}

// find returns the factory of a name.
func (r *Registry[T]) find(name string) (*Factory[T], error) {
	for i := range r.Factories {
		if r.Factories[i].Name == name {
			return &r.Factories[i], nil
		}
	}
	return nil, fmt.Errorf("unknown %s policy %q, accepted are %s", r.Kind, name, strings.Join(r.Names(), ", "))
}

// Choice is a policy with its checked configuration, ready to be made once per IPCP.
type Choice[T any] struct {
	Name string
	// Params are the parameters as they were given, nil for none. They are shared and must not be written.
	Params map[string]any

	cfg  any
	make func(env core.Env, cfg any) (T, error)
}

// New makes an instance of the chosen policy.
func (c Choice[T]) New(env core.Env) (T, error) { return c.make(env, c.cfg) }

// Config returns the decoded configuration, a pointer to the policy's type; nil without parameters.
// It is shared and must not be written.
func (c Choice[T]) Config() any { return c.cfg }

// Choose looks a policy up and decodes its parameters strictly: an unknown parameter, a value of
// another type or one out of range is an error that names the parameter and what is accepted.
func (r *Registry[T]) Choose(name string, params map[string]any) (Choice[T], error) {
	f, err := r.find(name)
	if err != nil {
		return Choice[T]{}, err
	}
	c := Choice[T]{Name: name, Params: params, make: f.New}
	if f.Config == nil {
		if len(params) > 0 {
			first := slices.Min(slices.Collect(maps.Keys(params)))
			return c, fmt.Errorf("%s policy %q: parameter %q: it takes none", r.Kind, name, first)
		}
		return c, nil
	}
	c.cfg = f.Config()
	if err := Decode(params, c.cfg); err != nil {
		return c, fmt.Errorf("%s policy %q: %w", r.Kind, name, err)
	}
	return c, nil
}

// Decode fills cfg, a pointer to a struct that holds the defaults, from params and validates it.
func Decode(params map[string]any, cfg any) error {
	dec, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result: cfg, ErrorUnused: true, TagName: "mapstructure",
		DecodeHook: mapstructure.ComposeDecodeHookFunc(mapstructure.TextUnmarshallerHookFunc(), strict),
		MatchName:  func(key, field string) bool { return key == field },
	})
	if err != nil {
		return err
	}
	if err := dec.Decode(params); err != nil {
		return fmt.Errorf("%w; parameters are %s", err, strings.Join(describe(cfg), ", "))
	}
	if v, ok := cfg.(Validator); ok {
		return v.Validate()
	}
	return nil
}

// Param documents one parameter of a policy.
type Param struct{ Name, Type, Default, Doc string }

// Doc documents one policy for `osim policies`.
type Doc struct {
	Kind, Name, Doc string
	Params          []Param
}

// Docs documents the table.
func (r *Registry[T]) Docs() []Doc {
	out := make([]Doc, 0, len(r.Factories))
	for _, f := range r.Factories {
		d := Doc{Kind: r.Kind, Name: f.Name, Doc: f.Doc}
		if f.Config != nil {
			d.Params = params(f.Config())
		}
		out = append(out, d)
	}
	return out
}

func params(cfg any) []Param {
	v := reflect.ValueOf(cfg).Elem()
	out := make([]Param, 0, v.NumField())
	for i := range v.NumField() {
		f := v.Type().Field(i)
		out = append(out, Param{
			Name: f.Tag.Get("mapstructure"), Type: f.Type.String(),
			Default: fmt.Sprint(v.Field(i).Interface()), Doc: f.Tag.Get("doc"),
		})
	}
	return out
}

func describe(cfg any) []string {
	ps := params(cfg)
	out := make([]string, len(ps))
	for i, p := range ps {
		out[i] = fmt.Sprintf("%s (%s, default %s)", p.Name, p.Type, p.Default)
	}
	return out
}
