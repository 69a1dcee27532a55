package manual

import (
	"fmt"
	"regexp"
	"strings"
)

// help is what a command prints with --help, taken apart.
type help struct {
	long     []string // paragraphs
	examples string
	options  []Item
}

var (
	optionLine = regexp.MustCompile(`^ +(?:(-\w), )?(--[\w-]+)(?: ([^ ]+))?(?: {2,}(.*))?$`)
	headLine   = regexp.MustCompile(`^(Usage|Examples|Flags|Aliases|Available Commands):$`)
)

// parseHelp takes the help of a command apart. A line that it does not know is an error: nothing gets lost.
func parseHelp(text string) (*help, error) {
	h := &help{}
	section := ""
	var para []string
	flush := func() {
		if len(para) > 0 {
			h.long = append(h.long, strings.Join(para, " "))
			para = nil
		}
	}
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, "\n ")
		if m := headLine.FindStringSubmatch(l); m != nil {
			flush()
			section = m[1]
			continue
		}
		switch {
		case l == "":
			flush()
		case section == "":
			para = append(para, l)
		case section == "Examples":
			h.examples += strings.TrimPrefix(l, "  ") + "\n"
		case section == "Flags":
			m := optionLine.FindStringSubmatch(l)
			if m == nil {
				return nil, fmt.Errorf("no option: %q", l)
			}
			h.options = append(h.options, option(m))
		}
	}
	flush()
	if len(h.options) == 0 {
		return nil, fmt.Errorf("no options in %q", text)
	}
	return h, nil
}

// option is the item of an option.
func option(m []string) Item {
	tag := m[2]
	if m[1] != "" {
		tag = m[1] + ", " + tag
	}
	switch m[3] {
	case "":
	case "string", "stringArray":
		tag += " TEXT"
	default:
		tag += " " + strings.ToUpper(m[3])
	}
	text := m[4]
	if text == "" {
		text = "no description"
	}
	return Item{tag, sentence(text)}
}

// sentence begins with a capital and ends with a full stop.
func sentence(s string) string {
	if s == "" {
		return s
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}

// page makes the page of a command from its help and what is said beside it.
func page(c Command, text string) (*Page, error) {
	h, err := parseHelp(text)
	if err != nil {
		return nil, fmt.Errorf("%s --help: %w", c.Name, err)
	}
	p := &Page{Name: c.Name, Section: c.Section, Summary: c.Summary, Synopsis: c.Synopsis, SeeAlso: c.SeeAlso}
	about := Part{Head: "Description"}
	for _, l := range h.long {
		about.Blocks = append(about.Blocks, Text(l))
	}
	options := Part{Head: "Options"}
	for _, o := range h.options {
		options.Blocks = append(options.Blocks, o)
	}
	p.Parts = append(p.Parts, about, options)
	p.Parts = append(p.Parts, c.Parts...)
	if h.examples != "" {
		p.Parts = append(p.Parts, Part{Head: "Examples", Blocks: []Block{Code(h.examples)}})
	}
	return p, nil
}
