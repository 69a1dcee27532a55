package irm_test

import (
	"errors"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/core/irm"
	"ouroboros/frcp"
	"ouroboros/sim"
)

// alone is a system without any layer.
type alone struct {
	t   *testing.T
	w   *sim.World
	env core.Env
	b   *irm.Broker
	ran []string
}

func newAlone(t *testing.T, cfg irm.Config) *alone {
	t.Helper()
	s := &alone{t: t, w: sim.New(1)}
	s.env = s.w.Node("n")
	cfg.Direct, cfg.Explicit = true, true
	cfg.Spawn = func(program string, _ []string) error { s.ran = append(s.ran, program); return nil }
	s.b = irm.New(s.env.Derive("irm"), cfg)
	t.Cleanup(func() {
		s.run(time.Minute)
		if n, p := s.w.Pending(), s.w.Pool().Live(); n != 0 || p != 0 || s.b.Pending() != 0 {
			t.Errorf("%d events, %d packets, %d requests left", n, p, s.b.Pending())
		}
	})
	return s
}

func (s *alone) run(d time.Duration) {
	s.t.Helper()
	if err := s.w.Run(s.w.Now().Add(d)); err != nil {
		s.t.Fatal(err)
	}
}

// ask allocates and returns what came of it and when.
func (s *alone) ask(a core.Allocator, r core.Request) (f core.Flow, at time.Duration, err error) {
	s.t.Helper()
	start, calls := s.w.Now(), 0
	a.Alloc(r, func(got core.Flow, e error) { f, err, at, calls = got, e, s.w.Now().Sub(start), calls+1 })
	if calls != 0 {
		s.t.Error("done on the stack of Alloc")
	}
	s.run(30 * time.Second)
	if calls != 1 {
		s.t.Errorf("done was called %d times", calls)
	}
	return f, at, err
}

