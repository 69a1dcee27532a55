package traffic

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// exact returns the smallest sample that at least q percent of the sorted samples do not exceed.
func exact(sorted []int64, q int) int64 {
	k := (q*len(sorted) + 99) / 100
	return sorted[max(k, 1)-1]
}

// TestSamplesAgainstExactQuantiles: up to 4096 samples are kept as they are; of more the percentiles have
// three significant digits.
func TestSamplesAgainstExactQuantiles(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.SampledFrom([]int{1, 2, 3, 99, 100, 101, exactSamples, exactSamples + 1, 3 * exactSamples}).Draw(rt, "n")
		scale := rapid.Int64Range(1, int64(10*time.Second)).Draw(rt, "scale")
		x := uint64(rapid.Uint32().Draw(rt, "seed"))
		var s Samples
		var all []int64
		sum, jitter := 0.0, 0.0
		for i := range n {
			x = x*6364136223846793005 + 1442695040888963407
			v := int64(x>>33) % scale
			s.Add(v)
			sum += float64(v)
			if i > 0 {
				jitter += math.Abs(float64(v - all[i-1]))
			}
			all = append(all, v)
		}
		slices.Sort(all)
		d := s.Dist()
		if d.N != uint64(n) || int64(d.Min.Or(-1)) != all[0] || int64(d.Max.Or(-1)) != all[n-1] {
			rt.Fatalf("%d samples: %+v", n, d)
		}
		if m := float64(d.Mean.Or(-1)); math.Abs(m-sum/float64(n)) > 1 {
			rt.Errorf("mean %v, want %v", m, sum/float64(n))
		}
		if j, ok := d.Jitter.Get(); ok != (n > 1) || ok && math.Abs(float64(j)-jitter/float64(n-1)) > 1 {
			rt.Errorf("jitter %v, want %v", j, jitter/float64(max(n-1, 1)))
		}
		for q, got := range map[int]int64{50: int64(d.P50.Or(-1)), 99: int64(d.P99.Or(-1))} {
			want := exact(all, q)
			if slack := float64(want) / 1000; n <= exactSamples && got != want || math.Abs(float64(got-want)) > slack+1 {
				rt.Errorf("%d samples: %d %% are up to %d, want %d", n, q, got, want)
			}
		}
		total, last := uint64(0), time.Duration(-1)
		for _, b := range d.Buckets {
			if b.UpTo <= last || b.Count == 0 {
				rt.Fatalf("buckets %v", d.Buckets)
			}
			total, last = total+b.Count, b.UpTo
		}
		if total != uint64(n) || int64(last) < all[n-1] {
			rt.Errorf("the buckets hold %d samples up to %v", total, last)
		}
	})
}

// TestSamplesThatCannotBe: a negative time is 0, one beyond the histogram is its last.
func TestSamplesThatCannotBe(t *testing.T) {
	var s Samples
	if d := s.Dist(); d.N != 0 || d.Min.OK() || d.P99.OK() || d.Jitter.OK() {
		t.Errorf("nothing: %+v", d)
	}
	for range exactSamples + 1 {
		s.Add(-5)
	}
	s.Add(math.MaxInt64)
	if d := s.Dist(); d.Min.Or(-1) != 0 || d.P99.Or(-1) != 0 || int64(d.Max.Or(0)) != math.MaxInt64 {
		t.Errorf("%+v", d)
	}
}

// TestSeenAgainstSet: duplicates and overtaken messages, against a set of all that has arrived. Of what
// lies further back than the window only that it is late is known.
func TestSeenAgainstSet(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var s seen
		arrived := map[uint32]bool{}
		start := rapid.SampledFrom([]uint32{0, 1, 1 << 31, math.MaxUint32 - 100}).Draw(rt, "start")
		newest, begun := start, false
		steps := rapid.SliceOfN(rapid.OneOf(
			rapid.Int32Range(-5, 5), rapid.Int32Range(-300, 300),
			rapid.SampledFrom([]int32{-seenWindow - 1, -seenWindow, -seenWindow + 1, seenWindow - 1, seenWindow, seenWindow + 1, 5 * seenWindow}),
		), 1, 200).Draw(rt, "steps")
		for _, step := range steps {
			id := newest + uint32(step)
			dup, late := s.note(id)
			behind := int32(newest - id)
			switch {
			case !begun || behind < 0:
				if dup || late {
					rt.Fatalf("%d after %d: duplicate %v, late %v", id, newest, dup, late)
				}
				newest, begun = id, true
			case behind >= seenWindow:
				if dup || !late {
					rt.Fatalf("%d, %d behind: duplicate %v, late %v", id, behind, dup, late)
				}
			default:
				if dup != arrived[id] || late == dup {
					rt.Fatalf("%d, %d behind: duplicate %v, late %v, want %v", id, behind, dup, late, arrived[id])
				}
			}
			arrived[id] = true
		}
	})
}

func BenchmarkSamples(b *testing.B) {
	var s Samples
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.Add(int64(i%1000) * 1000)
	}
}
