// Package grid runs the variants of a scenario with the same seeds, keeps what is done, and goes on where an
// earlier call ended.
package grid

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ouroboros/report"
)

// MaxVariants bounds a grid, which is easily mistyped.
const MaxVariants = 1000

// ParseVary reads the values of --vary, "path=a,b,c" each. Commas within brackets, braces and quotes belong
// to a value. A path that stands again adds values to those it has. The axes come in the order in which
// their paths first stand.
func ParseVary(flags []string) ([]report.Axis, error) {
	var out []report.Axis
	for _, f := range flags {
		path, list, ok := strings.Cut(f, "=")
		if !ok || path == "" || strings.ContainsAny(path, " \t") {
			return nil, fmt.Errorf("--vary %s: is not of the form path=a,b, for instance layers.net.policies.congestion=none,mb-ecn", f)
		}
		values, err := split(list)
		if err != nil {
			return nil, fmt.Errorf("--vary %s: %w", f, err)
		}
		at := slices.IndexFunc(out, func(a report.Axis) bool { return a.Path == path })
		if at < 0 {
			at = len(out)
			out = append(out, report.Axis{Path: path})
		}
		for _, v := range values {
			if slices.Contains(out[at].Values, v) {
				return nil, fmt.Errorf("--vary %s: the value %s stands twice", f, v)
			}
			out[at].Values = append(out[at].Values, v)
		}
	}
	return out, nil
}

// split cuts a list at its commas, but not within brackets, braces and quotes. A quote counts where YAML
// takes it for one: at the beginning of a value, also of one in a list or a section.
func split(list string) ([]string, error) {
	var out []string
	var open []byte // closing brackets that are waited for
	var quote byte  // 0 outside of quotes
	fresh := true   // at the beginning of a value
	from := 0
	for i := 0; i < len(list); i++ {
		c := list[i]
		switch {
		case quote != 0:
			switch {
			case c == '\\' && quote == '"':
				i++
			case c == '\'' && quote == c && i+1 < len(list) && list[i+1] == c:
				i++ // a quote within quotes
			case c == quote:
				quote = 0
			}
			continue
		case fresh && (c == '"' || c == '\''):
			quote = c
		case c == '[':
			open = append(open, ']')
		case c == '{':
			open = append(open, '}')
		case len(open) > 0 && c == open[len(open)-1]:
			open = open[:len(open)-1]
		case c == ',' && len(open) == 0:
			out = append(out, strings.TrimSpace(list[from:i]))
			from = i + 1
		}
		fresh = strings.IndexByte(",[{:", c) >= 0 || fresh && c == ' '
	}
	switch {
	case quote != 0:
		return nil, fmt.Errorf("the quote %c is not closed", quote)
	case len(open) > 0:
		return nil, fmt.Errorf("%c is missing at the end", open[len(open)-1])
	}
	out = append(out, strings.TrimSpace(list[from:]))
	if slices.Contains(out, "") {
		return nil, errors.New("a value is empty; values that are meant to be empty are written \"\"")
	}
	return out, nil
}

// Product returns all combinations of the values of the axes, one value for each axis; the first axis
// varies slowest.
func Product(axes []report.Axis) ([][]string, error) {
	out := [][]string{nil}
	for _, a := range axes {
		if len(out)*len(a.Values) > MaxVariants {
			return nil, fmt.Errorf("--vary: more than %d variants", MaxVariants)
		}
		var next [][]string
		for _, v := range out {
			for _, x := range a.Values {
				next = append(next, append(slices.Clone(v), x))
			}
		}
		out = next
	}
	return out, nil
}
