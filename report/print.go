package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// printer writes parts in one of the formats for reading. Its functions take raw text and escape it.
type printer struct {
	escape   func(string) string
	head     func(w io.Writer, p *part)
	caption  func(w io.Writer, t *table)
	renderer func(t *table) tw.Renderer
	// tall: a heading takes several lines, the last for the unit; else all goes in one.
	tall  bool
	after func(w io.Writer, t *table) // notes under a table
	foot  func(w io.Writer, p *part)  // notes of the run
}

func newPrinter(f Format) (*printer, error) {
	switch f {
	case Text:
		return textPrinter(), nil
	case Markdown:
		return markdownPrinter(), nil
	case LaTeX:
		return latexPrinter(), nil
	}
	_, err := ParseFormat(string(f))
	return nil, err
}

// part writes one part to w; errors of w are the caller's to notice.
func (p *printer) part(w io.Writer, x part) error {
	p.head(w, &x)
	for i := range x.tables {
		t := &x.tables[i]
		p.caption(w, t)
		var b strings.Builder
		if err := p.table(&b, t); err != nil {
			return fmt.Errorf("report: table %s: %w", t.name, err)
		}
		for l := range strings.Lines(b.String()) {
			fmt.Fprintln(w, strings.TrimRight(l, " \n"))
		}
		p.after(w, t)
	}
	p.foot(w, &x)
	return nil
}

// table writes the rows of one table.
func (p *printer) table(w io.Writer, t *table) error {
	styles := t.styles()
	align := make(tw.Alignment, len(t.cols))
	heads := make([]string, len(t.cols))
	for c, col := range t.cols {
		align[c] = tw.AlignRight
		if col.left() {
			align[c] = tw.AlignLeft
		}
		heads[c] = p.heading(col, styles[c], t.twoWords())
	}
	out := tablewriter.NewTable(
		w,
		tablewriter.WithRenderer(p.renderer(t)),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithTrimLine(tw.Off), // a heading may begin with an empty line
		tablewriter.WithAlignment(align),
		// The library else measures "–" and "µ" by the locale of the environment.
		tablewriter.WithEastAsian(tw.Off),
	)
	out.Header(heads)
	for _, r := range t.rows {
		cells := make([]string, len(r))
		for c, v := range r {
			cells[c] = p.escape(styles[c].print(v))
		}
		if err := out.Append(cells); err != nil {
			return err
		}
	}
	return out.Render()
}

// heading is the name of a column with its unit. A tall one has a line for the first of two words, one for
// the last and one for the unit, so that numbers decide how wide a table is.
func (p *printer) heading(col column, s style, twoWords bool) string {
	if !p.tall {
		return p.escape(strings.TrimSpace(col.head + " " + s.name))
	}
	first, last, both := strings.Cut(col.head, " ")
	if !both {
		first, last = "", col.head
	}
	lines := p.escape(last) + "\n" + p.escape(s.name)
	if twoWords {
		lines = p.escape(first) + "\n" + lines
	}
	return lines
}

// twoWords tells whether a heading of the table has more than one word.
func (t *table) twoWords() bool {
	return slices.ContainsFunc(t.cols, func(c column) bool { return strings.Contains(c.head, " ") })
}

// textPrinter writes for a terminal: no lines but the one under the headings.
func textPrinter() *printer {
	return &printer{
		escape: clean,
		head: func(w io.Writer, p *part) {
			fmt.Fprintln(w, clean(p.title))
			for _, l := range p.lines {
				fmt.Fprintln(w, clean(l))
			}
		},
		caption: func(w io.Writer, t *table) { fmt.Fprintf(w, "\n%s\n", clean(t.title)) },
		renderer: func(*table) tw.Renderer {
			return renderer.NewBlueprint(tw.Rendition{
				Borders: tw.BorderNone,
				Symbols: tw.NewSymbols(tw.StyleLight),
				Settings: tw.Settings{
					Separators: tw.Separators{BetweenColumns: tw.Off, BetweenRows: tw.Off},
					Lines:      tw.Lines{ShowHeaderLine: tw.On},
				},
			})
		},
		tall: true,
		after: func(w io.Writer, t *table) {
			for _, n := range t.notes {
				fmt.Fprintln(w, " "+clean(n))
			}
		},
		foot: func(w io.Writer, p *part) {
			if len(p.notes) > 0 {
				fmt.Fprintln(w, "\nNotes")
			}
			for _, n := range p.notes {
				fmt.Fprintln(w, " - "+clean(n))
			}
		},
	}
}

// markdownPrinter writes pipe tables.
func markdownPrinter() *printer {
	return &printer{
		escape: escapeMarkdown,
		head: func(w io.Writer, p *part) {
			fmt.Fprintf(w, "# %s\n", escapeMarkdown(p.title))
			for _, l := range p.lines {
				fmt.Fprintf(w, "\n%s\n", escapeMarkdown(l))
			}
		},
		caption:  func(w io.Writer, t *table) { fmt.Fprintf(w, "\n## %s\n\n", escapeMarkdown(t.title)) },
		renderer: func(*table) tw.Renderer { return renderer.NewMarkdown() },
		after: func(w io.Writer, t *table) {
			for _, n := range t.notes {
				fmt.Fprintf(w, "\n%s\n", escapeMarkdown(n))
			}
		},
		foot: func(w io.Writer, p *part) {
			if len(p.notes) > 0 {
				fmt.Fprint(w, "\n## Notes\n\n")
			}
			for _, n := range p.notes {
				fmt.Fprintf(w, "- %s\n", escapeMarkdown(n))
			}
		},
	}
}

// markdownSpecial are the characters that could start markup inside a cell or a line.
var markdownSpecial = strings.NewReplacer(
	`\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "#", `\#`, "~", `\~`,
	"<", "&lt;", ">", "&gt;", "&", "&amp;",
)

// escapeMarkdown makes raw text mean itself in a table cell.
func escapeMarkdown(s string) string { return markdownSpecial.Replace(clean(s)) }
