package irm

import (
	"errors"
	"slices"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/oap"
)

// arrival is a request that arrived in a layer, and what was answered.
type arrival struct {
	request  *oap.Request
	code     core.Code
	answers  int
	response []byte
	flow     *fakeFlow
}

// arrive has a request for the name arrive in a layer.
func (l *fakeLayer) arrive(t *testing.T, n core.Name) *arrival {
	t.Helper()
	a := &arrival{flow: &fakeFlow{}}
	request, b, err := oap.NewRequest(l.env, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	a.request = request
	l.deliver(a, n, b)
	return a
}

func (l *fakeLayer) deliver(a *arrival, n core.Name, piggyback []byte) {
	l.onRequest(core.IncomingFlow{
		Hash: l.info.Hash.Sum(n), QoS: core.QoSData, Piggyback: piggyback,
		Respond: func(code core.Code, response []byte) (core.Flow, error) {
			a.answers++
			a.code, a.response = code, response
			if code != 0 {
				return nil, nil
			}
			return a.flow, nil
		},
	})
}

func (s *system) listen(n core.Name, accept func(core.Incoming)) (stop func()) {
	s.t.Helper()
	stop, err := s.b.Listen(n, accept)
	if err != nil {
		s.t.Fatal(err)
	}
	return stop
}

func TestAcceptAnswersTheHandshake_13_3(t *testing.T) {
	s := newSystem(t, Config{})
	lan := s.layer("lan", core.KindEthDIX)
	var got core.Flow
	s.listen("srv", func(in core.Incoming) {
		if in.Name() != "srv" || in.QoS() != core.QoSData {
			t.Errorf("%q %+v", in.Name(), in.QoS())
		}
		f, err := in.Accept()
		if err != nil {
			t.Error(err)
		}
		got = f
		if _, err := in.Accept(); !errors.Is(err, core.ErrInvalid) {
			t.Errorf("second Accept: %v", err)
		}
		in.Reject(core.ErrPerm)
	})
	a := lan.arrive(t, "srv")
	if got != core.Flow(a.flow) || a.answers != 1 || a.code != 0 {
		t.Errorf("%v, %+v", got, a)
	}
	if _, err := a.request.Verify(lan.env, a.response); err != nil {
		t.Error(err)
	}
}

func TestRejectCarriesTheCode(t *testing.T) {
	s := newSystem(t, Config{})
	lan := s.layer("lan", core.KindEthDIX)
	var reason error
	s.listen("srv", func(in core.Incoming) { in.Reject(reason) })
	for err, want := range map[error]core.Code{
		core.ErrPerm: core.ErrPerm, errors.New("busy"): core.ErrIPCP, core.Code(0): core.ErrIPCP,
	} {
		reason = err
		if a := lan.arrive(t, "srv"); a.code != want || a.answers != 1 {
			t.Errorf("%v: %+v", err, a)
		}
	}
}

func TestUnknownDigestIsRefusedAtOnce_Decision2(t *testing.T) {
	s := newSystem(t, Config{})
	lan := s.layer("lan", core.KindEthDIX)
	if a := lan.arrive(t, "srv"); a.code != core.ErrName || a.answers != 1 {
		t.Errorf("%+v", a)
	}
}

func TestBadHandshakeIsReportedToBothSides_11_4(t *testing.T) {
	s := newSystem(t, Config{})
	lan := s.layer("lan", core.KindEthDIX)
	var got error
	s.listen("srv", func(in core.Incoming) { _, got = in.Accept() })
	a := &arrival{}
	lan.deliver(a, "srv", []byte("no handshake"))
	if !errors.Is(got, core.ErrAuth) || a.code != core.ErrAuth || a.response != nil {
		t.Errorf("%v, %+v", got, a)
	}
}

func TestListenersTakeTurns_13_1(t *testing.T) {
	s := newSystem(t, Config{})
	lan := s.layer("lan", core.KindEthDIX)
	var order []int
	var stops []func()
	for i := range 3 {
		stops = append(stops, s.listen("srv", func(in core.Incoming) {
			order = append(order, i)
			in.Reject(core.ErrPerm)
		}))
	}
	for range 4 {
		lan.arrive(t, "srv")
	}
	stops[0]()
	stops[0]()
	for range 3 {
		lan.arrive(t, "srv")
	}
	if want := []int{0, 1, 2, 0, 1, 2, 1}; !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
}

func TestUnansweredRequestIsRefusedAfterASecond_13_3(t *testing.T) {
	s := newSystem(t, Config{})
	lan := s.layer("lan", core.KindEthDIX)
	var held []core.Incoming
	s.listen("srv", func(in core.Incoming) { held = append(held, in) })
	a := lan.arrive(t, "srv")
	s.run(500 * time.Millisecond)
	b := lan.arrive(t, "srv")
	s.run(500*time.Millisecond - 1)
	if a.answers != 0 {
		t.Error("early")
	}
	s.run(1)
	if a.code != core.ErrTimedOut || a.answers != 1 || b.answers != 0 {
		t.Errorf("%+v, %+v", a, b)
	}
	if _, err := held[0].Accept(); !errors.Is(err, core.ErrTimedOut) || a.answers != 1 {
		t.Errorf("late Accept: %v", err)
	}
	if _, err := held[1].Accept(); err != nil {
		t.Error(err)
	}
}

func TestRequestWaitsASecondForAListener_13_3(t *testing.T) {
	s := newSystem(t, Config{})
	lan := s.layer("lan", core.KindEthDIX)
	if err := s.b.Register("srv"); err != nil {
		t.Fatal(err)
	}
	first := lan.arrive(t, "srv")
	s.run(999 * time.Millisecond)
	second := lan.arrive(t, "srv")
	s.run(time.Millisecond)
	if first.code != core.ErrName || second.answers != 0 {
		t.Errorf("%+v, %+v", first, second)
	}
	listening := false
	s.listen("srv", func(in core.Incoming) {
		if !listening {
			t.Error("accept on the stack of Listen")
		}
		_, _ = in.Accept()
	})
	listening = true
	s.run(time.Millisecond)
	if second.answers != 1 || second.code != 0 {
		t.Errorf("%+v", second)
	}
}

func TestTooManyWaitingRequestsAreRefused(t *testing.T) {
	s := newSystem(t, Config{})
	lan := s.layer("lan", core.KindEthDIX)
	s.listen("srv", func(core.Incoming) {})
	for range MaxIncoming {
		lan.arrive(t, "srv")
	}
	if a := lan.arrive(t, "srv"); a.code != core.ErrAgain {
		t.Errorf("%+v", a)
	}
}

func TestNameIsRegisteredInAllLayersButShims_13_1(t *testing.T) {
	s := newSystem(t, Config{})
	s.layer("lan", core.KindEthDIX)
	s.layer("all", core.KindBroadcast)
	reject := func(in core.Incoming) { in.Reject(nil) }
	stop := s.listen("srv", reject)
	s.took("lan register")
	again := s.listen("srv", reject)
	s.took()
	// With a layer that is no shim the name moves there.
	net := s.layer("net", core.KindUnicast)
	s.took("net register", "lan unregister")
	if err := s.b.RemoveProvider(net); err != nil {
		t.Error(err)
	}
	s.took("net unregister", "lan register")
	stop()
	s.took()
	again()
	s.took("lan unregister")
	if len(s.b.names)+len(s.b.sorted) != 0 {
		t.Error("the name is not forgotten")
	}
}

func TestConfiguredLayersOfAName(t *testing.T) {
	s := newSystem(t, Config{Register: map[core.Name][]core.Name{"srv": {"lan", "wan"}}})
	s.layer("net", core.KindUnicast)
	s.layer("lan", core.KindEthDIX)
	stop := s.listen("srv", func(in core.Incoming) { in.Reject(nil) })
	s.took("lan register")
	s.layer("wan", core.KindUDP4)
	s.took("wan register")
	stop()
	s.took("lan unregister", "wan unregister")
}

func TestPublishedNameStaysRegistered(t *testing.T) {
	s := newSystem(t, Config{})
	s.layer("net", core.KindUnicast)
	s.layer("lan", core.KindEthDIX)
	if err := s.b.Register("net", "lan"); err != nil {
		t.Fatal(err)
	}
	s.took("lan register")
	s.listen("net", func(in core.Incoming) { in.Reject(nil) })()
	s.took()
	for range 2 {
		if err := s.b.Unregister("net"); err != nil {
			t.Error(err)
		}
	}
	s.took("lan unregister")
}

func TestListenFailsWhenALayerRefuses(t *testing.T) {
	s := newSystem(t, Config{})
	s.layer("lan", core.KindEthDIX).regErr = core.ErrIPCPState
	if stop, err := s.b.Listen("srv", nil); !errors.Is(err, core.ErrIPCPState) || stop != nil {
		t.Errorf("%v", err)
	}
	if len(s.b.names) != 0 {
		t.Error("the name is kept")
	}
	if _, err := s.b.Listen("", nil); err == nil {
		t.Error("empty name accepted")
	}
}
