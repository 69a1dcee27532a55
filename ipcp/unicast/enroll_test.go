package unicast_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/policy"
	"ouroboros/ipcp"
	"ouroboros/ipcp/unicast"
	"ouroboros/ipcp/unicast/dir"
	"ouroboros/sim"
)

// dht gives a layer what the prototype has: random addresses and the distributed hash table.
func dht(c unicast.Catalog, l *unicast.Layer) {
	l.Policies.Directory, _ = c.Directory.Choose("dht", nil)
	l.Policies.Addressing, _ = c.Addressing.Choose("flat-random", nil)
}

// TestLayerComesUpByEnrollment: spec 07 §5 and Annex A. Each member enrolls with its neighbour, connects to
// it, and is reached by name over the distributed hash table.
func TestLayerComesUpByEnrollment(t *testing.T) {
	const n = 4
	l, w := simLine(t, n, options{kind: core.LinkEthernet, enroll: true, layer: dht})
	var states []ipcp.State
	l.members[1].OnState(func(s ipcp.State) { states = append(states, s) })
	var join func(i int)
	join = func(i int) {
		if i == n {
			return
		}
		l.enroll(i, i-1, func(err error) {
			check(t, err)
			l.connect(i, i-1)
			join(i + 1)
		})
	}
	l.envs[1].Post(func() { join(1) })
	run(t, w, 5*time.Second)
	if l.up != n-1 || !l.converged() {
		t.Fatalf("%d connections, %v", l.up, l.failed)
	}
	if want := []ipcp.State{ipcp.Init, ipcp.Operational}; !slices.Equal(states, want) {
		t.Errorf("states %v, want %v", states, want)
	}
	for i, m := range l.members {
		if got := m.Configuration(); got.Info != l.members[0].Layer() || got.Policies.Directory.Name != "dht" {
			t.Errorf("member %d: %+v", i, got)
		}
		want := unicast.EnrollStats{}
		if i < n-1 {
			want.Enrolled = 1
		}
		if got := m.Enrollment(); got != want {
			t.Errorf("member %d counts %+v, want %+v", i, got, want)
		}
		sent := map[string]uint64{}
		for _, c := range m.Control() {
			sent[c.Kind] = c.Packets
		}
		if sent["directory"] == 0 || sent["enrollment"] == 0 || sent["connection"] == 0 || sent["link-state"] == 0 {
			t.Errorf("member %d has sent %v", i, sent)
		}
	}
	passes(t, l, w)
}

// TestEnrollmentOnTheWire: the messages have the bytes and the order of Annex A of spec 07.
func TestEnrollmentOnTheWire(t *testing.T) {
	l, w := simLine(t, 2, options{kind: core.LinkEthernet, enroll: true, layer: dht})
	var seen []string
	w.SetTap(func(_ core.Wire, dir int, _ core.Time, p *pkt.Buf) {
		const header = 14 + 4 // Ethernet, shim
		b := p.Bytes()
		if n := int(b[16])<<8 | int(b[17]); b[14] != 0 || b[15] != 0 { // not the management of the shim
			seen = append(seen, fmt.Sprintf("%d: %x", dir, b[header:header+n]))
		}
	})
	l.envs[1].Post(func() { l.enroll(1, 0, func(err error) { check(t, err) }) })
	run(t, w, time.Second)
	const cep = "0a0a456e726f6c6c6d656e7412034f4550180128004000"
	if len(seen) != 5 || seen[0] != "1: "+cep || seen[1] != "0: "+cep || !strings.HasPrefix(seen[2], "1: 0a08") {
		t.Fatalf("%q", seen)
	}
	id := strings.TrimPrefix(seen[2], "1: ")
	if !strings.HasPrefix(seen[3], "0: "+id+"10") || seen[4] != "1: "+id+"1000" {
		t.Errorf("answer %s, ack %s to request %s", seen[3], seen[4], seen[2])
	}
}

