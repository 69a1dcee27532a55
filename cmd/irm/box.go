package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// box is a table as the prototype prints its lists: every column right-aligned and of its width. A column that
// something does not fit into is wider (spec 13 §13.4, 15 §15.1).
type box struct {
	columns []column
	rows    [][]string
}

type column struct {
	head  string
	width int // in characters
}

// add appends a row.
func (b *box) add(cells ...string) {
	for i := range cells {
		cells[i] = printable(cells[i])
	}
	b.rows = append(b.rows, cells)
}

// print writes the box and an empty line, or the text where there is no row.
func (b *box) print(w io.Writer, empty string) error {
	if len(b.rows) == 0 {
		_, err := fmt.Fprintln(w, empty)
		return err
	}
	var s strings.Builder
	border := func() {
		for i := range b.columns {
			s.WriteString("+" + strings.Repeat("-", b.width(i)+2))
		}
		s.WriteString("+\n")
	}
	line := func(cells []string) {
		for i, c := range cells {
			s.WriteString("| " + strings.Repeat(" ", b.width(i)-utf8.RuneCountInString(c)) + c + " ")
		}
		s.WriteString("|\n")
	}
	heads := make([]string, len(b.columns))
	for i, c := range b.columns {
		heads[i] = c.head
	}
	border()
	line(heads)
	border()
	for _, r := range b.rows {
		line(r)
	}
	border()
	s.WriteString("\n")
	_, err := io.WriteString(w, s.String())
	return err
}

// width returns the width of a column with what is in it.
func (b *box) width(i int) int {
	n := b.columns[i].width
	for _, r := range b.rows {
		n = max(n, utf8.RuneCountInString(r[i]))
	}
	return n
}

// printable replaces what would act on a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}
