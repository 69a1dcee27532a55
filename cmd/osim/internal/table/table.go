// Package table prints the lists that osim makes beside its reports.
package table

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// Formats lists the forms of a table, the default first.
func Formats() []string { return []string{"text", "markdown", "csv", "json"} }

// Check returns an error for a form that there is not; it names those there are.
func Check(format string) error {
	if !slices.Contains(Formats(), format) {
		return fmt.Errorf("format %q is unknown: use one of %s", format, strings.Join(Formats(), ", "))
	}
	return nil
}

// Table is a table of texts.
type Table struct {
	Heads []string
	Rows  [][]string // as long as Heads
	Right []bool     // columns of numbers; may be shorter than Heads
}

// Add adds a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// Write prints the table in one of [Formats]. JSON is a list of objects whose members are named as the
// columns are.
func (t *Table) Write(w io.Writer, format string) error {
	switch format {
	case "csv":
		out := csv.NewWriter(w)
		if err := out.Write(t.Heads); err != nil {
			return err
		}
		return out.WriteAll(t.Rows)
	case "json":
		return t.json(w)
	case "markdown":
		return t.render(w, renderer.NewMarkdown(), func(s string) string { return strings.ReplaceAll(s, "|", `\|`) })
	}
	return t.render(w, plain(), func(s string) string { return s })
}

// plain has no lines but the one under the heading.
func plain() tw.Renderer {
	return renderer.NewBlueprint(tw.Rendition{
		Borders: tw.BorderNone,
		Symbols: tw.NewSymbols(tw.StyleLight),
		Settings: tw.Settings{
			Separators: tw.Separators{BetweenColumns: tw.Off, BetweenRows: tw.Off},
			Lines:      tw.Lines{ShowHeaderLine: tw.On},
		},
	})
}

func (t *Table) render(w io.Writer, r tw.Renderer, escape func(string) string) error {
	align := make(tw.Alignment, len(t.Heads))
	for i := range align {
		align[i] = tw.AlignLeft
		if i < len(t.Right) && t.Right[i] {
			align[i] = tw.AlignRight
		}
	}
	var b strings.Builder
	out := tablewriter.NewTable(
		&b,
		tablewriter.WithRenderer(r),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithAlignment(align),
		tablewriter.WithEastAsian(tw.Off), // else widths depend on the locale
	)
	out.Header(t.Heads)
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = escape(c)
		}
		if err := out.Append(cells); err != nil {
			return err
		}
	}
	if err := out.Render(); err != nil {
		return err
	}
	for l := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(l, " \n")); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) json(w io.Writer) error {
	list := make([]map[string]string, 0, len(t.Rows))
	for _, row := range t.Rows {
		m := make(map[string]string, len(row))
		for i, c := range row {
			m[t.Heads[i]] = c
		}
		list = append(list, m)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(list)
}
