package traffic

import (
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// SampleSet is a collection of samples as it goes from one process to another. The zero value is empty.
type SampleSet struct {
	N      uint64  `json:"n"`
	Sum    float64 `json:"sum"`
	Min    int64   `json:"min"`
	Max    int64   `json:"max"`
	Jitter float64 `json:"jitter"` // sum of the absolute differences of consecutive samples
	Raw    []int64 `json:"raw,omitempty"`
	// Counts are the cells of the histogram that are not empty: index and count. It is there in place of Raw.
	Counts [][2]int64 `json:"counts,omitempty"`
}

// Export returns what was collected. Jitter of samples that come in later is not continued over it.
func (s *Samples) Export() SampleSet {
	out := SampleSet{N: s.n, Sum: s.sum, Min: s.min, Max: s.max, Jitter: s.jitter}
	if s.hist == nil {
		out.Raw = append([]int64(nil), s.raw...)
		return out
	}
	for i, c := range s.hist.Export().Counts {
		if c != 0 {
			out.Counts = append(out.Counts, [2]int64{int64(i), c})
		}
	}
	return out
}

// Import returns the collection that was exported. The error says what is wrong with it.
func (x SampleSet) Import() (Samples, error) {
	s := Samples{n: x.N, sum: x.Sum, min: x.Min, max: x.Max, jitter: x.Jitter}
	if x.Counts == nil {
		if uint64(len(x.Raw)) != x.N || len(x.Raw) > exactSamples {
			return Samples{}, fmt.Errorf("samples: %d values of %d: accepted are as many, and no more than %d", len(x.Raw), x.N, exactSamples)
		}
		s.raw = append([]int64(nil), x.Raw...)
		return s, nil
	}
	e := hdrhistogram.New(1, maxSample, 3).Export()
	total := uint64(0)
	for _, c := range x.Counts {
		if c[0] < 0 || c[0] >= int64(len(e.Counts)) || c[1] <= 0 || uint64(c[1]) > x.N {
			return Samples{}, fmt.Errorf("samples: cell %d with %d: accepted are cells 0 to %d with 1 to %d", c[0], c[1], len(e.Counts)-1, x.N)
		}
		e.Counts[c[0]] += c[1]
		total += uint64(c[1])
	}
	if total != x.N {
		return Samples{}, fmt.Errorf("samples: %d in the cells of %d in all: accepted are as many", total, x.N)
	}
	s.hist = hdrhistogram.Import(e)
	return s, nil
}

// Merge adds the samples of another collection, which came after those of s.
func (s *Samples) Merge(o Samples) {
	if o.n == 0 {
		return
	}
	if s.n == 0 {
		*s = o
		return
	}
	s.min, s.max = min(s.min, o.min), max(s.max, o.max)
	s.sum, s.jitter, s.n, s.last = s.sum+o.sum, s.jitter+o.jitter, s.n+o.n, o.last
	if s.hist == nil && o.hist == nil && len(s.raw)+len(o.raw) <= exactSamples {
		s.raw = append(s.raw, o.raw...)
		return
	}
	s.toHistogram()
	o.toHistogram()
	s.hist.Merge(o.hist)
}

// toHistogram moves samples that are kept as they are into a histogram.
func (s *Samples) toHistogram() {
	if s.hist != nil {
		return
	}
	s.hist = hdrhistogram.New(1, maxSample, 3)
	for _, r := range s.raw {
		s.record(r)
	}
	s.raw = nil
}
