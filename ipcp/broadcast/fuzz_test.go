package broadcast

import (
	"encoding/binary"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// FuzzTreeRecv feeds a member whatever three neighbours may say, in any order and with pauses. It holds what
// a member must hold by itself: its label never rises while it honours a join, a deadline lies ahead once
// Tick has run, every message is one that the others can read, and what it keeps is bounded.
func FuzzTreeRecv(f *testing.F) {
	good := message{number: 1, label: label{root: 1, seq: 9, dist: 2}, join: 1, wanted: true, honoured: 1}
	f.Add(append([]byte{0, 0}, good.append(nil)...))
	good.number, good.join, good.floor = 2, 0, 1<<32-1
	f.Add(append([]byte{1, 200}, good.append(nil)...))
	good.leaving, good.adrift, good.age, good.label.root = true, true, 1<<16-1, 1<<63
	f.Add(append([]byte{2, 255}, good.append(nil)...))
	f.Fuzz(func(t *testing.T, in []byte) {
		now := core.Time(0)
		m := NewTree(now, 1<<62, TreeConfig{})
		for range 3 {
			m.Add(now)
		}
		children := make([]uint32, 3)
		last := m.label
		step := func() {
			for i, n := range m.ports {
				if last.less(m.label) && n.child != 0 && n.child == children[i] {
					t.Fatalf("the label rose from %+v to %+v while a child hangs below", last, m.label)
				}
				children[i] = n.child
				if n.child != 0 && n.child <= n.floor {
					t.Fatal("a join that is over is honoured")
				}
			}
			last = m.label
			for _, s := range m.Out() {
				if _, ok := parseMessage(s.SDU); !ok {
					t.Fatalf("an unreadable message % x", s.SDU)
				}
			}
			if len(m.known.least) > maxKnown {
				t.Fatal("too many roots are remembered")
			}
		}
		for len(in) >= 2+MessageLen {
			m.Recv(now, Port(in[0]%4), in[2:2+MessageLen])
			step()
			now = now.Add(time.Duration(in[1]) * 20 * time.Millisecond)
			m.Tick(now)
			if d := m.Deadline(); d <= now || d == clock.Never {
				t.Fatalf("at %v Tick is due at %v", now, d)
			}
			step()
			in = in[2+MessageLen:]
		}
		m.Recv(now, 0, in)
		step()
	})
}

// FuzzMessage: what can be read comes back as the same bytes, up to those that are ignored.
func FuzzMessage(f *testing.F) {
	f.Add(message{number: 7, label: label{root: 1, seq: 2, dist: 3}}.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, ok := parseMessage(b)
		if !ok {
			return
		}
		want := append([]byte(nil), b[:MessageLen]...)
		want[1] &= flagLeaving | flagAdrift | flagWanted
		binary.BigEndian.PutUint16(want[22:], 0)
		if got := string(m.append(nil)); got != string(want) {
			t.Errorf("% x became % x", want, got)
		}
	})
}
