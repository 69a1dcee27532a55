package irm

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"ouroboros/core"
)

// A process that dies leaves nothing: it is not listened for, nobody is told of what it asked for, and what it was
// handed and has not answered goes to the next listener, who has a second of its own (spec 13 §13.3, §13.10).
func TestDeathOfAProcess_13_3(t *testing.T) {
	s := newSystem(t, Config{Explicit: true})
	lan := s.layer("lan", core.KindEthDIX, "far")
	s.ok(s.b.BindProgram("/bin/srv", "srv", false, nil))
	s.ok(s.b.RegisterName("srv", "lan"))
	dying := s.b.Attach(Process{PID: 1, Program: "srv"})
	var held []core.Incoming
	_, err := dying.Listen("", func(in core.Incoming) { held = append(held, in) })
	s.ok(err)
	_, err = dying.Listen("own", func(core.Incoming) {})
	s.ok(err)
	lan.after = 10 * time.Second
	dying.Alloc(core.Request{Name: "far"}, func(core.Flow, error) { t.Error("the dead were told") })
	a := lan.arrive(t, "srv")
	b := lan.arrive(t, "srv")
	s.run(900 * time.Millisecond)
	held[0].Reject(core.ErrPerm)
	if _, err := dying.Listen("", nil); err != nil {
		t.Error(err)
	}
	dying.Join("nowhere", func(core.Flow, error) { t.Error("the dead were told") })
	dying.Alloc(core.Request{Name: "nobody"}, func(core.Flow, error) { t.Error("the dead were told") })
	dying.Close()
	if _, err := dying.Listen("x", nil); !errors.Is(err, core.ErrIRMD) {
		t.Error(err)
	}
	var late error
	dying.Alloc(core.Request{Name: "far"}, func(_ core.Flow, err error) { late = err })
	if _, err := held[1].Accept(); !errors.Is(err, core.ErrCanceled) || b.answers != 0 {
		t.Errorf("the dead answered: %v, %+v", err, b)
	}
	s.run(900 * time.Millisecond) // beyond the deadline that the request had at first
	if a.code != core.ErrPerm || b.answers != 0 || !errors.Is(late, core.ErrIRMD) {
		t.Errorf("%+v, %+v, %v", a, b, late)
	}
	var got []string
	next := s.server(Process{PID: 2, Program: "srv"}, &got)
	s.run(time.Millisecond)
	if len(got) != 1 || b.code != core.ErrPerm || b.answers != 1 {
		t.Errorf("%q, %+v", got, b)
	}
	for _, i := range s.b.Names() {
		if i.Name == "own" {
			t.Errorf("%+v", i)
		}
	}
	next.Close()
	if len(s.b.Processes()) != 0 || lan.canceled == 0 {
		t.Errorf("%+v, %d requests canceled", s.b.Processes(), lan.canceled)
	}
}

// The death of a process that auto start has brought brings the next one.
func TestRequestOfADeadProcessStartsAnother_13_1(t *testing.T) {
	s := newStarter(t, Config{})
	lan := s.layer("lan", core.KindEthDIX)
	s.ok(s.b.BindProgram("/bin/srv", "srv", true, nil))
	s.ok(s.b.RegisterName("srv", "lan"))
	lan.arrive(t, "srv")
	c := s.b.Attach(Process{PID: 1, Program: "srv"})
	_, err := c.Listen("", func(core.Incoming) {})
	s.ok(err)
	s.run(time.Millisecond)
	c.Close()
	s.run(time.Millisecond)
	if len(s.ran) != 2 {
		t.Errorf("%q", s.ran)
	}
	s.run(2 * time.Second)
}

func TestWhatAProcessCanHaveIsBounded(t *testing.T) {
	s := newSystem(t, Config{Explicit: true})
	lan := s.layer("lan", core.KindEthDIX, "far")
	lan.after = -1
	greedy, modest := s.b.Attach(Process{PID: 1}), s.b.Attach(Process{PID: 2})
	var over int
	for range MaxAllocs + 10 {
		greedy.Alloc(core.Request{Name: "far"}, func(_ core.Flow, err error) {
			if errors.Is(err, core.ErrAgain) {
				over++
			}
		})
	}
	s.run(time.Second)
	if over != 10 || len(greedy.asks) != MaxAllocs {
		t.Errorf("%d refused, %d under way", over, len(greedy.asks))
	}
	var err error
	for i := 0; err == nil && i <= MaxListens; i++ {
		_, err = greedy.Listen(core.Name(fmt.Sprint("n", i)), func(core.Incoming) {})
	}
	if !errors.Is(err, core.ErrAgain) || len(greedy.listeners) != MaxListens {
		t.Errorf("%v, listens %d times", err, len(greedy.listeners))
	}
	lan.after = 0
	res := result{}
	modest.Alloc(core.Request{Name: "far"}, func(f core.Flow, err error) { res.flow, res.err, res.calls = f, err, res.calls+1 })
	s.run(time.Second)
	res.want(t, nil) // the others are not affected
	greedy.Close()
	modest.Close()
	if len(s.b.names) != 0 {
		t.Errorf("%d names", len(s.b.names))
	}
}

