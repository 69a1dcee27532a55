package remote_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ouroboros/core"
)

// Whatever the order of writes, pauses of readers, pauses of pipes and closes: packets arrive in order, once and
// whole; all of them if nobody closes; a refused Write is followed by one Writable; and nothing is left at the end
// (core.Flow).
func TestRandomHistoriesLoseNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRig(t, rapid.SampledFrom([]int{1, 4, 64, 1023}).Draw(t, "queue"))
		apps := []*application{
			r.connect("a", rapid.SampledFrom([]int{1, 3, 50}).Draw(t, "pipe a")),
			r.connect("b", rapid.SampledFrom([]int{1, 3, 50}).Draw(t, "pipe b")),
		}
		var pairs [][2]*user
		for i := range rapid.IntRange(1, 6).Draw(t, "flows") {
			a, b := r.flow(apps[i%2], apps[1-i%2], core.Name(fmt.Sprint("name", i)), core.QoSRaw)
			for _, u := range []*user{a, b} {
				more := rapid.SampledFrom([]int{0, 0, 300}).Draw(t, "goes on")
				u.onWritable = func() {
					for ; more > 0 && !u.refused; more-- {
						u.write(1000)
					}
				}
			}
			pairs = append(pairs, [2]*user{a, b})
		}
		size := rapid.OneOf(rapid.IntRange(4, 200), rapid.SampledFrom([]int{1400, 9000, 65535}))
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			p := pairs[rapid.IntRange(0, len(pairs)-1).Draw(t, "pair")]
			u := p[rapid.IntRange(0, 1).Draw(t, "side")]
			a := apps[rapid.IntRange(0, 1).Draw(t, "app")]
			switch rapid.IntRange(0, 10).Draw(t, "op") {
			case 0, 1, 2, 3:
				n, k := rapid.IntRange(1, 300).Draw(t, "packets"), size.Draw(t, "size")
				n = min(n, 1+500_000/k)
				r.do(func() {
					for ; n > 0 && !u.refused && !u.closed && u.ended == nil; n-- {
						u.write(k)
					}
				})
			case 4, 5:
				on := rapid.Bool().Draw(t, "on")
				r.do(func() { u.receive(on) })
			case 6:
				on := rapid.Bool().Draw(t, "stuck")
				r.do(func() { a.near.stick(on) })
			case 7:
				on := rapid.Bool().Draw(t, "stuck")
				r.do(func() { a.far.stick(on) })
			case 8:
				if rapid.IntRange(0, 3).Draw(t, "really") == 0 {
					r.do(u.close)
				}
			case 10:
				k := size.Draw(t, "size")
				r.do(func() {
					for _, p := range pairs {
						for _, u := range p {
							for !u.refused && !u.closed && u.ended == nil && u.write(k) {
							}
						}
					}
				})
			case 9:
				r.run(rapid.SampledFrom([]time.Duration{0, time.Millisecond, time.Second}).Draw(t, "pause"))
			}
		}
		for _, a := range apps {
			r.do(func() { a.near.stick(false); a.far.stick(false) })
		}
		for _, p := range pairs {
			r.do(func() { p[0].receive(true); p[1].receive(true) })
		}
		r.run(10 * time.Second)
		for i, p := range pairs {
			for side, u := range p {
				o := p[1-side]
				whole := !u.closed && !o.closed
				if o.read > u.wrote || whole && o.read != u.wrote {
					t.Errorf("flow %d, side %d: %d packets were written, %d arrived", i, side, u.wrote, o.read)
				}
				if whole && u.refused {
					t.Errorf("flow %d, side %d: the writer waits for ever", i, side)
				}
				if o.closed != u.closed && !o.closed && !errors.Is(o.ended, core.ErrFlowDown) {
					t.Errorf("flow %d, side %d: told %v when the other end had closed", i, 1-side, o.ended)
				}
			}
		}
		r.tidy()
	})
}
