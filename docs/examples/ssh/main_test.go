package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"ouroboros/docs/examples/exampletest"
	"ouroboros/shim/host/app"
)

// TestCommandsRunByName: SSH on both sides, each with a connection to the daemon of its own.
func TestCommandsRunByName(t *testing.T) {
	dir := exampletest.Daemon(t)
	open := func() *app.Session {
		s, err := app.Open(app.WithDir(dir))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	server, client := open(), open()
	ctx, stop := context.WithCancel(t.Context())
	l, err := server.App().ListenStreamContext(ctx, "shell")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- serve(ctx, l) }()
	for command, want := range map[string]string{"whoami": "guest\n", "hostname": "shell\n", "rm -r": "rm -r: no such command\n"} {
		var out strings.Builder
		err := run(t.Context(), client.App(), "shell", command, &out)
		var status *ssh.ExitError
		if out.String() != want || err != nil && (!errors.As(err, &status) || status.ExitStatus() != 127) {
			t.Errorf("%s: %q, %v", command, out.String(), err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, s := range []*app.Session{server, client} {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
