package report

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// latexPrinter writes booktabs tables, one table environment each. The output is a fragment for \input; it
// needs package booktabs and UTF-8 input, which is LaTeX's default.
func latexPrinter() *printer {
	paragraph := func(w io.Writer, lines []string) {
		for _, l := range lines {
			fmt.Fprintf(w, "%s\\par\n", escapeLaTeX(l))
		}
	}
	return &printer{
		escape: escapeLaTeX,
		head: func(w io.Writer, p *part) {
			fmt.Fprintf(w, "%% \\usepackage{booktabs}\n\\paragraph{%s}\n", escapeLaTeX(p.title))
			paragraph(w, p.lines)
		},
		caption: func(w io.Writer, t *table) {
			fmt.Fprintf(w, "\n\\begin{table}[htbp]\n\\centering\\footnotesize\\setlength{\\tabcolsep}{3pt}\n")
			fmt.Fprintf(w, "\\caption{%s}\\label{tab:%s}\n", escapeLaTeX(t.title), t.label)
		},
		renderer: func(t *table) tw.Renderer { return &booktabs{Renderer: renderer.NewBlueprint(), cols: t.cols} },
		tall:     true,
		after: func(w io.Writer, t *table) {
			for _, n := range t.notes {
				fmt.Fprintf(w, "\\par\\smallskip %s\n", escapeLaTeX(n))
			}
			fmt.Fprintln(w, "\\end{table}")
		},
		foot: func(w io.Writer, p *part) {
			if len(p.notes) > 0 {
				fmt.Fprintln(w)
			}
			paragraph(w, p.notes)
		},
	}
}

// booktabs is a [tw.Renderer] for LaTeX tabulars in the style of package booktabs: three rules, no
// vertical lines. Cells must be escaped already.
type booktabs struct {
	tw.Renderer // takes the logger; every other method is defined here
	cols        []column
	w           io.Writer
	err         error
	inHead      bool // no line of the body has been written
}

var _ tw.Renderer = (*booktabs)(nil)

// Start opens the tabular.
func (b *booktabs) Start(w io.Writer) error {
	b.w = w
	spec := make([]byte, len(b.cols))
	for i, c := range b.cols {
		spec[i] = 'r'
		if c.left() {
			spec[i] = 'l'
		}
	}
	b.inHead = true
	b.printf("\\begin{tabular}{@{}%s@{}}\n\\toprule\n", spec)
	return b.err
}

// Header writes one line of the headings; it is called for each.
func (b *booktabs) Header(headers [][]string, _ tw.Formatting) {
	for _, h := range headers {
		b.row(h)
	}
}

// Row writes one line of the body.
func (b *booktabs) Row(row []string, _ tw.Formatting) {
	if b.inHead {
		b.inHead = false
		b.printf("\\midrule\n")
	}
	b.row(row)
}

// Footer writes nothing: the tables of a report have no footers.
func (b *booktabs) Footer([][]string, tw.Formatting) {}

// Line writes nothing: the rules stand at fixed places.
func (b *booktabs) Line(tw.Formatting) {}

// Config tells the table writer that there are no borders to make room for.
func (b *booktabs) Config() tw.Rendition { return tw.Rendition{Borders: tw.BorderNone} }

// Close ends the tabular and returns the first error of the writer.
func (b *booktabs) Close() error {
	b.printf("\\bottomrule\n\\end{tabular}\n")
	return b.err
}

func (b *booktabs) row(cells []string) {
	out := make([]string, len(cells))
	for i, c := range cells {
		out[i] = guard(strings.TrimSpace(c), i == 0)
	}
	b.printf("%s \\\\\n", strings.Join(out, " & "))
}

// guard keeps a cell that begins with "[" from being read as the argument of the line break before it.
func guard(cell string, first bool) string {
	if first && strings.HasPrefix(cell, "[") {
		return "{}" + cell
	}
	return cell
}

func (b *booktabs) printf(format string, args ...any) {
	if b.err == nil {
		_, b.err = fmt.Fprintf(b.w, format, args...)
	}
}

// escapeLaTeX makes raw text mean itself. Letters that the standard fonts lack are written as their code
// point: an unknown character would stop pdflatex.
func escapeLaTeX(s string) string {
	var b strings.Builder
	for _, r := range clean(s) {
		switch t, special := latexSpecial(r); {
		case special:
			b.WriteString(t)
		case r < unicode.MaxASCII, r >= 0xC0 && r <= 0x17F:
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "U+%04X", r)
		}
	}
	return b.String()
}

// latexSpecial gives the LaTeX form of characters that have a meaning there or no key on the keyboard.
func latexSpecial(r rune) (string, bool) {
	switch r {
	case '&', '%', '$', '#', '_', '{', '}':
		return `\` + string(r), true
	case '\\':
		return `\textbackslash{}`, true
	case '~':
		return `\textasciitilde{}`, true
	case '^':
		return `\textasciicircum{}`, true
	case '<', '>', '|':
		return "$" + string(r) + "$", true
	case '"':
		return "''", true
	case '–':
		return "--", true
	case '±':
		return `$\pm$`, true
	case '≤':
		return `$\le$`, true
	case '≥':
		return `$\ge$`, true
	case '×':
		return `$\times$`, true
	case '·':
		return `$\cdot$`, true
	case '√':
		return `$\surd$`, true
	case 'µ', 'μ':
		return `$\mu$`, true
	case 'λ':
		return `$\lambda$`, true
	case 'ρ':
		return `$\rho$`, true
	case '→':
		return `$\to$`, true
	case '\uFFFD':
		return "?", true
	}
	return "", false
}
