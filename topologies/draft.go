package topologies

import (
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"
	"time"
)

// draft collects what a file says, in the file's own terms, until finish makes a
// clean Graph of it. All loaders share it, and so share their treatment of
// blemishes.
type draft struct {
	file         string
	opts         options
	name, source string
	notes        []string
	nodes        []draftNode
	byID         map[string]int
	links        []draftLink
}

type draftNode struct {
	id, name, label string
	lat, lon        float64
	hasPos          bool
	external        bool
}

type draftLink struct {
	a, b     string // node ids
	line     int
	directed bool
	rate     int64
	delay    time.Duration
	hasDelay bool
}

func newDraft(file string, opts []Option) *draft {
	return &draft{file: file, opts: newOptions(opts), byID: make(map[string]int)}
}

func (d *draft) errorf(line int, key, value, format string, args ...any) error {
	return &Error{File: d.file, Line: line, Key: key, Value: value, Problem: fmt.Sprintf(format, args...)}
}

func (d *draft) wrap(line int, err error, problem string) error {
	return &Error{File: d.file, Line: line, Problem: problem, Err: err}
}

func (d *draft) notef(format string, args ...any) {
	d.notes = append(d.notes, fmt.Sprintf(format, args...))
}

func (d *draft) addNode(line int, n draftNode) error {
	if _, dup := d.byID[n.id]; dup {
		return d.errorf(line, "node", n.id, "duplicate: accepted: every node once")
	}
	if len(d.nodes) >= d.opts.limits.Nodes {
		return d.errorf(line, "node", n.id, "too many nodes: accepted: at most %d", d.opts.limits.Nodes)
	}
	if n.name == "" {
		n.name = cleanName(n.label)
	}
	if err := checkName(n.name); err != nil {
		return d.wrap(line, err, "node")
	}
	d.byID[n.id] = len(d.nodes)
	d.nodes = append(d.nodes, n)
	return nil
}

// touchNode declares a node by its first mention, for formats without node lines.
func (d *draft) touchNode(line int, id string) error {
	if _, known := d.byID[id]; known {
		return nil
	}
	return d.addNode(line, draftNode{id: id, label: id})
}

func (d *draft) addLink(l draftLink) error {
	if len(d.links) >= d.opts.limits.Links {
		return d.errorf(l.line, "link", l.a+"-"+l.b, "too many links: accepted: at most %d", d.opts.limits.Links)
	}
	d.links = append(d.links, l)
	return nil
}

// finish cleans the draft: unique names, no self-loops, one link between two
// nodes, external nodes as wished, largest component.
func (d *draft) finish() (*Graph, error) {
	if len(d.nodes) == 0 {
		return nil, d.errorf(0, "", "", "no nodes: accepted: a map with at least one node")
	}
	g := &Graph{Name: d.name, Source: d.source, Notes: d.notes}
	if g.Name == "" {
		g.Name = strings.TrimSuffix(path.Base(d.file), path.Ext(d.file))
	}
	d.fillNodes(g)
	if err := d.fillLinks(g); err != nil {
		return nil, err
	}
	g, err := d.sortExternal(g)
	if err != nil {
		return nil, err
	}
	g = g.LargestComponent()
	g.nameLinks()
	if err := g.Validate(); err != nil {
		return nil, d.wrap(0, err, "invalid map")
	}
	return g, nil
}

func (d *draft) fillNodes(g *Graph) {
	want := make([]string, len(d.nodes))
	for i, n := range d.nodes {
		want[i] = n.name
	}
	var renamed, unplaced []string
	for i, name := range uniqueNames(want) {
		n := d.nodes[i]
		if n.label == "" {
			n.label = name
		}
		g.Nodes = append(g.Nodes, Node{Name: name, Label: n.label, Lat: n.lat, Lon: n.lon, HasPos: n.hasPos})
		if name != want[i] {
			renamed = append(renamed, name)
		}
		if !n.hasPos {
			unplaced = append(unplaced, name)
		}
	}
	if len(renamed) > 0 {
		g.Notes = append(g.Notes, "duplicate labels made unique: "+listNames(renamed))
	}
	switch {
	case len(unplaced) == len(g.Nodes):
		g.Notes = append(g.Notes, "no node has coordinates")
	case len(unplaced) > 0:
		g.Notes = append(g.Notes, fmt.Sprintf("%s without coordinates: %s", count(len(unplaced), "node"), listNames(unplaced)))
	}
}