// TestLostMessagesOfEnrollment: whichever of the first frames of the exchange is lost, in either direction,
// the newcomer begins anew and is a member within 20 s.
func TestLostMessagesOfEnrollment(t *testing.T) {
	for dir := range 2 {
		for k := uint64(1); k <= 6; k++ {
			l, w := simLine(t, 2, options{kind: core.LinkEthernet, enroll: true})
			spec := l.wires[0].Spec(dir)
			spec.Drop = []uint64{k}
			check(t, l.wires[0].Set(dir, spec))
			at := core.Time(-1)
			l.envs[1].Post(func() { l.enroll(1, 0, func(err error) { check(t, err); at = w.Now() }) })
			run(t, w, 25*time.Second)
			if at < 0 || l.members[1].State() != ipcp.Operational {
				t.Errorf("frame %d of direction %d lost: not enrolled, state %v", k, dir, l.members[1].State())
			}
			if st := l.members[0].Enrollment(); st.BadMessage != 0 || st.Failed != 0 || st.Enrolled+st.Incomplete == 0 {
				t.Errorf("frame %d of direction %d lost: %+v", k, dir, st)
			}
			l.envs[1].Post(func() { l.connect(1, 0) })
			run(t, w, 5*time.Second)
			passes(t, l, w)
		}
	}
}

// TestEnrollmentOverABadWire: loss, duplicates and late frames only delay it.
func TestEnrollmentOverABadWire(t *testing.T) {
	o := options{kind: core.LinkEthernet, enroll: true, spec: core.LinkSpec{
		Delay: 5 * time.Millisecond, Loss: 0.1, Duplicate: 0.3, Reorder: 0.1, ReorderBy: 20 * time.Millisecond,
	}}
	for seed := range uint64(20) {
		w := sim.New(seed)
		l := newLine(t, w, 2, o)
		got := errors.New("no answer")
		l.envs[1].Post(func() { l.enroll(1, 0, func(err error) { got = err }) })
		run(t, w, 25*time.Second)
		if got != nil {
			t.Errorf("seed %d: %v", seed, got)
		}
		w.Close()
	}
}

// TestManyNewcomersAtOnce: D5. They do not wait for each other, nor for one that stays silent.
func TestManyNewcomersAtOnce(t *testing.T) {
	const n = 40
	l, w := simLine(t, 2, options{kind: core.LinkEthernet, enroll: true, layer: dht})
	silent := 0
	l.envs[1].Post(func() {
		l.brokers[1].Alloc(core.Request{Name: name(0), Layer: "w0", QoS: core.QoSRaw}, func(f core.Flow, err error) {
			check(t, err)
			ipcp.Initiate(l.envs[1], f, ipcp.Enrollment, func(int) {}, func(_ ipcp.Announcement, err error) { check(t, err); silent++ })
		})
	})
	run(t, w, time.Second)
	addresses := map[uint64]bool{}
	for i := range n {
		m, err := unicast.New(l.envs[1].Derive(fmt.Sprint("newcomer", i)), l.brokers[1], unicast.Config{
			Name: core.Name(fmt.Sprint("newcomer", i)), Catalog: l.catalog,
		})
		check(t, err)
		l.envs[1].Post(func() {
			m.Enroll(name(0), "w0", i, func(err error) { check(t, err); addresses[m.Address()] = true })
		})
		t.Cleanup(m.Leave)
	}
	run(t, w, time.Second)
	if len(addresses) != n || silent != 1 {
		t.Errorf("%d newcomers are members, %d are silent", len(addresses), silent)
	}
	run(t, w, ipcp.EnrollTimeout)
	if st := l.members[0].Enrollment(); st.Enrolled != n || st.Incomplete != 1 {
		t.Errorf("%+v", st)
	}
}

// actor is one side of an enrollment that follows a script: it sends its messages one by one, each after
// the given number of messages has come, and then falls silent, or closes its flow.
type actor struct {
	env   core.Env
	flow  core.Flow
	got   [][]byte
	after int
	reply func(got [][]byte) [][]byte
}

func (a *actor) Deliver(p *pkt.Buf) {
	if p.Len() > 0 {
		a.got = append(a.got, slices.Clone(p.Bytes()))
		if len(a.got) == a.after {
			a.send()
		}
	}
	p.Release()
}

func (a *actor) send() {
	for _, msg := range a.reply(a.got) {
		if msg == nil {
			a.flow.Close(0)
			return
		}
		_ = a.flow.Write(a.env.Pool.GetCopy(a.flow.Info().Headroom, msg))
	}
}

