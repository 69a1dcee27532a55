package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"ouroboros/cmd/internal/control"
	"ouroboros/cmd/internal/control/controltest"
	"ouroboros/cmd/internal/scripttest"
	"ouroboros/core"
)

func TestMain(m *testing.M) {
	// Under the race detector a program waits a second before it ends, unless told not to.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	testscript.Main(m, map[string]func(){"irm": main})
}

// fakeDaemon runs a daemon without a network and returns its directory.
func fakeDaemon() (f *controltest.Fake, dir string, stop func(), err error) {
	dir, err = os.MkdirTemp("", "irm")
	if err != nil {
		return nil, "", nil, err
	}
	l, err := control.Listen(dir, control.DefaultMode)
	if err != nil {
		os.RemoveAll(dir)
		return nil, "", nil, err
	}
	f = &controltest.Fake{
		Tree: []control.RIBEntry{
			{Path: "uni1/info/_layer", Content: []byte("net\n")},
			{Path: "uni1/info/_state", Content: []byte("operational\n")},
			{Path: "uni2/dt.1/64", Content: []byte("a: 1\nb: 2\n")},
		},
		Counters: []control.Counter{{Name: "flows", Value: 3}, {Name: "dropped.ttl", Value: 0}},
	}
	s := &control.Server{Handler: f}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	return f, dir, func() {
		s.Close()
		<-done
		os.RemoveAll(dir)
	}, nil
}

// bench is a daemon and what irm says to it.
type bench struct {
	*controltest.Fake
	dir string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	f, dir, stop, err := fakeDaemon()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	t.Setenv(control.DirVariable, dir)
	return &bench{f, dir}
}

// irm runs a command line.
func irm(args ...string) (code int, stdout, stderr string) {
	var o, e strings.Builder
	code = run(context.Background(), args, &o, &e)
	return code, o.String(), e.String()
}

// must runs command lines that have to succeed without a word.
func must(t *testing.T, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if code, out, err := irm(strings.Fields(l)...); code != 0 || out != "" || err != "" {
			t.Fatalf("irm %s: exit %d\n%s%s", l, code, out, err)
		}
	}
}

// Scripts in testdata/script run the program itself against a daemon without a network.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			f, dir, stop, err := fakeDaemon()
			if err != nil {
				return err
			}
			e.Defer(stop)
			e.Setenv(control.DirVariable, dir)
			e.Setenv("GORACE", os.Getenv("GORACE"))
			e.Values[fakeKey{}] = f
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"calls": calls, "fails": fails, "exits": scripttest.Exits},
	})
}

type fakeKey struct{}

func fakeOf(ts *testscript.TestScript) *controltest.Fake {
	return ts.Value(fakeKey{}).(*controltest.Fake)
}

// calls prints what the daemon was told since the last time.
func calls(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: calls")
	}
	for _, c := range fakeOf(ts).Calls() {
		fmt.Fprintln(ts.Stdout(), c)
	}
}

// fails BEGIN CODE lets calls fail that begin so; without arguments none does.
func fails(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		fakeOf(ts).SetFail(nil)
		return
	}
	if neg || len(args) != 2 {
		ts.Fatalf("usage: fails [begin code]")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	fakeOf(ts).SetFail(func(_ context.Context, call string) error {
		if strings.HasPrefix(call, args[0]) {
			return fmt.Errorf("%w: for the test", core.Code(n))
		}
		return nil
	})
}
