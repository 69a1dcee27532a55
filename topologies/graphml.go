package topologies

import (
	"cmp"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// LoadGraphML reads a GraphML document (Brandes et al., Graph Drawing 2001) with
// the attributes that the Internet Topology Zoo uses: label, Latitude, Longitude
// and Internal of nodes; LinkSpeedRaw, LinkSpeed with LinkSpeedUnits, LinkType
// and LinkLabel of edges; label and Source of the graph. Files written by
// [WriteGraphML] come back as they were. name is the input's name in errors and
// the Graph's name if the document has none.
//
// Blemishes are cleaned and noted: parallel edges and the two directions of
// directed files are merged, self-loops dropped, duplicate labels made unique,
// the largest component kept. A link speed given only in prose ("45 Mbps DS-3",
// "OC-192c") is read where it names one speed, and is else unknown.
//
// The error is an [*Error]: not GraphML, an edge to an undeclared node, a
// duplicate node id, a number that is none, or a limit exceeded.
func LoadGraphML(r io.Reader, name string, opts ...Option) (*Graph, error) {
	p := &graphmlParser{draft: newDraft(name, opts), keys: make(map[string]graphmlKey)}
	p.dec = xml.NewDecoder(&limitReader{r: r, left: p.opts.limits.Bytes})
	if err := p.document(); err != nil {
		return nil, err
	}
	if p.textual > 0 {
		p.notef("rate of %s read from prose", count(p.textual, "link"))
	}
	if p.unread > 0 {
		p.notef("rate of %s unknown: the prose names no single speed", count(p.unread, "link"))
	}
	return p.finish()
}

// maxDepth bounds nesting: the XML decoder keeps every open element.
const maxDepth = 64

type graphmlKey struct {
	attr string // attr.name, or "" if an application keeps its own data there
	def  string // default value
	kind string // for: node, edge, graph, all
}

type graphmlParser struct {
	*draft
	dec             *xml.Decoder
	depth           int
	keys            map[string]graphmlKey
	keyIDs          []string // in file order
	directed        bool
	textual, unread int
}

func (p *graphmlParser) line() int {
	line, _ := p.dec.InputPos()
	return line
}

// next returns the next token, io.EOF at the end of the document.
func (p *graphmlParser) next() (xml.Token, error) {
	tok, err := p.dec.Token()
	switch {
	case errors.Is(err, errTooLong):
		return nil, p.errorf(0, "", "", "larger than the limit of %d bytes", p.opts.limits.Bytes)
	case errors.Is(err, io.EOF) && p.depth == 0:
		return nil, io.EOF
	case err != nil:
		return nil, p.wrap(p.line(), err, "not well-formed XML")
	}
	switch t := tok.(type) {
	case xml.StartElement:
		if p.depth++; p.depth > maxDepth {
			return nil, p.errorf(p.line(), "element", t.Name.Local, "nested deeper than %d", maxDepth)
		}
	case xml.EndElement:
		p.depth--
	}
	return tok, nil
}

func (p *graphmlParser) document() error {
	found := false
	for {
		tok, err := p.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		if found || start.Name.Local != "graphml" {
			return p.errorf(p.line(), "element", start.Name.Local, "not GraphML: accepted: one root element <graphml>")
		}
		found = true
		if err := p.root(); err != nil {
			return err
		}
	}
	if !found {
		return p.errorf(0, "", "", "not GraphML: no <graphml> element")
	}
	return nil
}

// children calls f for every child element until the current one ends; f must
// consume the child. Text is passed to text, if given.
func (p *graphmlParser) children(f func(xml.StartElement) error, text func(xml.CharData)) error {
	for {
		tok, err := p.next()
		if err != nil {
			return err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if err := f(t); err != nil {
				return err
			}
		case xml.CharData:
			if text != nil {
				text(t)
			}
		case xml.EndElement:
			return nil
		}
	}
}

func (p *graphmlParser) skip(xml.StartElement) error { return p.children(p.skip, nil) }

// text returns the text of the current element without that of its children.
func (p *graphmlParser) text() (string, error) {
	var b strings.Builder
	err := p.children(p.skip, func(t xml.CharData) { b.Write(t) })
	return strings.TrimSpace(b.String()), err
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (p *graphmlParser) root() error {
	graphs := 0
	return p.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "key":
			return p.key(e)
		case "graph":
			if graphs++; graphs > 1 {
				return p.errorf(p.line(), "graph", attr(e, "id"), "second graph: accepted: one <graph> per file")
			}
			return p.graph(e)
		}
		return p.skip(e)
	}, nil)
}

