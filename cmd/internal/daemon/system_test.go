package daemon

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/ipcp"
	"ouroboros/shim/host"
)

// newTestSystem returns a system that runs, without sockets.
func newTestSystem(t *testing.T, cfg Config) *System {
	t.Helper()
	goleak.VerifyNone(t)
	w := host.New(1)
	cfg.Dir = t.TempDir()
	cfg = cfg.complete()
	s, err := newSystem(w, &cfg, func(string, []string) error { return core.ErrUnsupp })
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() {
		ran <- w.Run(clock.Never)
		close(s.ended)
	}()
	t.Cleanup(func() {
		_ = s.call(func() error {
			for _, m := range slices.Backward(slices.Clone(s.members)) {
				m.destroy()
			}
			return nil
		})
		s.until(time.Second, func() bool { return s.env.Pool.Live() == 0 })
		w.Close()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		if n := w.Pool().Live(); n != 0 {
			t.Errorf("%d buffers were not returned", n)
		}
		goleak.VerifyNone(t)
	})
	return s
}

// must fails the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// boot makes an IPCP and bootstraps it.
func boot(t *testing.T, s *System, kind core.LayerKind, name, layer string, edit func(*control.BootstrapConfig)) {
	t.Helper()
	b := control.DefaultBootstrap(kind, layer)
	b.Autobind = kind == core.KindUnicast || kind == core.KindBroadcast
	if edit != nil {
		edit(&b)
	}
	must(t, s.CreateIPCP(t.Context(), name, kind))
	must(t, s.Bootstrap(t.Context(), name, b))
}

// states returns what ListIPCPs says, one word for each IPCP.
func states(t *testing.T, s *System) string {
	t.Helper()
	l, err := s.ListIPCPs(t.Context())
	must(t, err)
	var out []string
	for _, i := range l {
		out = append(out, i.Name+"="+control.KindWord(i.Kind)+","+i.State.String()+","+i.Layer)
	}
	return strings.Join(out, " ")
}

// TestUnicastOverLocal is tutorial 2 of spec 15 §15.2 up to its list of IPCPs: one IPCP makes a layer and
// another enrolls with it, over a local layer, and connects.
func TestUnicastOverLocal(t *testing.T) {
	s := newTestSystem(t, Config{})
	ctx := t.Context()
	boot(t, s, core.KindLocal, "local-ipcp", "local-layer", nil)
	boot(t, s, core.KindUnicast, "uni-1", "unicast-layer", nil)
	must(t, s.Register(ctx, "uni-1", nil, []string{"local-layer"}))
	must(t, s.Register(ctx, "unicast-layer", []string{"local-*"}, nil))
	must(t, s.CreateIPCP(ctx, "uni-2", core.KindUnicast))
	must(t, s.Enroll(ctx, "uni-2", control.EnrollConfig{Layer: "unicast-layer", Autobind: true}))
	must(t, s.Connect(ctx, "uni-2", control.ConnectConfig{Dst: "uni-1"}))
	want := "local-ipcp=local,operational,local-layer uni-1=unicast,operational,unicast-layer uni-2=unicast,operational,unicast-layer"
	if got := states(t, s); got != want {
		t.Errorf("IPCPs\n%s\nwant\n%s", got, want)
	}
	names, err := s.ListNames(ctx)
	must(t, err)
	var got []string
	for _, n := range names {
		got = append(got, n.Name+":"+strings.Join(n.IPCPs, "+")+":"+strings.Join(n.Layers, "+"))
	}
	wantNames := []string{"uni-1:uni-1:local-layer", "uni-2:uni-2:", "unicast-layer:uni-1+uni-2:local-layer"}
	if !slices.Equal(got, wantNames) {
		t.Errorf("names %q, want %q", got, wantNames)
	}
	neighbours := func() (out []string) {
		must(t, s.call(func() error {
			for _, x := range s.samples() {
				if x.metric == "neighbours" {
					out = append(out, string(x.ipcp.name)+"="+string(rune('0'+x.value)))
				}
			}
			return nil
		}))
		return out
	}
	if n := neighbours(); !slices.Equal(n, []string{"uni-1=1", "uni-2=1"}) {
		t.Errorf("neighbours %v", n)
	}
	must(t, s.Disconnect(ctx, "uni-2", "uni-1", ipcp.Both))
	must(t, s.Connect(ctx, "uni-2", control.ConnectConfig{Dst: "uni-1"}))
	if n := neighbours(); !slices.Contains(n, "uni-2=1") {
		t.Errorf("neighbours %v after disconnect and connect", n)
	}
}

