package ca

import (
	"math"
	"testing"
	"time"

	"ouroboros/core"
)

// FuzzFlow: whatever is sent, received and reported, at whatever times, nothing panics, pauses stay
// between 0 and 1 s, and the rate stays positive and within its bounds (spec 06, D3 and D6). Each three bytes are
// an action, a time that passes before it, and a value.
func FuzzFlow(f *testing.F) {
	f.Add([]byte{0, 20, 200, 1, 20, 63, 2, 20, 255})
	f.Add([]byte{3, 1, 255, 3, 24, 255, 3, 30, 1, 2, 0, 0, 3, 40, 255})
	f.Add([]byte{0, 50, 0, 2, 50, 1, 3, 10, 255, 1, 5, 128, 1, 5, 255, 4, 0, 9, 4, 30, 255})
	f.Fuzz(func(t *testing.T, script []byte) {
		for _, policy := range Policies().Names() {
			play(t, policy, script[:min(len(script), 300)])
		}
	})
}

func play(t *testing.T, policy string, script []byte) {
	a := newAvoidance(t, policy, nil)
	now := core.Time(1 << 40)
	flow, port := a.NewFlow(now), a.NewPort(1e9)
	send := func(n int) {
		wait := flow.Send(now, n)
		if wait < 0 || wait > time.Second {
			t.Fatalf("%s: pause of %v", policy, wait)
		}
	}
	for ; len(script) >= 3; script = script[3:] {
		if now < math.MaxInt64/2 {
			now += core.Time(1)<<(script[1]%56) - 1
		}
		v := script[2]
		switch script[0] % 5 {
		case 0:
			send(int(v) << (script[1] % 23))
		case 1:
			flow.Recv(now, int(v), v)
		case 2:
			flow.Report(now, uint16(v)<<8|uint16(script[1]))
		case 3:
			for range int(v) * 2 {
				send(1500)
			}
		case 4:
			if port != nil {
				port.Mark(now, v, int(v)<<(script[1]%30), int(script[1])*60)
				port.SetRate(int64(v) << (script[1] % 48))
			}
		}
		if s := flow.Snapshot(); !within(policy, s) {
			t.Fatalf("%s: %+v", policy, s)
		}
	}
}

// within reports whether a rate is between the bounds of its policy.
func within(policy string, s Snapshot) bool {
	switch policy {
	case "none":
		return math.IsInf(s.Rate, 1)
	case "mb-ecn", "mb-ecn-blog":
		return s.Limit >= 1 && s.Limit <= maxLimit && s.Window >= 1<<minExponent && s.Window <= 1<<maxExponent
	}
	return s.Rate >= 8e3/8 && s.Rate <= highestRate/8 && s.Window > 0
}
