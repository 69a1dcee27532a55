package scenarios

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// shape checks the tree against the types of the schema: keys, forms, units, words and bounds. Values
// that are wrong are reported and taken out of the tree, so that what is left can be decoded and checked
// further; the check after this one must not report them again, hence bad.
type shape struct {
	*report
	// at finds the value of an internal path: keys and numbers of list elements, joined by dots.
	at    map[string]place
	bad   map[string]bool
	below map[string]bool // sections and lists with something bad in them
}

func newShape(r *report, root *yaml.Node) *shape {
	return &shape{report: r, at: map[string]place{"": {node: root}}, bad: map[string]bool{}, below: map[string]bool{}}
}

// spoil notes that the value of a path was reported.
func (s *shape) spoil(path string) {
	s.bad[path] = true
	for i := strings.LastIndexByte(path, '.'); i > 0 && !s.below[path[:i]]; i = strings.LastIndexByte(path[:i], '.') {
		s.below[path[:i]] = true
	}
}

// place is a value and its path as shown: list elements by their name where they have one.
type place struct {
	node  *yaml.Node
	shown string
}

func (s *shape) wrong(path string, format string, args ...any) {
	p := s.at[path]
	s.spoil(path)
	s.add(p.node, p.shown, format, args...)
}

// value checks one value and reports whether it can stay.
func (s *shape) value(n *yaml.Node, k key, path, shown string) bool {
	s.at[path] = place{n, shown}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		s.wrong(path, "has no value; leave the key out or give one")
		return false
	}
	f, t := formOf(k.typ)
	if n.Kind == yaml.ScalarNode && f == formSection && shorthand(t) != "" {
		s.widen(n, shorthand(t))
	}
	if n.Kind == yaml.ScalarNode && t == reflect.TypeFor[Patterns]() {
		s.widen(n, "")
	}
	want := map[form]yaml.Kind{formList: yaml.SequenceNode, formSection: yaml.MappingNode, formFree: yaml.MappingNode}[f]
	if want == 0 {
		want = yaml.ScalarNode
	}
	if n.Kind != want {
		s.wrong(path, "is a %s; accepted is a %s", kindName(n.Kind), kindName(want))
		return false
	}
	switch f {
	case formList:
		return s.list(n, k, t.Elem(), path, shown)
	case formSection:
		s.section(n, t, path+".", shown+".")
		return true
	case formFree:
		return s.free(n, path)
	case formText:
		return s.text(n, k, t, path)
	default:
		return s.scalar(n, k, t, path)
	}
}

func kindName(k yaml.Kind) string {
	switch k {
	case yaml.SequenceNode:
		return "list"
	case yaml.MappingNode:
		return "section"
	default:
		return "single value"
	}
}

// section checks the keys of a section and removes wrong values from it.
func (s *shape) section(n *yaml.Node, t reflect.Type, prefix, shown string) {
	keys := keysOf(t)
	seen := map[string]int{}
	var keep []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		kn, vn := n.Content[i], n.Content[i+1]
		k, ok := findKey(keys, kn.Value)
		switch first := seen[kn.Value]; {
		case kn.Kind != yaml.ScalarNode || !ok:
			s.below[strings.TrimSuffix(prefix, ".")] = true
			s.add(kn, strings.TrimSuffix(shown, "."), "unknown key; %s", accepted(kn.Value, keyNames(keys)))
			continue
		case first > 0:
			s.add(kn, shown+kn.Value, "the key stands twice, first in line %d", first)
			continue
		}
		seen[kn.Value] = max(kn.Line, 1)
		if s.value(vn, k, prefix+k.name, shown+k.name) {
			keep = append(keep, kn, vn)
		}
	}
	n.Content = keep
}

// list checks the elements. A wrong section leaves an empty one behind, so that the others keep their
// numbers; a list with any other wrong element is wrong as a whole.
func (s *shape) list(n *yaml.Node, k key, elem reflect.Type, path, shown string) bool {
	ok := true
	f, _ := formOf(elem)
	for i, c := range n.Content {
		name := strconv.Itoa(i)
		if v, _ := child(c, "name"); v != nil && v.Kind == yaml.ScalarNode && v.Value != "" {
			name = v.Value
		}
		ek := key{name: name, typ: elem, enum: k.enum, min: k.min, max: k.max}
		p := path + "." + strconv.Itoa(i)
		if s.value(c, ek, p, shown+"."+name) {
			continue
		}
		if f == formSection {
			n.Content[i] = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: c.Line}
			continue
		}
		ok = false
	}
	if !ok {
		s.spoil(path)
	}
	return ok
}

