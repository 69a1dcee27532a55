package broadcast

import (
	"testing"
	"time"

	"ouroboros/core"
)

// say has a member with identity 50 hear a message on a port, and returns its last answer there.
func say(t *Tree, now core.Time, p Port, m message) (answer message) {
	t.Recv(now, p, m.append(nil))
	for _, s := range t.Out() {
		if s.Port == p {
			answer, _ = parseMessage(s.SDU)
		}
	}
	return answer
}

// A join is honoured only from below: with a label that is not above that which came with it.
func TestAJoinIsHonouredFromBelowOnly(t *testing.T) {
	for root, want := range map[uint64]uint32{70: 1, 30: 0} {
		m := NewTree(0, 50, TreeConfig{})
		// The age keeps it from being taken as the parent.
		got := say(m, 0, m.Add(0), message{number: 1, age: 1<<16 - 1, label: label{root: root, seq: 1}, join: 1, wanted: true})
		if got.honoured != want {
			t.Errorf("a join from a member of root %d: honoured %d, want %d", root, got.honoured, want)
		}
	}
}

// Where all joins up to an epoch are over, the next is asked with a later one, and an answer to an earlier one
// does not count.
func TestAJoinIsAskedAnew(t *testing.T) {
	m := NewTree(0, 50, TreeConfig{})
	p := m.Add(0)
	above := message{number: 1, label: label{root: 30, seq: 1}}
	first := say(m, 0, p, above)
	above.number, above.floor = 2, first.join+7
	again := say(m, 0, p, above)
	if !first.wanted || !again.wanted || again.join != above.floor+1 {
		t.Fatalf("asked with %+v, then %+v", first, again)
	}
	for _, honoured := range []uint32{first.join, again.join} {
		above.number, above.honoured = above.number+1, honoured
		say(m, 0, p, above)
		if m.Forwards(p) != (honoured == again.join) {
			t.Errorf("epoch %d is honoured: data passes %v", honoured, m.Forwards(p))
		}
	}
}

// A root that has been silent for too long is not believed in again because somebody repeats its last number,
// but it is with a later one.
func TestARumourIsNotBelieved(t *testing.T) {
	m := NewTree(0, 50, TreeConfig{})
	a, b := m.Add(0), m.Add(0)
	say(m, 0, a, message{number: 1, label: label{root: 30, seq: 9}})
	now := core.Time(4 * time.Second)
	m.Tick(now)
	if id, _ := m.Root(); id != 50 {
		t.Fatalf("after 4 s of silence the root is %d", id)
	}
	for seq, want := range []uint64{9: 50, 10: 30} {
		if want == 0 {
			continue
		}
		say(m, now, b, message{number: uint32(seq), label: label{root: 30, seq: uint32(seq)}})
		if id, _ := m.Root(); id != want {
			t.Errorf("number %d: the root is %d, want %d", seq, id, want)
		}
	}
}
