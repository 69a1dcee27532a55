package local_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/irm"
	"ouroboros/core/pkt"
	"ouroboros/ipcp/local"
	"ouroboros/ipcp/rib"
	"ouroboros/sim"
)

// system is one system with a local layer and a broker.
type system struct {
	t      *testing.T
	w      *sim.World
	env    core.Env
	layer  *local.IPCP
	broker *irm.Broker
}

// newSystem makes a system whose packets must all be released, and whose timers stopped, at the end.
func newSystem(t *testing.T, cfg local.Config) *system {
	t.Helper()
	s := &system{t: t, w: sim.New(1)}
	s.env = s.w.Node("n")
	cfg.Name, cfg.Layer, cfg.Hash = "local.n", "loop", core.SHA3_256
	var err error
	s.layer, err = local.New(s.env.Derive("local"), cfg)
	check(t, err)
	s.broker = irm.New(s.env.Derive("irm"), irm.Config{})
	check(t, s.broker.AddProvider(s.layer))
	t.Cleanup(func() {
		s.env.Post(s.layer.Leave)
		s.run(time.Minute)
		if n := s.w.Pool().Live(); n != 0 {
			t.Errorf("%d packets were not released", n)
		}
		if n := s.w.Pending(); n != 0 {
			t.Errorf("%d events are still to come", n)
		}
		s.w.Close()
	})
	return s
}

func (s *system) run(d time.Duration) { check(s.t, s.w.Run(s.w.Now().Add(d))) }

// do runs fn on the actor, and what follows from it at the same instant.
func (s *system) do(fn func()) {
	s.env.Post(fn)
	s.run(time.Nanosecond)
}

func (s *system) read(path string) string {
	s.t.Helper()
	b, err := rib.Read(s.layer.RIB(), path)
	check(s.t, err)
	return string(b)
}

// flow asks for a flow to a name that the same system listens to.
func (s *system) flow() (client, server core.Flow) {
	s.t.Helper()
	s.do(func() {
		stop, err := s.broker.Listen("service", func(in core.Incoming) {
			var err error
			server, err = in.Accept()
			check(s.t, err)
		})
		check(s.t, err)
		s.broker.Alloc(core.Request{Name: "service", QoS: core.QoSRaw}, func(f core.Flow, err error) {
			check(s.t, err)
			client = f
		})
		s.env.NewTimer(stop).Reset(time.Second)
	})
	s.run(2 * time.Second)
	return client, server
}

// user records what a flow delivers.
type user struct {
	got    []string
	closed error
	onGot  func(p *pkt.Buf)
}

func (u *user) State(bool)       {}
func (u *user) Writable()        {}
func (u *user) Closed(err error) { u.closed = err }

func (u *user) Deliver(p *pkt.Buf) {
	u.got = append(u.got, string(p.Bytes()))
	if u.onGot != nil {
		u.onGot(p)
		return
	}
	p.Release()
}

// A name that is registered on this system is found and a flow to it has both its ends here. SDUs are moved
// unchanged, also those of length 0 (spec 01 §6).
func TestFlowWithinASystem_01_6(t *testing.T) {
	s := newSystem(t, local.Config{})
	a, b := s.flow()
	var from, to user
	var sent *pkt.Buf
	same := false
	to.onGot = func(p *pkt.Buf) { same = same || p == sent; p.Release() }
	s.do(func() {
		a.Attach(&from)
		b.Attach(&to)
		for _, m := range []string{"hello", "", "world"} {
			sent = s.env.Pool.GetCopy(0, []byte(m))
			check(t, a.Write(sent))
		}
	})
	if strings.Join(to.got, "|") != "hello||world" || !same {
		t.Errorf("received %q; the packet itself arrived: %v", to.got, same)
	}
	if i := a.Info(); i.MPL != 100*time.Millisecond || i.Headroom != 0 || i.Layer != "loop" || i.QoS != core.QoSRaw {
		t.Errorf("info %+v", i)
	}
	want := "Flow established at:       2026-01-01 00:00:00 (UTC)\n" +
		"Endpoint:                                    65\n" +
		"Queued packets (rx):                          0\n" +
		"Queued packets (tx):                          0\n" +
		"Sent (packets):                               3\n" +
		"Sent (bytes):                                10\n" +
		"Received (packets):                           0\n" +
		"Received (bytes):                             0\n"
	if got := s.read("flows/64"); got != want {
		t.Errorf("flows/64:\n%swant\n%s", got, want)
	}
	if s.read("info/_state")+s.read("info/_type")+s.read("info/_layer") != "operational\nlocal\nloop\n" {
		t.Error("the info of the layer is wrong")
	}
	s.do(func() { a.Close(0) })
	if !errors.Is(to.closed, core.ErrFlowDown) || from.closed != nil {
		t.Errorf("after the close of one end the users were told %v, %v", from.closed, to.closed)
	}
	if names, _ := rib.List(s.layer.RIB(), "flows"); len(names) != 0 {
		t.Errorf("flows %v are left", names)
	}
}