func (p *graphmlParser) key(e xml.StartElement) error {
	line := p.line()
	id := attr(e, "id")
	if _, dup := p.keys[id]; dup || id == "" {
		return p.errorf(line, "key id", id, "accepted: an id that no other <key> has")
	}
	if len(p.keyIDs) >= 1000 {
		return p.errorf(line, "key", id, "too many keys: accepted: at most 1000")
	}
	k := graphmlKey{attr: attr(e, "attr.name"), kind: cmp.Or(attr(e, "for"), "all")}
	err := p.children(func(e xml.StartElement) (err error) {
		if e.Name.Local != "default" {
			return p.skip(e)
		}
		k.def, err = p.text()
		return err
	}, nil)
	p.keys[id] = k
	p.keyIDs = append(p.keyIDs, id)
	return err
}

func (p *graphmlParser) graph(e xml.StartElement) error {
	switch v := attr(e, "edgedefault"); v {
	case "directed":
		p.directed = true
	case "undirected", "":
	default:
		return p.errorf(p.line(), "edgedefault", v, "accepted: directed, undirected")
	}
	data := p.data("graph")
	err := p.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "node":
			return p.node(e)
		case "edge":
			return p.edge(e)
		case "data":
			return p.datum(e, data)
		case "hyperedge":
			return p.errorf(p.line(), "element", "hyperedge", "accepted: edges between two nodes")
		}
		return p.skip(e)
	}, nil)
	p.name = cleanName(cmp.Or(data.get("label"), data.get("Network"), attr(e, "id")))
	p.source = cleanName(data.get("Source"))
	return err
}

// graphmlData is what the <data> of one element say: attribute name → value and line.
type graphmlData map[string]struct {
	value string
	line  int
}

func (d graphmlData) get(name string) string { return d[name].value }

// data starts the data of one element with the defaults of its keys.
func (p *graphmlParser) data(kind string) graphmlData {
	d := make(graphmlData)
	for _, id := range p.keyIDs {
		k := p.keys[id]
		if k.def != "" && k.attr != "" && (k.kind == kind || k.kind == "all") {
			v := d[k.attr]
			v.value = k.def
			d[k.attr] = v
		}
	}
	return d
}

func (p *graphmlParser) datum(e xml.StartElement, into graphmlData) error {
	id, line := attr(e, "key"), p.line()
	k, ok := p.keys[id]
	if !ok {
		return p.errorf(line, "data key", id, "accepted: the id of a <key> above")
	}
	text, err := p.text()
	if err != nil || k.attr == "" {
		return err
	}
	v := into[k.attr]
	v.value, v.line = text, line
	into[k.attr] = v
	return nil
}

// element reads the <data> of a node or edge.
func (p *graphmlParser) element(kind string) (graphmlData, error) {
	d := p.data(kind)
	err := p.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "data":
			return p.datum(e, d)
		case "graph":
			return p.errorf(p.line(), "element", "graph", "a graph inside a %s: accepted: flat graphs", kind)
		}
		return p.skip(e)
	}, nil)
	return d, err
}

