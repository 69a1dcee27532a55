// Package rib is the form of the management tree of an IPCP (spec 02 §10, 13 §13.9): read-only directories
// and text files, built from the components when they are read. The tree holds no state of its own: two
// readings at one instant give the same bytes, and reading changes nothing.
//
//	net.0/                      the owner of the tree chooses this name
//	  info/_state _type _layer
//	  dt.4d.3c.2b.1a/64         N-1 flows by port
//	  flow-allocator/64         flows by number
//	  lsdb/<src>--<dst>
//
// A path has elements separated by "/", without one at the front. Whoever owns a component says which
// nodes stand for it; this package walks them, and prints values as the prototype does.
package rib

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// MaxDepth is the number of elements of the longest path. The trees of IPCPs have two or three.
const MaxDepth = 8

// Errors of Read, List and Walk. They are wrapped with the path.
var (
	ErrNotFound = errors.New("no such entry")
	ErrIsDir    = errors.New("is a directory")
	ErrNotDir   = errors.New("is no directory")
	// ErrName says that a component has named an entry so that no path leads there: an empty name, one with
	// a slash in it, or one that a sibling has.
	ErrName = errors.New("entry cannot be reached by its name")
	// ErrDepth says that the tree goes below MaxDepth.
	ErrDepth = errors.New("too deep")
)

// Node is a Dir or a File.
type Node interface{ node() }

// Dir is a directory. It hands its entries to yield, in an order that depends on what they show alone,
// until yield returns false. Names are unique within a directory, not empty, and have no "/".
type Dir func(yield func(name string, n Node) bool)

// File writes the content of a file. An error of w is not its business: a writer keeps its error, and what
// is written after it is lost with it.
type File func(w io.Writer)

func (Dir) node()  {}
func (File) node() {}

// Entry is one name in a fixed directory.
type Entry struct {
	Name string
	Node Node
}

// Fixed returns a directory of the given entries, in their order.
func Fixed(entries ...Entry) Dir {
	return func(yield func(string, Node) bool) {
		for _, e := range entries {
			if !yield(e.Name, e.Node) {
				return
			}
		}
	}
}

// Text returns a file of one line.
func Text(line string) File {
	return func(w io.Writer) { fmt.Fprintln(w, line) }
}

// Read returns the content of the file at a path.
func Read(root Node, path string) ([]byte, error) {
	n, err := Find(root, path)
	if err != nil {
		return nil, err
	}
	f, ok := n.(File)
	if !ok {
		return nil, fmt.Errorf("%s: %w", path, ErrIsDir)
	}
	var b bytes.Buffer
	f(&b)
	return b.Bytes(), nil
}

// List returns the names in the directory at a path, in its order, those of directories with a "/" behind
// them. The empty path is the root.
func List(root Node, path string) ([]string, error) {
	n, err := Find(root, path)
	if err != nil {
		return nil, err
	}
	d, ok := n.(Dir)
	if !ok {
		return nil, fmt.Errorf("%s: %w", path, ErrNotDir)
	}
	var names []string
	d(func(name string, n Node) bool {
		if _, dir := n.(Dir); dir {
			name += "/"
		}
		names = append(names, name)
		return true
	})
	return names, nil
}

// Find returns the node at a path; the empty path is the root.
func Find(root Node, path string) (Node, error) {
	n := root
	if path == "" {
		return n, nil
	}
	for _, name := range strings.Split(path, "/") {
		d, ok := n.(Dir)
		if !ok {
			return nil, fmt.Errorf("%s: %w", path, ErrNotFound)
		}
		if n = d.entry(name); n == nil {
			return nil, fmt.Errorf("%s: %w", path, ErrNotFound)
		}
	}
	return n, nil
}

// entry returns the entry of that name, nil if there is none.
func (d Dir) entry(name string) (found Node) {
	d(func(at string, n Node) bool {
		if at == name {
			found = n
		}
		return found == nil
	})
	return found
}

// Walk calls fn for every file below root, depth first and in the order of the directories. content is
// valid during the call. The first error ends the walk and is returned.
func Walk(root Node, fn func(path string, content []byte) error) error {
	w := walker{fn: fn}
	return w.node("", 0, root)
}

// walker is a Walk under way.
type walker struct {
	fn  func(path string, content []byte) error
	buf bytes.Buffer // of the file at hand
}

func (w *walker) node(path string, depth int, n Node) error {
	switch n := n.(type) {
	case File:
		w.buf.Reset()
		n(&w.buf)
		return w.fn(path, w.buf.Bytes())
	case Dir:
		if depth == MaxDepth {
			return fmt.Errorf("%s: %w", path, ErrDepth)
		}
		return w.dir(path, depth, n)
	}
	return nil
}

func (w *walker) dir(path string, depth int, d Dir) (err error) {
	seen := map[string]bool{}
	if path != "" {
		path += "/"
	}
	d(func(name string, n Node) bool {
		if name == "" || strings.Contains(name, "/") || seen[name] {
			err = fmt.Errorf("%s%q: %w", path, name, ErrName)
			return false
		}
		seen[name] = true
		err = w.node(path+name, depth+1, n)
		return err == nil
	})
	return err
}
