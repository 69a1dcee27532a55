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

// TestVoiceDoesNotWaitHere: whatever the backlog of best effort, a packet of voice is the head, also when the
// N-1 flow has been shown another one before and has refused it. What Pop removes is what was shown last.
func TestVoiceDoesNotWaitHere(t *testing.T) {
	pool := pkt.NewPool()
	for _, shown := range []bool{false, true} {
		s := makeScheduler(t, "strict-priority", nil)
		var first *pkt.Buf
		for i := range 1000 {
			p := pool.GetPhantom(0, 0, 1500)
			if s.Push(0, p, core.CubeBestEffort); i == 0 {
				first = p
			}
		}
		if shown && s.Head(0) != first {
			t.Error("best effort alone, and its first packet is not the head")
		}
		voice, video := pool.GetPhantom(0, 0, 160), pool.GetPhantom(0, 0, 160)
		s.Push(0, voice, core.CubeVoice)
		s.Push(0, video, core.CubeVideo)
		if s.Head(0) != voice {
			t.Errorf("head shown before %v: the packet of voice is not the head", shown)
		}
		if s.Pop(0) != voice || s.Head(0) != video {
			t.Errorf("head shown before %v: voice, then video was due", shown)
		}
		if s.Push(0, voice, core.CubeVoice); s.Pop(0) != video {
			t.Error("the packet that the N-1 flow has taken is another than the one removed")
		}
	}
}

// TestHeldPacketsHaveRoom: a packet of a flow of the owner is taken where the limit has no room, waits in its
// turn, and takes no room from others.
func TestHeldPacketsHaveRoom(t *testing.T) {
	pool := pkt.NewPool()
	for _, policy := range []string{"strict-priority", "drr"} {
		s := makeScheduler(t, policy, limitParams(perCube{1, 1, 0})).(Ordering)
		be, held := pool.GetPhantom(0, 0, 100), pool.GetPhantom(0, 0, 100)
		if s.Push(0, be, core.CubeVoice) || !s.Push(0, be, core.CubeBestEffort) {
			t.Fatalf("%s: the limits are not kept", policy)
		}
		s.Hold(0, held, core.CubeVoice)
		if s.Len() != 2 || s.Pop(0) != held || s.Pop(0) != be {
			t.Errorf("%s: not voice, then best effort", policy)
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
