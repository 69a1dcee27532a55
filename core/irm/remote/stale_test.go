package remote

import (
	"testing"
	"time"

	"ouroboros/core"
)

// The identifier of a flow whose application died rests as long as the peer may send: until it counts this side as
// dead, where it does within 120 s.
func TestFlowOfADeadApplicationRests(t *testing.T) {
	for _, c := range []struct {
		timeout uint32 // ms
		want    time.Duration
	}{
		{0, 2 * time.Minute}, {4000, 4 * time.Second}, {core.DefaultPeerTimeout, 2 * time.Minute}, {1<<32 - 1, 2 * time.Minute},
	} {
		if got := stale(core.QoS{Timeout: c.timeout}); got != c.want {
			t.Errorf("time-out %d ms: it rests for %v, want %v", c.timeout, got, c.want)
		}
	}
}