// Programs that ask each other and do not answer take half of the places for requests that wait: the network gets the
// others.
func TestDirectRequestsLeaveRoomForTheNetwork(t *testing.T) {
	s := newSystem(t, Config{Explicit: true, Direct: true})
	lan := s.layer("lan", core.KindEthDIX)
	s.ok(s.b.RegisterName("srv", "lan"))
	var clients []*Client
	refused := 0
	for pid := range 4 {
		c := s.b.Attach(Process{PID: pid})
		clients = append(clients, c)
		_, err := c.Listen("deaf", func(core.Incoming) {})
		s.ok(err)
		for range MaxAllocs {
			c.Alloc(core.Request{Name: "deaf"}, func(_ core.Flow, err error) {
				if errors.Is(err, core.ErrAgain) {
					refused++
				}
			})
		}
	}
	var got []string
	clients = append(clients, s.server(Process{PID: 9, Program: "srv"}, &got))
	s.ok(s.b.BindProcess(9, "srv"))
	s.run(time.Millisecond)
	if s.b.Pending() != MaxIncoming/2 || refused != 4*MaxAllocs-MaxIncoming/2 {
		t.Errorf("%d wait, %d were refused", s.b.Pending(), refused)
	}
	if a := lan.arrive(t, "srv"); a.code != core.ErrPerm || len(got) != 1 {
		t.Errorf("%+v, %q", a, got)
	}
	for _, c := range clients {
		c.Close()
	}
	s.run(2 * time.Second)
}

// An IPCP of the system is no application: it connects to as many as there are, and looks up without waiting for them.
func TestLimitsAreThoseOfApplications(t *testing.T) {
	s := newSystem(t, Config{Explicit: true})
	lan := s.layer("lan", core.KindEthDIX)
	lan.silent = 1 << 30
	c := s.b.Attach(Process{PID: 1, IPCP: "uni1"})
	for i := range MaxAllocs + 1 {
		c.Alloc(core.Request{Name: core.Name(fmt.Sprint("peer", i)), Timeout: time.Second}, func(_ core.Flow, err error) {
			if !errors.Is(err, core.ErrIPCP) {
				t.Error(err)
			}
		})
	}
	if lan.open != MaxAllocs+1 || s.b.gate.taken != 0 {
		t.Errorf("%d names are looked up", lan.open)
	}
	s.run(2 * time.Second)
	c.Close()
}

// A name of which an IPCP hears no answer is asked for again although the IPCP listens to it itself (decision 2).
func TestIPCPLooksForOthersUnderItsOwnName(t *testing.T) {
	s := newSystem(t, Config{Explicit: true, Direct: true})
	lan := s.layer("lan", core.KindEthDIX, "net")
	lan.silent = 1 // the query is lost
	c := s.b.Attach(Process{PID: 1, IPCP: "uni1"})
	_, err := c.Listen("net", func(core.Incoming) { t.Error("it has reached itself") })
	s.ok(err)
	res := result{}
	c.Alloc(core.Request{Name: "net"}, func(f core.Flow, err error) { res.flow, res.err, res.calls = f, err, res.calls+1 })
	s.run(time.Second)
	res.want(t, nil)
	c.Close()
}

func TestNamesAreBounded(t *testing.T) {
	s := newSystem(t, Config{Explicit: true})
	for i := range MaxNames {
		if err := s.b.CreateName(core.Name(fmt.Sprint(i)), NameConfig{}); err != nil {
			t.Fatal(err)
		}
	}
	s.fails(s.b.CreateName("one more", NameConfig{}), core.ErrAgain)
	_, err := s.b.Listen("one more", nil)
	s.fails(err, core.ErrAgain)
	s.ok(s.b.DestroyName("0"))
	s.ok(s.b.CreateName("one more", NameConfig{}))
	for i := range MaxPrograms {
		s.ok(s.b.BindProgram(fmt.Sprint("/bin/p", i), "1", false, nil))
	}
	s.fails(s.b.BindProgram("/bin/p", "1", false, nil), core.ErrAgain)
}

