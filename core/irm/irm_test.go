package irm

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/oap"
	"ouroboros/core/pkt"
	"ouroboros/sim"
)

// fakeFlow is a flow that only knows whether it was closed.
type fakeFlow struct{ closed int }

func (f *fakeFlow) Info() core.FlowInfo    { return core.FlowInfo{} }
func (f *fakeFlow) Queued() int            { return 0 }
func (f *fakeFlow) Write(p *pkt.Buf) error { p.Release(); return nil }
func (f *fakeFlow) SetReceive(bool)        {}
func (f *fakeFlow) Attach(core.Sink)       {}
func (f *fakeFlow) Close(time.Duration)    { f.closed++ }

// fakeLayer is an IPCP whose answers the test sets. Each takes the time after, and none comes when it
// is negative.
type fakeLayer struct {
	env       core.Env
	info      core.LayerInfo
	log       *[]string
	known     map[core.Hash]bool
	silent    int           // queries that get no answer
	after     time.Duration // time until the answer to a request; negative: none
	refuse    error
	tamper    func([]byte) []byte
	server    oap.Server
	flow      *fakeFlow
	canceled  int
	open      int // queries that have got no answer
	most      int // of these, at one time
	onRequest func(core.IncomingFlow)
	regErr    error
}

func (l *fakeLayer) note(format string, args ...any) {
	*l.log = append(*l.log, fmt.Sprintf(format, args...))
}

func (l *fakeLayer) Layer() core.LayerInfo { return l.info }

func (l *fakeLayer) Register(core.Hash) error {
	l.note("%s register", l.info.Name)
	return l.regErr
}

func (l *fakeLayer) Unregister(core.Hash) { l.note("%s unregister", l.info.Name) }

func (l *fakeLayer) Query(h core.Hash, done func(bool)) (cancel func()) {
	l.note("%s query", l.info.Name)
	if l.silent > 0 {
		l.silent--
		l.open++
		l.most = max(l.most, l.open)
		return func() { l.canceled++; l.open-- }
	}
	return l.in(0, func() { done(l.known[h]) })
}

func (l *fakeLayer) AllocFlow(r core.FlowRequest, done func(core.Flow, core.FlowReply, error)) (cancel func()) {
	l.note("%s alloc", l.info.Name)
	if l.after < 0 {
		return func() { l.canceled++ }
	}
	return l.in(l.after, func() {
		if l.refuse != nil {
			done(nil, core.FlowReply{}, l.refuse)
			return
		}
		response, _, err := l.server.Respond(l.env, nil, r.Piggyback)
		if err != nil {
			done(nil, core.FlowReply{}, err)
			return
		}
		if l.tamper != nil {
			response = l.tamper(response)
		}
		l.flow = &fakeFlow{}
		done(l.flow, core.FlowReply{Piggyback: response}, nil)
	})
}

func (l *fakeLayer) Join(done func(core.Flow, error)) (cancel func()) {
	if l.after < 0 {
		return func() { l.canceled++ }
	}
	return l.in(0, func() { l.flow = &fakeFlow{}; done(l.flow, l.refuse) })
}

func (l *fakeLayer) OnRequest(f func(core.IncomingFlow)) { l.onRequest = f }

func (l *fakeLayer) in(d time.Duration, fn func()) (cancel func()) {
	t := l.env.NewTimer(fn)
	t.Reset(d)
	return func() { l.canceled++; t.Stop() }
}

// system is a broker with layers.
type system struct {
	t   *testing.T
	w   *sim.World
	env core.Env
	b   *Broker
	log []string
}

func newSystem(t *testing.T, cfg Config) *system {
	t.Helper()
	s := &system{t: t, w: sim.New(1)}
	s.env = s.w.Node("node")
	s.b = New(s.env.Derive("irm"), cfg)
	t.Cleanup(func() {
		s.run(time.Minute)
		if n := s.w.Pending(); n != 0 {
			t.Errorf("%d events pending at the end", n)
		}
		if len(s.b.waiting) != 0 {
			t.Errorf("%d requests waiting at the end", len(s.b.waiting))
		}
	})
	return s
}

func (s *system) layer(name core.Name, kind core.LayerKind, knows ...core.Name) *fakeLayer {
	s.t.Helper()
	l := &fakeLayer{
		env: s.env.Derive(string(name)), log: &s.log, known: map[core.Hash]bool{},
		info: core.LayerInfo{Name: name, Kind: kind, Hash: core.SHA3_256},
	}
	for _, n := range knows {
		l.known[l.info.Hash.Sum(n)] = true
	}
	if err := s.b.AddProvider(l); err != nil {
		s.t.Fatal(err)
	}
	return l
}

