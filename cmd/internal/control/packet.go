package control

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"google.golang.org/protobuf/proto"

	"ouroboros/cmd/internal/control/pb"
)

// Bounds of what travels, in bytes.
const (
	MaxRequest = 256 << 10 // a registration in 128 IPCPs and 128 layers, or a long command line
	MaxReply   = 64 << 20  // a management tree

	// pieceLen is the data in a message of the socket. The kernel takes longer ones, but not however its
	// buffers are set.
	pieceLen = 32 << 10
	// packetLen is the longest message: a piece, its tags and its length.
	packetLen = pieceLen + 16
)

var (
	errMalformed = errors.New("malformed message")
	errTooLong   = errors.New("message too long for the management socket")
)

// send writes a message in pieces.
func send(c net.Conn, m proto.Message, limit int) error {
	data, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	if len(data) > limit {
		return fmt.Errorf("%w: %d bytes, accepted are %d", errTooLong, len(data), limit)
	}
	for {
		n := min(len(data), pieceLen)
		p, err := proto.Marshal(&pb.Piece{Data: data[:n], Last: n == len(data)})
		if err != nil {
			return err
		}
		if _, err := c.Write(p); err != nil {
			return err
		}
		if data = data[n:]; len(data) == 0 {
			return nil
		}
	}
}

// receive reads a message of up to limit bytes. Anything that is none is an errMalformed; io.EOF is the end of
// the connection between two messages. buf has room for a packet.
func receive(c *net.UnixConn, m proto.Message, limit int, buf []byte) error {
	var data []byte
	for first := true; ; first = false {
		n, _, flags, _, err := c.ReadMsgUnix(buf, nil)
		if err != nil {
			return err
		}
		if n == 0 {
			if first {
				return io.EOF
			}
			return io.ErrUnexpectedEOF
		}
		if flags&syscall.MSG_TRUNC != 0 {
			return fmt.Errorf("%w: a packet of more than %d bytes", errMalformed, len(buf))
		}
		var p pb.Piece
		if err := proto.Unmarshal(buf[:n], &p); err != nil {
			return fmt.Errorf("%w: %w", errMalformed, err)
		}
		if len(data)+len(p.Data) > limit {
			return fmt.Errorf("%w: more than %d bytes", errMalformed, limit)
		}
		if !p.Last && len(p.Data) == 0 {
			return fmt.Errorf("%w: a piece without content", errMalformed)
		}
		data = append(data, p.Data...)
		if p.Last {
			break
		}
	}
	if err := proto.Unmarshal(data, m); err != nil {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	return nil
}