// accept listens for one process and keeps the flows.
func (s *alone) accept(a core.Allocator, n core.Name) (flows *[]core.Flow) {
	s.t.Helper()
	flows = new([]core.Flow)
	_, err := a.Listen(n, func(in core.Incoming) {
		f, err := in.Accept()
		if err != nil {
			s.t.Error(err)
			return
		}
		*flows = append(*flows, f)
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return flows
}

// directFlow sets up a flow between two processes of one system, with or without the end-to-end protocol on it.
func directFlow(t *testing.T, qos core.QoS) coretest.Connect {
	return func(h *coretest.Harness, _ core.LinkSpec) coretest.Pair {
		env := h.Node("n")
		b := irm.New(env.Derive("irm"), irm.Config{Direct: true, DirectQueue: 64})
		reliable := qos.Mode() == core.ModeReliable
		p := coretest.Pair{Env: [2]core.Env{env, env}, Routed: true, Masks: reliable}
		p.Flow = coretest.Establish(h, p.Env, b.Attach(irm.Process{PID: 1}), b.Attach(irm.Process{PID: 2}), qos)
		for i := range p.Flow {
			if reliable {
				h.On(env, func() {
					e, err := frcp.Wrap(env.Derive("frcp"), p.Flow[i])
					if err != nil {
						t.Error(err)
						return
					}
					p.Flow[i] = e
				})
			}
		}
		return p
	}
}

// TestDirectFlowsConform holds direct flows to the rules of core.Flow (spec 13 §13.6: FRCP works unchanged on them).
func TestDirectFlowsConform(t *testing.T) {
	mk := func(*testing.T) coretest.World { return sim.New(1) }
	t.Run("raw", func(t *testing.T) { coretest.TestFlow(t, mk, directFlow(t, core.QoSRaw)) })
	t.Run("data", func(t *testing.T) { coretest.TestFlow(t, mk, directFlow(t, core.QoSData)) })
}

// A name that somebody on the same system listens to is served without a layer and without a wait; OAP runs as
// usual, MPL is 1 ms, the QoS is the one asked for (spec 13 §13.3 D, §13.6).
func TestDirectFlow_13_6(t *testing.T) {
	s := newAlone(t, irm.Config{})
	server, client := s.b.Attach(irm.Process{PID: 1}), s.b.Attach(irm.Process{PID: 2})
	got := s.accept(server, "srv")
	f, at, err := s.ask(client, core.Request{Name: "srv", QoS: core.QoSVoice})
	if err != nil || at != 0 || len(*got) != 1 {
		t.Fatalf("%v after %v, %d flows at the server", err, at, len(*got))
	}
	want := core.FlowInfo{MTU: 65535, QoS: core.QoSVoice, MPL: time.Millisecond, EID: 64}
	if i := f.Info(); i != want {
		t.Errorf("%+v, want %+v", i, want)
	}
	if o, r := s.b.Handshakes(); o.Accepted != 1 || r.Accepted != 1 {
		t.Errorf("handshakes %+v, %+v", o, r)
	}
	if st := s.b.Stats(); st.Direct != 1 || st.DirectOpen != 2 {
		t.Errorf("%+v", st)
	}
	(*got)[0].Close(0)
	if err := f.Write(s.env.Pool.Get(0, 1)); !errors.Is(err, core.ErrFlowDown) {
		t.Errorf("write to who has gone: %v", err)
	}
	f.Close(0)
	if st := s.b.Stats(); st.DirectOpen != 0 {
		t.Errorf("%+v", st)
	}
}

// A refusal reaches who asked, and so does the silence of the listener; neither goes on to the layers, which would
// find the same listener.
func TestRefusalOfADirectFlow(t *testing.T) {
	s := newAlone(t, irm.Config{})
	server := s.b.Attach(irm.Process{PID: 1})
	for n, accept := range map[core.Name]func(core.Incoming){
		"refuses": func(in core.Incoming) { in.Reject(core.ErrPerm) },
		"silent":  func(core.Incoming) {},
	} {
		if _, err := server.Listen(n, accept); err != nil {
			t.Fatal(err)
		}
	}
	if _, at, err := s.ask(s.b, core.Request{Name: "refuses"}); !errors.Is(err, core.ErrPerm) || at != 0 {
		t.Errorf("%v after %v", err, at)
	}
	if _, at, err := s.ask(s.b, core.Request{Name: "silent"}); !errors.Is(err, core.ErrTimedOut) || at != time.Second {
		t.Errorf("%v after %v", err, at)
	}
	if _, at, err := s.ask(s.b, core.Request{Name: "silent", Timeout: time.Millisecond}); !errors.Is(err, core.ErrTimedOut) || at != time.Millisecond {
		t.Errorf("%v after %v", err, at)
	}
	if _, _, err := s.ask(s.b, core.Request{Name: "refuses", Layer: "net"}); !errors.Is(err, core.ErrName) {
		t.Errorf("%v: a layer was asked for", err)
	}
}

// Direct flows stand between privileged processes, or those of one user; others go through a layer (spec 13 §13.6).
func TestClassesOfPrivilege_13_6(t *testing.T) {
	group := func(p irm.Process) bool { return p.UID == 0 || p.GID == 77 }
	for _, c := range []struct {
		what           string
		server, client irm.Process
		privileged     func(irm.Process) bool
		direct         bool
	}{
		{"both root", irm.Process{}, irm.Process{}, nil, true},
		{"root and user", irm.Process{}, irm.Process{UID: 1000}, nil, false},
		{"one user", irm.Process{UID: 1000}, irm.Process{UID: 1000}, nil, true},
		{"two users", irm.Process{UID: 1000}, irm.Process{UID: 1001}, nil, false},
		{"two of the group", irm.Process{UID: 1000, GID: 77}, irm.Process{UID: 1001, GID: 77}, group, true},
		{"the group and root", irm.Process{UID: 1000, GID: 77}, irm.Process{}, group, true},
		{"the group and a user", irm.Process{UID: 1000, GID: 77}, irm.Process{UID: 1001, GID: 78}, group, false},
	} {
		s := newAlone(t, irm.Config{Privileged: c.privileged})
		got := s.accept(s.b.Attach(c.server), "srv")
		f, _, err := s.ask(s.b.Attach(c.client), core.Request{Name: "srv"})
		if c.direct != (err == nil) || !c.direct && !errors.Is(err, core.ErrName) {
			t.Errorf("%s: %v", c.what, err)
		}
		if f != nil {
			f.Close(0)
			(*got)[0].Close(0)
		}
	}
}

// Of several listeners the one gets the request with whom who asks can have a direct flow.
func TestDirectFlowToTheListenerOfTheSameUser_13_6(t *testing.T) {
	s := newAlone(t, irm.Config{})
	root := s.accept(s.b.Attach(irm.Process{PID: 1}), "srv")
	user := s.accept(s.b.Attach(irm.Process{PID: 2, UID: 1000}), "srv")
	for range 3 {
		f, _, err := s.ask(s.b.Attach(irm.Process{PID: 3, UID: 1000}), core.Request{Name: "srv"})
		if err != nil {
			t.Fatal(err)
		}
		f.Close(0)
	}
	if len(*root) != 0 || len(*user) != 3 {
		t.Errorf("%d flows to root, %d to the user", len(*root), len(*user))
	}
	for _, f := range *user {
		f.Close(0)
	}
}

// A name that is bound with auto start and known nowhere else is started, at once (spec 13 §13.1, §13.3 D); who asks
// waits a second for it. A name that nobody knows fails at once.
func TestAutoStartForALocalRequest_13_3(t *testing.T) {
	s := newAlone(t, irm.Config{})
	if err := s.b.BindProgram("/bin/srv", "srv", true, nil); err != nil {
		t.Fatal(err)
	}
	if _, at, err := s.ask(s.b, core.Request{Name: "srv"}); !errors.Is(err, core.ErrName) || at != time.Second || len(s.ran) != 1 {
		t.Errorf("%v after %v, started %q", err, at, s.ran)
	}
	if _, at, err := s.ask(s.b, core.Request{Name: "nobody"}); !errors.Is(err, core.ErrIPCP) || at != 0 {
		t.Errorf("%v after %v", err, at)
	}
	var got *[]core.Flow
	s.env.NewTimer(func() { got = s.accept(s.b.Attach(irm.Process{PID: 9, Program: "srv"}), "") }).Reset(300 * time.Millisecond)
	f, at, err := s.ask(s.b, core.Request{Name: "srv"})
	if err != nil || at != 300*time.Millisecond || len(s.ran) != 2 {
		t.Fatalf("%v after %v, started %q", err, at, s.ran)
	}
	f.Close(0)
	(*got)[0].Close(0)
}

// Who gives up before the answer leaves nothing, whenever that is; a listener that answers later learns it.
func TestCancelOfADirectRequest(t *testing.T) {
	s := newAlone(t, irm.Config{})
	var held []core.Incoming
	if _, err := s.b.Attach(irm.Process{PID: 1}).Listen("srv", func(in core.Incoming) { held = append(held, in) }); err != nil {
		t.Fatal(err)
	}
	told := func(core.Flow, error) { t.Error("who had given up was told") }
	s.b.Alloc(core.Request{Name: "srv"}, told)() // before it has arrived
	cancel := s.b.Alloc(core.Request{Name: "srv"}, told)
	s.run(time.Millisecond)
	cancel() // in the hands of the listener
	if _, err := held[0].Accept(); !errors.Is(err, core.ErrCanceled) || len(held) != 1 || s.b.Pending() != 0 {
		t.Errorf("%v, %d were handed over, %d wait", err, len(held), s.b.Pending())
	}
	cancel = s.b.Alloc(core.Request{Name: "srv"}, told)
	s.run(time.Millisecond)
	f, err := held[1].Accept()
	if err != nil {
		t.Fatal(err)
	}
	cancel() // the answer is on its way
	var u heard
	f.Attach(&u)
	s.run(time.Millisecond)
	if st := s.b.Stats(); st.DirectOpen != 0 {
		t.Errorf("%+v", st)
	}
}

// What is demanded of flows holds for direct ones too: the handshake runs, and keys are agreed on (spec 13 §13.6).
func TestDirectFlowsAreEncrypted_13_6(t *testing.T) {
	s := newAlone(t, irm.Config{Security: irm.Security{Force: true}})
	got := s.accept(s.b.Attach(irm.Process{PID: 1}), "srv")
	f, _, err := s.ask(s.b.Attach(irm.Process{PID: 2}), core.Request{Name: "srv", QoS: core.QoSData})
	if err != nil {
		t.Fatal(err)
	}
	p := pair{t: t, w: s.w, env: [2]core.Env{s.env, s.env}}
	if f.Info().Cipher == 0 {
		t.Error("in clear")
	}
	p.talk(f, (*got)[0])
}

// An IPCP that serves the name of its layer does not find itself under it: to it the name is one that nobody on this
// system has.
func TestIPCPDoesNotReachItself(t *testing.T) {
	s := newAlone(t, irm.Config{})
	one := s.b.Attach(irm.Process{PID: 1, IPCP: "uni1"})
	s.accept(one, "net")
	if _, _, err := s.ask(one, core.Request{Name: "net"}); !errors.Is(err, core.ErrIPCP) {
		t.Error(err)
	}
	other := s.accept(s.b.Attach(irm.Process{PID: 1, IPCP: "uni2"}), "net")
	for range 2 {
		f, _, err := s.ask(one, core.Request{Name: "net"})
		if err != nil {
			t.Fatal(err)
		}
		f.Close(0)
	}
	if len(*other) != 2 {
		t.Errorf("%d flows to the other", len(*other))
	}
	for _, f := range *other {
		f.Close(0)
	}
}