func (a *actor) Writable()    {}
func (a *actor) State(bool)   {}
func (a *actor) Closed(error) {}

// impostor serves the name of the first member in its place, with a script for enrollments.
func impostor(t *testing.T, l *line, reply func(got [][]byte) [][]byte) (served *int) {
	served = new(int)
	l.members[0].Leave()
	check(t, l.brokers[0].Register(name(0), "w0"))
	stop, err := l.brokers[0].Listen(name(0), func(in core.Incoming) {
		f, err := in.Accept()
		check(t, err)
		know := func(string) (ipcp.Announcement, bool) { return ipcp.Enrollment, true }
		ipcp.Accept(l.envs[0], f, know, func(int) {}, func(_ ipcp.Announcement, err error) {
			check(t, err)
			*served++
			f.Attach(&actor{env: l.envs[0], flow: f, after: 1, reply: reply})
			l.envs[0].NewTimer(func() { f.Close(0) }).Reset(40 * time.Second)
		})
	})
	check(t, err)
	t.Cleanup(stop)
	return served
}

// answer is the answer of the first member to a request, as a test changes it.
func answer(t *testing.T, l *line, req []byte, edit func(*ipcp.OEPResponse)) []byte {
	id, err := ipcp.ParseOEPRequest(req)
	check(t, err)
	r := ipcp.OEPResponse{ID: id, Wall: l.envs[0].Wall(), Config: ipcp.ConfigOf(core.LayerInfo{Name: "net", Kind: core.KindUnicast, Hash: core.SHA3_256})}
	edit(&r)
	b, err := r.Marshal()
	check(t, err)
	return b
}

// TestMembersThatDoNotBehave: whatever a member does, the newcomer ends with an error that says what, in
// state boot, at once where another try cannot help and within 20 s otherwise; and it may try elsewhere.
func TestMembersThatDoNotBehave(t *testing.T) {
	for name, c := range map[string]struct {
		reply func(t *testing.T, l *line, got [][]byte) [][]byte
		is    error
		says  string
		tries int // 0: several
	}{
		"silent":      {func(*testing.T, *line, [][]byte) [][]byte { return nil }, ipcp.ErrEnrollTimeout, "in time", 0},
		"hangs up":    {func(*testing.T, *line, [][]byte) [][]byte { return [][]byte{nil} }, ipcp.ErrEnrollTimeout, "", 0},
		"no protobuf": {func(*testing.T, *line, [][]byte) [][]byte { return [][]byte{[]byte("welcome")} }, ipcp.ErrMalformed, "", 1},
		"too long":    {func(*testing.T, *line, [][]byte) [][]byte { return [][]byte{make([]byte, 1025)} }, ipcp.ErrMalformed, "1025 bytes", 1},
		"denial": {func(t *testing.T, l *line, got [][]byte) [][]byte {
			return [][]byte{answer(t, l, got[0], func(r *ipcp.OEPResponse) { r.Response, r.Config = -13, nil })}
		}, ipcp.ErrEnrollDenied, "response -13", 1},
		"another id": {func(t *testing.T, l *line, got [][]byte) [][]byte {
			return [][]byte{answer(t, l, got[0], func(r *ipcp.OEPResponse) { r.ID[0]++ })}
		}, ipcp.ErrMalformed, "answer to id", 1},
		"no configuration": {func(t *testing.T, l *line, got [][]byte) [][]byte {
			return [][]byte{answer(t, l, got[0], func(r *ipcp.OEPResponse) { r.Config = nil })}
		}, ipcp.ErrConfig, "missing", 1},
		"half a configuration": {func(t *testing.T, l *line, got [][]byte) [][]byte {
			return [][]byte{answer(t, l, got[0], func(*ipcp.OEPResponse) {})}
		}, ipcp.ErrConfig, "unicast layer is missing", 1},
		"another kind of layer": {func(t *testing.T, l *line, got [][]byte) [][]byte {
			return [][]byte{answer(t, l, got[0], func(r *ipcp.OEPResponse) { *r.Config.IpcpType = 2 })}
		}, ipcp.ErrConfig, "type 2", 1},
	} {
		t.Run(name, func(t *testing.T) {
			l, w := simLine(t, 2, options{kind: core.LinkEthernet, enroll: true})
			run(t, w, time.Second)
			served := impostor(t, l, func(got [][]byte) [][]byte { return c.reply(t, l, got) })
			began, ended, got := w.Now(), core.Time(-1), error(nil)
			l.envs[1].Post(func() { l.enroll(1, 0, func(err error) { got, ended = err, w.Now() }) })
			run(t, w, 30*time.Second)
			if !errors.Is(got, c.is) || !strings.Contains(got.Error(), c.says) || !strings.Contains(got.Error(), "net.1: enroll with net.0") {
				t.Fatalf("%v, want %v that says %q", got, c.is, c.says)
			}
			if took := ended.Sub(began); c.tries == 0 && (*served < 5 || took != ipcp.EnrollTimeout) || c.tries > 0 && (*served != c.tries || took > time.Second) {
				t.Errorf("%d tries in %v", *served, took)
			}
			if s := l.members[1].State(); s != ipcp.Boot || l.members[1].Layer().Name != "" || l.members[1].DT() != nil {
				t.Errorf("state %v of layer %q", s, l.members[1].Layer().Name)
			}
			if err := l.members[1].Bootstrap(l.config(), 1); err != nil {
				t.Errorf("it cannot begin elsewhere: %v", err)
			}
		})
	}
}