// free checks the keys of a section whose meaning is not known here.
func (s *shape) free(n *yaml.Node, path string) bool {
	ok := true
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		kn, vn := n.Content[i], n.Content[i+1]
		p := path + "." + kn.Value
		s.at[p] = place{vn, s.at[path].shown + "." + kn.Value}
		switch {
		case !isKey(kn.Value):
			s.add(kn, s.at[path].shown, "is not a key; accepted are lower case letters, digits and _")
			ok = false
		case seen[kn.Value]:
			s.wrong(p, "the key stands twice")
			ok = false
		case vn.Kind == yaml.ScalarNode && vn.Tag == "!!null":
			s.wrong(p, "has no value; leave the key out or give one")
			ok = false
		case vn.Kind == yaml.MappingNode:
			ok = s.free(vn, p) && ok
		}
		seen[kn.Value] = true
	}
	if !ok {
		s.spoil(path)
	}
	return ok
}

// text checks a value that its type parses from a text.
func (s *shape) text(n *yaml.Node, k key, t reflect.Type, path string) bool {
	v, err := parseText(t, n.Value)
	if err != nil {
		s.wrong(path, "%s", err)
		return false
	}
	n.Tag = "!!str"
	for _, b := range []struct {
		text string
		sign int64
		word string
	}{{k.min, 1, "least"}, {k.max, -1, "most"}} {
		if b.text == "" {
			continue
		}
		bound, err := parseText(t, b.text)
		if err != nil {
			panic("scenarios: bound of " + k.name + ": " + err.Error())
		}
		if v.Int()*b.sign < bound.Int()*b.sign {
			s.wrong(path, "is out of range; accepted is at %s %s", b.word, b.text)
			return false
		}
	}
	return true
}

// parseText parses a text as a unit type.
func parseText(t reflect.Type, value string) (reflect.Value, error) {
	p := reflect.New(t)
	err := p.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(value))
	return p.Elem(), err
}

// scalar checks a text, a number or a truth value.
func (s *shape) scalar(n *yaml.Node, k key, t reflect.Type, path string) bool {
	switch t.Kind() {
	case reflect.String:
		n.Tag = "!!str"
		switch {
		case len(k.enum) > 0 && !slices.Contains(k.enum, n.Value):
			s.wrong(path, "unknown value; %s", accepted(n.Value, k.enum))
			return false
		case n.Value == "":
			s.wrong(path, "is empty")
			return false
		}
		return true
	case reflect.Bool:
		if n.Tag != "!!bool" || n.Value != "true" && n.Value != "false" {
			s.wrong(path, "is not a truth value; accepted are true, false")
			return false
		}
		return true
	}
	what, v, err := parseNumber(n.Value, t.Kind())
	lo, hi := bounds(k, t.Kind())
	switch {
	case err != nil || n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		s.wrong(path, "is not a %s; accepted is one %s", what, span(lo, hi))
	case v < lo || v > hi:
		s.wrong(path, "is out of range; accepted is a %s %s", what, span(lo, hi))
	default:
		n.Tag = "!!int"
		if t.Kind() == reflect.Float64 {
			n.Tag = "!!float"
		}
		return true
	}
	return false
}

// parseNumber parses a plain decimal number. Other bases, which YAML would read, are refused: 010 is a
// trap.
func parseNumber(s string, kind reflect.Kind) (what string, v float64, err error) {
	switch kind {
	case reflect.Float64:
		v, err = strconv.ParseFloat(s, 64)
		if err == nil && (math.IsNaN(v) || math.IsInf(v, 0) || strings.Trim(s, "0123456789.eE+-") != "") {
			err = strconv.ErrSyntax
		}
		return "number", v, err
	case reflect.Uint64, reflect.Uint32:
		u, err := strconv.ParseUint(s, 10, 64)
		if err == nil && strconv.FormatUint(u, 10) != s {
			err = strconv.ErrSyntax
		}
		if err != nil && strings.HasPrefix(s, "-") {
			return "whole number", -1, nil
		}
		return "whole number", float64(u), err
	default:
		i, err := strconv.ParseInt(s, 10, 64)
		if err == nil && strconv.FormatInt(i, 10) != s {
			err = strconv.ErrSyntax
		}
		return "whole number", float64(i), err
	}
}

// bounds returns the range of a number; without tags it is from 0 to what the type holds.
func bounds(k key, kind reflect.Kind) (lo, hi float64) {
	hi = math.MaxFloat64
	switch kind {
	case reflect.Uint32:
		hi = math.MaxUint32
	case reflect.Uint64:
		hi = math.MaxUint64
	case reflect.Int:
		hi = math.MaxInt32
	}
	for _, b := range []struct {
		text string
		to   *float64
	}{{k.min, &lo}, {k.max, &hi}} {
		if b.text == "" {
			continue
		}
		v, err := strconv.ParseFloat(b.text, 64)
		if err != nil {
			panic("scenarios: bound of " + k.name + ": " + err.Error())
		}
		*b.to = v
	}
	return lo, hi
}

func span(lo, hi float64) string {
	if hi == math.MaxFloat64 {
		return fmt.Sprintf("of at least %v", lo)
	}
	if hi == math.MaxUint64 { // rounds up to 2^64
		return fmt.Sprintf("from %v to %d", lo, uint64(math.MaxUint64))
	}
	return fmt.Sprintf("from %v to %.0f", lo, hi)
}
