package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

// TestLSADestinationFirst holds the example of spec 04 §3 and the 32-byte form of decision 12, whose
// first 24 bytes are the same.
func TestLSADestinationFirst(t *testing.T) {
	const short = "0000000055667788" + "000000001a2b3c4d" + "0000000000000007"
	for _, tc := range []struct {
		name, hex string
		want      LSA
	}{
		{"24 bytes", short, LSA{Dst: 0x55667788, Src: 0x1A2B3C4D, Seq: 7}},
		{
			"32 bytes", short + "00000000" + "00000005",
			LSA{Dst: 0x55667788, Src: 0x1A2B3C4D, Seq: 7, Ext: true, Metric: 5},
		},
		{
			"withdrawn", short + "00000001" + "00000000",
			LSA{Dst: 0x55667788, Src: 0x1A2B3C4D, Seq: 7, Ext: true, Flags: LSAWithdrawn},
		},
		{
			"reserved flags are kept", short + "80000000" + "00000001",
			LSA{Dst: 0x55667788, Src: 0x1A2B3C4D, Seq: 7, Ext: true, Flags: 1 << 31, Metric: 1},
		},
	} {
		b, err := hex.DecodeString(tc.hex)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseLSA(b)
		if err != nil || got != tc.want {
			t.Errorf("%s: parsed %+v, %v, want %+v", tc.name, got, err, tc.want)
		}
		if back := got.Append(nil); !bytes.Equal(back, b) {
			t.Errorf("%s: built %x, want %x", tc.name, back, b)
		}
	}
}

// TestLSARefusesImpossible: spec 04 §3 fixes the length, spec 02 §3 makes address 0 invalid, and a cost
// of 0 would break the order in which shortest paths are settled (spec 04 §6.3).
func TestLSARefusesImpossible(t *testing.T) {
	good := LSA{Dst: 1, Src: 2, Seq: 3, Ext: true, Metric: 1}
	if _, err := ParseLSA(good.Append(nil)); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		b    []byte
		want error
	}{
		"empty":        {nil, ErrLSALen},
		"23 bytes":     {good.Append(nil)[:23], ErrLSALen},
		"31 bytes":     {good.Append(nil)[:31], ErrLSALen},
		"33 bytes":     {append(good.Append(nil), 0), ErrLSALen},
		"no source":    {LSA{Dst: 1}.Append(nil), ErrLSAAddr},
		"no dest":      {LSA{Src: 1}.Append(nil), ErrLSAAddr},
		"to itself":    {LSA{Src: 1, Dst: 1}.Append(nil), ErrLSAAddr},
		"without cost": {LSA{Src: 1, Dst: 2, Ext: true}.Append(nil), ErrLSACost},
	} {
		if _, err := ParseLSA(tc.b); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}

// FuzzLSA: what parses builds the same bytes again.
func FuzzLSA(f *testing.F) {
	f.Add(LSA{Dst: 0x55667788, Src: 0x1A2B3C4D, Seq: 7}.Append(nil))
	f.Add(LSA{Dst: 1, Src: 2, Seq: 1 << 63, Ext: true, Flags: LSAWithdrawn}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := ParseLSA(b)
		if err != nil {
			return
		}
		if back := l.Append(nil); !bytes.Equal(back, b) {
			t.Fatalf("parsed %x, built %x", b, back)
		}
	})
}