func TestProcessesShowWhatTheyDo_13_9(t *testing.T) {
	s := newSystem(t, Config{Explicit: true})
	lan := s.layer("lan", core.KindEthDIX, "far")
	s.ok(s.b.BindProgram("/bin/srv", "a", false, nil))
	s.ok(s.b.RegisterName("a", "lan"))
	s.run(time.Second)
	c := s.b.Attach(Process{PID: 5, Program: "srv", UID: 1000, GID: 100})
	if c.Process().UID != 1000 {
		t.Errorf("%+v", c.Process())
	}
	s.ok(s.b.BindProcess(5, "b"))
	var held []core.Incoming
	_, err := c.Listen("", func(in core.Incoming) { held = append(held, in) })
	s.ok(err)
	for range 3 {
		lan.arrive(t, "a")
	}
	_, err = held[0].Accept()
	s.ok(err)
	held[1].Reject(nil)
	c.Alloc(core.Request{Name: "far"}, func(core.Flow, error) {})
	s.run(time.Millisecond)
	lan.after = -1
	c.Alloc(core.Request{Name: "far"}, func(core.Flow, error) {})
	s.run(time.Millisecond)
	want := ProcessInfo{
		Process: Process{PID: 5, Program: "srv", UID: 1000, GID: 100}, Since: core.Time(time.Second),
		Bound: []core.Name{"b", "a"}, Listening: []core.Name{"b", "a"}, Allocs: 1, Waiting: 1,
		ClientStats: ClientStats{Asked: 2, Granted: 1, Handed: 3, Accepted: 1},
	}
	got := s.b.Processes()
	if len(got) != 1 || fmt.Sprint(got[0]) != fmt.Sprint(want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	n := s.b.Names()
	if !slices.Equal(n[0].Programs, []string{"srv"}) || !slices.Equal(n[1].Processes, []int{5}) || n[0].Listeners != 1 {
		t.Errorf("%+v", n)
	}
	c.Close()
	s.run(2 * time.Second)
}

// A storm of requests for names that nobody knows, from several processes, asks a layer for a bounded number at a time,
// keeps a bounded number of requests, and delays another process hardly (spec 13 §13.3: a name that no layer
// answers for costs 200 ms in each).
func TestStormOfUnknownNamesStarvesNobody(t *testing.T) {
	s := newSystem(t, Config{Explicit: true})
	s.layer("net", core.KindUnicast, "far")
	lan := s.layer("lan", core.KindEthDIX)
	lan.silent = 1 << 30
	const processes = 8
	var failed, told int
	var storm []*Client
	for pid := range processes {
		c := s.b.Attach(Process{PID: pid})
		storm = append(storm, c)
		var again func()
		again = func() { // asks anew for each request that fails, with as many as it can have
			c.Alloc(core.Request{Name: core.Name(fmt.Sprint("unknown", told)), Timeout: 3 * time.Second}, func(_ core.Flow, err error) {
				told++
				if !errors.Is(err, core.ErrIPCP) && !errors.Is(err, core.ErrTimedOut) {
					failed++
				}
				again()
			})
		}
		for range MaxAllocs {
			again()
		}
	}
	s.run(5 * time.Second)
	if failed != 0 || told < processes*MaxAllocs || lan.most > MaxLookups || s.b.gate.taken > MaxLookups {
		t.Errorf("%d of %d failed otherwise; the layer was asked for %d at a time, %d places are taken", failed, told, lan.most, s.b.gate.taken)
	}
	modest := s.b.Attach(Process{PID: 100})
	start := s.w.Now()
	res := result{}
	modest.Alloc(core.Request{Name: "far"}, func(f core.Flow, err error) {
		res.flow, res.err, res.at, res.calls = f, err, s.w.Now(), res.calls+1
	})
	s.run(5 * time.Second)
	res.want(t, nil)
	if took := res.at.Sub(start); took > time.Second {
		t.Errorf("the other process waited for %v", took)
	}
	for _, c := range append(storm, modest) {
		c.Close()
	}
	if s.b.gate.taken != 0 || len(s.b.gate.queue) != 0 || lan.open != 0 {
		t.Errorf("%+v, %d queries", s.b.gate, lan.open)
	}
}
