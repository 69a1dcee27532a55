package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// table is a table of the file whose keys are taken one by one; what is left over is an error.
type table struct {
	d    *document
	path []string
	left map[string]any
	err  error
}

// open returns the table at a path.
func (d *document) open(path []string, v any) *table {
	t := &table{d: d, path: path}
	m, ok := v.(map[string]any)
	if !ok {
		t.err = d.errorf(path, "is %s, accepted is a table: [%s]", describe(v), dotted(path))
		return t
	}
	t.left = maps.Clone(m)
	return t
}

// fail keeps the first error about a key.
func (t *table) fail(key, format string, args ...any) {
	if t.err == nil {
		t.err = t.d.errorf(append(slices.Clone(t.path), key), format, args...)
	}
}

// take returns the value of a key, and takes it out.
func (t *table) take(key string) (any, bool) {
	v, ok := t.left[key]
	delete(t.left, key)
	return v, ok && t.err == nil
}

// text returns a string, "" if there is none.
func (t *table) text(key string) string {
	v, ok := t.take(key)
	if !ok {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		t.fail(key, "is %s, accepted is a string", describe(v))
	} else if s == "" {
		t.fail(key, "is an empty string")
	}
	return s
}

// word returns a string that is one of several, the first if there is none.
func (t *table) word(key string, accepted ...string) string {
	s := t.text(key)
	if s == "" {
		return accepted[0]
	}
	if !slices.Contains(accepted, s) {
		t.fail(key, "%q, accepted are %s", s, strings.Join(accepted, ", "))
	}
	return s
}

// truth returns a boolean, false if there is none.
func (t *table) truth(key string) bool {
	v, ok := t.take(key)
	if !ok {
		return false
	}
	b, ok := v.(bool)
	if !ok {
		t.fail(key, "is %s, accepted is true or false", describe(v))
	}
	return b
}

// texts returns a list of strings.
func (t *table) texts(key string) []string {
	v, ok := t.take(key)
	if !ok {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		t.fail(key, "is %s, accepted is a list of strings", describe(v))
	}
	var out []string
	for i, e := range list {
		s, ok := e.(string)
		if !ok {
			t.fail(key, "element %d is %s, accepted is a string", i+1, describe(e))
		}
		out = append(out, s)
	}
	return out
}

// end reports the first error, or the first key that nobody has taken, in the order of the file.
func (t *table) end(accepted []string) error {
	if t.err != nil || len(t.left) == 0 {
		return t.err
	}
	for _, o := range t.d.order {
		key, ok := strings.CutPrefix(o, join(t.path...)+separator)
		if _, unknown := t.left[key]; ok && unknown {
			return t.unknown(key, accepted)
		}
	}
	return t.unknown(slices.Min(slices.Collect(maps.Keys(t.left))), accepted)
}

func (t *table) unknown(key string, accepted []string) error {
	path := append(slices.Clone(t.path), key)
	return t.d.errorf(path, "unknown key, accepted are %s", strings.Join(accepted, ", "))
}

// describe says what a value is, for errors.
func describe(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("the string %s", strconv.Quote(v))
	case int64, float64, bool:
		return fmt.Sprint(v)
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return "a date or time"
}
