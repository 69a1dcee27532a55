// Package manual makes the manual pages of the commands: in docs/man, by "make man". What a page says about options is what the
// command itself says with --help; irm's page comes from the table of its grammar.
package manual

import (
	"fmt"
	"strings"
	"unicode"
)

// Page is a manual page.
type Page struct {
	Name     string
	Section  int // 1: for users; 5: files; 8: for administrators
	Summary  string
	Synopsis []string // command lines: words in capitals stand for values
	Parts    []Part
	SeeAlso  []string // "irmd(8)"
}

// Part is a section of a page.
type Part struct {
	Head   string
	Blocks []Block
}

// Block is a Text, an Item, a Sub or a Code.
type Block interface{ roff(w *strings.Builder) }

// Text is a paragraph.
type Text string

// Item is something that is explained. Words in capitals of the tag stand for values.
type Item struct{ Tag, Text string }

// Sub is a heading within a part.
type Sub string

// Code is lines that stand as they are.
type Code string

// Date stands at the foot of the pages: that of the last change of what they say in general.
const Date = "2026-11-28"

// Roff returns the page in the language of man(7).
func (p *Page) Roff() string {
	var w strings.Builder
	fmt.Fprintf(&w, ".\\\" Made by \"make man\". Do not edit.\n")
	fmt.Fprintf(&w, ".TH %s %d %s Ouroboros \"Ouroboros Manual\"\n", strings.ToUpper(p.Name), p.Section, Date)
	fmt.Fprintf(&w, ".SH NAME\n%s \\- %s\n.SH SYNOPSIS\n", escape(p.Name), escape(p.Summary))
	for i, s := range p.Synopsis {
		if i > 0 {
			w.WriteString(".br\n")
		}
		w.WriteString(tag(s) + "\n")
	}
	for _, part := range p.Parts {
		fmt.Fprintf(&w, ".SH %s\n", strings.ToUpper(part.Head))
		first := true
		for _, b := range part.Blocks {
			switch b := b.(type) {
			case Text:
				w.WriteString(paragraph(first) + line(string(b)))
			case Code:
				w.WriteString(paragraph(first))
				b.roff(&w)
			default:
				b.roff(&w)
			}
			_, sub := b.(Sub)
			first = sub
		}
	}
	if len(p.SeeAlso) > 0 {
		w.WriteString(".SH SEE ALSO\n")
		for i, s := range p.SeeAlso {
			name, section, _ := strings.Cut(s, "(")
			end := ","
			if i == len(p.SeeAlso)-1 {
				end = ""
			}
			fmt.Fprintf(&w, ".BR %s (%s%s\n", escape(name), section, end)
		}
	}
	return w.String()
}

// paragraph begins one, which a heading does by itself.
func paragraph(first bool) string {
	if first {
		return ""
	}
	return ".PP\n"
}

func (t Text) roff(w *strings.Builder) { w.WriteString(line(string(t))) }

func (i Item) roff(w *strings.Builder) {
	w.WriteString(".TP\n" + tag(i.Tag) + "\n" + line(i.Text))
}

func (s Sub) roff(w *strings.Builder) { w.WriteString(".SS " + escape(string(s)) + "\n") }

func (c Code) roff(w *strings.Builder) {
	w.WriteString(".RS 4\n.EX\n")
	for l := range strings.Lines(strings.TrimSuffix(string(c), "\n") + "\n") {
		w.WriteString(line(strings.TrimSuffix(l, "\n")))
	}
	w.WriteString(".EE\n.RE\n")
}

// line is text on a line of its own.
func line(s string) string {
	s = escape(s)
	if s == "" {
		return "\\&\n"
	}
	return s + "\n"
}

// escape keeps text from being taken for a request, and hyphens what they are.
func escape(s string) string {
	s = plain(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}

// plain escapes what stands within a line.
func plain(s string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "\t", " ").Replace(s)
}

// tag sets words in capitals in italics, and all others but brackets in bold.
func tag(s string) string {
	words := strings.Fields(s)
	for i, word := range words {
		inner := strings.Trim(word, "[]|.,=")
		if inner == "" {
			words[i] = escape(word)
			continue
		}
		at := strings.Index(word, inner)
		font := `\fB`
		if isPlaceholder(inner) {
			font = `\fI`
		}
		words[i] = plain(word[:at]) + font + plain(inner) + `\fR` + plain(word[at+len(inner):])
	}
	return strings.Join(words, " ")
}

// isPlaceholder reports whether a word stands for a value.
func isPlaceholder(s string) bool {
	letter := false
	for _, r := range s {
		if unicode.IsLower(r) || r == '-' && !letter {
			return false
		}
		letter = letter || unicode.IsUpper(r)
	}
	return letter
}
