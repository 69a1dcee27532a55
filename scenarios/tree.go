package scenarios

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds on hostile or mistaken input.
const (
	MaxFile  = 1 << 20 // bytes of a scenario file
	maxItems = 200_000 // YAML nodes
	maxDepth = 24      // nesting of YAML nodes
)

var lineOf = regexp.MustCompile(`line (\d+)`)

// parse reads one YAML document and returns its top section, or nil after reporting.
func parse(r *report, data []byte) *yaml.Node {
	if len(data) > MaxFile {
		r.add(nil, "", "the file has %d bytes; accepted are at most %d", len(data), MaxFile)
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		r.add(nil, "", "the file is empty; accepted is a YAML section with the keys of a scenario")
		return nil
	case err != nil:
		r.syntax(err)
		return nil
	}
	if err := dec.Decode(&more); err == nil {
		r.add(&yaml.Node{Line: more.Line}, "", "a second YAML document; accepted is one")
	} else if !errors.Is(err, io.EOF) {
		r.syntax(err)
	}
	root := doc.Content[0]
	c := census{report: r}
	c.visit(root, 0)
	if len(r.errs) > 0 {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		r.add(root, "", "is not a section; accepted is a YAML section with the keys of a scenario")
		return nil
	}
	return root
}

// syntax reports an error of the YAML parser, whose line stands in its text.
func (r *report) syntax(err error) {
	n := &yaml.Node{}
	if m := lineOf.FindStringSubmatch(err.Error()); m != nil {
		n.Line, _ = strconv.Atoi(m[1])
	}
	r.add(n, "", "is not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
}

// census checks what holds for every YAML node whatever it means. Anchors and aliases are refused: they
// let a small file stand for a huge one and hide where a value comes from.
type census struct {
	*report
	items int
}

// visit returns false once the file is past its bounds.
func (c *census) visit(n *yaml.Node, depth int) bool {
	c.items++
	switch {
	case c.items > maxItems:
		c.add(&yaml.Node{Line: n.Line}, "", "more than %d YAML values", maxItems)
		return false
	case depth > maxDepth:
		c.add(&yaml.Node{Line: n.Line}, "", "nested more than %d deep", maxDepth)
		return false
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		c.add(&yaml.Node{Line: n.Line}, "", "YAML anchors and aliases (&, *) are not accepted; write the value out, or quote the text")
		return false
	case strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!"):
		c.add(&yaml.Node{Line: n.Line}, "", "YAML tag %q is not accepted", n.Tag)
		return false
	}
	for _, child := range n.Content {
		if !c.visit(child, depth+1) {
			return false
		}
	}
	return true
}

// child returns the value of a key of a section and its place in Content, or nil and -1.
func child(section *yaml.Node, name string) (*yaml.Node, int) {
	if section.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(section.Content); i += 2 {
			if section.Content[i].Value == name {
				return section.Content[i+1], i + 1
			}
		}
	}
	return nil, -1
}

// text makes a scalar node that stands at the place of another.
func text(value string, at *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Line: at.Line, Column: at.Column}
}

// widen turns the scalar n into a section with one key, or into a list of itself if name is "".
func (r *report) widen(n *yaml.Node, name string) {
	inner := *n
	*n = yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: inner.Line, Column: inner.Column}
	if name != "" {
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		n.Content = append(n.Content, text(name, &inner))
	}
	n.Content = append(n.Content, &inner)
	r.mark(n, r.origin[n])
}

// mark notes that a value and all below it are not from the file.
func (r *report) mark(n *yaml.Node, origin string) {
	if origin == "" {
		return
	}
	r.origin[n] = origin
	for _, c := range n.Content {
		r.mark(c, origin)
	}
}