// TestNewcomersThatDoNotBehave: whatever a newcomer does is counted, its flow is closed within 20 s, and the
// next one is served.
func TestNewcomersThatDoNotBehave(t *testing.T) {
	id := ipcp.OEPID{1, 2, 3}
	request := must(t)(id.MarshalRequest())
	for name, c := range map[string]struct {
		first, second []byte // nil: silence
		hangUp        bool
		want          ipcp.EnrollStats
	}{
		"silent":           {nil, nil, false, ipcp.EnrollStats{Incomplete: 1}},
		"hangs up":         {nil, nil, true, ipcp.EnrollStats{Incomplete: 1}},
		"no ack":           {request, nil, false, ipcp.EnrollStats{Incomplete: 1}},
		"hangs up at ack":  {request, nil, true, ipcp.EnrollStats{Incomplete: 1}},
		"bad request":      {[]byte("hello"), nil, false, ipcp.EnrollStats{BadMessage: 1}},
		"too long":         {make([]byte, 1025), nil, false, ipcp.EnrollStats{Incomplete: 1}},
		"bad ack":          {request, []byte("hello"), false, ipcp.EnrollStats{BadMessage: 1}},
		"request again":    {request, request, false, ipcp.EnrollStats{Incomplete: 1}},
		"could not use it": {request, must(t)(id.MarshalOEPAck(-1)), false, ipcp.EnrollStats{Failed: 1}},
		"ack of another":   {request, must(t)(ipcp.OEPID{9}.MarshalOEPAck(0)), false, ipcp.EnrollStats{Enrolled: 1, OtherID: 1}},
		"enrolls":          {request, must(t)(id.MarshalOEPAck(0)), false, ipcp.EnrollStats{Enrolled: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			l, w := simLine(t, 2, options{kind: core.LinkEthernet, enroll: true})
			run(t, w, time.Second)
			l.brokers[1].Alloc(core.Request{Name: "net.0", Layer: "w0", QoS: core.QoSRaw}, func(f core.Flow, err error) {
				check(t, err)
				ipcp.Initiate(l.envs[1], f, ipcp.Enrollment, func(int) {}, func(_ ipcp.Announcement, err error) {
					check(t, err)
					a := &actor{env: l.envs[1], flow: f, after: 1, reply: func([][]byte) (out [][]byte) {
						if c.second != nil {
							out = append(out, c.second)
						}
						if c.hangUp {
							out = append(out, nil)
						}
						return out
					}}
					f.Attach(a)
					switch {
					case c.first != nil:
						_ = f.Write(l.envs[1].Pool.GetCopy(f.Info().Headroom, c.first))
					case c.hangUp:
						f.Close(0)
					}
					l.envs[1].NewTimer(func() { f.Close(0) }).Reset(40 * time.Second)
				})
			})
			run(t, w, 25*time.Second)
			if got := l.members[0].Enrollment().EnrollStats; got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			l.envs[1].Post(func() { l.enroll(1, 0, func(err error) { check(t, err) }) })
			run(t, w, time.Second)
			if s := l.members[1].State(); s != ipcp.Operational {
				t.Errorf("the next newcomer is in state %v", s)
			}
		})
	}
}

