package config

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ouroboros/cmd/internal/control"
)

// maxFile bounds the length of a file in bytes. The parser looks for repeated tables in square time.
const maxFile = 256 << 10

// File is a configuration file that has been checked. What it does not say is zero.
type File struct {
	Path     string
	Daemon   Daemon
	Security Security
	Metrics  Metrics
	Steps    []Step // what to do at the start, in order
}

// Daemon is the table [daemon].
type Daemon struct {
	Dir        string      // directory of the sockets
	AppMode    fs.FileMode // of the socket of applications; 0 = not given
	ManageMode fs.FileMode // of the management socket; 0 = not given
	RIB        string      // directory that the management tree is mounted on
}

// Security is the table [security].
type Security struct {
	Force bool   // every flow is encrypted
	Dir   string // directory of the files of spec 11 §11.8
}

// Metrics is the table [metrics].
type Metrics struct {
	Listen string // host:port
}

// Step is one thing that the file asks for.
type Step struct {
	Line  int
	Table string // as the file writes it: "unicast.net"
	Doc   string // what is done: "bootstrap net"
	Run   func(ctx context.Context, h control.Handler) error
}

// Load reads and checks a file.
func Load(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.Size() > maxFile {
		return nil, fmt.Errorf("%s: %d bytes, accepted are %d", path, st.Size(), maxFile)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// Apply runs the steps, up to the first that fails: its error names file, line and table.
func (f *File) Apply(ctx context.Context, h control.Handler) error {
	for _, s := range f.Steps {
		if err := s.Run(ctx, h); err != nil {
			return fmt.Errorf("%s:%d: %s: %s: %w", f.Path, s.Line, s.Table, s.Doc, err)
		}
	}
	return nil
}

// objects are the tables that hold one table for each object, settings those of the daemon.
var (
	objects  = []string{"name", "local", "eth-llc", "eth-dix", "udp4", "udp6", "broadcast", "unicast"}
	settings = []string{"daemon", "security", "metrics"}
)

// Parse checks the content of a file; path is for errors only.
func Parse(path string, data []byte) (*File, error) {
	d, err := parse(path, data)
	if err != nil {
		return nil, err
	}
	for _, o := range d.order {
		if !strings.Contains(o, separator) && !slices.Contains(objects, o) && !slices.Contains(settings, o) {
			return nil, d.errorf([]string{o}, "unknown table, accepted are %s", strings.Join(append(slices.Clone(settings), objects...), ", "))
		}
	}
	f := &File{Path: path}
	for _, name := range append(slices.Clone(settings), objects...) {
		v, ok := d.values[name]
		if !ok {
			continue
		}
		t := d.open([]string{name}, v)
		if err := f.read(name, t); err != nil {
			return nil, err
		}
	}
	for _, p := range d.tables() {
		if !slices.Contains(objects, p[0]) {
			continue
		}
		steps, err := object(d, p)
		if err != nil {
			return nil, err
		}
		f.Steps = append(f.Steps, steps...)
	}
	return f, nil
}

// read reads a table of settings; of objects it sees that it is a table.
func (f *File) read(name string, t *table) error {
	switch name {
	case "daemon":
		f.Daemon.Dir = t.directory("dir")
		f.Daemon.AppMode = t.mode("app_mode")
		f.Daemon.ManageMode = t.mode("manage_mode")
		f.Daemon.RIB = t.directory("rib")
		return t.end([]string{"dir", "app_mode", "manage_mode", "rib"})
	case "security":
		f.Security.Force = t.truth("force")
		f.Security.Dir = t.directory("dir")
		return t.end([]string{"force", "dir"})
	case "metrics":
		f.Metrics.Listen = t.hostPort("listen")
		return t.end([]string{"listen"})
	}
	return t.err
}

// directory returns an absolute path.
func (t *table) directory(key string) string {
	s := t.text(key)
	if s != "" && !filepath.IsAbs(s) {
		t.fail(key, "%q, accepted is an absolute path", s)
	}
	return s
}

// mode returns a file mode: a string of octal digits, or an integer.
func (t *table) mode(key string) fs.FileMode {
	v, ok := t.take(key)
	if !ok {
		return 0
	}
	var n uint64
	var err error
	switch v := v.(type) {
	case string:
		n, err = strconv.ParseUint(v, 8, 32)
	case int64:
		n = uint64(v)
	default:
		err = strconv.ErrSyntax
	}
	if err != nil || n == 0 || n > 0o777 {
		t.fail(key, `is %s, accepted is a file mode such as "0660" or 0o660`, describe(v))
	}
	return fs.FileMode(n)
}

// hostPort returns an address to listen on.
func (t *table) hostPort(key string) string {
	s := t.text(key)
	if s == "" {
		return s
	}
	_, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		t.fail(key, "%q, accepted is HOST:PORT, for instance \"127.0.0.1:9100\"", s)
	}
	return s
}
