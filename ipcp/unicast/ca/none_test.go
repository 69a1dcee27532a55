package ca

import (
	"testing"

	"ouroboros/core"
)

// A policy that says it is Unmarked leaves every ECN byte as it is (spec 06 §1): data transfer then does
// not count queues. mb-ecn marks and must be asked.
func TestUnmarkedPolicyLeavesTheECNByte(t *testing.T) {
	for _, tc := range []struct {
		name string
		want bool
	}{{"none", true}, {"mb-ecn", false}} {
		c, err := Policies().Choose(tc.name, nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err := c.New(core.Env{})
		if err != nil {
			t.Fatal(err)
		}
		u, ok := a.(Unmarked)
		if unmarked := ok && u.Unmarked(); unmarked != tc.want {
			t.Errorf("%s: unmarked %v, want %v", tc.name, unmarked, tc.want)
		}
		if !tc.want {
			continue
		}
		for ecn := range 256 {
			for _, queued := range []int{0, 1, 100, 1 << 20} {
				if got := a.Mark(uint8(ecn), queued); got != uint8(ecn) {
					t.Fatalf("%s: mark %d for %d with %d queued", tc.name, got, ecn, queued)
				}
			}
		}
	}
}
