package cost

import (
	"math"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
)

// TestCostOfFlow: what each policy makes of a flow. A cost is at least 1, since one of 0 would break the
// order in which shortest paths are settled (spec 04 §6.3), and at most what a message carries.
func TestCostOfFlow(t *testing.T) {
	const ms = time.Millisecond
	for _, tc := range []struct {
		policy string
		params map[string]any
		flow   core.FlowInfo
		want   uint32
	}{
		{"hops", nil, core.FlowInfo{Delay: 50 * ms, Rate: 1e6}, 1},
		{"delay", nil, core.FlowInfo{}, 1},
		{"delay", nil, core.FlowInfo{Delay: -1}, 1},
		{"delay", nil, core.FlowInfo{Delay: 5 * ms}, 500},
		{"delay", nil, core.FlowInfo{Delay: 14 * time.Microsecond}, 1},
		{"delay", nil, core.FlowInfo{Delay: 15 * time.Microsecond}, 2},
		{"delay", map[string]any{"unit": "1ms"}, core.FlowInfo{Delay: 5 * ms}, 5},
		{"delay", map[string]any{"unit": "1ns"}, core.FlowInfo{Delay: 10 * time.Second}, math.MaxUint32},
		{"delay", map[string]any{"unit": "1h"}, core.FlowInfo{Delay: math.MaxInt64}, 2562048},
		{"inverse-capacity", nil, core.FlowInfo{}, 1},
		{"inverse-capacity", nil, core.FlowInfo{Rate: 1e9}, 100},
		{"inverse-capacity", nil, core.FlowInfo{Rate: 400e9}, 1},
		{"inverse-capacity", nil, core.FlowInfo{Rate: 1}, math.MaxUint32},
		{"inverse-capacity", map[string]any{"reference": 100e6}, core.FlowInfo{Rate: 1.544e6}, 65}, // 64.8; OSPF cuts it off to 64
		{"inverse-capacity", map[string]any{"reference": math.MaxInt64}, core.FlowInfo{Rate: math.MaxInt64}, 1},
	} {
		c, err := Policies().Choose(tc.policy, tc.params)
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.New(core.Env{})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Of(tc.flow); got != tc.want {
			t.Errorf("%s %v of %+v: %d, want %d", tc.policy, tc.params, tc.flow, got, tc.want)
		}
	}
}

// TestParametersAreChecked: a bad parameter names what is accepted.
func TestParametersAreChecked(t *testing.T) {
	for _, tc := range []struct {
		policy, param string
		v             any
		says          string
	}{
		{"delay", "unit", "0s", "accepted are 1ns"},
		{"delay", "unit", "2h", "accepted are 1ns"},
		{"delay", "rate", 1, "unit (time.Duration, default 10µs)"},
		{"inverse-capacity", "reference", 0, "accepted are 1 to"},
		{"inverse-capacity", "unit", "1s", "reference (int64"},
		{"hops", "unit", "1s", "takes none"},
	} {
		_, err := Policies().Choose(tc.policy, map[string]any{tc.param: tc.v})
		if err == nil || !strings.Contains(err.Error(), tc.param) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s %s=%v: %v", tc.policy, tc.param, tc.v, err)
		}
	}
}