func (s *system) run(d time.Duration) {
	s.t.Helper()
	if err := s.w.Run(s.w.Now().Add(d)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *system) took(want ...string) {
	s.t.Helper()
	if !slices.Equal(s.log, want) {
		s.t.Errorf("steps %q, want %q", s.log, want)
	}
	s.log = nil
}

type result struct {
	flow  core.Flow
	err   error
	calls int
	at    core.Time
}

func (s *system) alloc(r core.Request) (*result, func()) {
	s.t.Helper()
	res := &result{}
	cancel := s.b.Alloc(r, func(f core.Flow, err error) {
		res.flow, res.err, res.at = f, err, s.w.Now()
		res.calls++
	})
	if res.calls != 0 {
		s.t.Error("done on the stack of Alloc")
	}
	return res, cancel
}

func (r *result) want(t *testing.T, err error) {
	t.Helper()
	if r.calls != 1 || !errors.Is(r.err, err) || (r.flow != nil) != (err == nil) {
		t.Errorf("%d calls, flow %v, error %v, want %v", r.calls, r.flow, r.err, err)
	}
}

func TestLayersAreAskedByKindThenByAge_13_2(t *testing.T) {
	s := newSystem(t, Config{})
	s.layer("udp", core.KindUDP4)
	s.layer("late", core.KindUnicast)
	s.layer("lan", core.KindEthDIX, "srv")
	s.layer("later", core.KindUnicast)
	s.layer("all", core.KindBroadcast, "srv")
	res, _ := s.alloc(core.Request{Name: "srv"})
	s.run(time.Second)
	res.want(t, nil)
	s.took("late query", "later query", "lan query", "lan alloc")
}

func TestExplicitLayerIsTheOnlyOneAsked(t *testing.T) {
	s := newSystem(t, Config{})
	s.layer("net", core.KindUnicast, "srv")
	s.layer("lan", core.KindEthDIX, "srv")
	res, _ := s.alloc(core.Request{Name: "srv", Layer: "lan"})
	other, _ := s.alloc(core.Request{Name: "srv", Layer: "nowhere"})
	s.run(time.Second)
	res.want(t, nil)
	other.want(t, core.ErrIPCP)
	s.took("lan query", "lan alloc")
}

func TestUnknownNameFailsAtOnce_Decision2(t *testing.T) {
	s := newSystem(t, Config{})
	s.layer("net", core.KindUnicast)
	res, _ := s.alloc(core.Request{Name: "srv"})
	s.run(time.Minute)
	res.want(t, core.ErrIPCP)
	if res.at > 0 {
		t.Errorf("after %v", res.at)
	}
	long, _ := s.alloc(core.Request{})
	s.run(time.Second)
	long.want(t, core.ErrName)
}

func TestSilentLayerIsPassedAfter200Milliseconds_13_2(t *testing.T) {
	s := newSystem(t, Config{})
	slow := s.layer("net", core.KindUnicast, "srv")
	slow.silent = 1
	s.layer("lan", core.KindEthDIX, "srv")
	res, _ := s.alloc(core.Request{Name: "srv"})
	s.run(time.Second)
	res.want(t, nil)
	s.took("net query", "lan query", "lan alloc")
	if want := core.Time(QueryTimeout); res.at != want || slow.canceled != 1 {
		t.Errorf("at %v, want %v; canceled %d times", res.at, want, slow.canceled)
	}
}

func TestLookupWithoutAnswerIsRepeated_Decision2(t *testing.T) {
	s := newSystem(t, Config{})
	lan := s.layer("lan", core.KindEthDIX, "srv")
	lan.silent = 2
	res, _ := s.alloc(core.Request{Name: "srv"})
	s.run(5 * time.Second)
	res.want(t, nil)
	s.took("lan query", "lan query", "lan query", "lan alloc")
	// Two queries, and the pauses of 100 and 200 ms.
	if want := core.Time(700 * time.Millisecond); res.at != want {
		t.Errorf("at %v, want %v", res.at, want)
	}
}

func TestDeadline_13_3(t *testing.T) {
	s := newSystem(t, Config{})
	lan := s.layer("lan", core.KindEthDIX, "srv")
	lan.after = -1
	byDefault, _ := s.alloc(core.Request{Name: "srv"})
	given, _ := s.alloc(core.Request{Name: "srv", Timeout: time.Second})
	lan.silent = 1000
	lookup, _ := s.alloc(core.Request{Name: "srv", Timeout: 3 * time.Second})
	s.run(time.Minute)
	for r, want := range map[*result]time.Duration{byDefault: 20 * time.Second, given: time.Second, lookup: 3 * time.Second} {
		if r.at != core.Time(want) {
			t.Errorf("at %v, want %v", r.at, want)
		}
	}
	byDefault.want(t, core.ErrTimedOut)
	given.want(t, core.ErrTimedOut)
	lookup.want(t, core.ErrIPCP)
}

func TestRequestWithoutAnswerTimesOutAndIsCanceled_13_3(t *testing.T) {
	s := newSystem(t, Config{})
	lan := s.layer("lan", core.KindEthDIX, "srv")
	lan.after = -1
	res, _ := s.alloc(core.Request{Name: "srv"})
	s.run(20*time.Second - 1)
	if res.calls != 0 {
		t.Error("early")
	}
	s.run(1)
	res.want(t, core.ErrTimedOut)
	if lan.canceled != 1 {
		t.Errorf("canceled %d times", lan.canceled)
	}
}

func TestRefusalReachesTheCaller_13_3(t *testing.T) {
	s := newSystem(t, Config{})
	s.layer("lan", core.KindEthDIX, "srv").refuse = core.ErrAuth
	res, _ := s.alloc(core.Request{Name: "srv"})
	s.run(time.Second)
	res.want(t, core.ErrAuth)
}

func TestBadHandshakeClosesTheFlow_11_7(t *testing.T) {
	s := newSystem(t, Config{})
	lan := s.layer("lan", core.KindEthDIX, "srv")
	lan.tamper = func(b []byte) []byte { b[len(b)-1] ^= 1; return b }
	res, _ := s.alloc(core.Request{Name: "srv"})
	s.run(time.Second)
	res.want(t, core.ErrCrypt)
	if lan.flow.closed != 1 {
		t.Errorf("closed %d times", lan.flow.closed)
	}
	if _, r := s.b.Handshakes(); r != (Responses{Refused: 1}) {
		t.Errorf("%+v", r)
	}
}

func TestCancelInEveryPhaseCallsNobody(t *testing.T) {
	for name, prepare := range map[string]func(*fakeLayer){
		"asking":     func(l *fakeLayer) { l.silent = 1 },
		"requesting": func(l *fakeLayer) { l.after = time.Second },
		"failing":    func(l *fakeLayer) { l.known = nil },
	} {
		s := newSystem(t, Config{})
		prepare(s.layer("lan", core.KindEthDIX, "srv"))
		res, cancel := s.alloc(core.Request{Name: "srv"})
		if name == "requesting" {
			s.run(10 * time.Millisecond)
		}
		cancel()
		cancel()
		s.run(time.Minute)
		if res.calls != 0 {
			t.Errorf("%s: done was called", name)
		}
	}
}

func TestNameOfThisSystemAloneIsErrName(t *testing.T) {
	s := newSystem(t, Config{})
	s.layer("lan", core.KindEthDIX).silent = 1
	stop, err := s.b.Listen("srv", func(in core.Incoming) { in.Reject(nil) })
	if err != nil {
		t.Fatal(err)
	}
	res, _ := s.alloc(core.Request{Name: "srv"})
	s.run(time.Second)
	res.want(t, core.ErrName)
	stop()
}

func TestJoin_13_3(t *testing.T) {
	s := newSystem(t, Config{})
	s.layer("all", core.KindUnicast)
	l := s.layer("all", core.KindBroadcast)
	var res, none, late result
	s.b.Join("all", func(f core.Flow, err error) { res.flow, res.err, res.calls = f, err, res.calls+1 })
	s.b.Join("nowhere", func(f core.Flow, err error) { none.flow, none.err, none.calls = f, err, none.calls+1 })
	if res.calls+none.calls != 0 {
		t.Error("done on the stack of Join")
	}
	s.run(time.Second)
	res.want(t, nil)
	none.want(t, core.ErrIPCP)
	l.after = -1
	s.b.Join("all", func(f core.Flow, err error) { late.flow, late.err, late.calls = f, err, late.calls+1 })
	s.run(20 * time.Second)
	late.want(t, core.ErrTimedOut)
}
