// Package exampletest gives the examples a system to run on: what irmd does for applications, in the test's process.
package exampletest

import (
	"path/filepath"
	"sync"
	"testing"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/irm"
	"ouroboros/ipcp/local"
	"ouroboros/shim/host"
	"ouroboros/shim/host/app"
)

// Daemon serves applications in a new directory until the end of the test, and returns the directory. They reach each
// other through a layer of this system alone.
func Daemon(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	w := host.New(1)
	env := w.Node("irmd")
	broker := irm.New(env.Derive("irm"), irm.Config{})
	layer, err := local.New(env.Derive("local"), local.Config{Name: "local", Layer: "loop", Hash: core.SHA3_256})
	if err == nil {
		err = broker.AddProvider(layer)
	}
	if err == nil {
		_, err = w.ServeApps(env, filepath.Join(dir, app.Socket), 0o600, broker)
	}
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.Run(clock.Never); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		w.Stop()
		running.Wait()
		w.Close()
	})
	return dir
}