func (p *graphmlParser) node(e xml.StartElement) error {
	line, id := p.line(), attr(e, "id")
	if id == "" {
		return p.errorf(line, "node", "", "no id: accepted: <node id=\"…\">")
	}
	d, err := p.element("node")
	if err != nil {
		return err
	}
	n := draftNode{id: id, label: d.get("label"), name: cleanName(d.get("Name"))}
	if n.name == "" && cleanName(n.label) == "" {
		n.name = cleanName(id) // files of other origin often have nothing but the id
		if n.name == "" || isNumber(id) {
			n.name = cleanName("n" + id)
		}
	}
	if n.lat, n.lon, n.hasPos, err = p.position(d, line); err != nil {
		return err
	}
	if v, ok := d["Internal"]; ok {
		switch f, isNum := number(v.value); {
		case v.value == "" || (isNum && f != 0) || strings.EqualFold(v.value, "true"):
		case isNum || strings.EqualFold(v.value, "false"):
			n.external = true
		default:
			return p.errorf(cmp.Or(v.line, line), "Internal", v.value, "accepted: 0, 1")
		}
	}
	return p.addNode(line, n)
}

func isNumber(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}

func (p *graphmlParser) position(d graphmlData, line int) (lat, lon float64, ok bool, err error) {
	if d.get("Latitude") == "" || d.get("Longitude") == "" {
		return 0, 0, false, nil
	}
	if lat, err = p.float(d, "Latitude", -90, 90, line); err != nil {
		return 0, 0, false, err
	}
	if lon, err = p.float(d, "Longitude", -180, 180, line); err != nil {
		return 0, 0, false, err
	}
	return lat, lon, true, nil
}

func (p *graphmlParser) float(d graphmlData, key string, low, high float64, line int) (float64, error) {
	v := d[key]
	f, ok := number(v.value)
	if !ok || f < low || f > high {
		return 0, p.errorf(cmp.Or(v.line, line), key, v.value, "accepted: a number from %v to %v", low, high)
	}
	return f, nil
}

func (p *graphmlParser) edge(e xml.StartElement) error {
	l := draftLink{a: attr(e, "source"), b: attr(e, "target"), line: p.line(), directed: p.directed}
	if l.a == "" || l.b == "" {
		return p.errorf(l.line, "edge", attr(e, "id"), "accepted: <edge source=\"…\" target=\"…\">")
	}
	switch v := attr(e, "directed"); v {
	case "":
	case "true", "false":
		l.directed = v == "true"
	default:
		return p.errorf(l.line, "directed", v, "accepted: true, false")
	}
	d, err := p.element("edge")
	if err != nil {
		return err
	}
	if l.rate, err = p.rate(d, l.line); err != nil {
		return err
	}
	if v := d["DelayNs"]; v.value != "" {
		ns, err := strconv.ParseInt(v.value, 10, 64)
		if err != nil || ns < 0 {
			return p.errorf(cmp.Or(v.line, l.line), "DelayNs", v.value, "accepted: whole nanoseconds, 0 or more")
		}
		l.delay, l.hasDelay = time.Duration(ns), true
	}
	return p.addLink(l)
}

// rate prefers the number that the Zoo computed, then the fields it came from,
// then prose.
func (p *graphmlParser) rate(d graphmlData, line int) (int64, error) {
	if raw := d.get("LinkSpeedRaw"); raw != "" {
		if n, err := strconv.ParseInt(raw, 10, 64); err == nil && n >= 0 {
			return n, nil // exact where a float would round
		}
		f, err := p.float(d, "LinkSpeedRaw", 0, 1e18, line)
		return int64(math.Round(f)), err
	}
	prose := []string{d.get("LinkSpeed") + " " + d.get("LinkSpeedUnits"), d.get("LinkType"), d.get("LinkLabel")}
	if d.get("LinkSpeed") == "" {
		prose = prose[1:]
	}
	speedless := true
	for _, s := range prose {
		rate, named := proseRate(s)
		if rate > 0 {
			p.textual++
			return rate, nil
		}
		speedless = speedless && !named
	}
	if !speedless {
		p.unread++
	}
	return 0, nil
}
