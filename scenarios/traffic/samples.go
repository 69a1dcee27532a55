package traffic

import (
	"math"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"ouroboros/scenarios/result"
)

// exactSamples is how many samples are kept as they are; more go into a histogram with three significant
// digits.
const exactSamples = 4096

// maxSample is the largest time that the histogram tells apart from larger ones.
const maxSample = int64(1000 * time.Second)

// Samples collects times. The zero value is empty.
type Samples struct {
	raw      []int64
	hist     *hdrhistogram.Histogram
	n        uint64
	sum      float64
	min, max int64
	last     int64
	jitter   float64
}

// Add adds a sample in ns; negative ones count as 0.
func (s *Samples) Add(d int64) {
	d = max(d, 0)
	if s.n == 0 {
		s.min, s.max = d, d
	} else {
		s.min, s.max = min(s.min, d), max(s.max, d)
		s.jitter += math.Abs(float64(d - s.last))
	}
	s.last = d
	s.n++
	s.sum += float64(d)
	if s.hist != nil {
		s.record(d)
		return
	}
	if s.raw = append(s.raw, d); len(s.raw) > exactSamples {
		s.toHistogram()
	}
}

func (s *Samples) record(d int64) { _ = s.hist.RecordValue(min(d, maxSample)) }

// quantile returns the q-th percentile: the smallest sample with at least that share at or below it.
func (s *Samples) quantile(q float64) int64 {
	k := max(math.Ceil(q/100*float64(s.n)), 1)
	if s.hist != nil {
		// The library rounds the rank that it makes of a share; of this share it makes k.
		return min(max(s.hist.ValueAtQuantile(100*k/float64(s.n)), s.min), s.max)
	}
	return s.raw[int(k)-1]
}

// Dist returns the distribution of what was collected.
func (s *Samples) Dist() result.Dist {
	d := result.Dist{N: s.n}
	if s.n == 0 {
		return d
	}
	if s.hist == nil {
		slices.Sort(s.raw)
	}
	some := func(v int64) result.Opt[time.Duration] { return result.Some(time.Duration(v)) }
	d.Min, d.Max = some(s.min), some(s.max)
	d.Mean = some(int64(math.Round(s.sum / float64(s.n))))
	d.P50, d.P99 = some(s.quantile(50)), some(s.quantile(99))
	if s.n > 1 {
		d.Jitter = some(int64(math.Round(s.jitter / float64(s.n-1))))
	}
	d.Buckets = s.buckets()
	return d
}

// buckets returns the histogram for merging and plots.
func (s *Samples) buckets() (out []result.Bucket) {
	if s.hist != nil {
		for _, b := range s.hist.Distribution() {
			if b.Count > 0 {
				out = append(out, result.Bucket{UpTo: time.Duration(b.To), Count: uint64(b.Count)})
			}
		}
		return out
	}
	for _, r := range s.raw {
		if n := len(out); n > 0 && int64(out[n-1].UpTo) == r {
			out[n-1].Count++
		} else {
			out = append(out, result.Bucket{UpTo: time.Duration(r), Count: 1})
		}
	}
	return out
}

// seen remembers which of the last messages have arrived, to tell duplicates and overtaken ones. The
// zero value has seen nothing.
type seen struct {
	bits []uint64 // ring, one bit a message
	next uint32   // one above the highest id so far
	any  bool
}

// seenWindow is how far behind the newest message a duplicate is recognised.
const seenWindow = 1 << 14

// note records the arrival of a message.
func (s *seen) note(id uint32) (duplicate, late bool) {
	if s.bits == nil {
		s.bits = make([]uint64, seenWindow/64)
	}
	if !s.any || int32(id-s.next) >= 0 {
		from := s.next
		if !s.any || id-from >= seenWindow {
			clear(s.bits)
			from = id
		}
		for i := from; i != id; i++ {
			s.bits[i%seenWindow/64] &^= 1 << (i % 64)
		}
		s.bits[id%seenWindow/64] |= 1 << (id % 64)
		s.next, s.any = id+1, true
		return false, false
	}
	if s.next-id > seenWindow {
		return false, true
	}
	w, b := id%seenWindow/64, uint64(1)<<(id%64)
	duplicate = s.bits[w]&b != 0
	s.bits[w] |= b
	return duplicate, !duplicate
}

// Total returns the number of samples and their sum in ns.
func (s *Samples) Total() (n uint64, sum float64) { return s.n, s.sum }
