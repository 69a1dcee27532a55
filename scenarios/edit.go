package scenarios

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// EnvPrefix begins the names of the environment variables that replace values of a scenario:
// OUROBOROS_DURATION for duration, OUROBOROS_FRCP_WINDOW for frcp.window.
const EnvPrefix = "OUROBOROS_"

// EnvPaths returns the paths that the environment can set, each with the name of its variable: every
// value that is not within a list or a free section.
func EnvPaths() (paths, vars []string) {
	var walk func(t reflect.Type, prefix string)
	walk = func(t reflect.Type, prefix string) {
		for _, k := range keysOf(t) {
			f, elem := formOf(k.typ)
			switch {
			case f == formSection:
				walk(elem, prefix+k.name+".")
				continue
			case f == formFree, f == formList && elem.Elem().Kind() != reflect.String && elem.Elem().Kind() != reflect.Uint64:
				continue
			}
			path := prefix + k.name
			paths = append(paths, path)
			vars = append(vars, EnvPrefix+strings.ToUpper(strings.ReplaceAll(path, ".", "_")))
		}
	}
	walk(reflect.TypeFor[Scenario](), "")
	return paths, vars
}

// applyEnv sets what the environment gives. An empty variable counts as not set.
func applyEnv(r *report, root *yaml.Node, env func(string) string) []Override {
	var done []Override
	paths, vars := EnvPaths()
	for i, path := range paths {
		if v := env(vars[i]); v != "" {
			applyEdit(r, root, path, v, vars[i]+"="+v)
			done = append(done, Override{Path: path, Value: v, Origin: "environment"})
		}
	}
	return done
}

// applySets sets what the --set options give, "path=value" each.
func applySets(r *report, root *yaml.Node, sets []string) []Override {
	var done []Override
	for _, s := range sets {
		path, value, ok := strings.Cut(s, "=")
		origin := "--set " + s
		if !ok || path == "" {
			r.errs = append(r.errs, &Error{File: origin, Msg: "is not of the form path=value, for instance duration=10s or layers.net.policies.routing.name=link-state"})
			continue
		}
		applyEdit(r, root, path, value, origin)
		done = append(done, Override{Path: path, Value: value, Origin: "flag"})
	}
	return done
}

// edit is one change of the tree.
type edit struct {
	*report
	origin string
	path   []string
	value  *yaml.Node
}

func applyEdit(r *report, root *yaml.Node, path, value, origin string) {
	e := edit{report: r, origin: origin, path: strings.Split(path, ".")}
	fail := func(format string, args ...any) {
		r.errs = append(r.errs, &Error{File: origin, Key: path, Msg: fmt.Sprintf(format, args...)})
	}
	before := len(r.errs)
	sub := report{file: origin, origin: map[*yaml.Node]string{}}
	switch e.value = parseValue(&sub, value); {
	case len(sub.errs) > 0:
		fail("%s", sub.errs[0].Msg)
	case e.value == nil:
		fail("the value is empty")
	}
	if len(r.errs) > before {
		return
	}
	r.mark(e.value, origin)
	e.section(root, reflect.TypeFor[Scenario](), 0)
}

// parseValue reads a value in YAML: a scalar, or a list or section in brackets.
func parseValue(r *report, value string) *yaml.Node {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(value), &doc); err != nil {
		r.syntax(err)
		return nil
	}
	if len(doc.Content) == 0 {
		return nil
	}
	c := census{report: r}
	c.visit(doc.Content[0], 0)
	return doc.Content[0]
}

// fail reports the path up to element i.
func (e *edit) fail(i int, format string, args ...any) {
	e.errs = append(e.errs, &Error{File: e.origin, Key: strings.Join(e.path[:i+1], "."), Msg: fmt.Sprintf(format, args...)})
}

// into goes on below the value n of type t; element i of the path has led there.
func (e *edit) into(n *yaml.Node, t reflect.Type, i int) {
	f, t := formOf(t)
	if name := shorthand(t); f == formSection && n.Kind == yaml.ScalarNode && name != "" {
		e.widen(n, name)
	}
	switch {
	case f == formSection && n.Kind == yaml.MappingNode:
		e.section(n, t, i+1)
	case f == formList && n.Kind == yaml.SequenceNode:
		e.list(n, t.Elem(), i+1)
	case f == formFree && n.Kind == yaml.MappingNode:
		e.free(n, i+1)
	default:
		e.fail(i, "is a value, nothing lies below it")
	}
}

// section sets the key path[i] of a section or goes on below it. Sections that are not there yet are
// made.
func (e *edit) section(n *yaml.Node, t reflect.Type, i int) {
	keys := keysOf(t)
	k, ok := findKey(keys, e.path[i])
	if !ok {
		e.fail(i, "unknown key; %s", accepted(e.path[i], keyNames(keys)))
		return
	}
	e.put(n, i, func(c *yaml.Node) { e.into(c, k.typ, i) })
}

// free does the same in a section with any keys, such as params.
func (e *edit) free(n *yaml.Node, i int) {
	if !isKey(e.path[i]) {
		e.fail(i, "is not a key; accepted are lower case letters, digits and _")
		return
	}
	e.put(n, i, func(c *yaml.Node) {
		if c.Kind != yaml.MappingNode {
			e.fail(i, "is a value, nothing lies below it")
			return
		}
		e.free(c, i+1)
	})
}

// put replaces the value of path[i] in section n if that is the end of the path, else goes below it.
func (e *edit) put(n *yaml.Node, i int, below func(*yaml.Node)) {
	c, at := child(n, e.path[i])
	last := i == len(e.path)-1
	switch {
	case c != nil && last:
		n.Content[at] = e.value
	case c != nil:
		below(c)
	default:
		name := text(e.path[i], n)
		e.mark(name, e.origin)
		c = e.value
		if !last {
			c = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
			e.mark(c, e.origin)
		}
		n.Content = append(n.Content, name, c)
		if !last {
			below(c)
		}
	}
}

// list goes to the element that path[i] names, by its name or by its number from 0.
func (e *edit) list(n *yaml.Node, elem reflect.Type, i int) {
	var names []string
	at := -1
	for j, c := range n.Content {
		name := strconv.Itoa(j)
		if v, _ := child(c, "name"); v != nil {
			name = v.Value
		}
		names = append(names, name)
		if at < 0 && name == e.path[i] {
			at = j
		}
	}
	if j, err := strconv.Atoi(e.path[i]); at < 0 && err == nil && j >= 0 && j < len(n.Content) {
		at = j
	}
	switch {
	case at < 0:
		e.fail(i, "no such element; %s", accepted(e.path[i], names))
	case i == len(e.path)-1:
		n.Content[at] = e.value
	default:
		e.into(n.Content[at], elem, i)
	}
}
