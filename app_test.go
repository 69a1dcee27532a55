package ouroboros_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ouroboros"
	"ouroboros/core"
)

func TestDialAsksForWhatTheOptionsSay_14_2(t *testing.T) {
	script(t, func(x *bench) {
		f, _ := x.dial()
		if r := x.alloc.request; r.QoS != core.QoSRaw || r.Timeout != 20*time.Second || r.Name != "name" || r.Layer != "" {
			t.Errorf("without options: %+v", r)
		}
		_ = f.Close()
		f, err := x.app.Dial("n", ouroboros.WithQoS(core.QoSRawNoErrors), ouroboros.WithLayer("l"), ouroboros.WithTimeout(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		want := core.Request{Name: "n", QoS: core.QoSRawNoErrors, Layer: "l", Timeout: time.Second}
		if x.alloc.request != want || f.QoS() != want.QoS {
			t.Errorf("asked for %+v, want %+v; got %+v", x.alloc.request, want, f.QoS())
		}
		_ = f.Close()
	})
}

func TestDialFailsWithTheReasonOfTheBroker_14_2(t *testing.T) {
	script(t, func(x *bench) {
		for _, code := range []core.Code{core.ErrName, core.ErrTimedOut, core.ErrAuth} {
			x.alloc.fail, x.alloc.delay = code, time.Second
			if f, err := x.app.Dial("name"); f != nil || !errors.Is(err, code) {
				t.Errorf("Dial: %v, %v, want %v", f, err, code)
			}
		}
		for _, name := range []string{"", strings.Repeat("x", 256)} {
			if _, err := x.app.Dial(name); !errors.Is(err, core.ErrInvalid) {
				t.Errorf("Dial of a name of %d bytes: %v", len(name), err)
			}
			if _, err := x.app.Listen(name); !errors.Is(err, core.ErrInvalid) {
				t.Errorf("Listen to a name of %d bytes: %v", len(name), err)
			}
			if _, err := x.app.Join(name); !errors.Is(err, core.ErrInvalid) {
				t.Errorf("Join of a name of %d bytes: %v", len(name), err)
			}
		}
		if _, err := x.app.Dial("name", ouroboros.WithTimeout(0)); !errors.Is(err, core.ErrInvalid) {
			t.Errorf("timeout 0: %v", err)
		}
	})
}

func TestJoinGivesUpAtItsTimeout(t *testing.T) {
	script(t, func(x *bench) {
		f, err := x.app.Join("layer")
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		x.alloc.delay = time.Minute
		start := x.b.Now()
		_, err = x.app.Join("layer", ouroboros.WithTimeout(2*time.Second))
		if !errors.Is(err, core.ErrTimedOut) || x.b.Now().Sub(start) != 2*time.Second || !x.alloc.canceled {
			t.Errorf("Join: %v after %v, canceled %v", err, x.b.Now().Sub(start), x.alloc.canceled)
		}
	})
}

func TestAcceptTakesRequestsInOrder(t *testing.T) {
	script(t, func(x *bench) {
		l, err := x.app.Listen("name")
		if err != nil {
			t.Fatal(err)
		}
		l.SetDeadline(core.Time(time.Second))
		if _, err := l.Accept(); !errors.Is(err, core.ErrTimedOut) {
			t.Errorf("Accept: %v, want %v", err, core.ErrTimedOut)
		}
		l.SetDeadline(ouroboros.Never)
		bad := &fakeIncoming{env: x.env, fail: core.ErrAuth}
		good := &fakeIncoming{env: x.env}
		x.after(time.Second, func() { x.alloc.accept(bad); x.alloc.accept(good) })
		if _, err := l.Accept(); !errors.Is(err, core.ErrAuth) {
			t.Errorf("a bad client: %v, want %v", err, core.ErrAuth)
		}
		f, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		good.flow.arrive("hi")
		if n, err := f.ReadMsg(make([]byte, 2)); n != 2 || err != nil {
			t.Errorf("read %d, %v", n, err)
		}
		_ = f.Close()

		waiting := &fakeIncoming{env: x.env}
		x.alloc.accept(waiting)
		if err := l.Close(); err != nil || !x.alloc.stopped || !errors.Is(waiting.rejected, core.ErrName) {
			t.Errorf("Close: %v, stopped %v, the waiting client got %v", err, x.alloc.stopped, waiting.rejected)
		}
		if _, err := l.Accept(); !errors.Is(err, core.ErrNotAlloc) || !errors.Is(l.Close(), core.ErrNotAlloc) {
			t.Errorf("Accept on a closed listener: %v", err)
		}
		x.alloc.fail = core.ErrPerm
		if _, err := x.app.Listen("name"); !errors.Is(err, core.ErrPerm) {
			t.Errorf("Listen: %v", err)
		}
	})
}

func TestTheBacklogIsBounded(t *testing.T) {
	script(t, func(x *bench) {
		if _, err := x.app.Listen("name"); err != nil {
			t.Fatal(err)
		}
		refused := 0
		for range 1000 {
			in := &fakeIncoming{env: x.env}
			if x.alloc.accept(in); in.rejected != nil {
				refused++
				if !errors.Is(in.rejected, core.ErrAgain) {
					t.Errorf("refused with %v", in.rejected)
				}
			}
		}
		if refused == 0 || refused > 900 {
			t.Errorf("%d of 1000 requests were refused", refused)
		}
	})
}

func TestQoSWords_12_2(t *testing.T) {
	want := map[string]core.QoS{
		"raw": core.QoSRaw, "best": core.QoSBestEffort, "video": core.QoSVideo, "voice": core.QoSVoice, "data": core.QoSData,
	}
	for _, word := range strings.Split(ouroboros.QoSWords, ", ") {
		if q, err := ouroboros.ParseQoS(word); err != nil || q != want[word] {
			t.Errorf("%s: %+v, %v", word, q, err)
		}
	}
	_, err := ouroboros.ParseQoS("gold")
	if !errors.Is(err, core.ErrInvalid) || !strings.Contains(err.Error(), ouroboros.QoSWords) || !strings.Contains(err.Error(), `"gold"`) {
		t.Errorf("unknown word: %v", err)
	}
}
