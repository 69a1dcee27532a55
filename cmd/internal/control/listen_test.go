package control_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
)

// The socket has its mode; one that was left behind is replaced, one that is in use is not, and what is no
// socket is left alone.
func TestListen(t *testing.T) {
	dir := filepath.Join(shortDir(t), "new")
	l := listen(t, dir)
	st, err := os.Stat(control.SocketPath(dir))
	if err != nil || st.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("%v, %v", st, err)
	}
	if _, err := control.Listen(dir, 0o600); err == nil || !strings.Contains(err.Error(), "another daemon") {
		t.Errorf("beside a daemon: %v", err)
	}
	if files, _ := filepath.Glob(dir + "/*"); len(files) != 1 {
		t.Errorf("left in the directory: %q", files)
	}
	l.Close()
	if _, err := os.Stat(control.SocketPath(dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Close: %v", err)
	}

	stale, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: control.SocketPath(dir), Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	l = listen(t, dir)
	os.Remove(control.SocketPath(dir))
	next := listen(t, dir)
	l.Close()
	if _, err := os.Stat(control.SocketPath(dir)); err != nil {
		t.Errorf("the first daemon has removed the socket of the second: %v", err)
	}
	next.Close()

	os.WriteFile(control.SocketPath(dir), []byte("x"), 0o600)
	if _, err := control.Listen(dir, 0o600); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("over a file: %v", err)
	}
	if _, err := control.Listen(filepath.Join(shortDir(t), strings.Repeat("x", 100)), 0o600); err == nil || !strings.Contains(err.Error(), "107") {
		t.Errorf("a long path: %v", err)
	}
}

// Without a daemon users read the sentence that they know (spec 13 §13.4), and why.
func TestNoDaemon(t *testing.T) {
	dir := shortDir(t)
	_, err := control.Dial(context.Background(), dir)
	want := control.NoDaemon + " " + control.SocketPath(dir) + ": no such file or directory"
	if !errors.Is(err, core.ErrIRMD) || err.Error() != want {
		t.Errorf("%v", err)
	}
}
