package ouroboros_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"ouroboros"
	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/shim/host"
	"ouroboros/sim"
)

// pair makes two systems on a wire, in either world.
func pair(t *testing.T, h *coretest.Harness, stack string, spec core.LinkSpec) (envs [2]core.Env, allocs [2]core.Allocator) {
	spec.Name, spec.Kind = "wire", core.LinkEthernet
	envs = [2]core.Env{h.Node("client"), h.Node("server")}
	la, lb := h.Wire(spec, envs[0], envs[1]).Ends()
	allocs[0], allocs[1] = stacks[stack](t, envs[0], la), stacks[stack](t, envs[1], lb)
	return envs, allocs
}

// noise are bytes that tell where they belong.
func noise(n int, seed uint64) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed)})
	_, _ = r.Read(b)
	return b
}

// TestAStreamCarriesBytesOverALossyPath: some megabytes there and back, through losses, duplicates and
// reordering, written and read in pieces that have nothing to do with each other, and then the end of it.
func TestAStreamCarriesBytesOverALossyPath(t *testing.T) {
	t.Run("in clear", func(t *testing.T) { copyBothWays(t) })
	t.Run("encrypted", func(t *testing.T) { copyBothWays(t, ouroboros.WithEncryption()) })
}

func copyBothWays(t *testing.T, opts ...ouroboros.Option) {
	const size = 3 << 20
	lossy := core.LinkSpec{
		Rate: 50e6, Delay: 5 * time.Millisecond, Loss: 0.02, Duplicate: 0.01, Reorder: 0.01, ReorderBy: 3 * time.Millisecond,
	}
	h := coretest.New(t, sim.New(1))
	envs, allocs := pair(t, h, "eth-dix", lossy)
	want := noise(size, 1)
	ended := 0
	program := func(i int, run func(app *ouroboros.App, b core.Blocker) error) {
		h.Go(envs[i], func(b core.Blocker) {
			if err := run(ouroboros.New(envs[i], allocs[i], b), b); err != nil {
				t.Errorf("%s: %v", envs[i].Path, err)
			}
			ended++
		})
	}
	program(1, func(app *ouroboros.App, _ core.Blocker) error {
		l, err := app.ListenStream("copy")
		if err != nil {
			return err
		}
		c, err := l.Accept()
		if err != nil {
			return err
		}
		if i := c.(*ouroboros.Stream).Info(); (i.Cipher != 0) != (len(opts) > 0) {
			t.Errorf("the cipher is %d", i.Cipher)
		}
		got, err := io.ReadAll(c)
		if err != nil || !bytes.Equal(got, want[:size]) {
			return fmt.Errorf("%d bytes of %d, the same: %v: %w", len(got), size, bytes.Equal(got, want), err)
		}
		if _, err := c.Write([]byte("too late")); !errors.Is(err, core.ErrPeerClosed) {
			t.Errorf("Write to a peer that has closed: %v", err)
		}
		_ = c.Close()
		if c, err = l.Accept(); err != nil { // the other direction
			return err
		}
		if n, err := c.Write(want); n != size || err != nil {
			return fmt.Errorf("wrote %d: %w", n, err)
		}
		return errors.Join(c.Close(), l.Close())
	})
	program(0, func(app *ouroboros.App, b core.Blocker) error {
		b.Sleep(20 * time.Millisecond)
		c, err := app.DialStream("copy", opts...)
		if err != nil {
			return err
		}
		pieces := rand.New(rand.NewPCG(1, 1))
		for rest := want; len(rest) > 0; {
			n := min(len(rest), 1+pieces.IntN(20_000))
			if k, err := c.Write(rest[:n]); k != n || err != nil {
				return fmt.Errorf("wrote %d of %d: %w", k, n, err)
			}
			rest = rest[n:]
		}
		_ = c.Close()
		if c, err = app.DialStream("copy", opts...); err != nil {
			return err
		}
		buf := make([]byte, 20_000)
		for at := 0; ; {
			n, err := c.Read(buf[:1+pieces.IntN(len(buf)-1)])
			if !bytes.Equal(buf[:n], want[at:at+n]) {
				return fmt.Errorf("the bytes from %d on are others", at)
			}
			if at += n; errors.Is(err, io.EOF) && at == size {
				break
			}
			if err != nil {
				return fmt.Errorf("after %d bytes: %w", at, err)
			}
		}
		return c.Close()
	})
	h.Until("both programs have ended", func() bool { return ended == 2 })
	h.Advance(10 * time.Second)
	h.Released()
}

