package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"testing"
)

// pvExample is a message of two routes: to 7 over 5 and 6 at metric 3, and a withdrawal of 9.
const pvExample = "d2010100020000002a" +
	"0003" + "695597800000004d" + "0000000000000003" + "0000000000000005" + "0000000000000006" + "0000000000000007" +
	"0101" + "0000000000000000" + "0000000000000000" + "0000000000000009"

func buildPVExample() []byte {
	b := AppendPVHeader(nil, true, 42)
	b = AppendPVRoute(b, 0, 0x695597800000004D, 3, 5, []uint64{6, 7})
	return AppendPVWithdrawal(b, 0, 9)
}

// TestPathVectorToTheByte holds the layout, built and parsed.
func TestPathVectorToTheByte(t *testing.T) {
	b := buildPVExample()
	if got := hex.EncodeToString(b); got != pvExample {
		t.Fatalf("built %s, want %s", got, pvExample)
	}
	m, err := ParsePathVector(b)
	if err != nil || !m.Ask || m.Number != 42 || m.Count != 2 {
		t.Fatalf("%+v, %v", m, err)
	}
	var routes []PVRoute
	m.Routes(func(r PVRoute) { routes = append(routes, r) })
	if r := routes[0]; r.Withdrawn || r.Origin != 0x695597800000004D || r.Metric != 3 || r.Len() != 3 || r.Hop(0) != 5 || r.Dst() != 7 {
		t.Errorf("%+v", r)
	}
	if r := routes[1]; !r.Withdrawn || r.Len() != 1 || r.Dst() != 9 {
		t.Errorf("%+v", r)
	}
}

// TestPathVectorIsNoLinkState: whatever its routes, a message has an odd number of bytes, never the 24 or 32 of
// link state messages (spec 04 §3, decision 12).
func TestPathVectorIsNoLinkState(t *testing.T) {
	b := AppendPVHeader(nil, false, 1)
	for i := range uint64(6) {
		if len(b)%2 == 0 {
			t.Errorf("%d bytes", len(b))
		}
		if _, err := ParseLSA(b); err == nil {
			t.Errorf("%d bytes pass for a link state message", len(b))
		}
		b = AppendPVRoute(b, 0, 1, i, 1, []uint64{2, 3, 4}[:i%3])
	}
}

// TestPathVectorRefusesImpossible: every field out of its range is an error.
func TestPathVectorRefusesImpossible(t *testing.T) {
	route := func(metric uint64, path ...uint64) []byte {
		return AppendPVRoute(AppendPVHeader(nil, false, 1), 0, 1, metric, path[0], path[1:])
	}
	edit := func(b []byte, at int, v byte) []byte {
		b = slices.Clone(b)
		b[at] = v
		return b
	}
	good := route(1, 2, 3)
	if _, err := ParsePathVector(good); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		b    []byte
		want error
	}{
		"empty":           {nil, ErrPVHeader},
		"short header":    {good[:8], ErrPVHeader},
		"other magic":     {edit(good, 0, 1), ErrPVHeader},
		"other version":   {edit(good, 1, 2), ErrPVHeader},
		"cut off":         {good[:len(good)-1], ErrPVLen},
		"rest":            {append(slices.Clone(good), 0), ErrPVLen},
		"more routes":     {edit(good, 4, 2), ErrPVLen},
		"fewer routes":    {edit(good, 4, 0), ErrPVLen},
		"longer path":     {edit(good, 10, 3), ErrPVLen},
		"no path":         {edit(good[:PVHeader+PVRouteLen], 10, 0), ErrPVPath},
		"address 0":       {route(1, 2, 0), ErrPVPath},
		"loop":            {route(2, 2, 3, 2), ErrPVPath},
		"long withdrawal": {edit(good, 9, 1), ErrPVPath},
		"metric below":    {route(0, 2, 3), ErrPVMetric},
		"metric above":    {route(1<<40+1, 2, 3), ErrPVMetric},
	} {
		if _, err := ParsePathVector(tc.b); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}

// FuzzPathVector: any bytes are parsed or refused, and what is parsed is built again to the byte, reserved flags
// and what a withdrawal does not use apart.
func FuzzPathVector(f *testing.F) {
	f.Add(buildPVExample())
	f.Add(AppendPVHeader(nil, false, 7))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParsePathVector(b)
		if err != nil {
			return
		}
		want := slices.Clone(b)
		want[2] &= pvAsk
		got := AppendPVHeader(nil, m.Ask, m.Number)
		m.Routes(func(r PVRoute) {
			at := len(got)
			want[at] &= pvWithdrawn
			if r.Withdrawn {
				clear(want[at+2 : at+18])
				got = AppendPVWithdrawal(got, 0, r.Dst())
				return
			}
			var rest []uint64
			for i := 1; i < r.Len(); i++ {
				rest = append(rest, r.Hop(i))
			}
			got = AppendPVRoute(got, 0, r.Origin, r.Metric, r.Hop(0), rest)
		})
		if !bytes.Equal(got, want) {
			t.Fatalf("parsed %x, built %x", want, got)
		}
	})
}
