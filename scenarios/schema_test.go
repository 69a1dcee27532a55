package scenarios

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(JSONSchema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate checks a scenario file against the JSON schema as an editor does.
func validate(t testing.TB, s *jsonschema.Schema, data []byte) error {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

func TestEmbeddedScenariosFitTheJSONSchema(t *testing.T) {
	s := compileSchema(t)
	for _, info := range Embedded() {
		data, err := Open(info.Name)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, s, data); err != nil {
			t.Errorf("%s: %v", info.Name, err)
		}
	}
	if err := validate(t, s, []byte(base)); err != nil {
		t.Errorf("base: %v", err)
	}
}

// The editor finds the mistakes that a schema can find.
func TestJSONSchemaRefuses(t *testing.T) {
	s := compileSchema(t)
	for _, c := range [][2]string{
		{"seeds: [1]", "sedes: [1]"},
		{"seeds: [1]", "seeds: []"},
		{"duration: 10s", "duration: 10"},
		{"duration: 10s", "duration: 10 s"},
		{"rate: 1Mbps", "rate: 1mbps"},
		{"kind: cbr", "kind: cbt"},
		{"topology:", "topology:\n  map: abilene"},
		{"faults: []", "faults: [{at: 1s, link: a-b}]"},
		{"expect: []", "expect: [{metric: goodput, op: '>', value: 1}]"},
		{"params: {k: 8}", "params: {K: 8}"},
	} {
		if validate(t, s, []byte(strings.Replace(base, c[0], c[1], 1))) == nil {
			t.Errorf("%s was accepted", c[1])
		}
	}
}

// The keys, words and bounds of the JSON schema are those of the Go structs: the two cannot drift.
func TestJSONSchemaAgreesWithTheStructs(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal([]byte(JSONSchema), &root); err != nil {
		t.Fatal(err)
	}
	a := agreement{T: t, defs: root["$defs"].(map[string]any), seen: map[reflect.Type]bool{}}
	a.section(root, reflect.TypeFor[Scenario](), "")
	if len(a.seen) < 17 {
		t.Errorf("only %d sections were compared", len(a.seen))
	}
	metric := a.defs["expect"].(map[string]any)["properties"].(map[string]any)["metric"].(map[string]any)
	if got := texts(metric["enum"]); !slices.Equal(got, metricNames()) {
		t.Errorf("metrics: schema has %v, the loader %v", got, metricNames())
	}
}

type agreement struct {
	*testing.T
	defs map[string]any
	seen map[reflect.Type]bool
}

// resolve follows references and looks through anyOf for the alternative of a form.
func (a *agreement) resolve(s map[string]any, f form) map[string]any {
	for {
		if ref, ok := s["$ref"].(string); ok {
			s = a.defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
			continue
		}
		want := map[form]string{formSection: "object", formFree: "object", formList: "array"}[f]
		alts, ok := s["anyOf"].([]any)
		if !ok || want == "" || s["type"] == want {
			return s
		}
		for _, alt := range alts {
			if m := a.resolve(alt.(map[string]any), formScalar); m["type"] == want {
				return m
			}
		}
		a.Fatalf("no %s in %v", want, s)
	}
}

func (a *agreement) section(s map[string]any, t reflect.Type, path string) {
	a.seen[t] = true
	props, _ := s["properties"].(map[string]any)
	got := make([]string, 0, len(props))
	for k := range props {
		got = append(got, k)
	}
	keys := keysOf(t)
	want := keyNames(keys)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		a.Errorf("%s: schema has %v, %v has %v", path, got, t, want)
		return
	}
	if s["additionalProperties"] != false {
		a.Errorf("%s: schema accepts other keys", path)
	}
	for _, k := range keys {
		a.value(props[k.name].(map[string]any), k, path+"."+k.name)
	}
}

func (a *agreement) value(s map[string]any, k key, path string) {
	f, t := formOf(k.typ)
	s = a.resolve(s, f)
	switch f {
	case formSection:
		a.section(s, t, path)
	case formList:
		if s["type"] != "array" {
			a.Errorf("%s: schema has type %v, not array", path, s["type"])
			return
		}
		k.typ = t.Elem()
		a.value(s["items"].(map[string]any), k, path+"[]")
	case formFree:
		if s["type"] != "object" {
			a.Errorf("%s: schema has type %v, not object", path, s["type"])
		}
	case formScalar:
		a.scalar(s, k, t, path)
	case formText:
		if s["pattern"] == nil && s["anyOf"] == nil {
			a.Errorf("%s: schema does not check the form of a %v", path, t)
		}
	}
}

func (a *agreement) scalar(s map[string]any, k key, t reflect.Type, path string) {
	if got := texts(s["enum"]); len(k.enum) > 0 && !slices.Equal(got, k.enum) {
		a.Errorf("%s: schema has words %v, the struct %v", path, got, k.enum)
	}
	if t.Kind() == reflect.Bool && s["type"] != "boolean" {
		a.Errorf("%s: schema has type %v, the struct %v", path, s["type"], t)
	}
	if t.Kind() == reflect.String || t.Kind() == reflect.Bool || path == ".schema" {
		return
	}
	if want := map[bool]string{true: "number", false: "integer"}[t.Kind() == reflect.Float64]; s["type"] != want {
		a.Errorf("%s: schema has type %v, the struct %v", path, s["type"], t)
	}
	for _, b := range [][2]string{{"minimum", k.min}, {"maximum", k.max}} {
		got := ""
		if v, ok := s[b[0]].(float64); ok {
			got = fmt.Sprintf("%.0f", v)
		}
		if b[1] != "" && got != b[1] {
			a.Errorf("%s: schema has %s %q, the struct %q", path, b[0], got, b[1])
		}
	}
}

func texts(list any) []string {
	var out []string
	all, _ := list.([]any)
	for _, v := range all {
		out = append(out, fmt.Sprint(v))
	}
	return out
}