// TestStreamsAreNetConns runs the suite that every net.Conn of the standard library passes, on two systems of a live
// world whose streams are used by its goroutines.
func TestStreamsAreNetConns(t *testing.T) {
	for name, c := range map[string]struct {
		stack string
		opts  []ouroboros.Option
	}{
		"test layer":         {stack: "test layer"},
		"eth-dix":            {stack: "eth-dix"},
		"eth-dix, encrypted": {"eth-dix", []ouroboros.Option{ouroboros.WithEncryption()}},
	} {
		t.Run(name, func(t *testing.T) {
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) { return livePipe(t, c.stack, c.opts...) })
		})
	}
}

// livePipe makes a live world and a stream in it.
func livePipe(t *testing.T, stack string, opts ...ouroboros.Option) (c1, c2 net.Conn, stop func(), err error) {
	w := host.New(1)
	h := coretest.New(t, w)
	envs, allocs := pair(t, h, stack, core.LinkSpec{})
	var running sync.WaitGroup
	running.Go(func() { _ = w.Run(core.Time(time.Hour)) })
	stop = func() {
		for _, c := range []net.Conn{c1, c2} {
			if c != nil {
				_ = c.Close()
			}
		}
		w.Stop()
		running.Wait()
	}
	l, err := ouroboros.New(envs[1], allocs[1], w.Caller(envs[1])).ListenStream("conn")
	if err != nil {
		return nil, nil, stop, err
	}
	defer l.Close()
	var dialErr error
	var dialed sync.WaitGroup
	dialed.Go(func() {
		s, err := ouroboros.New(envs[0], allocs[0], w.Caller(envs[0])).DialStream("conn", opts...)
		if dialErr = err; err == nil { // else c1 would be a nil *Stream and not nil
			c1 = s
		}
	})
	c2, err = l.Accept()
	dialed.Wait()
	if s, ok := c2.(*ouroboros.Stream); ok && (s.Info().Cipher != 0) != (len(opts) > 0) {
		t.Errorf("the cipher is %d", s.Info().Cipher)
	}
	return c1, c2, stop, errors.Join(err, dialErr)
}

// TestStreamErrorsAreThoseOfPackageNet holds what programs of the standard library look for.
func TestStreamErrorsAreThoseOfPackageNet(t *testing.T) {
	script(t, func(x *bench) {
		c, err := x.app.DialStream("name")
		if err != nil {
			t.Fatal(err)
		}
		under := x.alloc.flow
		wall := time.Unix(0, x.env.Wall())
		if err := c.SetReadDeadline(wall.Add(3 * time.Second)); err != nil {
			t.Fatal(err)
		}
		_, err = c.Read(make([]byte, 1))
		var op *net.OpError
		var late net.Error
		if !errors.As(err, &op) || op.Op != "read" || !errors.As(err, &late) || !late.Timeout() ||
			!errors.Is(err, os.ErrDeadlineExceeded) || !errors.Is(err, core.ErrTimedOut) || x.b.Now() != core.Time(3*time.Second) {
			t.Errorf("at the deadline: %v at %v", err, x.b.Now())
		}
		under.arrive("a")
		if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after the deadline: %d, %v", n, err)
		}
		if err := c.SetDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(make([]byte, 5)); n != 1 || err != nil {
			t.Errorf("without a deadline: %d, %v", n, err)
		}
		if n, err := c.Write(nil); n != 0 || err != nil || len(under.wrote) != 0 {
			t.Errorf("Write of nothing: %d, %v, sent %q", n, err, under.wrote)
		}
		under.sink.Closed(core.ErrFlowPeer)
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, core.ErrFlowPeer) || !errors.As(err, &op) {
			t.Errorf("a peer that timed out: %v", err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		_, read := c.Read(make([]byte, 1))
		_, write := c.Write([]byte("x"))
		for what, err := range map[string]error{"read": read, "write": write, "close": c.Close(), "deadline": c.SetDeadline(wall)} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s after Close: %v", what, err)
			}
		}
	})
}

