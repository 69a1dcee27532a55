package addr

import (
	"math/rand/v2"
	"strings"
	"testing"

	"ouroboros/core"
)

func newPolicy(t *testing.T, name string, params map[string]any) Policy {
	t.Helper()
	c, err := Policies().Choose(name, params)
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.New(core.Env{Rand: rand.New(rand.NewPCG(1, 2))})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestAddressesFitAndAreNotZero: spec 02 §3. 0 is invalid, and the header holds addr_size bytes.
func TestAddressesFitAndAreNotZero(t *testing.T) {
	for size := 1; size <= MaxSize; size++ {
		for _, name := range Policies().Names() {
			p := newPolicy(t, name, map[string]any{"addr_size": size})
			for i := range 255 {
				a, err := p.Assign(i)
				if err != nil || a == 0 || size < 8 && a>>(8*size) != 0 {
					t.Fatalf("%s of %d bytes: address %#x, %v", name, size, a, err)
				}
			}
		}
	}
}

// TestFlatRandomFillsItsRange: every value of one byte but 0 comes up, and the default is 4 bytes.
func TestFlatRandomFillsItsRange(t *testing.T) {
	p := newPolicy(t, "flat-random", map[string]any{"addr_size": 1})
	seen := map[uint64]bool{}
	for range 10_000 {
		a, _ := p.Assign(0)
		seen[a] = true
	}
	if len(seen) != 255 {
		t.Errorf("%d different addresses, want 255", len(seen))
	}
	p, high := newPolicy(t, "flat-random", nil), uint64(0)
	for range 1000 {
		a, _ := p.Assign(0)
		high = max(high, a)
	}
	if high < 1<<31 || high >= 1<<32 {
		t.Errorf("largest of 1000 addresses is %#x, want one of 32 bits", high)
	}
}

// TestSequentialCountsFromOne: and says when the addresses are used up.
func TestSequentialCountsFromOne(t *testing.T) {
	p := newPolicy(t, "sequential", map[string]any{"addr_size": 1})
	for _, i := range []int{0, 1, 254} {
		if a, err := p.Assign(i); err != nil || a != uint64(i)+1 {
			t.Errorf("member %d: %d, %v", i, a, err)
		}
	}
	for _, i := range []int{-1, 255, 1 << 40} {
		if a, err := p.Assign(i); err == nil {
			t.Errorf("member %d: %d, want an error", i, a)
		}
	}
}

// TestAddressSizeIsChecked: decision 11 allows 1 to 8 bytes.
func TestAddressSizeIsChecked(t *testing.T) {
	for _, name := range Policies().Names() {
		for _, size := range []int{-1, 0, 9} {
			_, err := Policies().Choose(name, map[string]any{"addr_size": size})
			if err == nil || !strings.Contains(err.Error(), "1 to 8") {
				t.Errorf("%s, addr_size %d: %v", name, size, err)
			}
		}
	}
}
