package main

import (
	"fmt"
	"strings"
)

// usage is the help of the whole program.
func usage() string {
	var s strings.Builder
	s.WriteString("Usage: irm [OPTION...] OBJECT OPERATION [KEYWORD VALUE...]\n\n")
	s.WriteString("Objects, operations and keywords may be shortened: the first that begins with what is written is meant.\n\nObjects:\n")
	for _, o := range objects {
		fmt.Fprintf(&s, "  %-11s %s\n", o.word, o.doc)
		if o.alone == nil {
			fmt.Fprintf(&s, "  %-11s %s\n", "", strings.Join(o.words(), " | "))
		}
	}
	s.WriteString("\nOptions:\n")
	for _, o := range optionDocs {
		fmt.Fprintf(&s, "  %-16s %s\n", o.form, o.doc)
	}
	return s.String()
}

// optionDocs describe the options.
var optionDocs = []struct{ form, doc string }{
	{"--dir DIRECTORY", "directory of the daemon; without it that of $OUROBOROS_DIR, or /run/ouroboros"},
	{"--json", "print lists, the management tree, the status and errors as JSON"},
	{"--timeout TIME", "how long to wait for the daemon, such as 500ms or 30s; without it as long as the operation may take"},
	{"--version", "print the version"},
	{"--help", "print this help, or that of an object or operation"},
}

// objectUsage is the help of an object.
func objectUsage(o *object) string {
	if o.alone != nil {
		return commandUsage(o.alone)
	}
	var s strings.Builder
	fmt.Fprintf(&s, "Usage: irm %s OPERATION [KEYWORD VALUE...]\n\n%s.\n\nOperations:\n", o.word, capital(o.doc))
	for _, c := range o.commands {
		fmt.Fprintf(&s, "  %-11s %s\n", c.word, c.doc)
	}
	fmt.Fprintf(&s, "\n\"irm %s OPERATION --help\" says more.\n", o.word)
	return s.String()
}

// commandUsage is the help of an operation.
func commandUsage(c *command) string {
	var s strings.Builder
	fmt.Fprintf(&s, "Usage: %s\n\n%s.\n", synopsis(c), capital(c.doc))
	for _, l := range c.long {
		s.WriteString(l + "\n")
	}
	if c.subject != nil || len(c.keywords) > 0 {
		s.WriteString("\n")
	}
	if c.subject != nil {
		entry(&s, c.subject.value, c.subject.doc)
	}
	for _, k := range c.keywords {
		entry(&s, k.form(), k.text())
	}
	if c.rest != "" {
		entry(&s, "-- ARG...", c.rest)
	}
	if len(c.examples) > 0 {
		s.WriteString("\nExamples:\n")
		for _, e := range c.examples {
			s.WriteString("  " + e + "\n")
		}
	}
	return s.String()
}

// entryWidth is the width of what stands before a description.
const entryWidth = 24

func entry(s *strings.Builder, form, doc string) {
	if len(form) > entryWidth {
		fmt.Fprintf(s, "  %s\n", form)
		form = ""
	}
	fmt.Fprintf(s, "  %-*s %s\n", entryWidth, form, doc)
}

// form is the keyword with what stands for its value.
func (k *keyword) form() string {
	if k.value == "" {
		return k.word
	}
	return k.word + " " + k.value
}

// text is the description of the keyword with what is accepted.
func (k *keyword) text() string {
	t := k.doc
	if len(k.words) > 0 {
		t += ": " + strings.Join(k.words, ", ")
	}
	if k.def != "" {
		t += " [" + k.def + "]"
	}
	return t
}

// shown is how many keywords a synopsis shows that are not needed.
const shown = 10

// synopsis is the command with its arguments.
func synopsis(c *command) string {
	words := []string{c.name()}
	if s := c.subject; s != nil {
		words = append(words, optional(s.value, !s.optional))
	}
	extra := 0
	for _, k := range c.keywords {
		if !k.required {
			extra++
		}
	}
	for _, k := range c.keywords {
		form := k.form()
		if k.many > 0 {
			form += " ..."
		}
		if k.required || extra <= shown || !isParameter(c, k) {
			words = append(words, optional(form, k.required))
		}
	}
	if extra > shown {
		words = append(words, "[PARAMETER VALUE ...]")
	}
	if c.rest != "" {
		words = append(words, "[-- ARG...]")
	}
	return strings.Join(words, " ")
}

// isParameter tells the many keywords of a command from those that stand in its synopsis.
func isParameter(c *command, k *keyword) bool {
	return c.object == "ipcp" && k.word != "type" && k.word != "autobind" || c.object == "shape"
}

func optional(form string, needed bool) string {
	if needed {
		return form
	}
	return "[" + form + "]"
}

// capital begins a sentence.
func capital(s string) string {
	if s == "" || strings.HasPrefix(s, "IPCP") {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
