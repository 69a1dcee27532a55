package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"ouroboros"
	"ouroboros/core"
	"ouroboros/core/irm"
	"ouroboros/docs/examples/exampletest"
	"ouroboros/shim/eth"
	"ouroboros/sim"
)

const want = "time to ask question 2\ntime to ask question 3\ntime to ask question 4\n"

// TestSimulated runs client and server on two systems with 50 ms between them, in no time.
func TestSimulated(t *testing.T) {
	w := sim.New(1)
	defer w.Close()
	envs := [2]core.Env{w.Node("client"), w.Node("server")}
	wire, err := w.Link(core.LinkSpec{Name: "wire", Delay: 50 * time.Millisecond}, envs[0], envs[1])
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]core.Link
	ends[0], ends[1] = wire.Ends()
	var brokers [2]*irm.Broker
	for i, env := range envs {
		layer, err := eth.New(env.Derive("eth"), ends[i], eth.Config{Layer: "lan", Hash: core.SHA3_256})
		if err != nil {
			t.Fatal(err)
		}
		brokers[i] = irm.New(env.Derive("irm"), irm.Config{})
		if err := brokers[i].AddProvider(layer); err != nil {
			t.Fatal(err)
		}
	}
	var serving *ouroboros.App
	w.Go(envs[1], func(b core.Blocker) {
		serving = ouroboros.New(envs[1], brokers[1], b)
		if err := server(serving); err != nil {
			t.Error(err)
		}
	})
	var out strings.Builder
	var took time.Duration
	w.Go(envs[0], func(b core.Blocker) {
		b.Sleep(time.Second)
		if err := client(ouroboros.New(envs[0], brokers[0], b), &out); err != nil {
			t.Error(err)
		}
		took = b.Now().Sub(core.Time(time.Second))
	})
	envs[1].NewTimer(func() { serving.Interrupt() }).Reset(10 * time.Second)
	if err := w.Run(core.Time(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if out.String() != want || took != 3500*time.Millisecond { // two round trips to allocate, and three
		t.Errorf("after %v:\n%s", took, out.String())
	}
}

// TestLive runs the same two over a daemon.
func TestLive(t *testing.T) {
	dir := exampletest.Daemon(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- run(ctx, dir, true, nil) }()
	var out strings.Builder
	var err error
	for range 100 { // until the server listens
		if err = run(t.Context(), dir, false, &out); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil || out.String() != want {
		t.Errorf("%v\n%s", err, out.String())
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
