package frcp

import (
	"fmt"
	"ouroboros/core"
	"ouroboros/core/clock"
	"testing"
	"time"
)

func TestDbgPerf(t *testing.T) {
	for _, loss := range []float64{0, .001, .01, .05, .1, .2} {
		for _, pr := range []Params{{}, {OwnPeer: true}, {PlainAcks: true}, {Recovery: RecoveryPrototype}, {Window: 16384}} {
			w := newWorld(core.ModeReliable, pr, 3, 0)
			for i := range w.ch {
				w.ch[i] = channel{delay: 10 * time.Millisecond, loss: loss, rate: func(clock.Time) time.Duration { return 100 * time.Microsecond }}
			}
			start := time.Now()
			for i := range 5000 {
				w.queue[0] = append(w.queue[0], uint32(i))
			}
			w.service()
			for len(w.got[1]) < 5000 && w.now < clock.Time(1000*time.Second) && w.conn[0].Err() == nil {
				w.run(time.Millisecond)
			}
			st := w.conn[0].Stats()
			fmt.Printf("loss %.3f %+v: %v got %d retx %d spur %d dup %d exp %d probes %d srtt %v cpu %v\n", loss, pr, w.now, len(w.got[1]), st.Retransmitted, st.Spurious, w.conn[1].Stats().Duplicates, st.Expiries, st.Probes, st.SRTT, time.Since(start))
		}
	}
}
