package ouroboros_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ouroboros"
	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/core/irm"
	"ouroboros/shim/eth"
	"ouroboros/shim/host"
	"ouroboros/sim"
)

// TestMain holds that neither world leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	clients  = 3
	messages = 20
)

// server is a blocking program: it takes the given number of flows, one after the other, and echoes
// what comes on each up to the last message of its client.
func server(app *ouroboros.App, _ core.Blocker) error {
	l, err := app.Listen("echo")
	if err != nil {
		return err
	}
	for range clients {
		f, err := l.Accept()
		if err != nil {
			return err
		}
		buf := make([]byte, 1500)
		for range messages {
			n, err := f.ReadMsg(buf)
			if err != nil {
				return err
			}
			if err := f.WriteMsg(buf[:n]); err != nil {
				return err
			}
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return l.Close()
}

// client is a blocking program: it dials, sends messages of several sizes and checks their echoes.
func client(app *ouroboros.App, b core.Blocker) error {
	b.Sleep(20 * time.Millisecond) // for the server to listen
	for _, q := range []core.QoS{core.QoSRaw, core.QoSBestEffort, core.QoSData}[:clients] {
		f, err := app.Dial("echo", ouroboros.WithQoS(q), ouroboros.WithTimeout(5*time.Second))
		if err != nil {
			return err
		}
		buf := make([]byte, 1500)
		for i := range messages {
			msg := bytes.Repeat([]byte{byte(i)}, 1+i*f.Info().MTU/messages)
			if err := f.WriteMsg(msg); err != nil {
				return err
			}
			f.SetReadDeadline(b.Now().Add(5 * time.Second))
			n, err := f.ReadMsg(buf)
			if err != nil {
				return fmt.Errorf("echo %d: %w", i, err)
			}
			if !bytes.Equal(buf[:n], msg) {
				return fmt.Errorf("echo %d: %d bytes came back of %d", i, n, len(msg))
			}
		}
		if err := f.Close(); err != nil {
			return err
		}
		b.Sleep(time.Millisecond)
	}
	_, err := app.Dial("nobody", ouroboros.WithTimeout(300*time.Millisecond))
	if !errors.Is(err, core.ErrIPCP) && !errors.Is(err, core.ErrTimedOut) {
		return fmt.Errorf("dial of an unknown name: %w, want %w or %w", err, core.ErrIPCP, core.ErrTimedOut)
	}
	return nil
}

// worlds are the two that the same source runs in.
var worlds = map[string]func() coretest.World{
	"simulated": func() coretest.World { return sim.New(1) },
	"live":      func() coretest.World { return host.New(1) },
}

// stacks are what gives the programs their flows, over one end of a link.
var stacks = map[string]func(t *testing.T, env core.Env, link core.Link) core.Allocator{
	"eth-dix": func(t *testing.T, env core.Env, link core.Link) core.Allocator {
		shim, err := eth.New(env.Derive("eth"), link, eth.Config{Layer: "lan", Hash: core.SHA3_256})
		if err != nil {
			t.Fatal(err)
		}
		broker := irm.New(env.Derive("irm"), irm.Config{})
		if err := broker.AddProvider(shim); err != nil {
			t.Fatal(err)
		}
		return broker
	},
	"test layer": func(_ *testing.T, env core.Env, link core.Link) core.Allocator { return coretest.NewLayer(env, link) },
}

// TestOneSourceRunsInBothWorlds runs the two blocking programs in virtual and in real time.
func TestOneSourceRunsInBothWorlds(t *testing.T) {
	for stack, build := range stacks {
		for world, mk := range worlds {
			t.Run(stack+"/"+world, func(t *testing.T) {
				h := coretest.New(t, mk())
				a, b := h.Node("client"), h.Node("server")
				la, lb := h.Wire(core.LinkSpec{Name: "wire", Kind: core.LinkEthernet}, a, b).Ends()
				ended := 0
				start := func(env core.Env, link core.Link, program func(*ouroboros.App, core.Blocker) error) {
					alloc := build(t, env, link)
					h.Go(env, func(blk core.Blocker) {
						if err := program(ouroboros.New(env, alloc, blk), blk); err != nil {
							t.Error(err)
						}
						ended++
					})
				}
				start(b, lb, server)
				start(a, la, client)
				h.Until("both programs have ended", func() bool { return ended == 2 })
				h.Released()
			})
		}
	}
}