// TestRulesOfStates: bootstrap and enroll are accepted in state boot only (spec 13 §13.2), and each error says
// what is wrong.
func TestRulesOfStates(t *testing.T) {
	s := newTestSystem(t, Config{})
	ctx := t.Context()
	boot(t, s, core.KindLocal, "l", "low", nil)
	boot(t, s, core.KindUnicast, "u", "net", nil)
	boot(t, s, core.KindBroadcast, "b", "cast", nil)
	must(t, s.CreateIPCP(ctx, "new", core.KindUnicast))
	again := func(kind core.LayerKind, name, layer string) func() error {
		return func() error { return s.Bootstrap(ctx, name, control.DefaultBootstrap(kind, layer)) }
	}
	for _, c := range []struct {
		what string
		do   func() error
		code core.Code
		says string
	}{
		{"an IPCP twice", func() error { return s.CreateIPCP(ctx, "u", core.KindUnicast) }, core.ErrInvalid, `"u" exists`},
		{"an IPCP without a name", func() error { return s.CreateIPCP(ctx, "", core.KindUnicast) }, core.ErrInvalid, "1 to 255"},
		{"an unknown kind", func() error { return s.CreateIPCP(ctx, "x", 9) }, core.ErrIPCPType, "6 (udp6)"},
		{"bootstrap of nobody", again(core.KindUnicast, "nobody", "n"), core.ErrIPCP, `"nobody" does not exist`},
		{"bootstrap twice", again(core.KindUnicast, "u", "other"), core.ErrIPCPState, `in layer "net"`},
		{"bootstrap as another kind", again(core.KindLocal, "u", "other"), core.ErrIPCPType, "is of type unicast"},
		{"a layer twice", again(core.KindUnicast, "new", "cast"), core.ErrInvalid, `layer "cast" on this system, that of IPCP "b"`},
		{"a layer without a name", again(core.KindUnicast, "new", ""), core.ErrInvalid, "1 to 255"},
		{"an unknown policy", func() error {
			b := control.DefaultBootstrap(core.KindUnicast, "n")
			b.Policies = map[string]control.Policy{"routing": {Name: "rip"}}
			return s.Bootstrap(ctx, "new", b)
		}, core.ErrInvalid, `"rip"`},
		{"enroll of a local IPCP", func() error { return s.Enroll(ctx, "l", control.EnrollConfig{Layer: "x"}) }, core.ErrUnsupp, "is of type local"},
		{"enroll twice", func() error { return s.Enroll(ctx, "u", control.EnrollConfig{Layer: "x"}) }, core.ErrIPCPState, `in layer "net"`},
		{"enroll with nothing", func() error { return s.Enroll(ctx, "new", control.EnrollConfig{}) }, core.ErrInvalid, "neither"},
		{"connect out of any layer", func() error { return s.Connect(ctx, "new", control.ConnectConfig{Dst: "u"}) }, core.ErrIPCPState, "in no layer"},
		{"an unknown QoS", func() error { return s.Connect(ctx, "u", control.ConnectConfig{Dst: "u", QoS: "gold"}) }, core.ErrInvalid, "voice"},
		{"management of a broadcast layer", func() error {
			return s.Connect(ctx, "b", control.ConnectConfig{Dst: "u", Components: ipcp.Mgmt})
		}, core.ErrUnsupp, "mgmt"},
		{"a register nowhere", func() error { return s.Register(ctx, "n", nil, []string{"nolayer"}) }, core.ErrIPCP, "nolayer"},
		{"a register in a broadcast layer", func() error { return s.Register(ctx, "n", nil, []string{"cast"}) }, core.ErrIPCP, "cast"},
		{"a bind of a local IPCP", func() error { return s.BindIPCP(ctx, "l", "n") }, core.ErrUnsupp, "is of type local"},
		{"an unbind of what is not bound", func() error { return s.UnbindIPCP(ctx, "u", "n") }, core.ErrName, "not bound"},
		{"impairments of a router", func() error { return s.Shape(ctx, "u", core.LinkSpec{}, core.LinkSpec{}) }, core.ErrUnsupp, "no link"},
		{"auto start of a file that is none", func() error { return s.BindProgram(ctx, "/nowhere/at/all", "n", true, nil) }, core.ErrInvalid, "no such file"},
		{"a bind of a process that is none", func() error { return s.BindProcess(ctx, -3, "n") }, core.ErrInvalid, "-3"},
		{"a name with files that are not there", func() error {
			return s.CreateName(ctx, "n", control.NameConfig{ServerEnc: "/nowhere/enc.conf"})
		}, core.ErrInvalid, "/nowhere/enc.conf"},
		{"a part of the tree that is none", func() error { _, err := s.RIB(ctx, "u/nothing"); return err }, core.ErrName, "u/nothing"},
	} {
		err := c.do()
		if !errors.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want one of code %v that says %q", c.what, err, c.code, c.says)
		}
	}
	if got, want := states(t, s), "l=local,operational,low u=unicast,operational,net new=unicast,boot, b=broadcast,operational,cast"; got != want {
		t.Errorf("afterwards %s, want %s", got, want)
	}
	must(t, s.DestroyIPCP(ctx, "nobody")) // a success: spec 13 §13.4
	must(t, s.Disconnect(ctx, "u", "nobody", ipcp.Both))
}

