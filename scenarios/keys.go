package scenarios

import (
	"encoding"
	"reflect"
	"strings"
)

// key is one key of a section, from the tags of its struct.
type key struct {
	name     string
	typ      reflect.Type
	enum     []string
	min, max string
}

// keysOf lists the keys of a section in the order of its fields, embedded ones in place.
func keysOf(t reflect.Type) []key {
	var keys []key
	for i := range t.NumField() {
		f := t.Field(i)
		name, opt, _ := strings.Cut(f.Tag.Get("mapstructure"), ",")
		switch {
		case opt == "squash":
			keys = append(keys, keysOf(f.Type)...)
		case name != "-":
			k := key{name: name, typ: f.Type, min: f.Tag.Get("min"), max: f.Tag.Get("max")}
			if e := f.Tag.Get("enum"); e != "" {
				k.enum = strings.Split(e, "|")
			}
			keys = append(keys, k)
		}
	}
	return keys
}

func findKey(keys []key, name string) (key, bool) {
	for _, k := range keys {
		if k.name == name {
			return k, true
		}
	}
	return key{}, false
}

func keyNames(keys []key) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = k.name
	}
	return out
}

// form says how a type is written.
type form int

const (
	formText   form = iota // a text that the type parses
	formScalar             // text, number or boolean
	formList
	formSection
	formFree // a section with any keys
)

// formOf returns the form of a type and the type without pointers.
func formOf(t reflect.Type) (form, reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return formText, t
	case t.Kind() == reflect.Struct:
		return formSection, t
	case t.Kind() == reflect.Slice:
		return formList, t
	case t.Kind() == reflect.Map:
		return formFree, t
	}
	return formScalar, t
}

// shorthand returns the key that a section stands for when it is written as a text alone, "" if it
// cannot be.
func shorthand(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[QoS]():
		return "preset"
	case reflect.TypeFor[Policy]():
		return "name"
	case reflect.TypeFor[Mode]():
		return "world"
	}
	return ""
}

// isKey reports whether s is lower_snake, as every key is: viper lower-cases keys, so anything else
// would not survive.
func isKey(s string) bool {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
