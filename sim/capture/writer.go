package capture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

// LinkTypeDirect is the link type of a capture of direct links: USER0, the first of those that are
// reserved for private use. Frames have the encapsulation that [DirectHeaderLen] describes.
const LinkTypeDirect layers.LinkType = 147

// DirectHeaderLen is the length in bytes of the synthetic header in front of each packet of a direct
// link. Such a packet has no header of its own, its flow travels as metadata of the buffer, and the
// capture makes it visible. It is counted in the captured and in the original length.
//
//	offset size field
//	0      4    flow number at the receiver, big-endian
//	4      1    kind: 0 = data, else a management message
//	5      3    zero
//	8      …    the packet; a message has the layout of the Ethernet shim's (spec 01 §3.3)
const DirectHeaderLen = 8

const (
	bufferSize    = 64 << 10
	maxNameLen    = math.MaxUint16 // the length of a pcapng option is 16 bits wide
	maxSnapLength = 1 << 20
)

// ErrClosed is reported by a Writer that is used after Close.
var ErrClosed = errors.New("capture: writer is closed")

// Options of a Writer. The zero value keeps whole frames and names no application.
type Options struct {
	// SnapLen is the largest number of bytes kept of a frame, 0 to 1048576; 0 keeps all. The synthetic
	// header of a direct link counts.
	SnapLen int
	// Application is written to the section header: the program that made the file.
	Application string
	// Comment is written to the section header, for instance the name and seed of the run.
	Comment string
}

// Writer writes a pcapng file: one section, one interface per link end, one enhanced packet block per
// frame. Interfaces may be added at any time before the frames that name them. It is not safe for use
// from several goroutines.
//
// The packets of a datagram link are payloads of UDP, without any headers. Each is written as the Ethernet
// frame that could carry it, with synthetic headers of Ethernet, IP and UDP: the addresses and ports of the
// ends, MACs made of the last four bytes of the IP addresses behind 02:00, a hop limit of 64, and valid checksums.
// They count in the captured and in the original length.
//
// The first error of the underlying writer, or of a wrong argument to Frame, stops all further
// writing and is returned by Flush and Close: a run is not disturbed by a full disk.
type Writer struct {
	out     *bufio.Writer
	ng      *pcapgo.NgWriter // nil before the first interface
	opts    Options
	link    layers.LinkType // of every interface
	ends    []linkEnd       // by id
	err     error
	scratch []byte
}

// linkEnd is what an interface stands for, and the headers that its packets do not have themselves.
type linkEnd struct {
	kind core.LinkKind
	head datagramHead // of a datagram link
}

// headLen returns the length in bytes of the synthetic header in front of each packet.
func (e *linkEnd) headLen() int {
	switch e.kind {
	case core.LinkDirect:
		return DirectHeaderLen
	case core.LinkDatagram:
		return len(e.head)
	}
	return 0
}

// New returns a Writer that writes to w. It writes nothing before the first interface exists, since a
// pcapng file without one holds nothing. w stays the caller's to close.
func New(w io.Writer, opts Options) (*Writer, error) {
	if opts.SnapLen < 0 || opts.SnapLen > maxSnapLength {
		return nil, fmt.Errorf("capture: snap length %d bytes, accepted are 0 (whole frames) to %d", opts.SnapLen, maxSnapLength)
	}
	if len(opts.Comment) > maxNameLen || len(opts.Application) > maxNameLen {
		return nil, fmt.Errorf("capture: comment of %d and application of %d bytes, each has at most %d", len(opts.Comment), len(opts.Application), maxNameLen)
	}
	return &Writer{out: bufio.NewWriterSize(w, bufferSize), opts: opts}, nil
}

// Interface adds the end of an Ethernet or direct link and returns the id that Frame wants, counting from 0.
// name is the link and the node, as in "seattle-denver:seattle", by which a [Reader] pairs the ends of a
// link; rate is in bit/s, 0 when unlimited.
//
// The first interface sets the link type of the file. An end of another type is refused: readers take
// the link type of the first interface for the whole file, so that direct links need a file of their own.
func (w *Writer) Interface(name string, rate int64, kind core.LinkKind) (id int, err error) {
	if kind == core.LinkDatagram {
		return 0, fmt.Errorf("capture: interface %q: the addresses of a datagram link are needed, see End", name)
	}
	return w.add(name, rate, linkEnd{kind: kind})
}

// End is Interface for the end of a link of any kind, which it describes together with the other end. The
// packets of a datagram link are written as whole Ethernet frames, see [Writer]; its addresses must be
// IP addresses of one version.
func (w *Writer) End(name string, own, peer core.LinkInfo) (id int, err error) {
	e := linkEnd{kind: own.Kind}
	if own.Kind == core.LinkDatagram {
		if e.head, err = newDatagramHead(own.Addr, peer.Addr); err != nil {
			return 0, fmt.Errorf("capture: interface %q: %w", name, err)
		}
	}
	return w.add(name, own.Rate, e)
}