// TestEnrollIsCanceled: by its client, and by the end of its IPCP, which can enroll again in the first case.
func TestEnrollIsCanceled(t *testing.T) {
	s := newTestSystem(t, Config{})
	boot(t, s, core.KindLocal, "l", "low", nil)
	must(t, s.CreateIPCP(t.Context(), "u", core.KindUnicast))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := s.Enroll(ctx, "u", control.EnrollConfig{Layer: "nowhere"})
	if !errors.Is(err, core.ErrTimedOut) || time.Since(began) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	if got := states(t, s); !strings.Contains(got, "u=unicast,boot,") {
		t.Errorf("afterwards %s", got)
	}
	over := make(chan error, 1)
	go func() { over <- s.Enroll(t.Context(), "u", control.EnrollConfig{Layer: "nowhere"}) }()
	s.until(5*time.Second, func() bool { m := s.find("u"); return m != nil && m.state() == ipcp.Init })
	if err := s.Enroll(t.Context(), "u", control.EnrollConfig{Layer: "nowhere"}); !errors.Is(err, core.ErrIPCPState) || !strings.Contains(err.Error(), "state init") {
		t.Errorf("a second one beside it: %v", err)
	}
	must(t, s.DestroyIPCP(t.Context(), "u"))
	select {
	case err := <-over:
		if !errors.Is(err, core.ErrIPCPState) {
			t.Errorf("destroyed while enrolling: %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("destroyed while enrolling: it goes on")
	}
}

// TestWrongLayerIsNotJoined: a layer found under another name than the one asked for is left again (spec 13
// §13.4), and the IPCP can enroll elsewhere.
func TestWrongLayerIsNotJoined(t *testing.T) {
	s := newTestSystem(t, Config{})
	ctx := t.Context()
	boot(t, s, core.KindUnicast, "u1", "net", nil)
	boot(t, s, core.KindBroadcast, "b1", "cast", nil)
	must(t, s.CreateIPCP(ctx, "u2", core.KindUnicast))
	err := s.Enroll(ctx, "u2", control.EnrollConfig{Layer: "other", Dst: "u1"})
	if !errors.Is(err, core.ErrName) || !strings.Contains(err.Error(), `"net", not "other"`) {
		t.Errorf("%v", err)
	}
	must(t, s.Enroll(ctx, "u2", control.EnrollConfig{Layer: "net", Dst: "u1"}))
	must(t, s.CreateIPCP(ctx, "u3", core.KindUnicast))
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := s.Enroll(ctx, "u3", control.EnrollConfig{Dst: "b1"}); !errors.Is(err, ipcp.ErrConfig) {
		t.Errorf("a layer of another kind: %v", err)
	}
}

// TestConnectThatFailsLeavesNothing: what was asked for is given up, and can be asked for again.
func TestConnectThatFailsLeavesNothing(t *testing.T) {
	s := newTestSystem(t, Config{})
	boot(t, s, core.KindUnicast, "u", "net", nil)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	for range 2 {
		if err := s.Connect(ctx, "u", control.ConnectConfig{Dst: "nobody"}); !errors.Is(err, core.ErrTimedOut) {
			t.Errorf("%v", err)
		}
		must(t, s.call(func() error {
			if n := len(s.find("u").links); n != 0 {
				t.Errorf("%d connections are wanted", n)
			}
			return nil
		}))
	}
}

// TestTreeOfTheSystem: every IPCP has its part, with state, type and layer (spec 13 §13.9).
func TestTreeOfTheSystem(t *testing.T) {
	s := newTestSystem(t, Config{})
	boot(t, s, core.KindLocal, "a/b", "low", nil)
	must(t, s.CreateIPCP(t.Context(), "shim", core.KindUDP4))
	all, err := s.RIB(t.Context(), "")
	must(t, err)
	if !slices.IsSortedFunc(all, func(a, b control.RIBEntry) int { return strings.Compare(a.Path, b.Path) }) {
		t.Error("not sorted")
	}
	content := map[string]string{}
	for _, e := range all {
		content[e.Path] = string(e.Content)
	}
	for path, want := range map[string]string{
		"a%2fb/info/_state": "operational\n", "a%2fb/info/_type": "local\n", "a%2fb/info/_layer": "low\n",
		"shim/info/_state": "boot\n", "shim/info/_type": "udp4\n", "shim/info/_layer": "(null)\n",
	} {
		if content[path] != want {
			t.Errorf("%s: %q, want %q", path, content[path], want)
		}
	}
	part, err := s.RIB(t.Context(), "/shim/info/")
	must(t, err)
	if len(part) != 3 || part[0].Path != "shim/info/_layer" {
		t.Errorf("a part: %v", part)
	}
	one, err := s.RIB(t.Context(), "shim/info/_state")
	must(t, err)
	if len(one) != 1 || one[0].Path != "shim/info/_state" {
		t.Errorf("a file: %v", one)
	}
}

// TestPatternsOfRegister: "*" stands for any characters (spec 13 §13.4).
func TestPatternsOfRegister(t *testing.T) {
	for _, c := range []struct {
		pattern, word string
		want          bool
	}{
		{"eth", "eth", true},
		{"eth", "eth1", false},
		{"eth*", "eth1", true},
		{"*", "", true},
		{"*", "x", true},
		{"*h1", "eth1", true},
		{"e*h*1", "eth1", true},
		{"e*h*1", "eh1", true},
		{"a*a", "a", false},
		{"a**b", "ab", true},
		{"*b*", "abc", true},
		{"*d*", "abc", false},
		{"e?h", "eth", false},
	} {
		if glob(c.pattern, c.word) != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.word, !c.want)
		}
	}
}
