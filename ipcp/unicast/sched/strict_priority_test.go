package sched

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// TestStrictPriorityServesTheHighestCube: voice before video before best effort (spec 02 §8.2), in order
// of arrival within a cube, each up to its own limit; a cube that nobody has defined is best effort.
func TestStrictPriorityServesTheHighestCube(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limits := drawPerCube(rt, "limit", 0, 20)
		s := makeScheduler(t, "strict-priority", limitParams(limits))
		checkAgainst(rt, s, &oracle{full: fullPerCube(limits), pick: func(waiting []queued) int {
			best := 0
			for i, q := range waiting {
				if q.cube > waiting[best].cube {
					best = i
				}
			}
			return best
		}})
	})
}

// TestVoiceWaitsForOnePacketAtMost: whatever the backlog of best effort, only the packet that had already
// been shown as the head goes before a packet of voice.
func TestVoiceWaitsForOnePacketAtMost(t *testing.T) {
	pool := pkt.NewPool()
	for _, shown := range []bool{false, true} {
		s := makeScheduler(t, "strict-priority", nil)
		for range 1000 {
			s.Push(0, pool.GetPhantom(0, 0, 1500), core.CubeBestEffort)
		}
		before := 0
		if shown {
			s.Head(0)
			before = 1
		}
		voice := pool.GetPhantom(0, 0, 160)
		s.Push(0, voice, core.CubeVoice)
		got := 0
		for s.Pop(0) != voice {
			got++
		}
		if got != before {
			t.Errorf("head shown %v: %d packets went before, want %d", shown, got, before)
		}
	}
}

// TestLimitsPerCubeAreChecked: an impossible value is an error that names the parameter.
func TestLimitsPerCubeAreChecked(t *testing.T) {
	for _, policy := range []string{"strict-priority", "drr"} {
		for _, name := range []string{"limit_best_effort", "limit_video", "limit_voice"} {
			for _, n := range []int{-1, maxLimit + 1} {
				_, err := Policies().Choose(policy, map[string]any{name: n})
				if err == nil || !strings.Contains(err.Error(), name+":") {
					t.Errorf("%s with %s %d: %v", policy, name, n, err)
				}
			}
		}
	}
}

func drawPerCube(rt *rapid.T, name string, lo, hi int) (v perCube) {
	for i := range v {
		v[i] = rapid.IntRange(lo, hi).Draw(rt, name+"_"+cubeNames[i])
	}
	return v
}

func limitParams(limits perCube) map[string]any {
	return map[string]any{"limit_best_effort": limits[0], "limit_video": limits[1], "limit_voice": limits[2]}
}
