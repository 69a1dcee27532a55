package topologies

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// LoadSNDlib reads a network of SNDlib (Orlowski et al., Networks 55(3), 2010) in
// its JSON form: "nodes" with id, longitude and latitude, "links" with source and
// target. Other members (demands, costs) are passed over. SNDlib states capacities
// without a unit, so rates are unknown. Coordinates outside longitude and latitude
// mean a drawing, and are left out. The error is an [*Error].
func LoadSNDlib(r io.Reader, name string, opts ...Option) (*Graph, error) {
	d := newDraft(name, opts)
	text, err := io.ReadAll(&limitReader{r: r, left: d.opts.limits.Bytes})
	if errors.Is(err, errTooLong) {
		return nil, d.errorf(0, "", "", "larger than the limit of %d bytes", d.opts.limits.Bytes)
	}
	if err != nil {
		return nil, d.wrap(0, err, "reading")
	}
	s := &sndlibParser{draft: d, text: text, dec: json.NewDecoder(bytes.NewReader(text)), lines: 1}
	if err := s.document(); err != nil {
		return nil, err
	}
	d.dropDrawing()
	if len(d.links) > 0 {
		d.notef("rates unknown: SNDlib states capacities without a unit")
	}
	return d.finish()
}

type sndlibParser struct {
	*draft
	text []byte
	dec  *json.Decoder
	// lines is the line of byte offset counted: positions only move forward.
	lines, counted int
}

// line returns the line of the next value that the decoder will read.
func (s *sndlibParser) line() int {
	at := int(s.dec.InputOffset())
	for at < len(s.text) && bytes.IndexByte([]byte(" \t\r\n,:"), s.text[at]) >= 0 {
		at++
	}
	if at > s.counted {
		s.lines += bytes.Count(s.text[s.counted:at], []byte("\n"))
		s.counted = at
	}
	return s.lines
}

func (s *sndlibParser) syntax(err error) error {
	// The decoder reads ahead: a syntax error knows its own offset.
	line := s.line()
	var bad *json.SyntaxError
	if errors.As(err, &bad) {
		end := min(max(int(bad.Offset), 0), len(s.text))
		line = 1 + bytes.Count(s.text[:end], []byte("\n"))
	}
	return s.wrap(line, err, "not SNDlib JSON")
}

func (s *sndlibParser) document() error {
	if err := s.delim('{', "network"); err != nil {
		return err
	}
	found := false
	for s.dec.More() {
		key, err := s.dec.Token()
		if err != nil {
			return s.syntax(err)
		}
		switch key {
		case "nodes":
			found = true
			err = s.array("nodes", s.node)
		case "links":
			err = s.array("links", s.link)
		default:
			var skip json.RawMessage
			if err = s.dec.Decode(&skip); err != nil {
				err = s.syntax(err)
			}
		}
		if err != nil {
			return err
		}
	}
	if _, err := s.dec.Token(); err != nil {
		return s.syntax(err)
	}
	if _, err := s.dec.Token(); !errors.Is(err, io.EOF) {
		return s.errorf(s.line(), "", "", "accepted: nothing after the closing brace")
	}
	if !found {
		return s.errorf(0, "nodes", "", `missing: accepted: an object with "nodes" and "links"`)
	}
	return nil
}

func (s *sndlibParser) delim(want json.Delim, key string) error {
	line := s.line()
	tok, err := s.dec.Token()
	if err != nil {
		return s.syntax(err)
	}
	if tok != want {
		return s.errorf(line, key, "", "accepted: %q", want.String())
	}
	return nil
}

func (s *sndlibParser) array(key string, element func(line int) error) error {
	if err := s.delim('[', key); err != nil {
		return err
	}
	for s.dec.More() {
		if err := element(s.line()); err != nil {
			return err
		}
	}
	_, err := s.dec.Token()
	if err != nil {
		return s.syntax(err)
	}
	return nil
}

func (s *sndlibParser) node(line int) error {
	var n struct {
		ID        *string
		Longitude *float64
		Latitude  *float64
	}
	if err := s.decode(line, "nodes", &n); err != nil {
		return err
	}
	if n.ID == nil || *n.ID == "" {
		return s.errorf(line, "nodes id", "", "missing: accepted: a name")
	}
	node := draftNode{id: *n.ID, label: *n.ID}
	if n.Latitude != nil && n.Longitude != nil {
		node.lat, node.lon, node.hasPos = *n.Latitude, *n.Longitude, true
	}
	return s.addNode(line, node)
}

func (s *sndlibParser) link(line int) error {
	var l struct{ Source, Target *string }
	if err := s.decode(line, "links", &l); err != nil {
		return err
	}
	if l.Source == nil || l.Target == nil {
		return s.errorf(line, "links", "", "accepted: objects with source and target")
	}
	return s.addLink(draftLink{a: *l.Source, b: *l.Target, line: line})
}

func (s *sndlibParser) decode(line int, key string, into any) error {
	err := s.dec.Decode(into)
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return s.errorf(line, key+" "+strings.ToLower(kind.Field), kind.Value, "accepted: %s", kind.Type)
	}
	if err != nil {
		return s.syntax(err)
	}
	return nil
}
