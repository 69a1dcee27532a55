package scenarios

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// page is the reference of the scenario file.
var page = filepath.Join("..", "docs", "scenarios.md")

// reference lists the headings of the page and the section of the file that each describes.
var reference = []struct {
	heading string
	typ     reflect.Type
	without reflect.Type // part of the section that has a heading of its own
}{
	{"Top level", reflect.TypeFor[Scenario](), nil},
	{"mode", reflect.TypeFor[Mode](), nil},
	{"topology", reflect.TypeFor[Topology](), nil},
	{"wires", reflect.TypeFor[Wire](), reflect.TypeFor[LinkParams]()},
	{"links", reflect.TypeFor[LinkRule](), reflect.TypeFor[LinkParams]()},
	{"Link parameters", reflect.TypeFor[LinkParams](), nil},
	{"queue", reflect.TypeFor[Queue](), nil},
	{"gilbert", reflect.TypeFor[Gilbert](), nil},
	{"reorder", reflect.TypeFor[Reorder](), nil},
	{"layers", reflect.TypeFor[Layer](), nil},
	{"shims", reflect.TypeFor[ShimRule](), nil},
	{"policies", reflect.TypeFor[Policies](), nil},
	{"policy", reflect.TypeFor[Policy](), nil},
	{"Layer params", reflect.TypeFor[LayerParams](), nil},
	{"names", reflect.TypeFor[Name](), nil},
	{"security", reflect.TypeFor[SecurityRule](), nil},
	{"frcp", reflect.TypeFor[FRCP](), nil},
	{"workload", reflect.TypeFor[Workload](), nil},
	{"qos", reflect.TypeFor[QoS](), nil},
	{"faults", reflect.TypeFor[Fault](), nil},
	{"series", reflect.TypeFor[Series](), nil},
	{"expect", reflect.TypeFor[Expect](), nil},
}

// TestReferenceListsEveryKey: below its heading each section has a row for each of its keys, in the order
// of the schema's structs or not, and no other row; a row names every word that its key accepts.
func TestReferenceListsEveryKey(t *testing.T) {
	seen := map[reflect.Type]bool{}
	for _, ref := range reference {
		seen[ref.typ] = true
		var left []string
		if ref.without != nil {
			left = keyNames(keysOf(ref.without))
		}
		rows := rowsBelow(t, ref.heading)
		for _, k := range keysOf(ref.typ) {
			if slices.Contains(left, k.name) {
				continue
			}
			row, ok := rows[k.name]
			if !ok {
				t.Errorf("%s: section %q has no row for the key %s", page, ref.heading, k.name)
			}
			for _, word := range k.enum {
				if !strings.Contains(row, "`"+word+"`") {
					t.Errorf("%s: section %q, key %s: the word %q is missing", page, ref.heading, k.name, word)
				}
			}
			delete(rows, k.name)
		}
		for k := range rows {
			t.Errorf("%s: section %q has a row for %s, which is no key", page, ref.heading, k)
		}
	}
	for typ := range sectionsOf(reflect.TypeFor[Scenario]()) {
		if !seen[typ] {
			t.Errorf("%s describes no section of type %s", page, typ)
		}
	}
}

// TestReferenceNamesTheSchema: nothing that schema.json knows is missing from the page.
func TestReferenceNamesTheSchema(t *testing.T) {
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var root any
	if err := json.Unmarshal([]byte(JSONSchema), &root); err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if props, ok := v["properties"].(map[string]any); ok {
				for k := range props {
					keys[k] = true
				}
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(root)
	if len(keys) < 80 {
		t.Errorf("only %d keys were found in schema.json", len(keys))
	}
	for k := range keys {
		if !strings.Contains(string(data), "| `"+k+"` |") {
			t.Errorf("%s: the key %s of schema.json is missing", page, k)
		}
	}
}

// TestReferenceListsTheMetrics: the table of metrics is that of the program.
func TestReferenceListsTheMetrics(t *testing.T) {
	rows := rowsBelow(t, "Metrics")
	for _, m := range Metrics() {
		unit := m.Unit
		switch unit {
		case UnitTime:
			unit = "duration"
		case UnitRate:
			unit = "rate"
		case UnitBytes:
			unit = "size"
		case UnitNone:
			unit = "number"
		}
		want := fmt.Sprintf("| `%s` | %s | %s | %s |", m.Name, m.Of, unit, m.Doc)
		if got := rows[m.Name]; got != want {
			t.Errorf("%s: metric %s: the row is\n%s\nwant\n%s", page, m.Name, got, want)
		}
		delete(rows, m.Name)
	}
	for k := range rows {
		t.Errorf("%s: there is no metric %s", page, k)
	}
}

// rowsBelow returns the rows of the first table below a heading, by the key in their first column.
func rowsBelow(t *testing.T, heading string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(data), "\n### "+heading+"\n")
	if !ok {
		t.Fatalf("%s has no section %q", page, heading)
	}
	rows := map[string]string{}
	for line := range strings.Lines(rest) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "#"), len(rows) > 0 && !strings.HasPrefix(line, "|"):
			return rows
		case strings.HasPrefix(line, "| `"):
			key, _, _ := strings.Cut(strings.TrimPrefix(line, "| `"), "`")
			if rows[key] != "" {
				t.Errorf("%s: section %q has two rows for %s", page, heading, key)
			}
			rows[key] = line
		}
	}
	return rows
}

// sectionsOf returns the types of all sections of a type, itself included.
func sectionsOf(t reflect.Type) map[reflect.Type]bool {
	out := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		f, t := formOf(t)
		switch {
		case f == formList:
			walk(t.Elem())
		case f == formSection && !out[t]:
			out[t] = true
			for _, k := range keysOf(t) {
				walk(k.typ)
			}
		}
	}
	walk(t)
	return out
}
