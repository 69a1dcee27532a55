package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// document is a TOML file: its values, and where they stand.
type document struct {
	path   string
	values map[string]any
	lines  map[string]int // of tables and keys, by their path joined by separators
	order  []string       // paths in the order in which they first stand
	twice  int            // line of the first key or table that stands twice
	err    error          // the first key that no path can have
}

// separator stands between the elements of a path. Keys that have it are refused.
const separator = "\x00"

// maxDepth bounds the nesting of what is read.
const maxDepth = 16

func join(path ...string) string { return strings.Join(path, separator) }

// parse reads a file. Repeated keys and tables are errors of TOML.
func parse(path string, data []byte) (*document, error) {
	d := &document{path: path, values: map[string]any{}, lines: map[string]int{}}
	if err := nested(data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	walked := d.walk(data)
	if err := toml.Unmarshal(data, &d.values); err != nil {
		var de *toml.DecodeError
		if errors.As(err, &de) {
			line, column := de.Position()
			return nil, fmt.Errorf("%s:%d:%d: %w", path, line, column, err)
		}
		if d.twice > 0 {
			return nil, fmt.Errorf("%s:%d: %w", path, d.twice, err)
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, walked
}

// walk finds out where everything stands.
func (d *document) walk(data []byte) error {
	var p unstable.Parser
	p.Reset(data)
	var table []string
	headers := map[string]bool{}
	at := &place{data: data, now: 1}
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			var line int
			table, line = d.note(at, nil, e.Key())
			if full := join(table...); headers[full] && e.Kind == unstable.Table {
				d.again(line)
			} else {
				headers[full] = true
			}
		case unstable.KeyValue:
			d.keyValue(at, table, e, 0)
		}
	}
	if d.err != nil {
		return d.err
	}
	if err := p.Error(); err != nil {
		return fmt.Errorf("%s: %w", d.path, err)
	}
	return nil
}

// place tells lines of what is looked at from the front to the back, without counting from the front each time.
type place struct {
	data []byte
	off  int // where now holds
	now  int
}

func (p *place) line(r unstable.Range) int {
	if off := int(r.Offset); off >= p.off && off <= len(p.data) {
		p.now += bytes.Count(p.data[p.off:off], []byte{'\n'})
		p.off = off
	}
	return p.now
}

// again records the line of the first key or table that stands twice.
func (d *document) again(line int) {
	if d.twice == 0 {
		d.twice = line
	}
}

// nested refuses data that would nest deeper than anything that is accepted, before a parser recurses into it.
func nested(data []byte) error {
	depth, line := 0, 1
	for _, b := range data {
		switch b {
		case '\n':
			line++
		case '[', '{':
			if depth++; depth > 4*maxDepth {
				return fmt.Errorf("line %d: nested too deeply", line)
			}
		case ']', '}':
			depth = max(depth-1, 0)
		}
	}
	return nil
}

// note records the lines of a key and of the tables that it makes, and returns its path and its line.
func (d *document) note(at *place, table []string, key unstable.Iterator) (path []string, line int) {
	path = slices.Clone(table)
	for key.Next() {
		name := string(key.Node().Data)
		line = at.line(key.Node().Raw)
		if strings.Contains(name, separator) && d.err == nil {
			d.err = fmt.Errorf("%s:%d: key %q has a zero in it", d.path, line, name)
		}
		path = append(path, name)
		full := join(path...)
		if _, known := d.lines[full]; !known {
			d.lines[full] = line
			d.order = append(d.order, full)
		}
	}
	return path, line
}

// keyValue records the lines of a key and of those in its inline table.
func (d *document) keyValue(at *place, table []string, e *unstable.Node, depth int) {
	known := len(d.order)
	path, line := d.note(at, table, e.Key())
	if len(d.order) == known {
		d.again(line)
	}
	if e.Value().Kind != unstable.InlineTable || depth > maxDepth {
		return
	}
	for it := e.Value().Children(); it.Next(); {
		d.keyValue(at, path, it.Node(), depth+1)
	}
}

// errorf is an error about what stands at a path.
func (d *document) errorf(path []string, format string, args ...any) error {
	where := d.path
	for n := len(path); n > 0; n-- {
		if line, ok := d.lines[join(path[:n]...)]; ok {
			where = fmt.Sprintf("%s:%d", d.path, line)
			break
		}
	}
	return fmt.Errorf("%s: %s: %w", where, dotted(path), fmt.Errorf(format, args...))
}

// dotted prints a path as TOML writes it.
func dotted(path []string) string {
	out := make([]string, len(path))
	for i, p := range path {
		out[i] = p
		if p == "" || strings.ContainsFunc(p, func(r rune) bool { return !strings.ContainsRune(bare, r) }) {
			out[i] = fmt.Sprintf("%q", p)
		}
	}
	return strings.Join(out, ".")
}

// bare are the characters of keys that need no quotes.
const bare = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

// tables returns the paths of two elements in their order: the tables of objects, and the keys of settings.
func (d *document) tables() [][]string {
	var out [][]string
	for _, o := range d.order {
		if path := strings.Split(o, separator); len(path) == 2 {
			out = append(out, path)
		}
	}
	return out
}
