package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ouroboros/core"
)

// level is a parameter with a text form of its own.
type level int

func (l *level) UnmarshalText(b []byte) error {
	switch string(b) {
	case "low":
		*l = 1
	case "high":
		*l = 2
	default:
		return fmt.Errorf("%q, accepted are low, high", b)
	}
	return nil
}

type config struct {
	Hold   time.Duration `mapstructure:"hold" doc:"how long"`
	Count  int           `mapstructure:"count" doc:"how many"`
	Small  uint8         `mapstructure:"small" doc:"0 to 255"`
	Share  float64       `mapstructure:"share" doc:"0 to 1"`
	Level  level         `mapstructure:"level" doc:"low or high"`
	Active bool          `mapstructure:"active" doc:"on or off"`
}

func (c *config) Validate() error {
	if c.Count < 1 {
		return fmt.Errorf("count: %d, accepted is 1 or more", c.Count)
	}
	return nil
}

type made struct {
	env core.Env
	cfg any
}

func table() *Registry[made] {
	mk := func(env core.Env, cfg any) (made, error) { return made{env, cfg}, nil }
	return &Registry[made]{Kind: "test", Factories: []Factory[made]{
		{Name: "plain", Doc: "takes nothing", New: mk},
		{Name: "rich", Doc: "takes much", New: mk, Config: func() any {
			return &config{Hold: time.Second, Count: 3, Share: 0.5}
		}},
		{Name: "broken", Doc: "cannot be made", New: func(core.Env, any) (made, error) {
			return made{}, errors.New("no")
		}},
	}}
}

// What is not given keeps its default; what is given is decoded by its type (design §5).
func TestChooseDecodesOverDefaults(t *testing.T) {
	for name, c := range map[string]struct {
		params map[string]any
		want   config
	}{
		"none":           {nil, config{Hold: time.Second, Count: 3, Share: 0.5}},
		"duration":       {map[string]any{"hold": "250ms"}, config{Hold: 250 * time.Millisecond, Count: 3, Share: 0.5}},
		"typed duration": {map[string]any{"hold": 2 * time.Minute}, config{Hold: 2 * time.Minute, Count: 3, Share: 0.5}},
		"zero duration":  {map[string]any{"hold": 0}, config{Count: 3, Share: 0.5}},
		"text":           {map[string]any{"level": "high"}, config{Hold: time.Second, Count: 3, Share: 0.5, Level: 2}},
		"whole float":    {map[string]any{"count": 1e6}, config{Hold: time.Second, Count: 1e6, Share: 0.5}},
		"int for float":  {map[string]any{"share": 1}, config{Hold: time.Second, Count: 3, Share: 1}},
		"all": {
			map[string]any{"hold": "1h", "count": uint64(7), "small": 255, "share": 0.25, "level": "low", "active": true},
			config{Hold: time.Hour, Count: 7, Small: 255, Share: 0.25, Level: 1, Active: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			choice, err := table().Choose("rich", c.params)
			if err != nil {
				t.Fatal(err)
			}
			m, err := choice.New(core.Env{Path: "n/part"})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(&c.want, m.cfg); d != "" {
				t.Error(d)
			}
			if m.env.Path != "n/part" || choice.Config() != m.cfg || choice.Name != "rich" {
				t.Errorf("made %+v of %+v", m, choice)
			}
		})
	}
}

// Bad input is an error that names the policy, the parameter, the value and what is accepted (design §5,
// §6); nothing is converted silently.
func TestChooseIsStrict(t *testing.T) {
	for name, c := range map[string]struct {
		policy string
		params map[string]any
		says   []string
	}{
		"unknown policy":     {"rihc", nil, []string{`unknown test policy "rihc"`, "plain, rich, broken"}},
		"unknown parameter":  {"rich", map[string]any{"hodl": "1s"}, []string{`test policy "rich"`, "hodl", "hold (time.Duration, default 1s)", "share (float64, default 0.5)"}},
		"case matters":       {"rich", map[string]any{"Hold": "1s"}, []string{"Hold", "hold (time.Duration"}},
		"none taken":         {"plain", map[string]any{"b": 1, "a": 2}, []string{`test policy "plain"`, `parameter "a"`, "takes none"}},
		"no duration":        {"rich", map[string]any{"hold": "soon"}, []string{"hold", "soon"}},
		"duration no unit":   {"rich", map[string]any{"hold": 4}, []string{"hold", "4 has no unit", "4s"}},
		"float no unit":      {"rich", map[string]any{"hold": 0.5}, []string{"hold", "0.5 has no unit"}},
		"fraction":           {"rich", map[string]any{"count": 1.5}, []string{"count", "1.5 is no whole number"}},
		"huge":               {"rich", map[string]any{"count": 1e30}, []string{"count", "1e+30"}},
		"too large":          {"rich", map[string]any{"small": 256}, []string{"small", "256 is out of the range of uint8"}},
		"negative":           {"rich", map[string]any{"small": -1}, []string{"small", "-1 is out of the range of uint8"}},
		"too large unsigned": {"rich", map[string]any{"count": uint64(1 << 63)}, []string{"count", "9223372036854775808"}},
		"text for number":    {"rich", map[string]any{"count": "3"}, []string{"count", "int"}},
		"number for bool":    {"rich", map[string]any{"active": 1}, []string{"active", "bool"}},
		"number for text":    {"rich", map[string]any{"level": "middle"}, []string{"level", "middle", "accepted are low, high"}},
		"out of range":       {"rich", map[string]any{"count": 0}, []string{`test policy "rich"`, "count: 0, accepted is 1 or more"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := table().Choose(c.policy, c.params)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, s := range c.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
		})
	}
}

// The defaults of one choice are not those of the next: every choice has a configuration of its own.
func TestChoicesDoNotShareTheirConfiguration(t *testing.T) {
	r := table()
	a, err := r.Choose("rich", map[string]any{"count": 9})
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Choose("rich", nil)
	if err != nil {
		t.Fatal(err)
	}
	if a.Config().(*config).Count != 9 || b.Config().(*config).Count != 3 {
		t.Errorf("%+v and %+v", a.Config(), b.Config())
	}
}

// An error of the constructor reaches the caller.
func TestNewReportsItsError(t *testing.T) {
	c, err := table().Choose("broken", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.New(core.Env{}); err == nil || c.Config() != nil {
		t.Errorf("error %v, configuration %v", err, c.Config())
	}
}

// The documentation lists the table in its order, with type, default and text of every parameter (design §5).
func TestDocsDescribeTheTable(t *testing.T) {
	want := []Doc{
		{Kind: "test", Name: "plain", Doc: "takes nothing"},
		{Kind: "test", Name: "rich", Doc: "takes much", Params: []Param{
			{"hold", "time.Duration", "1s", "how long"},
			{"count", "int", "3", "how many"},
			{"small", "uint8", "0", "0 to 255"},
			{"share", "float64", "0.5", "0 to 1"},
			{"level", "policy.level", "0", "low or high"},
			{"active", "bool", "false", "on or off"},
		}},
		{Kind: "test", Name: "broken", Doc: "cannot be made"},
	}
	if d := cmp.Diff(want, table().Docs()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"plain", "rich", "broken"}, table().Names()); d != "" {
		t.Error(d)
	}
}