func must(t *testing.T) func([]byte, error) []byte {
	return func(b []byte, err error) []byte {
		t.Helper()
		check(t, err)
		return b
	}
}

// TestMemberDiesDuringEnrollment: at each step. The newcomer gives up after 20 s or finds the member again
// when it is back.
func TestMemberDiesDuringEnrollment(t *testing.T) {
	for _, us := range []int{100, 1100, 2100, 3100, 4100, 5100, 6100} {
		o := options{kind: core.LinkEthernet, enroll: true, spec: core.LinkSpec{Delay: 500 * time.Microsecond}}
		l, w := simLine(t, 2, o)
		got := errors.New("no answer")
		at := core.Time(0)
		l.envs[1].Post(func() { l.enroll(1, 0, func(err error) { got, at = err, w.Now() }) })
		run(t, w, time.Duration(us)*time.Microsecond)
		l.members[0].Leave()
		run(t, w, 30*time.Second)
		s := l.members[1].State()
		if (got == nil) != (s == ipcp.Operational) || got != nil && s != ipcp.Boot || at > core.Time(ipcp.EnrollTimeout) {
			t.Errorf("member left at %dus: %v at %v, state %v", us, got, at, s)
		}
	}
}

// TestEnrollmentCanBeEnded: by cancel, without an answer, or by Leave, with one. It can begin anew after the
// first.
func TestEnrollmentCanBeEnded(t *testing.T) {
	for _, us := range []int{0, 100, 600, 1100, 1600, 2100, 2600} {
		o := options{kind: core.LinkEthernet, enroll: true, spec: core.LinkSpec{Delay: 500 * time.Microsecond}}
		l, w := simLine(t, 2, o)
		var answers []error
		cancel := func() {}
		l.envs[1].Post(func() { cancel = l.enroll(1, 0, func(err error) { answers = append(answers, err) }) })
		run(t, w, time.Duration(us)*time.Microsecond)
		if l.members[1].State() == ipcp.Operational {
			t.Fatalf("enrolled after %dus", us)
		}
		cancel()
		if s := l.members[1].State(); s != ipcp.Boot {
			t.Errorf("canceled at %dus: state %v", us, s)
		}
		l.envs[1].Post(func() { l.enroll(1, 0, func(err error) { answers = append(answers, err) }) })
		run(t, w, time.Duration(us)*time.Microsecond)
		l.members[1].Leave()
		run(t, w, 25*time.Second)
		if len(answers) != 1 || !errors.Is(answers[0], core.ErrIPCPState) || l.members[1].State() != ipcp.Shutdown {
			t.Errorf("ended at %dus: %v, state %v", us, answers, l.members[1].State())
		}
	}
}

