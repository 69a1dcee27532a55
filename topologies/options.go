package topologies

import (
	"errors"
	"io"
)

// Default limits of loaders and generators. Published maps stay far below: the
// largest of the Topology Zoo has 754 nodes.
const (
	MaxNodes = 10_000
	MaxLinks = 200_000
	MaxBytes = 16 << 20
)

// Limits bound what a loader takes from its input, so that a hostile file cannot
// exhaust memory.
type Limits struct {
	// Nodes and Links count elements in the file, before merging.
	Nodes, Links int
	// Bytes is the size of the input.
	Bytes int64
}

// Option adjusts a loader.
type Option func(*options)

type options struct {
	limits       Limits
	dropExternal bool
}

// DropExternal leaves out the nodes that a Topology Zoo map marks as not part of
// the network itself (Internal = 0), with their links. The default keeps them.
func DropExternal() Option { return func(o *options) { o.dropExternal = true } }

// WithLimits replaces the default limits [MaxNodes], [MaxLinks] and [MaxBytes].
func WithLimits(l Limits) Option { return func(o *options) { o.limits = l } }

func newOptions(opts []Option) options {
	o := options{limits: Limits{Nodes: MaxNodes, Links: MaxLinks, Bytes: MaxBytes}}
	for _, f := range opts {
		f(&o)
	}
	return o
}

var errTooLong = errors.New("input larger than the limit")

// limitReader fails, instead of ending quietly, when more than left bytes come.
type limitReader struct {
	r    io.Reader
	left int64
}

func (l *limitReader) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, errTooLong
	}
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	if l.left < 0 {
		return n - 1, errTooLong
	}
	return n, err
}
