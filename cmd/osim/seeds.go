package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxSeeds bounds a range of seeds, which is easily mistyped.
const maxSeeds = 10_000

// parseSeeds reads the values of a flag for seeds: whole numbers, lists 1,2 and ranges 1..5, in their
// order. Errors name the flag.
func parseSeeds(flag string, values []string) ([]uint64, error) {
	var out []uint64
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			from, to, ok := seedRange(part)
			if !ok {
				return nil, fmt.Errorf("%s %s: %q is not a seed; accepted are whole numbers from 0 to 2^64-1, lists such as 1,3 and ranges such as 1..5", flag, v, part)
			}
			if to-from >= maxSeeds || len(out)+int(to-from) >= maxSeeds {
				return nil, fmt.Errorf("%s %s: more than %d seeds", flag, v, maxSeeds)
			}
			for s := from; ; s++ {
				if slices.Contains(out, s) {
					return nil, fmt.Errorf("%s %s: seed %d stands twice; equal seeds give equal runs", flag, v, s)
				}
				out = append(out, s)
				if s == to {
					break
				}
			}
		}
	}
	return out, nil
}

// seedRange reads "5" or "1..5".
func seedRange(s string) (from, to uint64, ok bool) {
	a, b, isRange := strings.Cut(s, "..")
	from, err := strconv.ParseUint(a, 10, 64)
	if err != nil || !isRange {
		return from, from, err == nil
	}
	to, err = strconv.ParseUint(b, 10, 64)
	return from, to, err == nil && from <= to
}