// A refusal reaches who asked, with its code, at once (D9); so does a name that nobody has registered.
func TestRefusalIsReported_01_D9(t *testing.T) {
	s := newSystem(t, local.Config{})
	var got error
	ask := func(name core.Name) func() {
		return func() {
			r := core.FlowRequest{Hash: core.SHA3_256.Sum(name), QoS: core.QoSRaw}
			s.layer.AllocFlow(r, func(f core.Flow, _ core.FlowReply, err error) { got = err; _ = f })
		}
	}
	s.do(func() {
		_, err := s.broker.Listen("service", func(in core.Incoming) { in.Reject(core.ErrPerm) })
		check(t, err)
	})
	for name, want := range map[core.Name]error{"service": core.ErrPerm, "other": core.ErrName} {
		if got = nil; true {
			s.do(ask(name))
		}
		if !errors.Is(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if !strings.Contains(s.read("stats"), "Flow requests refused:                        1\n") {
		t.Errorf("stats:\n%s", s.read("stats"))
	}
}

// Packets that were written before the writer closed its end are delivered before the other user is told.
func TestCloseComesBehindThePackets(t *testing.T) {
	for _, delay := range []time.Duration{0, time.Millisecond} {
		s := newSystem(t, local.Config{Delay: delay})
		a, b := s.flow()
		var to user
		s.do(func() {
			for i := range 10 {
				check(t, a.Write(s.env.Pool.GetCopy(0, []byte(fmt.Sprint(i)))))
			}
			a.Close(0)
		})
		s.do(func() { b.Attach(&to) })
		s.run(time.Second)
		if strings.Join(to.got, "") != "0123456789" || !errors.Is(to.closed, core.ErrFlowDown) {
			t.Errorf("delay %v: received %q, told %v", delay, to.got, to.closed)
		}
	}
}

// With a delay packets take that long, and two users who always answer let time pass.
func TestDelayLetsTimePass(t *testing.T) {
	s := newSystem(t, local.Config{Delay: 250 * time.Microsecond})
	a, b := s.flow()
	var ua, ub user
	var seen []core.Time
	ua.onGot = func(p *pkt.Buf) { check(t, a.Write(p)) }
	ub.onGot = func(p *pkt.Buf) {
		seen = append(seen, s.w.Now())
		if err := b.Write(p); len(seen) <= 20 {
			check(t, err)
		}
	}
	var start core.Time
	s.do(func() {
		a.Attach(&ua)
		b.Attach(&ub)
		start = s.w.Now()
		check(t, a.Write(s.env.Pool.Get(0, 8)))
	})
	s.run(10 * time.Millisecond)
	if len(seen) != 20 || seen[0].Sub(start) != 250*time.Microsecond || a.Info().Delay != 250*time.Microsecond {
		t.Errorf("%d rounds in 10 ms, the first packet at %v", len(seen), seen[0].Sub(start))
	}
	s.do(func() { a.Close(0) })
}

// A request that is given up leaves nothing: the server's end, if it stands already, is told. An answer
// that comes too late is an error of its caller.
func TestCanceledRequests(t *testing.T) {
	s := newSystem(t, local.Config{})
	var late core.IncomingFlow
	s.layer.OnRequest(func(in core.IncomingFlow) { late = in })
	check(t, s.layer.Register(core.SHA3_256.Sum("x")))
	ask := func() (cancel func()) {
		return s.layer.AllocFlow(core.FlowRequest{Hash: core.SHA3_256.Sum("x")}, func(core.Flow, core.FlowReply, error) {
			t.Error("a canceled request was answered")
		})
	}
	s.do(func() { ask()() })
	if late.Respond != nil {
		t.Fatal("a request that was canceled at once has arrived")
	}
	var cancel func()
	s.do(func() { cancel = ask() })
	s.do(cancel)
	if _, err := late.Respond(0, nil); !errors.Is(err, core.ErrCanceled) {
		t.Errorf("a late answer: %v", err)
	}
	var u user
	s.do(func() { cancel = ask() })
	s.do(func() {
		f, err := late.Respond(0, nil)
		check(t, err)
		f.Attach(&u)
		cancel()
	})
	if !errors.Is(u.closed, core.ErrFlowDown) {
		t.Errorf("the server was told %v", u.closed)
	}
	if _, err := late.Respond(0, nil); !errors.Is(err, core.ErrCanceled) {
		t.Errorf("a second answer: %v", err)
	}
}

// When the layer ends, requests fail, users are told from calls of their own, and nothing works any more.
func TestLeave(t *testing.T) {
	s := newSystem(t, local.Config{})
	a, b := s.flow()
	var ua, ub user
	s.do(func() { a.Attach(&ua); b.Attach(&ub) })
	check(t, s.layer.Register(core.SHA3_256.Sum("x")))
	s.layer.OnRequest(func(core.IncomingFlow) {})
	var first, second error
	ask := func(err *error) {
		s.layer.AllocFlow(core.FlowRequest{Hash: core.SHA3_256.Sum("x")}, func(_ core.Flow, _ core.FlowReply, e error) { *err = e })
	}
	s.do(func() {
		ask(&first)
		s.layer.Leave()
		if ua.closed != nil || first != nil {
			t.Error("told on the stack of Leave")
		}
	})
	s.do(func() { ask(&second) })
	if !errors.Is(ua.closed, core.ErrFlowDown) || !errors.Is(ub.closed, core.ErrFlowDown) {
		t.Errorf("the users were told %v, %v", ua.closed, ub.closed)
	}
	if !errors.Is(first, core.ErrFlowDown) || !errors.Is(second, core.ErrIPCPState) {
		t.Errorf("requests: %v, %v", first, second)
	}
	if !errors.Is(s.layer.Register(core.SHA3_256.Sum("y")), core.ErrIPCPState) || s.read("info/_state") != "shutdown\n" {
		t.Error("the layer still takes names")
	}
}

// The number of flows is bounded: who asks for more is told to try again.
func TestFlowsAreBounded(t *testing.T) {
	s := newSystem(t, local.Config{})
	check(t, s.layer.Register(core.SHA3_256.Sum("x")))
	s.layer.OnRequest(func(in core.IncomingFlow) { _, _ = in.Respond(0, nil) })
	stand, again := 0, 0
	for range local.MaxFlows/2 + 10 {
		s.do(func() {
			s.layer.AllocFlow(core.FlowRequest{Hash: core.SHA3_256.Sum("x")}, func(_ core.Flow, _ core.FlowReply, err error) {
				switch {
				case err == nil:
					stand++
				case errors.Is(err, core.ErrAgain):
					again++
				}
			})
		})
	}
	if stand != local.MaxFlows/2 || again != 10 {
		t.Errorf("%d flows stand, %d were refused", stand, again)
	}
}

func TestBadConfigurations(t *testing.T) {
	for want, cfg := range map[string]local.Config{
		"layer": {}, "hash 5": {Layer: "l", Hash: core.MD5}, "queue of -1": {Layer: "l", Queue: -1}, "delay -1ns": {Layer: "l", Delay: -1},
	} {
		if _, err := local.New(core.Env{}, cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want an error about %q", cfg, err, want)
		}
	}
}

// BenchmarkFlow is one packet from user to user.
func BenchmarkFlow(b *testing.B) {
	w := sim.New(1)
	env := w.Node("n")
	l, err := local.New(env.Derive("local"), local.Config{Layer: "loop", Hash: core.SHA3_256})
	check(b, err)
	h := core.SHA3_256.Sum("x")
	check(b, l.Register(h))
	var client, server core.Flow
	l.OnRequest(func(in core.IncomingFlow) { server, _ = in.Respond(0, nil) })
	l.AllocFlow(core.FlowRequest{Hash: h}, func(f core.Flow, _ core.FlowReply, _ error) { client = f })
	check(b, w.Run(1))
	var u count
	server.Attach(&u)
	b.ReportAllocs()
	for b.Loop() {
		check(b, client.Write(env.Pool.Get(0, 100)))
		check(b, w.Run(w.Now()))
	}
	if u.n == 0 {
		b.Error("nothing arrived")
	}
}

// count is a user that only counts.
type count struct {
	user
	n int
}

func (c *count) Deliver(p *pkt.Buf) { c.n++; p.Release() }
