package topologies

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Graph is an undirected network map. The zero value is an empty map.
//
// Order carries meaning for reproducibility: loaders keep the order of the
// source, and everything that walks a Graph walks the slices in order.
type Graph struct {
	// Name is what the map is called: the label in the file, the name of the
	// generator, or the name of the embedded map.
	Name string
	// Source cites where the map comes from, if anything says so.
	Source string
	// Nodes in the order of the source; a node is referred to by its index.
	Nodes []Node
	// Links in the order of the source; at most one between two nodes.
	Links []Link
	// Notes say in plain words what a loader or generator changed or left open.
	Notes []string
}

// Node is one system of the map.
type Node struct {
	// Name identifies the node within the Graph: unique, not empty, valid UTF-8,
	// without control characters, leading or trailing blanks.
	Name string
	// Label is the name as the source had it; several nodes may share one.
	Label string
	// Lat and Lon are degrees north (−90..90) and east (−180..180), if HasPos.
	Lat, Lon float64
	HasPos   bool
}

// Link joins two nodes in both directions.
type Link struct {
	// A and B are node indices, A < B.
	A, B int
	// Delay is the one-way propagation delay, at least 0, if HasDelay.
	Delay    time.Duration
	HasDelay bool
	// Rate is in bit/s for each direction; 0 means unknown.
	Rate int64
	// Name is "a-b" from the names of both ends in index order, made unique with
	// a trailing "#2", "#3"… in the rare case that hyphens in names collide.
	Name string
}

// Build makes a Graph of nodes and links. Ends of a link may come in either
// order, link names are set here, and empty labels become the node's name. The
// slices are copied. The error is that of [Graph.Validate].
func Build(name string, nodes []Node, links []Link) (*Graph, error) {
	g := &Graph{
		Name:  name,
		Nodes: append([]Node(nil), nodes...),
		Links: append([]Link(nil), links...),
	}
	for i := range g.Nodes {
		if g.Nodes[i].Label == "" {
			g.Nodes[i].Label = g.Nodes[i].Name
		}
	}
	for i := range g.Links {
		l := &g.Links[i]
		if l.A > l.B {
			l.A, l.B = l.B, l.A
		}
	}
	if err := g.validateNodes(); err != nil {
		return nil, err
	}
	if err := g.validateLinks(); err != nil {
		return nil, err
	}
	g.nameLinks()
	return g, nil
}

// Clone returns a copy that shares nothing with g.
func (g *Graph) Clone() *Graph {
	c := *g
	c.Nodes = append([]Node(nil), g.Nodes...)
	c.Links = append([]Link(nil), g.Links...)
	c.Notes = append([]string(nil), g.Notes...)
	return &c
}

// Validate reports the first rule of the model that g breaks: unique and clean
// node names, coordinates in range, links between two different known nodes with
// A < B, no second link between the same nodes, no negative rate or delay, and
// unique link names. A Graph need not be connected to be valid.
func (g *Graph) Validate() error {
	if err := g.validateNodes(); err != nil {
		return err
	}
	if err := g.validateLinks(); err != nil {
		return err
	}
	seen := make(map[string]int, len(g.Links))
	for i, l := range g.Links {
		if l.Name == "" {
			return fmt.Errorf("link %d: empty name", i)
		}
		if j, dup := seen[l.Name]; dup {
			return fmt.Errorf("link %d: name %q is also that of link %d", i, l.Name, j)
		}
		seen[l.Name] = i
	}
	return nil
}

func (g *Graph) validateNodes() error {
	if len(g.Nodes) == 0 {
		return errors.New("a map needs at least one node")
	}
	seen := make(map[string]int, len(g.Nodes))
	for i, n := range g.Nodes {
		if err := checkName(n.Name); err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
		if j, dup := seen[n.Name]; dup {
			return fmt.Errorf("node %d: name %q is also that of node %d", i, n.Name, j)
		}
		seen[n.Name] = i
		if n.HasPos && !validPos(n.Lat, n.Lon) {
			return fmt.Errorf("node %q: position %v %v: accepted: latitude -90..90, longitude -180..180", n.Name, n.Lat, n.Lon)
		}
	}
	return nil
}

func (g *Graph) validateLinks() error {
	seen := make(map[[2]int]int, len(g.Links))
	for i, l := range g.Links {
		switch {
		case l.A < 0 || l.B >= len(g.Nodes) || l.A > l.B:
			return fmt.Errorf("link %d: ends %d and %d: accepted: 0 <= A < B < %d", i, l.A, l.B, len(g.Nodes))
		case l.A == l.B:
			return fmt.Errorf("link %d: joins node %q to itself", i, g.Nodes[l.A].Name)
		case l.Rate < 0:
			return fmt.Errorf("link %d (%s): rate %d bit/s: accepted: 0 (unknown) or more", i, g.linkName(l), l.Rate)
		case l.Delay < 0 || (!l.HasDelay && l.Delay != 0):
			return fmt.Errorf("link %d (%s): delay %v: accepted: 0 or more, and 0 when unknown", i, g.linkName(l), l.Delay)
		}
		ends := [2]int{l.A, l.B}
		if j, dup := seen[ends]; dup {
			return fmt.Errorf("link %d (%s): link %d joins the same nodes", i, g.linkName(l), j)
		}
		seen[ends] = i
	}
	return nil
}

func validPos(lat, lon float64) bool {
	return math.Abs(lat) <= 90 && math.Abs(lon) <= 180 // false for NaN too
}
