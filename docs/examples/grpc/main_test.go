package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"ouroboros/docs/examples/exampletest"
	"ouroboros/shim/host/app"
)

// TestServiceIsCalledByName: gRPC on both sides over an encrypted flow, each with a connection to the daemon of its own.
func TestServiceIsCalledByName(t *testing.T) {
	dir := exampletest.Daemon(t)
	open := func() *app.Session {
		s, err := app.Open(app.WithDir(dir))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	server, client := open(), open()
	serving, stop := context.WithCancel(t.Context())
	l, err := server.App().ListenStreamContext(serving, "health")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- serve(serving, l) }()
	ctx, end := context.WithTimeout(t.Context(), 20*time.Second)
	defer end()
	for range 3 {
		var out strings.Builder
		if err := ask(ctx, client.App(), "health", &out); err != nil || out.String() != "health is SERVING\n" {
			t.Errorf("%q, %v", out.String(), err)
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
