package shape

import (
	"fmt"
	"math"
	"math/bits"
	"time"

	"ouroboros/core"
)

// BucketConfig are the parameters of the policies shape and police: both keep a flow to the same token
// bucket.
type BucketConfig struct {
	// Burst is how much a flow that has been silent may send at once, in bytes. 0 stands for 10 ms of the
	// rate, at least ten packets of 1500 bytes.
	Burst int64 `mapstructure:"burst" doc:"bytes that may be sent at once after a silence, 1 to 1073741824; 0 = 10 ms of the rate, at least 15000"`
	// Headroom is the rate of the bucket over the bandwidth that the flow asked for. The bandwidth counts
	// what the flow allocator is given: with the end-to-end protocol that is its header and more.
	Headroom float64 `mapstructure:"headroom" doc:"rate that is granted as a multiple of the bandwidth of the flow, for headers above this layer, 0.01 to 100"`
}

const (
	defaultBurst = 10 * 1500 // bytes
	maxBurst     = 1 << 30   // bytes
)

func defaultBucket() any { return &BucketConfig{Headroom: 1} }

// Validate checks the ranges.
func (c *BucketConfig) Validate() error {
	if c.Burst < 0 || c.Burst > maxBurst {
		return fmt.Errorf("parameter burst: %d, accepted are 0 to %d bytes", c.Burst, maxBurst)
	}
	if !(c.Headroom >= 0.01 && c.Headroom <= 100) {
		return fmt.Errorf("parameter headroom: %v, accepted are 0.01 to 100", c.Headroom)
	}
	return nil
}

// unlimited is the bandwidth of the preset video: as much as there is (spec 12 §12.2).
const unlimited = math.MaxUint64

// bucket returns the full bucket of a flow, nil if the flow is not limited: it has asked for no bandwidth,
// or for all there is.
func (c *BucketConfig) bucket(now core.Time, q core.QoS) *bucket {
	if q.Bandwidth == 0 || q.Bandwidth == unlimited {
		return nil
	}
	rate := q.Bandwidth
	if c.Headroom != 1 {
		rate = uint64(min(max(math.Round(float64(rate)*c.Headroom), 1), 1<<63))
	}
	burst := uint64(c.Burst)
	if burst == 0 {
		burst = min(max(defaultBurst, rate/(8*100)), maxBurst)
	}
	return &bucket{rate: rate, size: burst * perByte, level: burst * perByte, at: now}
}

// perByte is the number of tokens that a byte costs. A token is a billionth of a bit, so that a rate in bit/s
// is one in tokens per nanosecond, and everything is exact: no remainder is ever dropped.
const perByte = 8e9

// bucket is a token bucket in integers.
type bucket struct {
	rate  uint64    // tokens per ns
	size  uint64    // tokens of a full bucket
	level uint64    // tokens at the time at
	at    core.Time // never goes back; in the future while a packet is held
}

// fill brings the bucket to the time t with room for at least the given number of tokens.
func (b *bucket) fill(t core.Time, room uint64) {
	if t <= b.at {
		return
	}
	full := max(b.size, room)
	if b.level < full {
		hi, lo := bits.Mul64(b.rate, uint64(t-b.at))
		if hi > 0 || lo >= full-b.level {
			b.level = full
		} else {
			b.level += lo
		}
	}
	b.at = t
}

// take takes the tokens for n bytes as soon as they are there, and returns when that is: now or later, and
// never before those of the packets that came first.
func (b *bucket) take(now core.Time, n int) core.Time {
	b.fill(now, 0)
	need := uint64(n) * perByte
	if b.level < need {
		ns := (need-b.level-1)/b.rate + 1
		b.fill(b.at.Add(time.Duration(min(ns, math.MaxInt64))), need)
	}
	b.level -= min(need, b.level) // less than needed only at the end of time
	return b.at
}

// conforms takes the tokens for n bytes if they are there now.
func (b *bucket) conforms(now core.Time, n int) bool {
	b.fill(now, 0)
	need := uint64(n) * perByte
	if b.level < need {
		return false
	}
	b.level -= need
	return true
}
