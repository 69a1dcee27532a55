package main

import (
	"context"
	"strings"
	"testing"

	"ouroboros"
	"ouroboros/docs/examples/exampletest"
)

// TestPagesAreServedByName: net/http on both sides, in two processes' places, over one daemon.
func TestPagesAreServedByName(t *testing.T) {
	dir := exampletest.Daemon(t)
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error)
	go func() {
		ended <- with(dir, func(a *ouroboros.App) error {
			l, err := a.ListenStreamContext(ctx, "web")
			close(ready)
			if err != nil {
				return err
			}
			return serve(ctx, l)
		})
	}()
	<-ready
	err := with(dir, func(a *ouroboros.App) error {
		for range 3 {
			var page strings.Builder
			if err := get(t.Context(), a, "web", "/hello", &page); err != nil {
				return err
			}
			if page.String() != "hello from web\n" {
				t.Errorf("%q", page.String())
			}
		}
		if err := get(t.Context(), a, "web", "/none", nil); err == nil || !strings.Contains(err.Error(), "404") {
			t.Errorf("a page that is not there: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
