// Package tooltest runs the programs of tools against each other, in the simulator or live, and returns what they print.
package tooltest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"ouroboros"
	"ouroboros/cmd/internal/tool"
	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/core/irm"
	"ouroboros/ipcp/broadcast"
	"ouroboros/shim/eth"
	"ouroboros/shim/host"
	"ouroboros/sim"
)

// Worlds are the two that every program runs in.
var Worlds = map[string]func() coretest.World{
	"simulated": func() coretest.World { return sim.New(1) },
	"live":      func() coretest.World { return host.New(1) },
}

// Net is two systems on a wire of an Ethernet layer "lan", each with a broker.
type Net struct {
	*coretest.Harness
	t       testing.TB
	Wire    core.Wire
	Systems [2]*System
}

// System is one of them.
type System struct {
	net    *Net
	env    core.Env
	broker *irm.Broker
	pid    int
}

// New makes the two systems.
func New(t *testing.T, w coretest.World, spec core.LinkSpec) *Net {
	t.Helper()
	n := &Net{Harness: coretest.New(t, w), t: t}
	envs := [2]core.Env{n.Node("client"), n.Node("server")}
	spec.Name, spec.Kind = "wire", core.LinkEthernet
	n.Wire = n.Harness.Wire(spec, envs[0], envs[1])
	ends := [2]core.Link{}
	ends[0], ends[1] = n.Wire.Ends()
	config := irm.Config{Register: map[core.Name][]core.Name{member(0): {"lan"}, member(1): {"lan"}}}
	for i, env := range envs {
		shim, err := eth.New(env.Derive("eth"), ends[i], eth.Config{Layer: "lan", Hash: core.SHA3_256})
		if err != nil {
			t.Fatal(err)
		}
		s := &System{net: n, env: env, broker: irm.New(env.Derive("irm"), config), pid: 100}
		n.On(env, func() {
			if err := s.broker.AddProvider(shim); err != nil {
				t.Error(err)
			}
		})
		n.Systems[i] = s
	}
	return n
}

// member is the name of a member of a broadcast layer.
func member(i int) core.Name { return core.Name(fmt.Sprintf("bc%d", i)) }

// Broadcast makes both systems members of a broadcast layer, until the end of the test.
func (n *Net) Broadcast(layer core.Name) {
	n.t.Helper()
	var members [2]*broadcast.IPCP
	for i, s := range n.Systems {
		n.On(s.env, func() {
			m, err := broadcast.New(s.env.Derive("bc"), s.broker, broadcast.Config{
				Name: member(i), Tree: broadcast.TreeConfig{Hello: 50 * time.Millisecond},
			})
			if err == nil {
				err = errors.Join(m.Bootstrap(layer), s.broker.AddProvider(m), m.Serve())
			}
			if err != nil {
				n.t.Fatal(err)
			}
			members[i] = m
		})
	}
	connected := false
	n.On(n.Systems[0].env, func() {
		members[0].Connect(member(1), "lan", broadcast.ConnectOptions{}, func(err error) {
			if err != nil {
				n.t.Error(err)
			}
			connected = true
		})
	})
	n.Until("the members are connected", func() bool { return connected })
	n.Advance(200 * time.Millisecond) // for the tree
	n.t.Cleanup(func() {
		for i, m := range members {
			n.On(n.Systems[i].env, m.Leave)
		}
	})
}

// Bind binds a program to a name.
func (s *System) Bind(program string, name core.Name) {
	s.net.On(s.env, func() {
		if err := s.broker.BindProgram("/usr/bin/"+program, name, false, nil); err != nil {
			s.net.t.Error(err)
		}
	})
}

// Process is a tool that runs, or has run.
type Process struct {
	Out, Err strings.Builder
	Code     int
	Ended    bool
	sys      *System
	app      *ouroboros.App
}

// Start runs a tool with a command line, on this system, from now on.
func (s *System) Start(t *tool.Tool, line string) *Process {
	p := &Process{sys: s, Code: -1}
	s.pid++
	client := s.broker.Attach(irm.Process{PID: s.pid, Program: t.Name})
	s.net.Go(s.env, func(b core.Blocker) {
		open := func(_ context.Context, _, _ string, out io.Writer, program func(*tool.System) error) error {
			p.app = ouroboros.New(s.env, client, b)
			return program(&tool.System{App: p.app, B: b, Wall: s.env.Wall, Out: out})
		}
		p.Code = t.Run(context.Background(), strings.Fields(line), &p.Out, &p.Err, open)
		client.Close()
		p.Ended = true
	})
	return p
}

// Send allocates a raw flow to a name, sends one message on it, and closes it a second later.
func (s *System) Send(name string, message []byte) {
	s.net.Go(s.env, func(b core.Blocker) {
		f, err := ouroboros.New(s.env, s.broker, b).Dial(name)
		if err == nil {
			err = f.WriteMsg(message)
			b.Sleep(time.Second)
			_ = f.Close()
		}
		if err != nil {
			s.net.t.Error(err)
		}
	})
}

// Interrupt ends a tool as Ctrl-C does, after d.
func (p *Process) Interrupt(d time.Duration) {
	env := p.sys.env
	p.sys.net.On(env, func() { env.NewTimer(func() { p.app.Interrupt() }).Reset(d) })
}

// Wait lets time pass until all the tools have ended.
func (n *Net) Wait(ps ...*Process) {
	n.t.Helper()
	for end := n.Now().Add(5 * time.Minute); ; n.Advance(time.Millisecond) {
		all := true
		for _, p := range ps {
			all = all && p.Ended
		}
		if all {
			return
		}
		if n.Now() > end {
			n.t.Fatalf("a tool does not end")
		}
	}
}

var (
	numbers = regexp.MustCompile(`\d+\.\d+|NaN`)
	units   = regexp.MustCompile(`N (ms|µs)`)
)

// Mask writes N for every number with a point, and N t for a time, since these depend on the clock.
func Mask(s string) string { return units.ReplaceAllString(numbers.ReplaceAllString(s, "N"), "N t") }

// Expect holds what a tool has printed, numbers masked, and its exit code.
func (p *Process) Expect(code int, out, errOut string) {
	p.sys.net.t.Helper()
	show := func(what, got, want string) {
		if got = Mask(got); got != strings.TrimPrefix(want, "\n") {
			p.sys.net.t.Errorf("%s is\n%s\nwant\n%s", what, got, want)
		}
	}
	show("the output", p.Out.String(), out)
	show("the error output", p.Err.String(), errOut)
	if p.Code != code {
		p.sys.net.t.Errorf("exit code %d, want %d", p.Code, code)
	}
}

// Lines returns the lines of a text that contain part.
func Lines(text, part string) (lines []string) {
	for l := range strings.Lines(text) {
		if strings.Contains(l, part) {
			lines = append(lines, strings.TrimSuffix(l, "\n"))
		}
	}
	return lines
}

// Documented holds that docs/tools.md has the options of a tool as its help prints them. It is called from the folder of
// the command.
func Documented(t *testing.T, c *tool.Tool) {
	t.Helper()
	page, err := os.ReadFile("../../docs/tools.md")
	if err != nil {
		t.Fatal(err)
	}
	var help strings.Builder
	if code := c.Run(t.Context(), []string{"--help"}, &help, &help, nil); code != tool.Fine {
		t.Fatalf("--help: exit code %d\n%s", code, help.String())
	}
	_, options, _ := strings.Cut(help.String(), "\nFlags:\n")
	if options == "" || !strings.Contains(string(page), strings.TrimSpace(options)) {
		t.Errorf("docs/tools.md does not have the options of %s:\n%s", c.Name, options)
	}
}