// TestOperationsInTheWrongState: spec 07 §4.
func TestOperationsInTheWrongState(t *testing.T) {
	l, w := simLine(t, 2, options{kind: core.LinkEthernet, enroll: true})
	m := l.members[1]
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	m.Connect(name(0), "w0", unicast.ConnectOptions{}, note) // boot
	l.envs[1].Post(func() { l.enroll(1, 0, func(error) {}) })
	run(t, w, 100*time.Microsecond)
	errs = append(errs, m.Bootstrap(l.config(), 1)) // init
	m.Enroll(name(0), "w0", 1, note)
	run(t, w, time.Second)
	errs = append(errs, m.Bootstrap(l.config(), 1)) // operational
	m.Enroll(name(0), "w0", 1, note)
	m.Leave()
	errs = append(errs, m.Bootstrap(l.config(), 1), m.Serve()) // shutdown
	m.Enroll(name(0), "w0", 1, note)
	run(t, w, time.Second)
	if len(errs) != 8 {
		t.Errorf("%d errors, want 8", len(errs))
	}
	for i, err := range errs {
		if !errors.Is(err, core.ErrIPCPState) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// TestPeerInNoLayerAdmitsNobody: one that has not enrolled itself has nothing to hand on.
func TestPeerInNoLayerAdmitsNobody(t *testing.T) {
	l, w := simLine(t, 3, options{kind: core.LinkEthernet, enroll: true})
	var got []error
	l.envs[2].Post(func() { l.enroll(2, 1, func(err error) { got = append(got, err) }) })
	run(t, w, 10*time.Second)
	if len(got) != 0 {
		t.Fatalf("%v", got)
	}
	l.envs[1].Post(func() { l.enroll(1, 0, func(err error) { check(t, err) }) }) // now it has
	run(t, w, 5*time.Second)
	if len(got) != 1 || got[0] != nil {
		t.Errorf("%v", got)
	}
}

// TestEnrollByTheNameOfTheLayer: autobind, spec 07 §1.1.
func TestEnrollByTheNameOfTheLayer(t *testing.T) {
	l, w := simLine(t, 2, options{kind: core.LinkEthernet, enroll: true})
	check(t, l.brokers[0].Register("city", "w0"))
	first, err := unicast.New(l.envs[0].Derive("first"), l.brokers[0], unicast.Config{Name: "first", Catalog: l.catalog, Autobind: true})
	check(t, err)
	check(t, l.brokers[0].Register("first", "w0"))
	check(t, first.Serve())
	c := l.config()
	c.Info.Name = "city"
	check(t, first.Bootstrap(c, 5))
	t.Cleanup(first.Leave)
	got := errors.New("no answer")
	l.envs[1].Post(func() { l.members[1].Enroll("city", "w0", 6, func(err error) { got = err }) })
	run(t, w, time.Second)
	if got != nil || l.members[1].Layer().Name != "city" || first.Enrollment().Enrolled != 1 {
		t.Errorf("%v, layer %q, %+v", got, l.members[1].Layer().Name, first.Enrollment())
	}
}

// TestClockCheck: spec 07 §5.3 with D6. A difference beyond 20 ms is counted and has no other effect; a
// slow way is no difference.
func TestClockCheck(t *testing.T) {
	for _, c := range []struct {
		offset, delay time.Duration
		want          uint64
	}{{0, 0, 0}, {0, 300 * time.Millisecond, 0}, {15 * time.Millisecond, 0, 0}, {80 * time.Millisecond, 0, 1}, {-3 * time.Second, 10 * time.Millisecond, 1}} {
		l, w := simLine(t, 2, options{kind: core.LinkEthernet, enroll: true, spec: core.LinkSpec{Delay: c.delay}})
		w.SetClock("n1", int64(c.offset))
		l.envs[1].Post(func() { l.enroll(1, 0, func(err error) { check(t, err) }) })
		run(t, w, 10*time.Second)
		if got := l.members[1].Enrollment().Clocks; got != c.want || l.members[1].State() != ipcp.Operational {
			t.Errorf("offset %v, delay %v: counted %d, want %d; state %v", c.offset, c.delay, got, c.want, l.members[1].State())
		}
	}
}

// TestUnknownPolicyAtEnrollment: design §5. The newcomer says which, the member learns that it failed.
func TestUnknownPolicyAtEnrollment(t *testing.T) {
	l, w := simLine(t, 2, options{kind: core.LinkEthernet, enroll: true})
	poor := l.catalog
	table := *poor.Directory
	table.Factories = slices.DeleteFunc(slices.Clone(table.Factories), func(f policy.Factory[dir.Directory]) bool { return f.Name == "static" })
	poor.Directory = &table
	m, err := unicast.New(l.envs[1].Derive("poor"), l.brokers[1], unicast.Config{Name: "poor", Catalog: poor})
	check(t, err)
	got := error(nil)
	l.envs[1].Post(func() { m.Enroll(name(0), "w0", 1, func(err error) { got = err }) })
	run(t, w, time.Second)
	if !errors.Is(got, ipcp.ErrConfig) || !strings.Contains(got.Error(), `unknown directory policy "static"`) {
		t.Errorf("%v", got)
	}
	if st := l.members[0].Enrollment(); st.Failed != 1 || st.Enrolled != 0 {
		t.Errorf("%+v", st)
	}
	m.Leave()
}