func (w *Writer) add(name string, rate int64, e linkEnd) (id int, err error) {
	if w.err != nil {
		return 0, w.err
	}
	linkType, err := linkTypeOf(e.kind)
	if err != nil {
		return 0, fmt.Errorf("capture: interface %q: %w", name, err)
	}
	if len(name) > maxNameLen {
		return 0, fmt.Errorf("capture: interface name of %d bytes, at most %d are accepted", len(name), maxNameLen)
	}
	if w.ng != nil && linkType != w.link {
		return 0, fmt.Errorf("capture: interface %q is %s, the first interface of this file is %s: capture direct links to a file of their own", name, kindName(e.kind), kindName(w.ends[0].kind))
	}
	in := pcapgo.NgInterface{
		Name:                name,
		Description:         describe(rate, e.kind),
		LinkType:            linkType,
		SnapLength:          uint32(w.opts.SnapLen),
		TimestampResolution: 9,
	}
	if w.ng == nil {
		err = w.open(in)
		w.link = linkType
	} else {
		_, err = w.ng.AddInterface(in)
	}
	if err != nil {
		w.fail(fmt.Errorf("capture: interface %q: %w", name, err))
		return 0, w.err
	}
	w.ends = append(w.ends, e)
	return len(w.ends) - 1, nil
}

// open writes the section header and the first interface. Nothing about the machine goes into it: the
// captures of one run are identical wherever it is run.
func (w *Writer) open(in pcapgo.NgInterface) (err error) {
	w.ng, err = pcapgo.NewNgWriterInterface(w.out, in, pcapgo.NgWriterOptions{
		SectionInfo: pcapgo.NgSectionInfo{Application: w.opts.Application, Comment: w.opts.Comment},
	})
	return err
}

func linkTypeOf(kind core.LinkKind) (layers.LinkType, error) {
	switch kind {
	case core.LinkEthernet, core.LinkDatagram:
		return layers.LinkTypeEthernet, nil
	case core.LinkDirect:
		return LinkTypeDirect, nil
	}
	return 0, fmt.Errorf("link kind %s cannot be captured, accepted are ethernet, datagram and direct", kindName(kind))
}

func kindName(kind core.LinkKind) string {
	switch kind {
	case core.LinkEthernet:
		return "ethernet"
	case core.LinkDatagram:
		return "datagram"
	case core.LinkDirect:
		return "direct"
	}
	return fmt.Sprintf("kind %d", uint8(kind))
}

func describe(rate int64, kind core.LinkKind) string {
	if rate == 0 {
		return kindName(kind) + ", unlimited rate"
	}
	return fmt.Sprintf("%s, %d bit/s", kindName(kind), rate)
}

// Frame writes one frame that interface id sent at now. wallEpochNs is the Unix time in nanoseconds of
// the epoch of the run: the frame is stamped with their sum, which is not negative. p is read
// and not kept; its phantom bytes are written as zeros and not materialised.
func (w *Writer) Frame(id int, now clock.Time, wallEpochNs int64, p *pkt.Buf) {
	if w.err != nil {
		return
	}
	if id < 0 || id >= len(w.ends) {
		w.fail(fmt.Errorf("capture: frame for interface %d, there are %d", id, len(w.ends)))
		return
	}
	e := &w.ends[id]
	if e.kind == core.LinkDatagram && p.Len() > maxDatagram {
		w.fail(fmt.Errorf("capture: datagram of %d bytes at %v, IP carries at most %d", p.Len(), now, maxDatagram))
		return
	}
	stamp := wallEpochNs + int64(now)
	if stamp < 0 {
		w.fail(fmt.Errorf("capture: frame at %v with the epoch at %d ns: before 1970 or after 2262", now, wallEpochNs))
		return
	}
	data, length := w.image(e, p)
	ci := gopacket.CaptureInfo{Timestamp: time.Unix(0, stamp), CaptureLength: len(data), Length: length, InterfaceIndex: id}
	if err := w.ng.WritePacket(ci, data); err != nil {
		w.fail(fmt.Errorf("capture: frame at %v: %w", now, err))
	}
}

// image returns the bytes of p that are written and the length of all of them. The slice is valid until
// the next call.
func (w *Writer) image(e *linkEnd, p *pkt.Buf) (data []byte, length int) {
	head := e.headLen()
	length = head + p.Len()
	keep := length
	if w.opts.SnapLen > 0 {
		keep = min(keep, w.opts.SnapLen)
	}
	front := p.Front()
	if head == 0 && keep <= len(front) {
		return front[:keep], length
	}
	if cap(w.scratch) < max(keep, head) {
		w.scratch = make([]byte, max(2*keep, 2048))
	}
	out := w.scratch[:max(keep, head)]
	switch e.kind {
	case core.LinkDirect:
		binary.BigEndian.PutUint32(out, p.Meta.Flow)
		binary.BigEndian.PutUint32(out[4:], uint32(p.Meta.Kind)<<24)
	case core.LinkDatagram:
		e.head.put(out, front, p.Len())
	case core.LinkEthernet:
	}
	n := copy(out[head:], front)
	clear(out[head+n:])
	return out[:keep], length
}

func (w *Writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// Flush writes out what is buffered and returns the first error so far.
func (w *Writer) Flush() error {
	if w.err != nil {
		return w.err
	}
	if err := w.out.Flush(); err != nil {
		w.fail(fmt.Errorf("capture: %w", err))
	}
	return w.err
}

// Close writes out what is buffered and returns the first error of the life of the Writer. It does not
// close the underlying writer. The Writer is of no use afterwards; a second Close returns ErrClosed.
func (w *Writer) Close() error {
	err := w.Flush()
	w.err = ErrClosed
	return err
}
