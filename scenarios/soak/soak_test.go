package soak_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"ouroboros/scenarios/soak"
)

// seeds returns those of OUROBOROS_SEEDS ("17" or "1..100"), by default a few.
func seeds(t *testing.T) (first, last uint64) {
	t.Helper()
	text := os.Getenv("OUROBOROS_SEEDS")
	if text == "" {
		return 1, 5
	}
	a, b, many := strings.Cut(text, "..")
	first, err := strconv.ParseUint(a, 10, 64)
	last = first
	if err == nil && many {
		last, err = strconv.ParseUint(b, 10, 64)
	}
	if err != nil || last < first {
		t.Fatalf("OUROBOROS_SEEDS=%s: accepted is a seed or a range such as 1..100", text)
	}
	return first, last
}

// check runs a plan and reports what it breaks.
func check(t *testing.T, p *soak.Plan) soak.Result {
	t.Helper()
	r, err := soak.Run(p)
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.Violations {
		t.Errorf("%s", &r.Violations[i])
	}
	return r
}

// TestShortCampaign runs the first seeds of the campaign, or those of OUROBOROS_SEEDS.
func TestShortCampaign(t *testing.T) {
	first, last := seeds(t)
	var sum soak.Result
	for seed := first; seed <= last && !t.Failed(); seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			p, err := soak.Draw(seed)
			if err != nil {
				t.Fatal(err)
			}
			r := check(t, p)
			sum.Add(&r)
		})
	}
	t.Logf("%v simulated, %d frames, %d messages checked", sum.Simulated, sum.Frames, sum.Delivered)
	if sum.Delivered == 0 {
		t.Error("no message was checked")
	}
}

// TestFound runs what the campaign has found, each bug as the smallest plan that showed it.
func TestFound(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no plans: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			p, err := soak.Parse(name, data)
			if err != nil {
				t.Fatal(err)
			}
			check(t, p)
		})
	}
}
