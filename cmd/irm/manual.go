package main

import (
	"strings"

	"ouroboros/cmd/internal/manual"
)

// manualWord is the hidden argument that prints the manual page of irm.
const manualWord = "__man"

// manualPage makes the page from the table.
func manualPage() *manual.Page {
	p := &manual.Page{
		Name: "irm", Section: 8, Summary: "manage the layers, names and programs of an Ouroboros system",
		Synopsis: []string{"irm [OPTION...] OBJECT OPERATION [KEYWORD VALUE...]"},
		SeeAlso:  []string{"irmd(8)", "irmd.toml(5)", "ouroboros(8)"},
	}
	p.Parts = append(p.Parts, manual.Part{Head: "Description", Blocks: []manual.Block{
		manual.Text("irm tells the daemon of a system, irmd(8), what to do: to make IPCPs and layers of them, to bind programs and processes to names, and to make names reachable in layers."),
		manual.Text("Objects, operations and keywords may be shortened: the first in the order of this page that begins with what is written is meant. Values are not shortened, except the type of ipcp bootstrap. Keywords stand in any order. In some values * stands for any characters."),
		manual.Text("It prints nothing when it has succeeded, and one line when it has failed."),
	}})
	options := manual.Part{Head: "Options"}
	for _, o := range optionDocs {
		options.Blocks = append(options.Blocks, manual.Item{Tag: o.form, Text: capital(o.doc) + "."})
	}
	p.Parts = append(p.Parts, options)
	for _, o := range objects {
		p.Parts = append(p.Parts, objectPart(o))
	}
	p.Parts = append(p.Parts,
		manual.Part{Head: "Exit status", Blocks: []manual.Block{
			manual.Item{Tag: "0", Text: "It has succeeded."},
			manual.Item{Tag: "1", Text: "It has failed, or there is no such operation."},
			manual.Item{Tag: "255", Text: "It was called without arguments."},
		}},
		manual.Part{Head: "Environment", Blocks: []manual.Block{
			manual.Item{Tag: "OUROBOROS_DIR", Text: "Directory of the daemon, where --dir is not given."},
			manual.Item{Tag: "PATH", Text: "Where programs are searched."},
		}},
		manual.Part{Head: "Files", Blocks: []manual.Block{
			manual.Item{Tag: "/run/ouroboros/irm.sock", Text: "Socket of the daemon. Who may write to it may manage the system."},
		}})
	return p
}

func objectPart(o *object) manual.Part {
	part := manual.Part{Head: "irm " + o.word, Blocks: []manual.Block{manual.Text(capital(o.doc) + ".")}}
	commands := o.commands
	if o.alone != nil {
		commands = []*command{o.alone}
	}
	for _, c := range commands {
		if c.run == nil {
			continue
		}
		part.Blocks = append(part.Blocks, manual.Sub(c.name()), manual.Text(capital(c.doc)+". "+strings.Join(c.long, " ")), manual.Code(synopsis(c)))
		if s := c.subject; s != nil {
			part.Blocks = append(part.Blocks, manual.Item{Tag: s.value, Text: capital(s.doc) + "."})
		}
		for _, k := range c.keywords {
			part.Blocks = append(part.Blocks, manual.Item{Tag: k.form(), Text: capital(k.text()) + "."})
		}
		if c.rest != "" {
			part.Blocks = append(part.Blocks, manual.Item{Tag: "-- ARG...", Text: capital(c.rest) + "."})
		}
		if len(c.examples) > 0 {
			part.Blocks = append(part.Blocks, manual.Code(strings.Join(c.examples, "\n")))
		}
	}
	return part
}
