package main

import (
	"slices"
	"strings"
	"testing"
)

func TestSeedsAreNumbersListsAndRanges(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []uint64
	}{
		{"7", []uint64{7}},
		{"3,1", []uint64{3, 1}},
		{"1..3", []uint64{1, 2, 3}},
		{"5..5", []uint64{5}},
		{"9 1..2,4", []uint64{9, 1, 2, 4}},
		{"18446744073709551614..18446744073709551615", []uint64{1<<64 - 2, 1<<64 - 1}},
	} {
		got, err := parseSeeds("--seed", strings.Fields(c.in))
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v", c.in, got, err)
		}
	}
	for _, bad := range []string{"", "-1", "1..", "..1", "1...3", "2..1", "1.5", "1,,2", "1,1", "1..3,2", "0x10", "0..10000", "0..18446744073709551615"} {
		if got, err := parseSeeds("--seed", []string{bad}); err == nil {
			t.Errorf("%q was accepted: %v", bad, got)
		}
	}
}

func FuzzParseSeeds(f *testing.F) {
	for _, s := range []string{"1", "1..3", "1,2", "0..18446744073709551615", "5..1", "1...2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		seeds, err := parseSeeds("--seed", []string{s})
		if (err == nil) != (len(seeds) > 0) {
			t.Fatalf("%q: %v, %v", s, seeds, err)
		}
		if len(seeds) > maxSeeds {
			t.Fatalf("%d seeds", len(seeds))
		}
		slices.Sort(seeds)
		if len(slices.Compact(slices.Clone(seeds))) != len(seeds) {
			t.Fatalf("%q: a seed stands twice", s)
		}
	})
}
