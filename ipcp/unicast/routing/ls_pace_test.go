package routing

import (
	"slices"
	"testing"

	"ouroboros/core"
)

// paced is a member that floods two messages at once and whose turn comes every 10 ms.
func paced(c *LinkStateConfig) { c.Pace, c.Burst, c.LongForm = 10*ms, 2, LongNeeded }

// pacedAfter returns a member with three management neighbours that has used up what it may flood at
// once.
func pacedAfter(t *testing.T) *testNode {
	_, x := alone(t, 3, paced)
	for dst := range uint64(2) {
		if got := x.sends(func() { x.Recv(0, 0, lsa(2, 10+dst, 7)) }); len(got) != 2 {
			t.Fatalf("message %d: %d sent, want 2 at once", dst, len(got))
		}
	}
	return x
}

// released returns what the next turn of a member hands out; it comes within one period.
func (x *testNode) released(t *testing.T, now core.Time) []Send {
	t.Helper()
	x.Tick(now)
	x.Out()
	at := x.paceTime()
	if at <= now || at > now.Add(10*ms) {
		t.Fatalf("turn at %v, want within 10ms of %v", at, now)
	}
	return x.sends(func() { x.Tick(at) })
}

func (x *testNode) paceTime() core.Time { return x.Routing.(*linkState).paceAt }

// TestFloodBeyondBurstIsPaced: what goes beyond the burst goes out at the next turn, in the order in
// which it became known, as much as one burst at a time, and to all but where it came from.
func TestFloodBeyondBurstIsPaced(t *testing.T) {
	x := pacedAfter(t)
	for dst := range uint64(3) {
		if got := x.sends(func() { x.Recv(0, 1, lsa(2, 20+dst, 7)) }); len(got) != 0 {
			t.Fatalf("sent %x at once", got)
		}
	}
	for _, want := range [][]Send{
		{{0, lsa(2, 20, 7)}, {2, lsa(2, 20, 7)}, {0, lsa(2, 21, 7)}, {2, lsa(2, 21, 7)}},
		{{0, lsa(2, 22, 7)}, {2, lsa(2, 22, 7)}},
	} {
		if got := x.released(t, max(x.paceTime()-1, 0)); !slices.EqualFunc(got, want, sameSend) {
			t.Errorf("released %x, want %x", got, want)
		}
	}
	if x.Routing.(*linkState).pacing() {
		t.Error("still pacing")
	}
}

// TestNeighbourIsNotSentWhatItHas: what a neighbour sends before its turn has come it is not sent.
func TestNeighbourIsNotSentWhatItHas(t *testing.T) {
	x := pacedAfter(t)
	x.Recv(0, 1, lsa(2, 20, 7))
	x.Recv(0, 2, lsa(2, 20, 7)) // the same
	x.Recv(0, 1, lsa(2, 21, 7))
	x.Recv(0, 2, lsa(2, 21, 6)) // an older one
	want := []Send{{0, lsa(2, 20, 7)}, {0, lsa(2, 21, 7)}, {2, lsa(2, 21, 7)}}
	if got := x.released(t, 0); !slices.EqualFunc(got, want, sameSend) {
		t.Errorf("released %x, want %x", got, want)
	}
}

// TestOnlyTheNewestIsReleased: a message that another one has outdated is not sent any more, whether the
// newer one waits too, as a withdrawal here, or has gone at once, as a refresh.
func TestOnlyTheNewestIsReleased(t *testing.T) {
	x := pacedAfter(t)
	x.Recv(0, 1, lsa(2, 20, 7))
	x.Recv(0, 1, lsa(2, 21, 7))
	x.Recv(0, 1, lsaLong(2, 21, 8, 1, 1))
	x.Out()
	now := []Send{{0, lsa(2, 20, 8)}, {2, lsa(2, 20, 8)}}
	if got := x.sends(func() { x.Recv(0, 1, lsa(2, 20, 8)) }); !slices.EqualFunc(got, now, sameSend) {
		t.Errorf("sent %x, want %x", got, now)
	}
	want := []Send{{0, lsaLong(2, 21, 8, 1, 1)}, {2, lsaLong(2, 21, 8, 1, 1)}}
	if got := x.released(t, 0); !slices.EqualFunc(got, want, sameSend) {
		t.Errorf("released %x, want %x", got, want)
	}
}

// TestNewsDoesNotWaitForRefresh: a withdrawal goes on at once while the refresh of the layer is paced.
func TestNewsDoesNotWaitForRefresh(t *testing.T) {
	_, x := alone(t, 2, paced)
	for dst := range uint64(4) {
		x.Recv(0, 0, lsa(2, 10+dst, 7))
	}
	for x.Routing.(*linkState).pacing() {
		x.Tick(x.paceTime())
	}
	at := core.Time(sec)
	for dst := range uint64(4) {
		x.Recv(at, 0, lsa(2, 10+dst, 8))
	}
	x.Out()
	if !x.Routing.(*linkState).pacing() {
		t.Fatal("the refresh is not paced")
	}
	withdrawal := lsaLong(2, 13, 9, 1, 1)
	want := []Send{{1, withdrawal}}
	if got := x.sends(func() { x.Recv(at, 0, withdrawal) }); !slices.EqualFunc(got, want, sameSend) {
		t.Errorf("sent %x, want %x", got, want)
	}
}

// TestRemovedPortLeavesItsDebtToTheOther: when one of two flows to a neighbour ends, the other is sent
// what the first was owed.
func TestRemovedPortLeavesItsDebtToTheOther(t *testing.T) {
	x := pacedAfter(t)
	x.AddNeighbour(0, Mgmt, 103, 9) // takes over from port 2
	x.Out()
	x.Recv(0, 1, lsa(2, 20, 7))
	x.RemoveNeighbour(0, Mgmt, 9)
	want := []Send{{0, lsa(2, 20, 7)}, {2, lsa(2, 20, 7)}}
	if got := x.released(t, 0); !slices.EqualFunc(got, want, sameSend) {
		t.Errorf("released %x, want %x", got, want)
	}
}
