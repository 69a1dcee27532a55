package topologies

import (
	"fmt"
	"strings"
)

// Error says where a map file is wrong, and how.
type Error struct {
	// File is the name that the caller gave the input.
	File string
	// Line counts from 1; 0 if the fault is not in one line.
	Line int
	// Key is the element, attribute or column; Value what stood there.
	Key, Value string
	// Problem says what is wrong and what is accepted.
	Problem string
	// Err is the cause, if a lower layer reported one.
	Err error
}

// Error returns "file:line: key "value": problem".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": ")
	if e.Key != "" {
		b.WriteString(e.Key)
		if e.Value != "" {
			fmt.Fprintf(&b, " %q", shorten(e.Value))
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Problem)
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// shorten keeps a hostile value from filling the screen.
func shorten(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
