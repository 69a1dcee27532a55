package scenarios

import (
	"reflect"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"
)

// Catalog answers for the tables that the schema refers to and that live elsewhere.
type Catalog interface {
	// Policy checks the choice of a policy of a unicast layer; kind is a key of the policies section. The
	// error says what is wrong and what is accepted; of a wrong parameter it names the parameter.
	Policy(kind, name string, params map[string]any) error
	// Topology returns the names of the nodes and links of a map, file or generator. The error says what
	// is wrong and what is accepted.
	Topology(t *Topology) (*Graph, error)
}

// Graph are the names that a topology gives.
type Graph struct {
	Nodes []string    // in order
	Links []GraphLink // in order
}

// GraphLink is a link between two nodes.
type GraphLink struct{ Name, A, B string }

// Options say what is laid over a scenario file and what it is checked against.
type Options struct {
	// Set are "path=value" edits, applied in order over file and environment. Paths name elements of
	// lists by their name or by their number from 0.
	Set []string
	// Env returns an environment variable, "" if it is not set; see EnvPaths. Nil means no environment.
	Env func(string) string
	// Catalog checks policies and topologies. Without one, these and every name and pattern that depends
	// on them stay unchecked.
	Catalog Catalog
}

// Load reads a scenario: the file, over it the environment, over it the --set edits. The result has its
// defaults filled in and is sound as far as it can be checked without running it. Errors are of type
// [*Error], all those of the scenario joined; name is the file name in them.
func Load(name string, data []byte, opts Options) (*Scenario, error) {
	r := &report{file: name, origin: map[*yaml.Node]string{}}
	root := parse(r, data)
	if root == nil {
		return nil, r.err()
	}
	var done []Override
	if opts.Env != nil {
		done = applyEnv(r, root, opts.Env)
	}
	done = append(done, applySets(r, root, opts.Set)...)

	sh := newShape(r, root)
	sh.section(root, reflect.TypeFor[Scenario](), "", "")
	s, err := decode(root)
	if err != nil {
		// The shape was checked before: this is a disagreement of the two, and no fault of the user that
		// could be located better.
		r.add(nil, "", "cannot be decoded: %s", err)
		return nil, r.err()
	}
	s.setDefaults()
	c := &checker{shape: sh, s: s, catalog: opts.Catalog}
	c.all()
	if err := r.err(); err != nil {
		return nil, err
	}
	s.Overrides = done
	return s, nil
}

// decode turns the checked tree into a Scenario. Viper lower-cases keys and splits them at dots; the
// shape check has made sure that keys have neither.
func decode(root *yaml.Node) (*Scenario, error) {
	var m map[string]any
	if err := root.Decode(&m); err != nil {
		return nil, err
	}
	v := viper.New()
	if err := v.MergeConfigMap(m); err != nil {
		return nil, err
	}
	s := &Scenario{}
	err := v.UnmarshalExact(s, func(c *mapstructure.DecoderConfig) {
		c.WeaklyTypedInput = false
		c.DecodeHook = mapstructure.TextUnmarshallerHookFunc()
		c.MatchName = func(key, field string) bool { return key == field }
	})
	return s, err
}
