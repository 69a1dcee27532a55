package topologies

import (
	"fmt"
	"io"
	"path"
	"strings"
)

// Format is a file format for maps.
type Format struct {
	// Name chooses the format on a command line; Doc is one line about it.
	Name, Doc string
	// Extensions of file names, with the dot, the usual one first.
	Extensions []string
	// Read loads a map, Write stores one; either may be nil.
	Read  func(r io.Reader, name string, opts ...Option) (*Graph, error)
	Write func(w io.Writer, g *Graph) error
}

// Formats returns all formats, in the order in which help texts list them.
func Formats() []Format {
	return []Format{
		{"graphml", "GraphML as in the Internet Topology Zoo", []string{".graphml", ".xml"}, LoadGraphML, WriteGraphML},
		{"map", "the project's own map text: node and link lines, all attributes", []string{".map"}, LoadMapText, WriteMapText},
		{"edges", "edge list: A B [DELAY [RATE]] a line", []string{".edges", ".edgelist", ".txt"}, LoadEdgeList, WriteEdgeList},
		{"sndlib", "SNDlib network as JSON (read only)", []string{".json"}, LoadSNDlib, nil},
		{"repetita", "Repetita text with NODES and EDGES (read only)", []string{".graph"}, LoadRepetita, nil},
		{"dot", "Graphviz DOT (write only)", []string{".dot", ".gv"}, nil, WriteDOT},
	}
}

// FormatNamed returns the format called name; the error lists those there are.
func FormatNamed(name string) (Format, error) {
	var names []string
	for _, f := range Formats() {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return Format{}, fmt.Errorf("format %q: accepted: %s", name, strings.Join(names, ", "))
}

// FormatOf returns the format that the extension of a file name stands for,
// whatever its letter case; the error lists the known extensions.
func FormatOf(file string) (Format, error) {
	ext := strings.ToLower(path.Ext(file))
	var known []string
	for _, f := range Formats() {
		for _, e := range f.Extensions {
			if e == ext {
				return f, nil
			}
		}
		known = append(known, f.Extensions...)
	}
	return Format{}, fmt.Errorf("file %q: extension %q: accepted: %s", file, ext, strings.Join(known, ", "))
}

// Load reads a map from r in the format that the extension of name stands for.
// It opens no file itself: name serves for the format, for errors, and as the
// map's name if the content has none.
func Load(name string, r io.Reader, opts ...Option) (*Graph, error) {
	f, err := FormatOf(name)
	if err != nil {
		return nil, err
	}
	if f.Read == nil {
		return nil, fmt.Errorf("file %q: format %s can only be written", name, f.Name)
	}
	return f.Read(r, name, opts...)
}
