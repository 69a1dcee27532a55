package irm

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"ouroboros/core"
)

// server attaches a process that listens to whatever is bound to it, and notes whom it was that got a request.
func (s *system) server(p Process, got *[]string) *Client {
	s.t.Helper()
	c := s.b.Attach(p)
	_, err := c.Listen("", func(in core.Incoming) {
		*got = append(*got, fmt.Sprintf("%d:%s", p.PID, in.Name()))
		in.Reject(core.ErrPerm)
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *system) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Error(err)
	}
}

func (s *system) fails(err, want error) {
	s.t.Helper()
	if !errors.Is(err, want) {
		s.t.Errorf("%v, want %v", err, want)
	}
}

// refused holds that a name that is none is refused as everywhere.
func (s *system) refused(err error) {
	s.t.Helper()
	if err == nil {
		s.t.Error("accepted")
	}
}

func TestProcessesListenToWhatIsBoundToTheirProgram_13_1(t *testing.T) {
	s := newSystem(t, Config{Explicit: true})
	lan := s.layer("lan", core.KindEthDIX)
	var got []string
	s.ok(s.b.BindProgram("/usr/bin/oping", "before", false, nil))
	s.server(Process{PID: 10, Program: "oping"}, &got)
	// Rule 2 of the prototype leaves out who runs already; ours is bound too. Binaries of one basename share.
	s.ok(s.b.BindProgram("/opt/other/oping", "after", false, nil))
	s.ok(s.b.BindProgram("/usr/bin/ocbr", "cbr", false, nil))
	for _, n := range []core.Name{"before", "after", "cbr"} {
		s.ok(s.b.RegisterName(n, "lan"))
		lan.arrive(t, n)
	}
	if want := []string{"10:before", "10:after"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	s.ok(s.b.UnbindProgram("oping", "before"))
	lan.arrive(t, "before")
	lan.arrive(t, "after")
	if want := "10:after"; len(got) != 3 || got[2] != want {
		t.Errorf("%q, want %q as the last", got, want)
	}
	s.run(time.Second)
}

func TestBindOfAProcessEndsWithIt_13_1(t *testing.T) {
	s := newSystem(t, Config{Explicit: true})
	lan := s.layer("lan", core.KindEthDIX)
	var got []string
	s.fails(s.b.BindProcess(10, "srv"), core.ErrInvalid)
	c := s.server(Process{PID: 10, Program: "oping"}, &got)
	s.ok(s.b.BindProcess(10, "srv"))
	s.ok(s.b.BindProcess(10, "srv"))
	s.ok(s.b.RegisterName("srv", "lan"))
	lan.arrive(t, "srv")
	c.Close()
	c.Close()
	again := s.server(Process{PID: 10, Program: "oping"}, &got)
	a := lan.arrive(t, "srv")
	s.run(time.Second)
	if want := []string{"10:srv"}; !slices.Equal(got, want) || a.code != core.ErrName {
		t.Errorf("%q, want %q; %+v", got, want, a)
	}
	s.ok(s.b.BindProcess(10, "one"))
	s.ok(s.b.BindProcess(10, "two"))
	s.fails(s.b.UnbindProcess(10, "three"), core.ErrName)
	s.ok(s.b.UnbindProcess(10, "one"))
	s.ok(s.b.UnbindProcess(10, "")) // all of them
	s.fails(s.b.UnbindProcess(10, ""), core.ErrName)
	if p := s.b.Processes()[0]; len(p.Bound)+len(p.Listening) != 0 {
		t.Errorf("%+v", p)
	}
	again.Close()
}

func TestUnbindProgramWithAndWithoutName_13_4(t *testing.T) {
	s := newSystem(t, Config{Explicit: true})
	for _, n := range []core.Name{"a", "b", "c"} {
		s.ok(s.b.BindProgram("/bin/srv", n, true, []string{"-l"}))
	}
	s.fails(s.b.UnbindProgram("/bin/srv", "d"), core.ErrName)
	s.fails(s.b.UnbindProgram("/bin/other", ""), core.ErrName)
	s.ok(s.b.UnbindProgram("/bin/srv", "b")) // by path
	s.ok(s.b.UnbindProgram("srv", ""))       // by basename, all
	s.fails(s.b.UnbindProgram("srv", ""), core.ErrName)
	for _, i := range s.b.Names() {
		if len(i.Programs)+len(i.Auto) != 0 {
			t.Errorf("%+v", i)
		}
	}
	for _, bad := range []string{"", "/", "."} {
		s.fails(s.b.BindProgram(bad, "a", false, nil), core.ErrInvalid)
	}
	s.refused(s.b.BindProgram("/bin/srv", "", false, nil))
}

func TestRoundRobinAndSpillover_13_1(t *testing.T) {
	for balance, want := range map[Balance][]int{
		RoundRobin: {1, 2, 3, 1}, // each in its turn
		Spillover:  {3, 3, 3, 3}, // who answered last
	} {
		s := newSystem(t, Config{})
		lan := s.layer("lan", core.KindEthDIX)
		s.ok(s.b.CreateName("srv", NameConfig{Balance: balance}))
		var got []int
		for pid := 1; pid <= 3; pid++ {
			_, err := s.b.Attach(Process{PID: pid}).Listen("srv", func(in core.Incoming) {
				got = append(got, pid)
				in.Reject(core.ErrPerm)
			})
			s.ok(err)
		}
		for range want {
			lan.arrive(t, "srv")
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v: %v, want %v", balance, got, want)
		}
	}
}

// A process that has not answered what it was handed is not active (13 §13.1: who is not blocked in accept): the next
// request spills over to another one. Where all are busy, it goes to the first choice all the same.
func TestBusyProcessIsPassedOver_13_1(t *testing.T) {
	for balance, want := range map[Balance][]int{RoundRobin: {1, 2, 1, 2}, Spillover: {2, 1, 2, 2}} {
		s := newSystem(t, Config{})
		lan := s.layer("lan", core.KindEthDIX)
		s.ok(s.b.CreateName("srv", NameConfig{Balance: balance}))
		var got []int
		var held []core.Incoming
		for pid := 1; pid <= 2; pid++ {
			_, err := s.b.Attach(Process{PID: pid}).Listen("srv", func(in core.Incoming) {
				got = append(got, pid)
				held = append(held, in)
			})
			s.ok(err)
		}
		for range want {
			lan.arrive(t, "srv")
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v: %v, want %v", balance, got, want)
		}
		for i, who := range got {
			if who == got[1] {
				held[i].Reject(nil) // it has answered everything
			}
		}
		lan.arrive(t, "srv")
		if got[4] != got[1] {
			t.Errorf("%v: %v, the last one went to who is busy", balance, got)
		}
		s.run(2 * time.Second)
	}
}

// starter is a system whose programs are started by noting them.
type starter struct {
	*system
	ran  []string
	fail error
}

func newStarter(t *testing.T, cfg Config) *starter {
	st := &starter{}
	cfg.Explicit = true
	cfg.Spawn = func(program string, args []string) error {
		st.ran = append(st.ran, fmt.Sprint(program, args))
		return st.fail
	}
	st.system = newSystem(t, cfg)
	return st
}

func TestAutoStartOfTheProgramBoundLast_13_1(t *testing.T) {
	s := newStarter(t, Config{})
	lan := s.layer("lan", core.KindEthDIX)
	s.ok(s.b.BindProgram("/bin/one", "srv", true, nil))
	s.ok(s.b.BindProgram("/bin/two", "srv", true, []string{"-l", "-q"}))
	s.ok(s.b.BindProgram("/bin/three", "srv", false, nil))
	s.ok(s.b.RegisterName("srv", "lan"))
	a := lan.arrive(t, "srv")
	b := lan.arrive(t, "srv") // not twice at a time
	s.run(500 * time.Millisecond)
	if want := []string{"/bin/two[-l -q]"}; !slices.Equal(s.ran, want) {
		t.Fatalf("%q, want %q", s.ran, want)
	}
	var got []string
	c := s.server(Process{PID: 7, Program: "two"}, &got)
	s.run(time.Millisecond)
	if a.code != core.ErrPerm || b.code != core.ErrPerm || len(got) != 2 {
		t.Errorf("%+v, %+v, %q", a, b, got)
	}
	lan.arrive(t, "srv") // somebody listens: nothing is started
	c.Close()
	late := lan.arrive(t, "srv") // it has gone: started anew, and nobody comes within a second
	s.run(time.Second - 1)
	if late.answers != 0 {
		t.Error("early")
	}
	s.run(1)
	if late.code != core.ErrName || len(s.ran) != 2 {
		t.Errorf("%+v, %q", late, s.ran)
	}
	// The latest bind says whether a program is started: without auto it is not.
	s.ok(s.b.BindProgram("/bin/two", "srv", false, nil))
	lan.arrive(t, "srv")
	if want := "/bin/one[]"; len(s.ran) != 3 || s.ran[2] != want {
		t.Errorf("%q, want %q as the last", s.ran, want)
	}
	s.fail = errors.New("no such file")
	s.run(2 * time.Second)
	lan.arrive(t, "srv")
	lan.arrive(t, "srv") // one that could not be started is tried again
	if st := s.b.Stats(); st.Started != 5 || st.StartFailed != 2 {
		t.Errorf("%+v", st)
	}
	s.run(time.Second)
}

func TestDestroyNameTakesBindsAndLeavesRegistrations_13_1(t *testing.T) {
	s := newStarter(t, Config{})
	lan := s.layer("lan", core.KindEthDIX)
	var got []string
	c := s.server(Process{PID: 7, Program: "srv"}, &got)
	s.ok(s.b.BindProgram("/bin/srv", "a", true, nil))
	s.ok(s.b.BindProcess(7, "a"))
	s.ok(s.b.RegisterName("a", "lan"))
	s.took("lan register")
	s.ok(s.b.DestroyName("a"))
	s.took()
	s.fails(s.b.DestroyName("a"), core.ErrName)
	x := lan.arrive(t, "a") // still registered; nobody is bound to it
	s.run(time.Second)
	if x.code != core.ErrName || len(got) != 0 || len(s.ran) != 0 {
		t.Errorf("%+v, %q, %q", x, got, s.ran)
	}
	s.ok(s.b.UnregisterName("a", "lan"))
	s.took("lan unregister")
	if len(s.b.Names()) != 0 || len(s.b.programs) != 0 {
		t.Errorf("%+v", s.b.Names())
	}
	c.Close()
}

func TestCreatedNames_13_4(t *testing.T) {
	s := newSystem(t, Config{Explicit: true})
	s.layer("lan", core.KindEthDIX)
	made := NameConfig{Balance: RoundRobin, SecurityPaths: SecurityPaths{ServerEnc: "/x"}}
	s.ok(s.b.CreateName("made", made))
	s.ok(s.b.CreateName("made", NameConfig{Balance: Spillover})) // an existing name is a success, unchanged
	s.ok(s.b.BindProgram("/bin/srv", "bound", false, nil))       // implicitly: spillover
	s.ok(s.b.RegisterName("registered", "lan"))
	s.refused(s.b.CreateName("", made))
	s.fails(s.b.CreateName("bad", NameConfig{Balance: 2}), core.ErrInvalid)
	var got []string
	for _, i := range s.b.Names() {
		got = append(got, fmt.Sprintf("%s %v %v %v", i.Name, i.Balance, i.Programs, i.Layers))
	}
	if want := []string{"made round-robin [] []", "bound spillover [srv] []", "registered spillover [] [lan]"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	s.ok(s.b.CreateName("bound", made)) // what was there implicitly is configured now
	for n, want := range map[core.Name]NameConfig{"made": made, "bound": made} {
		if c, ok := s.b.NameConfig(n); !ok || c != want {
			t.Errorf("%s: %+v", n, c)
		}
	}
	if _, ok := s.b.NameConfig("nobody"); ok {
		t.Error("a name that nobody created")
	}
}

func TestExplicitRegistration_13_1(t *testing.T) {
	s := newSystem(t, Config{Explicit: true})
	s.layer("lan", core.KindEthDIX)
	net := s.layer("net", core.KindUnicast)
	s.layer("all", core.KindBroadcast)
	stop := s.listen("srv", func(in core.Incoming) { in.Reject(nil) })
	s.took() // who listens publishes nothing
	s.fails(s.b.RegisterName("srv", "nowhere"), core.ErrIPCP)
	s.fails(s.b.RegisterName("srv", "all"), core.ErrUnsupp)
	s.refused(s.b.RegisterName("", "lan"))
	s.ok(s.b.RegisterName("srv", "lan"))
	s.ok(s.b.RegisterName("srv", "lan"))
	s.took("lan register")
	s.ok(s.b.RegisterName("srv", "net"))
	s.took("net register")
	stop()
	s.took() // rule 4: also while nobody listens
	s.ok(s.b.UnregisterName("srv", "lan"))
	s.ok(s.b.UnregisterName("srv", "lan"))
	s.ok(s.b.UnregisterName("nobody", "lan"))
	s.took("lan unregister")
	// The registration outlives the IPCP, and holds for the next one of the layer.
	s.ok(s.b.RemoveProvider(net))
	s.took("net unregister")
	s.ok(s.b.AddProvider(net))
	s.took("net register")
	net.regErr = core.ErrIPCPState
	s.fails(s.b.RegisterName("other", "net"), core.ErrIPCPState)
	s.took("net register")
	if i := s.b.Names(); len(i) != 2 || len(i[1].Layers) != 0 {
		t.Errorf("%+v", i)
	}
}
