package campaign

import (
	"testing"
	"time"
)

// TestJobsDoNotMatter: the summary of some seeds is the same for any number of jobs.
func TestJobsDoNotMatter(t *testing.T) {
	var sums []*Summary
	for _, jobs := range []int{1, 3} {
		told := 0
		s, err := New(Campaign{First: 11, Last: 16, Jobs: jobs}).Run(func(*Summary) { told++ })
		if err != nil {
			t.Fatal(err)
		}
		if s.Seeds != 6 || s.Last != 16 || told != 6 {
			t.Errorf("%d jobs: %d seeds to %d, told %d times", jobs, s.Seeds, s.Last, told)
		}
		sums = append(sums, s)
	}
	a, b := sums[0], sums[1]
	if a.Fingerprint != b.Fingerprint || a.Frames != b.Frames || a.Delivered != b.Delivered || len(a.Met) != len(b.Met) {
		t.Errorf("%+v and %+v", a, b)
	}
}

// TestNoSeedAfterTheEnd: neither after the time is up nor after Stop.
func TestNoSeedAfterTheEnd(t *testing.T) {
	if s, err := New(Campaign{First: 1, Last: 9, Until: time.Now().Add(-time.Second)}).Run(nil); err != nil || s.Seeds != 0 {
		t.Errorf("%d seeds after the time was up, %v", s.Seeds, err)
	}
	r := New(Campaign{First: 1, Last: 9})
	s, err := r.Run(func(*Summary) { r.Stop() })
	if err != nil || s.Seeds != 1 {
		t.Errorf("%d seeds with a stop in the first, %v", s.Seeds, err)
	}
}
