package frcp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// TestThroughputTable keeps what recovery achieves as a table, so that a change of it is a readable
// difference. It bounds what matters: resending what was lost costs about what was lost.
func TestThroughputTable(t *testing.T) {
	datadriven.RunTest(t, "testdata/throughput.table", func(t *testing.T, d *datadriven.TestData) string {
		var out strings.Builder
		fmt.Fprintf(&out, "%5s %-13s %6s %7s %9s %9s %6s\n", "loss", "recovery", "time", "resent", "duplicate", "expiries", "probes")
		for _, loss := range []float64{0, 0.001, 0.01, 0.05, 0.2} {
			for _, c := range []struct {
				name   string
				params Params
			}{
				{"rack", Params{}},
				{"no-ranges", Params{NoRanges: true}},
				{"no-tail-probe", Params{NoTailProbe: true}},
				{"no-undo", Params{NoUndo: true}},
				{"rack-plain", Params{PlainAcks: true}},
				{"prototype", Params{Recovery: RecoveryPrototype, PlainAcks: true}},
			} {
				row(t, &out, loss, c.name, c.params)
			}
		}
		return out.String()
	})
}

const tableMessages = 5000

func row(t *testing.T, out *strings.Builder, loss float64, name string, params Params) {
	w := newWorld(core.ModeReliable, params, 3, 0)
	for i := range w.ch {
		w.ch[i] = channel{
			delay: 10 * time.Millisecond, loss: loss,
			rate: func(clock.Time) time.Duration { return 100 * time.Microsecond },
		}
	}
	for i := range tableMessages {
		w.queue[0] = append(w.queue[0], uint32(i))
	}
	w.service()
	for len(w.got[1]) < tableMessages && w.conn[0].Err() == nil && w.now < clock.Time(1000*time.Second) {
		w.run(time.Millisecond)
	}
	st, dup := w.conn[0].Stats(), w.conn[1].Stats().Duplicates
	took := fmt.Sprintf("%.2fs", w.now.Seconds())
	if w.conn[0].Err() != nil {
		took = "failed"
	}
	fmt.Fprintf(out, "%4.1f%% %-13s %6s %7d %9d %9d %6d\n", 100*loss, name, took, st.Retransmitted, dup, st.Expiries, st.Probes)
	if name == "rack" && (float64(st.Retransmitted) > 1.5*loss*tableMessages+5 || dup > 10 || w.now > clock.Time(3*time.Second)) {
		t.Errorf("loss %v: %v, stats %+v", loss, w.now, st)
	}
	if n := w.end(); n != 0 {
		t.Errorf("%d buffers leaked", n)
	}
}

// Decision 15: a window of 2^17 packets fills, over edges beyond 24 bits, and rings grow only with what
// waits in them.
func TestLargeWindow(t *testing.T) {
	const n = 1 << 17
	w := newWorld(core.ModeReliable, Params{Window: n, OwnPeer: true}, 1, 1<<24-1000)
	w.ch[0].delay, w.ch[1].delay = 10*time.Millisecond, 10*time.Millisecond
	w.read(1, false)
	for i := range n + 10 {
		w.queue[0] = append(w.queue[0], uint32(i))
	}
	w.service()
	if got := len(w.conn[0].snd.ring); got > 2*StartWindow {
		t.Errorf("a ring of %d slots for %d packets", got, StartWindow)
	}
	w.run(time.Second)
	if got, left := w.conn[1].Waiting(), len(w.queue[0]); got != n || left != 10 {
		t.Fatalf("%d wait for the reader, %d for the window", got, left)
	}
	w.read(1, true)
	w.run(time.Second)
	if len(w.got[1]) != n+10 || w.conn[0].Stats().Retransmitted != 0 {
		t.Fatalf("%d delivered, stats %+v", len(w.got[1]), w.conn[0].Stats())
	}
	if live := w.end(); live != 0 {
		t.Fatalf("%d buffers leaked", live)
	}
}
