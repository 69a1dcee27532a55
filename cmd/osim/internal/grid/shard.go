package grid

import (
	"fmt"
	"strconv"
	"strings"
)

// Shard is the part I of N of a grid, I from 1. The zero Shard is the whole grid.
type Shard struct{ I, N int }

// ParseShard reads "i/n".
func ParseShard(s string) (Shard, error) {
	a, b, _ := strings.Cut(s, "/")
	i, err := strconv.Atoi(a)
	n, err2 := strconv.Atoi(b)
	if err != nil || err2 != nil || i < 1 || i > n || n > 1_000_000 {
		return Shard{}, fmt.Errorf("--shard %s: accepted is i/n with i from 1 to n, such as 2/8", s)
	}
	return Shard{i, n}, nil
}

// has tells whether the job with this number is in the shard. Neighbours go to different shards, so that
// slow variants are shared out.
func (s Shard) has(job int) bool { return s.N == 0 || job%s.N == s.I-1 }
