package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The start of a pcapng block: type, length of the whole block, and in a section header the mark that
// tells the byte order. Packet blocks say at captureOffset how many of their bytes are the packet.
const (
	blockHeadLen  = 12 // also the length of the shortest block
	packetHeadLen = 24
	captureOffset = 20
	packetFixed   = 32 // bytes of a packet block beside packet and options

	blockPacket    = 2 // obsolete
	blockSimple    = 3
	blockEnhanced  = 6
	blockSection   = 0x0A0D0D0A
	byteOrderMark  = 0x1A2B3C4D
	simpleFixed    = 16
	originalOffset = 8
)

// blockReader passes a pcapng file on and checks what pcapgo does not. The end of the file becomes
// io.ErrUnexpectedEOF unless it is the end of a block: pcapgo reports both as io.EOF, so that a capture
// whose writer was killed would look complete. And a packet must lie within its block: pcapgo allocates
// whatever a block claims, up to 4 GiB.
type blockReader struct {
	r     io.Reader
	order binary.ByteOrder
	head  [packetHeadLen]byte
	have  int    // bytes of head
	left  uint32 // bytes of the block behind its head
	err   error
}

func newBlockReader(r io.Reader) *blockReader {
	return &blockReader{r: r, order: binary.LittleEndian}
}

// Read reads from the file. Of a chunk with a bad block it returns what is in front of the block.
func (b *blockReader) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p)
	good, bad := b.walk(p[:n])
	switch {
	case bad != nil:
		b.err = bad
		return good, bad
	case errors.Is(err, io.EOF) && (b.have > 0 || b.left > 0):
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// walk follows the blocks through the bytes that pass. With an error it returns how many of them lie in
// front of the bad block.
func (b *blockReader) walk(p []byte) (good int, err error) {
	start := 0 // of the block whose head is being read
	for at := 0; at < len(p); {
		if b.left > 0 {
			n := int(min(uint64(b.left), uint64(len(p)-at)))
			b.left -= uint32(n)
			at += n
			continue
		}
		if b.have == 0 {
			start = at
		}
		n := copy(b.head[b.have:b.headLen()], p[at:])
		b.have += n
		at += n
		if b.have < b.headLen() {
			continue
		}
		if err := b.begin(); err != nil {
			return start, err
		}
	}
	return len(p), nil
}

// headLen returns how many bytes of the block at hand are looked at, as far as is known of it.
func (b *blockReader) headLen() int {
	if b.have >= blockHeadLen {
		if t := b.order.Uint32(b.head[:]); t == blockEnhanced || t == blockPacket {
			return packetHeadLen
		}
	}
	return blockHeadLen
}

// begin takes the head of a block that is complete.
func (b *blockReader) begin() error {
	head := b.head[:b.have]
	b.have = 0
	if binary.LittleEndian.Uint32(head) == blockSection {
		b.order = binary.LittleEndian
		if binary.BigEndian.Uint32(head[8:]) == byteOrderMark {
			b.order = binary.BigEndian
		}
	}
	kind, length := b.order.Uint32(head), b.order.Uint32(head[4:])
	if length < uint32(len(head)) || length%4 != 0 {
		return fmt.Errorf("pcapng block of type %#x has length %d, accepted are multiples of 4 from %d", kind, length, len(head))
	}
	b.left = length - uint32(len(head))
	fixed, packet := uint32(0), uint32(0)
	switch kind {
	case blockEnhanced, blockPacket:
		fixed, packet = packetFixed, b.order.Uint32(head[captureOffset:])
	case blockSimple:
		fixed, packet = simpleFixed, b.order.Uint32(head[originalOffset:])
	}
	if uint64(packet)+uint64(fixed) > uint64(length) {
		return fmt.Errorf("pcapng packet of %d bytes in a block of %d", packet, length)
	}
	return nil
}
