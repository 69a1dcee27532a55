package adm

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ouroboros/core"
)

func newAdmission(t testing.TB, name string, params map[string]any) Admission {
	t.Helper()
	c, err := Policies().Choose(name, params)
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.New(core.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestReservationsStayWithinTheShare: a flow is taken on if and only if the sum of the bandwidths of all flows
// that are there, with its own, is within the share of the rate, for any order of coming and going and while
// the rate changes. Shares that are exact in binary make the sum of big numbers the oracle.
func TestReservationsStayWithinTheShare(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		eighths := rapid.Int64Range(1, 16).Draw(rt, "share in eighths")
		capacity := rapid.SampledFrom([]uint64{0, 1e6}).Draw(rt, "capacity")
		a := newAdmission(t, "bandwidth", map[string]any{"share": float64(eighths) / 8, "capacity": capacity})
		bandwidth := rapid.OneOf(rapid.Uint64Range(1, 3e5), rapid.SampledFrom([]uint64{0, 1 << 63, 1<<64 - 2, 1<<64 - 1}))
		rates := rapid.SampledFrom([]int64{0, 1e6, 1e6, 2e6 + 8})
		var flows []core.QoS
		sum := new(big.Int)
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			if len(flows) > 0 && rapid.IntRange(0, 2).Draw(rt, "leave") == 0 {
				i := rapid.IntRange(0, len(flows)-1).Draw(rt, "which")
				a.Release(flows[i])
				sum.Sub(sum, reserved(flows[i]))
				flows = append(flows[:i], flows[i+1:]...)
				continue
			}
			q, rate := core.QoS{Bandwidth: bandwidth.Draw(rt, "bandwidth")}, rates.Draw(rt, "rate")
			limit := big.NewInt(rate / 8 * eighths)
			if rate == 0 {
				limit.SetUint64(capacity / 8 * uint64(eighths))
			}
			if rate == 0 && capacity == 0 {
				limit.SetUint64(1<<64 - 1) // no limit but that of the numbers
			}
			next := new(big.Int).Add(sum, reserved(q))
			want := reserved(q).Sign() == 0 || next.Cmp(limit) <= 0
			err := a.Admit(q, rate)
			if (err == nil) != want || err != nil && !errors.Is(err, core.ErrBandwidth) {
				rt.Fatalf("%v + %d of %v: %v", sum, q.Bandwidth, limit, err)
			}
			if err == nil {
				flows, sum = append(flows, q), next
			}
		}
	})
}

// reserved is what a flow counts for: its bandwidth, unless that is all there is.
func reserved(q core.QoS) *big.Int {
	if q.Bandwidth == 1<<64-1 {
		return new(big.Int)
	}
	return new(big.Int).SetUint64(q.Bandwidth)
}

// TestDefaultShare: nine tenths of the rate, to the bit; the error says what is missing.
func TestDefaultShare(t *testing.T) {
	a := newAdmission(t, "bandwidth", nil)
	voice := core.QoSVoice
	for i := range 9 {
		if err := a.Admit(voice, 1_000_000); err != nil {
			t.Fatalf("flow %d of 100 kbit/s over 1 Mbit/s: %v", i, err)
		}
	}
	err := a.Admit(core.QoS{Bandwidth: 1}, 1_000_000)
	if !errors.Is(err, core.ErrBandwidth) || !strings.Contains(err.Error(), "asks for 1 bit/s, 900000 of 900000") {
		t.Errorf("%v", err)
	}
	for _, q := range []core.QoS{core.QoSRaw, core.QoSVideo} {
		if err := a.Admit(q, 1_000_000); err != nil {
			t.Errorf("a flow without a number in its wish: %v", err)
		}
	}
}

// TestNoneAdmitsEverything: as in the prototype (spec 12 §12.4).
func TestNoneAdmitsEverything(t *testing.T) {
	a := newAdmission(t, "none", nil)
	for range 3 {
		if err := a.Admit(core.QoS{Bandwidth: 1 << 63}, 1); err != nil {
			t.Error(err)
		}
	}
	a.Release(core.QoS{Bandwidth: 1 << 63})
}

// TestReleaseOfAStrangerPanics: it is an error of the owner that would let too many flows in.
func TestReleaseOfAStrangerPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	newAdmission(t, "bandwidth", nil).Release(core.QoSVoice)
}

// TestParametersAreChecked: an impossible value is an error that names the parameter.
func TestParametersAreChecked(t *testing.T) {
	for name, values := range map[string][]any{"share": {0, -1.0, 101, "x"}, "capacity": {-1, "x"}} {
		for _, v := range values {
			_, err := Policies().Choose("bandwidth", map[string]any{name: v})
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s %v: %v", name, v, err)
			}
		}
	}
}
