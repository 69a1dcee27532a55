package dir

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ouroboros/core"
)

// at returns a contact whose identifier begins with the given bits.
func at(prefix, addr uint64) contact { return contactOf(addrValue(prefix), addr) }

func tableOf(self uint64, k int) *table {
	var t table
	t.reset(at(self, 1), k)
	return &t
}

func addrsOf(cs []contact) (out []uint64) {
	for _, c := range cs {
		out = append(out, c.addr)
	}
	return out
}

// TestListing is the property of spec 05 §4 with D2 and D3: of all live contacts those closest to the key
// by XOR of the first 64 bits, closest first, ties by address, never more than asked for, never this member.
// The oracle sorts all that the table holds.
func TestListing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		narrow := rapid.IntRange(0, 60).Draw(t, "shared bits")
		id := func() uint64 { return r.Uint64() >> narrow }
		x := tableOf(id(), rapid.IntRange(1, 20).Draw(t, "k"))
		for range rapid.IntRange(0, 200).Draw(t, "members") {
			c := at(id(), r.Uint64N(250)+1)
			switch r.IntN(4) {
			case 0:
				x.told(c)
			case 1:
				x.failed(c)
			default:
				x.heard(core.Time(r.Int64N(1000)), c)
			}
		}
		var all []contact
		used := map[uint64]core.Hash{}
		for i := range x.buckets {
			for j, list := range [][]known{x.buckets[i].live, x.buckets[i].spare} {
				if len(list) > x.k {
					t.Fatalf("%d contacts in a bucket of %d", len(list), x.k)
				}
				for _, c := range list {
					if x.index(c.prefix) != i || c.id == x.self.id || c.addr == x.self.addr {
						t.Fatalf("%v in bucket %d", c, i)
					}
					if used[c.addr] != "" {
						t.Fatalf("two contacts at address %d", c.addr)
					}
					used[c.addr] = c.id
					if j == 0 && !c.lost() {
						all = append(all, c.contact)
					}
				}
			}
		}
		if len(used) != len(x.byAddr) || len(all) != x.good {
			t.Fatalf("%d contacts, %d by address; %d good ones, counted %d", len(used), len(x.byAddr), len(all), x.good)
		}
		key, n := id(), rapid.IntRange(1, 25).Draw(t, "n")
		slices.SortFunc(all, func(a, b contact) int {
			return cmp.Or(cmp.Compare(a.prefix^key, b.prefix^key), cmp.Compare(a.addr, b.addr))
		})
		want := addrsOf(all[:min(n, len(all))])
		if got := addrsOf(x.closest(nil, key, n, false)); !slices.Equal(got, want) {
			t.Fatalf("closest to %x: %v, want %v", key, got, want)
		}
	})
}

// TestFullTableFindsEveryBucket_D1: of many random contacts each is found where it is looked up: the one
// closest to a contact's own identifier is that contact.
func TestFullTableFindsEveryBucket_D1(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	x := tableOf(r.Uint64(), 20)
	for addr := uint64(2); addr < 2000; addr++ {
		x.heard(0, at(r.Uint64(), addr))
	}
	for i := range x.buckets {
		for _, c := range x.buckets[i].live {
			if got := x.closest(nil, c.prefix, 1, false)[0]; got != c.contact {
				t.Errorf("looking for %v gives %v", c.contact, got)
			}
		}
	}
}

// TestBucketOrder: contacts stand in the order in which they were last seen; the ones that come too late
// wait, the latest of them takes the place of a contact that has failed three times in a row (spec 05 §4.3).
func TestBucketOrder(t *testing.T) {
	x := tableOf(0, 2)
	b := &x.buckets[0]
	const far = 1 << 63
	order := func(list []known) (out []uint64) {
		for _, c := range list {
			out = append(out, c.addr)
		}
		return out
	}
	expect := func(what string, live, spare []uint64) {
		t.Helper()
		if !slices.Equal(order(b.live), live) || !slices.Equal(order(b.spare), spare) {
			t.Errorf("%s: %v and spare %v, want %v and %v", what, order(b.live), order(b.spare), live, spare)
		}
	}
	for i := range uint64(5) {
		if !x.heard(core.Time(i), at(far+i, 10+i)) {
			t.Error("a new contact is not the first of its kind")
		}
	}
	expect("five heard", []uint64{10, 11}, []uint64{13, 14})
	if x.heard(10, at(far, 10)) {
		t.Error("heard twice, both times first")
	}
	expect("first heard again", []uint64{11, 10}, []uint64{13, 14})
	one := at(far+1, 11)
	x.failed(one)
	x.failed(one)
	x.heard(11, one)
	x.failed(one)
	x.failed(one)
	expect("failures with an answer in between", []uint64{10, 11}, []uint64{13, 14})
	x.failed(one)
	expect("third failure in a row", []uint64{14, 10}, []uint64{13})
	for range maxFailures {
		x.failed(at(far+4, 14))
		x.failed(at(far, 10))
	}
	expect("all fail", []uint64{13, 10}, nil)
	if got := addrsOf(x.closest(nil, far, 9, false)); !slices.Equal(got, []uint64{13}) {
		t.Errorf("listed %v, want those that answer", got)
	}
	if got := addrsOf(x.closest(nil, far, 9, true)); !slices.Equal(got, []uint64{10}) {
		t.Errorf("given up %v", got)
	}
	x.heard(20, at(far+7, 17))
	expect("a new one takes the place of a lost one", []uint64{13, 17}, nil)
}

// TestHearsay: contacts that others list enter if neither identifier nor address is known, and give way
// to those that were heard; who sends a message is believed about its address.
func TestHearsay(t *testing.T) {
	x := tableOf(0, 1)
	const far = 1 << 63
	x.told(at(far, 5))
	x.told(at(far+1, 5)) // the address is taken
	x.told(at(far, 6))   // the identifier is known
	x.told(at(0, 7))     // this member
	if got := x.closest(nil, far, 9, false); !slices.Equal(got, []contact{at(far, 5)}) {
		t.Errorf("%v", got)
	}
	if !x.heard(1, at(far, 5)) || x.heard(2, at(far, 6)) {
		t.Error("the first message is not told from later ones")
	}
	if got := x.closest(nil, far, 9, false); !slices.Equal(got, []contact{at(far, 6)}) {
		t.Errorf("after a move: %v", got)
	}
	x.heard(3, at(far+9, 6)) // started anew, with another identifier
	if got := x.closest(nil, far, 9, false); !slices.Equal(got, []contact{at(far+9, 6)}) {
		t.Errorf("after a restart: %v", got)
	}
	y := tableOf(0, 1)
	y.told(at(far, 5))
	y.heard(1, at(far+1, 6))
	if got := y.closest(nil, far, 9, false); !slices.Equal(got, []contact{at(far+1, 6)}) {
		t.Errorf("hearsay stands before %v", got)
	}
}
