package result

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// A missing value is null in JSON and a dash in print, and never turns into 0.
func TestMissingIsNeverZero(t *testing.T) {
	var f Flow
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"goodput_bps", "loss_ratio", "p99_ns", "retransmissions", "completion_ns"} {
		if !strings.Contains(string(b), `"`+key+`":null`) {
			t.Errorf("%s is not null in %s", key, b)
		}
	}
	if s := f.Goodput.String(); s != Missing {
		t.Errorf("missing goodput prints %q, want %q", s, Missing)
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if Some(v).OK() {
			t.Errorf("Some(%v) holds a value", v)
		}
	}
	if Ratio(1, 0.0).OK() {
		t.Error("1/0 is not missing")
	}
	if v, ok := Some[int64](0).Get(); !ok || v != 0 {
		t.Error("a measured 0 got lost")
	}
}

// What is written is read back, missing values included.
func TestRunSurvivesJSON(t *testing.T) {
	want := Run{
		Scenario: "two-hosts", Seed: 1<<64 - 1, Mode: ModeSim, Duration: 5 * time.Second,
		Parameters: []Parameter{{Path: "duration", Value: "5s", Origin: "flag"}},
		Flows: []Flow{{
			ID: 1, Goodput: Some(1.5), Allocated: Some(2 * time.Millisecond),
			Delay:  Dist{N: 2, Min: Some(time.Duration(0)), Buckets: []Bucket{{UpTo: 1, Count: 2}}},
			Wishes: []Wish{{What: "delay", Asked: 5, Got: Some(4.0), Met: true}},
		}},
		Totals: Totals{Events: Some[uint64](1<<53 + 1)},
	}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Run
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if err := json.Unmarshal([]byte(`{"totals":{"events":"many"}}`), &got); err == nil {
		t.Error("a text was taken for a number")
	}
}

// The manifest alone holds the wall-clock time: it would make equal runs differ.
func TestWallClockStaysOutOfResults(t *testing.T) {
	a, _ := json.Marshal(Run{Wall: time.Second})
	b, _ := json.Marshal(Run{})
	if string(a) != string(b) {
		t.Errorf("%s\n%s", a, b)
	}
}

func TestRunIsOKWhenWholeAndExpectationsMet(t *testing.T) {
	r := Run{Expectations: []Expectation{{OK: true}}}
	if !r.OK() {
		t.Error("all met, but not OK")
	}
	r.Partial = true
	if r.OK() {
		t.Error("a partial run is OK")
	}
	r = Run{Expectations: []Expectation{{OK: true}, {}}}
	if r.OK() {
		t.Error("an expectation failed, but OK")
	}
}

func TestMetSummarisesWishes(t *testing.T) {
	for _, c := range []struct {
		f    Flow
		want string
	}{
		{Flow{}, Missing},
		{Flow{Failure: "refused"}, "no"},
		{Flow{Wishes: []Wish{{Met: true}, {}}}, "no"},
		{Flow{Wishes: []Wish{{Met: true}}}, "yes"},
	} {
		if got := c.f.Met(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.f, got, c.want)
		}
	}
}

// Of an outage that had not ended only a lower bound is known: no mean and no longest one is made without it,
// and a shortest one only if it is below the bound.
func TestSpanOfOutages(t *testing.T) {
	ended := func(d time.Duration) Outage { return Outage{Duration: Some(d)} }
	open := func(d time.Duration) Outage { return Outage{AtLeast: Some(d)} }
	no := None[time.Duration]()
	for name, x := range map[string]struct {
		of           []Outage
		lo, mean, hi Opt[time.Duration]
	}{
		"none":       {nil, no, no, no},
		"all ended":  {[]Outage{ended(3), ended(1), ended(5)}, Some[time.Duration](1), Some[time.Duration](3), Some[time.Duration](5)},
		"one open":   {[]Outage{ended(3), open(7), ended(1)}, Some[time.Duration](1), no, no},
		"open short": {[]Outage{ended(3), open(2)}, no, no, no},
		"all open":   {[]Outage{open(2), open(9)}, no, no, no},
	} {
		if lo, mean, hi := Span(x.of); lo != x.lo || mean != x.mean || hi != x.hi {
			t.Errorf("%s: %v, %v, %v", name, lo, mean, hi)
		}
	}
	c := Convergence{Outages: []Outage{ended(3), open(7), {Duration: Some[time.Duration](1), Protected: true}}}
	if unended, protected := c.Count(); unended != 1 || protected != 1 {
		t.Errorf("%d not ended, %d protected", unended, protected)
	}
}

func TestDeviationOfTheory(t *testing.T) {
	if d, ok := (Theory{Value: 4, Measured: Some(5.0)}).Deviation().Get(); !ok || d != 0.25 {
		t.Errorf("%v %v", d, ok)
	}
	if (Theory{Measured: Some(5.0)}).Deviation().OK() {
		t.Error("deviation from 0 is not missing")
	}
}

// Every field has a JSON name in lower_snake, so that consumers need no Go names.
func TestJSONNamesAreLowerSnake(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(ty reflect.Type) {
		for ty.Kind() == reflect.Slice || ty.Kind() == reflect.Pointer {
			ty = ty.Elem()
		}
		if ty.Kind() != reflect.Struct || seen[ty] || strings.HasPrefix(ty.Name(), "Opt[") {
			return
		}
		seen[ty] = true
		for i := range ty.NumField() {
			f := ty.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" || name != "-" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
				t.Errorf("%s.%s: json name %q", ty.Name(), f.Name, name)
			}
			walk(f.Type)
		}
	}
	walk(reflect.TypeFor[Run]())
	if len(seen) < 14 {
		t.Errorf("only %d types walked", len(seen))
	}
}