// fillLinks merges what joins the same two nodes. The two directions of a
// directed file are one link; beyond that, links are parallel. The merged link
// has the highest rate and the lowest delay of its parts: it stands for the best
// single path between both nodes, not for a bundle.
func (d *draft) fillLinks(g *Graph) error {
	at := make(map[[2]int]int, len(d.links))
	seen := make(map[[2]int]bool, len(d.links)) // direction already listed
	var loops, directions, parallel, differing int
	for _, l := range d.links {
		a, err := d.end(l, l.a)
		if err != nil {
			return err
		}
		b, err := d.end(l, l.b)
		if err != nil {
			return err
		}
		if a == b {
			loops++
			continue
		}
		ends := [2]int{min(a, b), max(a, b)}
		way := ends
		if l.directed {
			way = [2]int{a, b}
		}
		i, known := at[ends]
		if !known {
			at[ends], seen[way] = len(g.Links), true
			g.Links = append(g.Links, Link{A: ends[0], B: ends[1], Rate: l.rate, Delay: l.delay, HasDelay: l.hasDelay})
			continue
		}
		if seen[way] {
			parallel++
		} else {
			directions++
		}
		seen[way] = true
		if merge(&g.Links[i], l) {
			differing++
		}
	}
	for _, n := range []struct {
		n    int
		text string
	}{
		{loops, "dropped %s from a node to itself"},
		{parallel, "merged %s parallel to another"},
		{directions, "merged %s listed for the other direction"},
		{differing, "%s differed from the one it was merged into: highest rate and lowest delay kept"},
	} {
		if n.n > 0 {
			g.Notes = append(g.Notes, fmt.Sprintf(n.text, count(n.n, "link")))
		}
	}
	return nil
}

func (d *draft) end(l draftLink, id string) (int, error) {
	i, ok := d.byID[id]
	if !ok {
		return 0, d.errorf(l.line, "link", l.a+"-"+l.b, "no node %q: accepted: ids of declared nodes", shorten(id))
	}
	return i, nil
}

// merge folds l into the link to, and reports whether they differed.
func merge(to *Link, l draftLink) bool {
	differ := to.Rate != l.rate || to.HasDelay != l.hasDelay || to.Delay != l.delay
	to.Rate = max(to.Rate, l.rate)
	if l.hasDelay && (!to.HasDelay || l.delay < to.Delay) {
		to.Delay, to.HasDelay = l.delay, true
	}
	return differ
}

func (d *draft) sortExternal(g *Graph) (*Graph, error) {
	var internal []int
	var external []string
	for i, n := range d.nodes {
		if n.external {
			external = append(external, g.Nodes[i].Name)
		} else {
			internal = append(internal, i)
		}
	}
	if len(external) == 0 {
		return g, nil
	}
	if !d.opts.dropExternal {
		g.Notes = append(g.Notes, fmt.Sprintf("%s kept: %s", count(len(external), "external node"), listNames(external)))
		return g, nil
	}
	if len(internal) == 0 {
		return nil, d.errorf(0, "Internal", "0", "all nodes are external and external nodes are to be dropped")
	}
	g = g.Subgraph(internal)
	g.Notes = append(g.Notes, fmt.Sprintf("dropped %s: %s", count(len(external), "external node"), listNames(external)))
	return g, nil
}

// number reads a finite decimal number.
func number(s string) (float64, bool) {
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}
