package capture

import (
	"errors"
	"fmt"
	"io"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// Reader reads a pcapng file, as the [Writer] makes it, and dissects its frames.
type Reader struct {
	ng    *pcapgo.NgReader
	d     *Dissector
	named int // interfaces that the dissector has been told of
}

// NewReader returns a Reader of r. It fails when r does not begin with the header of a pcapng section,
// with io.EOF when r is empty, as the capture of a run without links is.
func NewReader(r io.Reader, opts DissectorOptions) (*Reader, error) {
	out := &Reader{d: NewDissector(opts)}
	err := guarded(func() (err error) {
		// Link types are handled per interface, here: pcapgo would drop frames of another than the first.
		out.ng, err = pcapgo.NewNgReader(newBlockReader(r), pcapgo.NgReaderOptions{WantMixedLinkType: true})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Next returns the next frame, io.EOF at the end of the file and io.ErrUnexpectedEOF, wrapped, where a
// file ends within a block, as that of a killed run does. Time, lengths and interface stand in the
// metadata of the packet.
func (r *Reader) Next() (gopacket.Packet, error) {
	var (
		data []byte
		ci   gopacket.CaptureInfo
		link layers.LinkType
	)
	err := guarded(func() (err error) {
		if data, ci, err = r.ng.ReadPacketData(); err != nil {
			return err
		}
		in, err := r.ng.Interface(ci.InterfaceIndex)
		link = in.LinkType
		return err
	})
	if err != nil {
		return nil, err
	}
	for ; r.named < r.ng.NInterfaces(); r.named++ {
		r.d.Interface(r.named, r.InterfaceName(r.named))
	}
	return r.d.Decode(data, link, ci), nil
}

// Interfaces returns the number of interfaces whose descriptions have been read so far.
func (r *Reader) Interfaces() int { return r.ng.NInterfaces() }

// InterfaceName returns the name of an interface, counting from 0: the link and the node of the end
// that sent the frame. It is empty for an interface that has not been read.
func (r *Reader) InterfaceName(id int) string {
	in, err := r.ng.Interface(id)
	if err != nil {
		return ""
	}
	return in.Name
}

// guarded turns a panic of pcapgo, which some malformed options cause, into an error. The end of the
// file stays io.EOF.
func guarded(read func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("capture: malformed pcapng file: %v", r)
		}
	}()
	if err = read(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("capture: pcapng file: %w", err)
	}
	return err
}
