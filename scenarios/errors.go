package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Error is one thing that is wrong with a scenario. Load joins several with errors.Join; [Errors] takes
// them apart.
type Error struct {
	File  string // name of the file, or what set the value: "--set duration=0s"
	Line  int    // from 1; 0 if the value is not from the file
	Key   string // path as for --set; "" for the file as a whole
	Value string // as written, shortened; "" if there is none
	Msg   string // what is wrong and what is accepted
}

// Error prints file:line: key: value: what is wrong; accepted …
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if e.Key != "" {
		b.WriteString(": " + e.Key)
	}
	if e.Value != "" {
		b.WriteString(": " + e.Value)
	}
	return b.String() + ": " + e.Msg
}

// Errors returns the single errors in err.
func Errors(err error) []*Error {
	var one *Error
	var many interface{ Unwrap() []error }
	switch {
	case errors.As(err, &many):
		var out []*Error
		for _, e := range many.Unwrap() {
			out = append(out, Errors(e)...)
		}
		return out
	case errors.As(err, &one):
		return []*Error{one}
	}
	return nil
}

// maxErrors bounds the report on a file that is wrong throughout.
const maxErrors = 100

// report collects the errors of one file and knows where each value came from.
type report struct {
	file   string
	errs   []*Error
	origin map[*yaml.Node]string // of values that are not from the file
}

// add reports a value. n may be nil, for the file as a whole.
func (r *report) add(n *yaml.Node, key, format string, args ...any) {
	e := &Error{File: r.file, Key: key, Msg: oneLine(fmt.Sprintf(format, args...))}
	if n != nil {
		e.Line, e.Value = n.Line, brief(n)
		if o := r.origin[n]; o != "" {
			e.File, e.Line = o, 0
		}
	}
	r.errs = append(r.errs, e)
}

// oneLine puts the errors of the decoder of parameters, which span lines, on one.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.ReplaceAll(s, "decoding failed due to the following error(s): ", "")
}

// err returns what was collected, in the order of the lines.
func (r *report) err() error {
	if len(r.errs) == 0 {
		return nil
	}
	slices.SortStableFunc(r.errs, func(a, b *Error) int { return a.Line - b.Line })
	joined := make([]error, 0, maxErrors)
	for _, e := range r.errs[:min(len(r.errs), maxErrors)] {
		joined = append(joined, e)
	}
	if n := len(r.errs) - maxErrors; n > 0 {
		joined = append(joined, &Error{File: r.file, Msg: fmt.Sprintf("%d more errors", n)})
	}
	return errors.Join(joined...)
}

// brief shows a value in an error: a scalar as it is, anything else by its kind.
func brief(n *yaml.Node) string {
	switch n.Kind {
	case yaml.ScalarNode:
		s := []rune(n.Value)
		if len(s) > 60 {
			s = append(s[:59], '…')
		}
		return fmt.Sprintf("%q", string(s))
	case yaml.SequenceNode:
		if len(n.Content) == 1 && n.Content[0].Line == n.Line && n.Content[0].Column == n.Column {
			return brief(n.Content[0]) // written without brackets
		}
		return fmt.Sprintf("list of %d", len(n.Content))
	case yaml.MappingNode:
		return "section"
	}
	return ""
}

// accepted lists what a key or value can be, nearest to got first if one is near.
func accepted(got string, names []string) string {
	s := "accepted are " + strings.Join(names, ", ")
	switch {
	case len(names) == 0:
		return "none is accepted"
	case len(names) == 1:
		s = "accepted is " + names[0]
	}
	if near := nearest(got, names); near != "" {
		s = fmt.Sprintf("did you mean %s? %s", near, s)
	}
	return s
}

// nearest returns the name with the smallest edit distance from got, "" if none is within half of its
// length or 3. Names of one or two letters are near to everything and therefore to nothing.
func nearest(got string, names []string) string {
	best, dist := "", min(3, len(got)/2)+1
	if len(got) < 3 || len(got) > 100 {
		return ""
	}
	for _, n := range names {
		if d := distance(got, n); d < dist && len(n) < 100 {
			best, dist = n, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diag, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diag+cost)
		}
	}
	return row[len(b)]
}
