package routing

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"ouroboros/core"
)

// TestAnnouncementIsSentInBothForms: spec 04 §5 and decisions 7 and 12. The number is the clock in
// seconds, the long form goes first, and all management neighbours get both.
func TestAnnouncementIsSentInBothForms(t *testing.T) {
	_, x := alone(t, 2, nil)
	sends := x.sends(func() { x.AddNeighbour(0, DT, 101, 7) })
	long, short := lsaLong(1, 101, wallEpoch, 0, 1), lsa(1, 101, wallEpoch)
	want := []Send{{0, long}, {1, long}, {0, short}, {1, short}}
	if !slices.EqualFunc(sends, want, sameSend) {
		t.Errorf("sent %x, want %x", sends, want)
	}
}

func sameSend(a, b Send) bool { return a.Port == b.Port && bytes.Equal(a.SDU, b.SDU) }

// TestFormsBySetting: with withdraw off nothing but 24-byte messages is sent; with long_form needed the
// 32-byte form is sent when it says more, and ever after.
func TestFormsBySetting(t *testing.T) {
	lengths := func(sends []Send) (out []int) {
		for _, s := range sends {
			out = append(out, len(s.SDU))
		}
		return out
	}
	needed := func(c *LinkStateConfig) { c.LongForm = LongNeeded }
	for _, tc := range []struct {
		name                         string
		edit                         func(*LinkStateConfig)
		add, cost, down, up, refresh []int
	}{
		{"always", nil, []int{32, 24}, []int{32, 24}, []int{32}, []int{32, 24}, []int{32, 24}},
		{"needed", needed, []int{24}, []int{32, 24}, []int{32}, []int{32, 24}, []int{32, 24}},
		{"off", oldForm, []int{24}, []int{24}, nil, []int{24}, []int{24}},
	} {
		_, x := alone(t, 1, tc.edit)
		for _, step := range []struct {
			name string
			want []int
			call func()
		}{
			{"add", tc.add, func() { x.AddNeighbour(0, DT, 101, 7) }},
			{"cost", tc.cost, func() { x.SetCost(0, 7, 5) }},
			{"down", tc.down, func() { x.PortState(0, 7, false) }},
			{"up", tc.up, func() { x.PortState(0, 7, true) }},
			{"refresh", tc.refresh, func() { x.Tick(core.Time(15 * sec)) }},
		} {
			if got := lengths(x.sends(step.call)); !slices.Equal(got, step.want) {
				t.Errorf("%s, %s: sent lengths %v, want %v", tc.name, step.name, got, step.want)
			}
		}
	}
}

