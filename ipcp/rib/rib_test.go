package rib_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/ipcp/rib"
)

// tree has two levels, as those of IPCPs, and a directory that is empty.
func tree() rib.Dir {
	return rib.Fixed(
		rib.Info("operational", core.LayerInfo{Name: "net", Kind: core.KindUnicast}),
		rib.Entry{Name: "ports", Node: rib.Dir(func(yield func(string, rib.Node) bool) {
			for n := uint64(64); n < 67; n++ {
				if !yield(rib.Number(n), rib.Text(fmt.Sprint("port ", n))) {
					return
				}
			}
		})},
		rib.Entry{Name: "empty", Node: rib.Fixed()},
	)
}

// Every file that the walk visits, and no other, is the one that is read under its path, and the lists lead
// to all of them.
func TestWalkListAndReadAgree(t *testing.T) {
	walked := map[string]string{}
	var order []string
	err := rib.Walk(tree(), func(path string, content []byte) error {
		walked[path] = string(content)
		order = append(order, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"info/_state", "info/_type", "info/_layer", "ports/64", "ports/65", "ports/66"}
	if !slices.Equal(order, want) {
		t.Errorf("walked %v, want %v", order, want)
	}
	for path, content := range walked {
		if b, err := rib.Read(tree(), path); err != nil || string(b) != content {
			t.Errorf("Read(%s): %q, %v, the walk had %q", path, b, err, content)
		}
	}
	var listed []string
	var down func(path string)
	down = func(path string) {
		names, err := rib.List(tree(), path)
		if err != nil {
			t.Errorf("List(%q): %v", path, err)
		}
		for _, n := range names {
			if dir, ok := strings.CutSuffix(n, "/"); ok {
				down(strings.TrimPrefix(path+"/"+dir, "/"))
			} else {
				listed = append(listed, path+"/"+n)
			}
		}
	}
	down("")
	if !slices.Equal(listed, want) {
		t.Errorf("listed %v, want %v", listed, want)
	}
}

func TestPathsThatLeadNowhereAreNamedErrors(t *testing.T) {
	for path, want := range map[string]error{
		"nothing": rib.ErrNotFound, "ports/63": rib.ErrNotFound, "info/_state/x": rib.ErrNotFound,
		"/info": rib.ErrNotFound, "info/": rib.ErrNotFound, "info//_state": rib.ErrNotFound,
		"info": rib.ErrIsDir, "": rib.ErrIsDir,
	} {
		if b, err := rib.Read(tree(), path); !errors.Is(err, want) || b != nil || !strings.Contains(err.Error(), path) {
			t.Errorf("Read(%q): %q, %v, want %v", path, b, err, want)
		}
	}
	if _, err := rib.List(tree(), "info/_state"); !errors.Is(err, rib.ErrNotDir) {
		t.Errorf("List of a file: %v", err)
	}
	if _, err := rib.List(tree(), "ports/x"); !errors.Is(err, rib.ErrNotFound) {
		t.Errorf("List of nothing: %v", err)
	}
}

// A walk ends at the first error: that of its caller, a name that no path can hold, or a tree without end.
func TestWalkEndsAtAnError(t *testing.T) {
	mine, calls := errors.New("disk full"), 0
	err := rib.Walk(tree(), func(string, []byte) error { calls++; return mine })
	if !errors.Is(err, mine) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
	f := rib.Text("")
	for _, names := range [][]string{{""}, {"a/b"}, {"x", "x"}} {
		var entries []rib.Entry
		for _, n := range names {
			entries = append(entries, rib.Entry{Name: n, Node: f})
		}
		if err := rib.Walk(rib.Fixed(entries...), func(string, []byte) error { return nil }); !errors.Is(err, rib.ErrName) {
			t.Errorf("names %q: %v", names, err)
		}
	}
	var endless rib.Dir
	endless = func(yield func(string, rib.Node) bool) { yield("d", endless) }
	if err := rib.Walk(endless, func(string, []byte) error { return nil }); !errors.Is(err, rib.ErrDepth) {
		t.Errorf("an endless tree: %v", err)
	}
}

// The text forms of spec 02 §2.2.2, §10.1 and §10.3.
func TestTextForms_02_10(t *testing.T) {
	for _, c := range []struct {
		a    uint64
		size int
		want string
	}{
		{0x1A2B3C4D, 4, "4d.3c.2b.1a"},
		{1, 4, "01.00.00.00"},
		{0x0102, 1, "02"},
		{0x0102030405060708, 8, "08.07.06.05.04.03.02.01"},
	} {
		if got := rib.Addr(c.a, c.size); got != c.want {
			t.Errorf("address %#x of %d bytes: %s, want %s", c.a, c.size, got, c.want)
		}
	}
	if got := rib.Time(1_771_718_400_999_999_999); got != "2026-02-22 00:00:00 (UTC)" {
		t.Errorf("time %s", got)
	}
	var b strings.Builder
	rib.Value(&b, "Endpoint address:", "4d.3c.2b.1a")
	rib.Counter(&b, " failed writes", 7, 1<<40)
	want := "Endpoint address:                   4d.3c.2b.1a\n" +
		" failed writes (packets):                     7\n" +
		" failed writes (bytes):           1099511627776\n"
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
	words := "local unicast broadcast eth-llc eth-dix udp4 udp6 bug"
	var got []string
	for k := range core.LayerKind(8) {
		got = append(got, rib.KindWord(k))
	}
	if strings.Join(got, " ") != words || rib.KindWord(core.KindDirect) != "direct" {
		t.Errorf("kinds %v, want %s", got, words)
	}
	info := rib.Fixed(rib.Info("init", core.LayerInfo{Kind: core.KindLocal}))
	if layer, err := rib.Read(info, "info/_layer"); err != nil || string(layer) != "(null)\n" {
		t.Errorf("an IPCP without a layer: %q, %v", layer, err)
	}
}

// clock is an Exec that knows the time.
type clock struct{ core.Exec }

func (clock) Now() core.Time { return core.Time(10 * time.Second) }

// A point in the past is told by the wall clock as it stands now.
func TestClockTellsThePast(t *testing.T) {
	env := core.Env{Exec: clock{}, Wall: func() int64 { return 1_771_718_410_000_000_000 }}
	for at, want := range map[time.Duration]string{
		0: "2026-02-22 00:00:00 (UTC)", 10 * time.Second: "2026-02-22 00:00:10 (UTC)",
		9500 * time.Millisecond: "2026-02-22 00:00:09 (UTC)",
	} {
		if got := rib.NewClock(env).At(core.Time(at)); got != want {
			t.Errorf("%v: %s, want %s", at, got, want)
		}
	}
}