// TestAStreamCutsWhatIsWritten: as few messages as the MTU allows, at once, and none larger.
func TestAStreamCutsWhatIsWritten(t *testing.T) {
	script(t, func(x *bench) {
		c, err := x.app.DialStream("name", ouroboros.WithQoS(core.QoSData))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		under := x.alloc.flow
		text := string(noise(2500, 2))
		for _, piece := range []string{text, "a", text[:1000]} {
			if n, err := c.Write([]byte(piece)); n != len(piece) || err != nil {
				t.Fatal(n, err)
			}
		}
		want := []string{text[:1000], text[1000:2000], text[2000:], "a", text[:1000]}
		if fmt.Sprintf("%q", under.wrote) != fmt.Sprintf("%q", want) {
			t.Errorf("%d messages, want %d", len(under.wrote), len(want))
		}
		// A window that closes in the middle: what was taken is told at the deadline.
		under.limit, under.room = true, 2
		if err := c.SetWriteDeadline(time.Unix(0, x.env.Wall()).Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Write([]byte(text)); n != 2000 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("wrote %d, %v; want 2000 and a time-out", n, err)
		}
		under.arrive("ab", "cd", "efg")
		buf := make([]byte, 6)
		if n, err := c.Read(buf); string(buf[:n]) != "abcdef" || err != nil {
			t.Errorf("read %q, %v", buf[:n], err)
		}
		if n, err := c.Read(buf); string(buf[:n]) != "g" || err != nil {
			t.Errorf("read %q, %v", buf[:n], err)
		}
	})
}

// TestAStreamNeedsAReliableFlow, at either end.
func TestAStreamNeedsAReliableFlow(t *testing.T) {
	script(t, func(x *bench) {
		if _, err := x.app.DialStream("name", ouroboros.WithQoS(core.QoSVoice)); !errors.Is(err, core.ErrInvalid) {
			t.Errorf("DialStream for an ordered flow: %v", err)
		}
		f, _ := x.dial()
		if _, err := f.Stream(); !errors.Is(err, core.ErrInvalid) {
			t.Errorf("Stream of a raw flow: %v", err)
		}
		_ = f.Close()
		l, err := x.app.ListenStream("name")
		if err != nil {
			t.Fatal(err)
		}
		in := &fakeIncoming{env: x.env} // raw
		if x.alloc.accept(in); !errors.Is(in.rejected, core.ErrInvalid) {
			t.Errorf("a client that asks for a raw flow is answered %v", in.rejected)
		}
		if err := l.SetDeadline(time.Unix(0, x.env.Wall()).Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Accept(); !errors.Is(err, os.ErrDeadlineExceeded) || x.b.Now() != core.Time(time.Second) {
			t.Errorf("Accept: %v at %v", err, x.b.Now())
		}
		if err := l.Close(); err != nil || l.Addr().String() != "name" || l.Addr().Network() != "ouroboros" {
			t.Errorf("%v, %v", err, l.Addr())
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept after Close: %v", err)
		}
	})
}

// TestAStreamDoesNotAllocate in steady state.
func TestAStreamDoesNotAllocate(t *testing.T) {
	script(t, func(x *bench) {
		c, err := x.app.DialStream("name")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		under := x.alloc.flow
		under.silent = true
		buf := make([]byte, 2500)
		if n := testing.AllocsPerRun(100, func() {
			_, _ = c.Write(buf)
			under.sink.Deliver(x.env.Pool.GetCopy(0, buf[:900]))
			_, _ = c.Read(buf[:500])
			_, _ = c.Read(buf)
		}); n != 0 {
			t.Errorf("%v allocations for a Write and two Reads", n)
		}
	})
}

// TestHTTPRunsOverStreams: what is written for package net runs as it is. Several clients dial at the same time.
func TestHTTPRunsOverStreams(t *testing.T) {
	w := host.New(1)
	h := coretest.New(t, w)
	envs, allocs := pair(t, h, "eth-dix", core.LinkSpec{})
	var running sync.WaitGroup
	running.Go(func() { _ = w.Run(core.Time(time.Hour)) })
	defer running.Wait()
	defer w.Stop()
	l, err := ouroboros.New(envs[1], allocs[1], w.Caller(envs[1])).ListenStream("web")
	if err != nil {
		t.Fatal(err)
	}
	page := noise(300_000, 3)
	server := http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler:           http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(page) }),
	}
	served := make(chan error)
	go func() { served <- server.Serve(l) }()
	app := ouroboros.New(envs[0], allocs[0], w.Caller(envs[0]))
	transport := &http.Transport{DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
		name, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return app.DialStream(name)
	}}
	client := http.Client{Transport: transport, Timeout: 20 * time.Second}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			resp, err := client.Get("http://web/")
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if got, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(got, page) {
				t.Errorf("%d bytes of %d, %v", len(got), len(page), err)
			}
		})
	}
	all.Wait()
	transport.CloseIdleConnections()
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}
