package control_test

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"ouroboros/cmd/internal/control"
	"ouroboros/cmd/internal/control/pb"
)

// patience bounds what should take no time.
const patience = 10 * time.Second

// shortDir is a directory whose path leaves room for that of a socket.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "irm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// serve runs a daemon until the end of the test.
func serve(t testing.TB, s *control.Server) (dir string) {
	t.Helper()
	dir = shortDir(t)
	l, err := control.Listen(dir, control.DefaultMode)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return dir
}

func dial(t testing.TB, dir string) *control.Client {
	t.Helper()
	c, err := control.Dial(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func listen(t *testing.T, dir string) net.Listener {
	t.Helper()
	l, err := control.Listen(dir, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func waitFor(t *testing.T, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never happened")
		}
	}
}

// raw is a connection without a Client.
func raw(t testing.TB, dir string) *net.UnixConn {
	t.Helper()
	c, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: control.SocketPath(dir), Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return c
}

func write(t testing.TB, c net.Conn, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// piece is a message in one piece.
func piece(t testing.TB, m proto.Message) []byte {
	return marshal(t, &pb.Piece{Data: marshal(t, m), Last: true})
}

// readReply reads a reply in one piece.
func readReply(t testing.TB, c net.Conn) *pb.Reply {
	t.Helper()
	buf := make([]byte, 64<<10)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	var p pb.Piece
	var r pb.Reply
	if err := errors.Join(proto.Unmarshal(buf[:n], &p), proto.Unmarshal(p.Data, &r)); err != nil {
		t.Fatal(err)
	}
	return &r
}