// TestFloodingRules is the table of spec 04 §4.2 for both forms, and the semantics of withdrawals.
func TestFloodingRules(t *testing.T) {
	const back = 50 // the opposite adjacency stands
	for _, tc := range []struct {
		name      string
		before    [][]byte
		msg       []byte
		forwarded bool
		want      Adjacency
		answer    []byte // to the sender of something older
	}{
		{"unknown, any number", nil, lsa(2, 3, 0), true, Adjacency{Seq: 0, Cost: 1}, nil},
		{"higher number", [][]byte{lsa(2, 3, 7)}, lsa(2, 3, 8), true, Adjacency{Seq: 8, Cost: 1}, nil},
		{"same number", [][]byte{lsa(2, 3, 7)}, lsa(2, 3, 7), false, Adjacency{Seq: 7, Cost: 1}, nil},
		{"lower number", [][]byte{lsa(2, 3, 7)}, lsa(2, 3, 6), false, Adjacency{Seq: 7, Cost: 1}, lsa(2, 3, 7)},
		{"no wrap-around", [][]byte{lsa(2, 3, math.MaxUint32)}, lsa(2, 3, 0), false, Adjacency{Seq: math.MaxUint32, Cost: 1}, lsa(2, 3, math.MaxUint32)},
		{"other form, long first", [][]byte{lsaLong(2, 3, 7, 0, 4)}, lsa(2, 3, 7), true, Adjacency{Seq: 7, Cost: 4}, nil},
		{"other form, short first", [][]byte{lsa(2, 3, 7)}, lsaLong(2, 3, 7, 0, 4), true, Adjacency{Seq: 7, Cost: 4}, nil},
		{"both forms known", [][]byte{lsa(2, 3, 7), lsaLong(2, 3, 7, 0, 4)}, lsa(2, 3, 7), false, Adjacency{Seq: 7, Cost: 4}, nil},
		{"cost survives a short form", [][]byte{lsaLong(2, 3, 7, 0, 4)}, lsa(2, 3, 8), true, Adjacency{Seq: 8, Cost: 4}, nil},
		{"withdrawal", [][]byte{lsa(2, 3, 7)}, lsaLong(2, 3, 8, 1, 1), true, Adjacency{Seq: 8, Cost: 1, Withdrawn: true}, nil},
		{"withdrawal twice", [][]byte{lsa(2, 3, 7), lsaLong(2, 3, 8, 1, 1)}, lsaLong(2, 3, 8, 1, 1), false, Adjacency{Seq: 8, Cost: 1, Withdrawn: true}, nil},
		{"withdrawal of the unknown", nil, lsaLong(2, 3, 8, 1, 0), true, Adjacency{Seq: 8, Cost: 1, Withdrawn: true}, nil},
		{"old withdrawal", [][]byte{lsa(2, 3, 9)}, lsaLong(2, 3, 8, 1, 1), false, Adjacency{Seq: 9, Cost: 1}, lsa(2, 3, 9)},
		{"old announcement after withdrawal", [][]byte{lsaLong(2, 3, 8, 1, 1)}, lsa(2, 3, 7), false, Adjacency{Seq: 8, Cost: 1, Withdrawn: true}, lsaLong(2, 3, 8, 1, 1)},
		{"same number after withdrawal", [][]byte{lsaLong(2, 3, 8, 1, 1)}, lsa(2, 3, 8), false, Adjacency{Seq: 8, Cost: 1, Withdrawn: true}, nil},
		{"announced again", [][]byte{lsaLong(2, 3, 8, 1, 1)}, lsa(2, 3, 9), true, Adjacency{Seq: 9, Cost: 1}, nil},
		{"reserved flags are forwarded", nil, lsaLong(2, 3, 8, 1<<31, 2), true, Adjacency{Seq: 8, Cost: 2}, nil},
	} {
		_, x := alone(t, 3, nil)
		x.Recv(0, 0, lsa(3, 2, back))
		x.Out()
		for _, b := range tc.before {
			x.Recv(0, 0, b)
			x.Out()
		}
		sends := x.sends(func() { x.Recv(0, 1, tc.msg) })
		var want []Send
		if tc.forwarded { // except to where it came from
			want = []Send{{0, tc.msg}, {2, tc.msg}}
		}
		if tc.answer != nil {
			want = append(want, Send{1, tc.answer})
		}
		if !slices.EqualFunc(sends, want, sameSend) {
			t.Errorf("%s: forwarded %x, want %x", tc.name, sends, want)
		}
		tc.want.Src, tc.want.Dst = 2, 3
		if got, ok := x.entry(2, 3); !ok || got != tc.want {
			t.Errorf("%s: entry %+v, want %+v", tc.name, got, tc.want)
		}
	}
}

// TestIgnoresWhatItDoesNotKnow: spec 04 §3. Other lengths are ignored and counted; a member with
// withdraw off ignores the long form as the prototype does.
func TestIgnoresWhatItDoesNotKnow(t *testing.T) {
	_, x := alone(t, 2, nil)
	for _, b := range [][]byte{nil, {1}, lsa(2, 3, 1)[:23], append(lsa(2, 3, 1), 0), lsa(2, 2, 1), lsa(0, 2, 1), lsaLong(2, 3, 1, 0, 0)} {
		if sends := x.sends(func() { x.Recv(0, 0, b) }); len(sends) != 0 {
			t.Errorf("forwarded %x", b)
		}
	}
	if s := x.Stats(); s.Invalid != 7 || len(x.db()) != 0 {
		t.Errorf("%d invalid, want 7; database %v", s.Invalid, x.db())
	}
	_, old := alone(t, 2, oldForm)
	if sends := old.sends(func() { old.Recv(0, 0, lsaLong(2, 3, 1, 0, 1)) }); len(sends) != 0 || len(old.db()) != 0 {
		t.Errorf("the long form counts with withdraw off: %x", sends)
	}
}

// TestTransferToNewNeighbour: spec 04 §4.4. The whole database goes to the new management neighbour
// alone, ordered by destination and source, withdrawals included.
func TestTransferToNewNeighbour(t *testing.T) {
	_, x := alone(t, 1, nil)
	for _, b := range [][]byte{lsa(9, 2, 5), lsaLong(3, 2, 6, 0, 1), lsa(3, 2, 6), lsaLong(2, 3, 7, 1, 1)} {
		x.Recv(0, 0, b)
		x.Out()
	}
	sends := x.sends(func() { x.AddNeighbour(0, Mgmt, 200, 5) })
	want := []Send{{5, lsaLong(3, 2, 6, 0, 1)}, {5, lsa(3, 2, 6)}, {5, lsa(9, 2, 5)}, {5, lsaLong(2, 3, 7, 1, 1)}}
	if !slices.EqualFunc(sends, want, sameSend) {
		t.Errorf("sent %x, want %x", sends, want)
	}
}
