package main

import (
	"fmt"
	"strings"
)

// referenceWord is the hidden argument that prints the table of operations for docs/irm.md.
const referenceWord = "__reference"

// reference is the table of operations in Markdown.
func reference() string {
	var s strings.Builder
	for _, o := range objects {
		commands := o.commands
		if o.alone != nil {
			commands = []*command{o.alone}
		}
		fmt.Fprintf(&s, "### irm %s\n\n%s.\n\n", o.word, capital(o.doc))
		for _, c := range commands {
			if c.run != nil {
				referenceOf(&s, c)
			}
		}
	}
	return strings.TrimSuffix(s.String(), "\n")
}

func referenceOf(s *strings.Builder, c *command) {
	fmt.Fprintf(s, "`%s`: %s.", synopsis(c), c.doc)
	for _, l := range c.long {
		s.WriteString(" " + cell(l))
	}
	s.WriteString("\n\n")
	if c.subject == nil && len(c.keywords) == 0 {
		return
	}
	s.WriteString("| word | meaning | without it |\n|---|---|---|\n")
	if sub := c.subject; sub != nil {
		needed := "needed"
		if sub.optional {
			needed = ""
		}
		fmt.Fprintf(s, "| `%s` | %s | %s |\n", sub.value, cell(sub.doc), needed)
	}
	for _, k := range c.keywords {
		without := k.def
		if k.required {
			without = "needed"
		}
		doc := k.doc
		if len(k.words) > 0 {
			doc += ": " + strings.Join(k.words, ", ")
		}
		fmt.Fprintf(s, "| `%s` | %s | %s |\n", k.form(), cell(doc), cell(without))
	}
	if c.rest != "" {
		fmt.Fprintf(s, "| `-- ARG...` | %s | |\n", cell(c.rest))
	}
	s.WriteString("\n")
}

// cell keeps text from being taken for Markdown.
func cell(s string) string { return strings.NewReplacer("|", `\|`, "*", `\*`, "_", `\_`).Replace(s) }
