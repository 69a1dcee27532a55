package trace

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ouroboros/core/clock"
)

// note is one recorded event and the stream it belongs to.
type note struct {
	stream int
	at     clock.Time
	kind   Kind
	a, b   uint64
}

func fingerprint(streams int, notes []note) uint64 {
	h := NewHub(nil)
	tr := make([]*Tracer, streams)
	for i := range tr {
		tr[i] = h.Stream(uint64(i+1)<<32|1, fmt.Sprint(i))
	}
	for _, n := range notes {
		tr[n.stream].Note(n.at, n.kind, n.a, n.b)
	}
	return h.Fingerprint()
}

func drawNotes(t *rapid.T, streams int) []note {
	value := rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64())
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) note {
		return note{
			stream: rapid.IntRange(0, streams-1).Draw(t, "stream"),
			at:     clock.Time(rapid.Int64Range(0, 1<<50).Draw(t, "at")),
			kind:   Kind(rapid.IntRange(1, int(AddressChanged)).Draw(t, "kind")),
			a:      value.Draw(t, "a"), b: value.Draw(t, "b"),
		}
	}), 1, 40).Draw(t, "notes")
}

// The fingerprint does not depend on how the engine interleaves the streams of an instant (design §3).
func TestFingerprintIgnoresTheInterleavingOfStreams(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const streams = 4
		notes := drawNotes(t, streams)
		want := fingerprint(streams, notes)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		// Merge the streams again in another order, each kept in its own.
		queues := make([][]note, streams)
		for _, n := range notes {
			queues[n.stream] = append(queues[n.stream], n)
		}
		var mixed []note
		for len(mixed) < len(notes) {
			if s := rng.IntN(streams); len(queues[s]) > 0 {
				mixed = append(mixed, queues[s][0])
				queues[s] = queues[s][1:]
			}
		}
		if got := fingerprint(streams, mixed); got != want {
			t.Fatalf("%x, in another order %x", want, got)
		}
	})
}

// The fingerprint depends on every value, on the stream, and on the order within a stream (design §3).
func TestFingerprintDependsOnEveryValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const streams = 3
		notes := drawNotes(t, streams)
		want := fingerprint(streams, notes)
		i := rapid.IntRange(0, len(notes)-1).Draw(t, "which")
		changed := append([]note(nil), notes...)
		d := uint64(1) << rapid.IntRange(0, 55).Draw(t, "bit")
		n := &changed[i]
		switch rapid.SampledFrom([]string{"at", "kind", "a", "b", "stream", "gone", "twice"}).Draw(t, "change") {
		case "at":
			n.at ^= clock.Time(d)
		case "kind":
			n.kind = n.kind%AddressChanged + 1
		case "a":
			n.a ^= d << 8
		case "b":
			n.b ^= d << 8
		case "stream":
			n.stream = (n.stream + 1) % streams
		case "gone":
			changed = append(changed[:i], changed[i+1:]...)
		case "twice":
			changed = append(changed, *n)
		}
		if fingerprint(streams, changed) == want {
			t.Fatal("the fingerprint has not changed")
		}
	})
}

// A change of one value is not undone by the same change of the next: bits do not simply add up.
func TestFingerprintValuesDoNotMakeUpForEachOther(t *testing.T) {
	base := []note{{0, 100, LinkDown, 1, 2}, {0, 200, LinkUp, 3, 4}}
	seen := map[uint64]string{fingerprint(1, base): "base"}
	for bit := range 40 {
		d := uint64(1) << bit
		for name, f := range map[string]func(n []note){
			"b and the next time": func(n []note) { n[0].b ^= d; n[1].at ^= clock.Time(d) },
			"b and the next a":    func(n []note) { n[0].b ^= d; n[1].a ^= d },
			"time and a":          func(n []note) { n[0].at ^= clock.Time(d); n[0].a ^= d },
			"a and b":             func(n []note) { n[0].a ^= d; n[0].b ^= d },
			"kind and a":          func(n []note) { n[0].kind++; n[0].a -= 1<<56 + d - 1 },
		} {
			n := append([]note(nil), base...)
			f(n)
			f2 := fingerprint(1, n)
			if other, twice := seen[f2]; twice {
				t.Errorf("%s, bit %d: the fingerprint is that of %s", name, bit, other)
			}
			seen[f2] = fmt.Sprint(name, bit)
		}
	}
}

// Streams without an event do not count: adding a silent component changes nothing.
func TestFingerprintIgnoresSilentStreams(t *testing.T) {
	notes := []note{{0, 1, FrameSent, 2, 3}}
	if fingerprint(1, notes) != fingerprint(5, notes) {
		t.Error("a silent stream has changed the fingerprint")
	}
	if fingerprint(3, nil) != 0 {
		t.Error("a run without events has a fingerprint")
	}
}

// The observer gets the control events, each once and in full, and no packet events (design §3).
func TestObserverGetsControlEventsOnly(t *testing.T) {
	var got []Event
	h := NewHub(func(e Event) { got = append(got, e) })
	tr := h.Stream(1, "n/net/routing")
	for k := FrameSent; k <= AddressChanged; k++ {
		tr.Note(clock.Time(k)*10, k, uint64(k)+1, uint64(k)+2)
	}
	i := 0
	for k := Control; k <= AddressChanged; k++ {
		want := Event{Time: clock.Time(k) * 10, Stream: "n/net/routing", Kind: k, A: uint64(k) + 1, B: uint64(k) + 2}
		if i >= len(got) || got[i] != want {
			t.Fatalf("event %d: %+v, want %+v", i, got, want)
		}
		i++
	}
	if len(got) != i {
		t.Errorf("%d events too many, the last %+v", len(got)-i, got[len(got)-1])
	}
	if tr.Count() != uint64(AddressChanged) || tr.Name() != "n/net/routing" {
		t.Errorf("count %d, name %q", tr.Count(), tr.Name())
	}
	before := h.Fingerprint()
	h2 := NewHub(nil)
	tr2 := h2.Stream(1, "another name")
	for k := FrameSent; k <= AddressChanged; k++ {
		tr2.Note(clock.Time(k)*10, k, uint64(k)+1, uint64(k)+2)
	}
	if h2.Fingerprint() != before {
		t.Error("observing or naming a component has changed the fingerprint")
	}
}

// A component without a trace discards.
func TestNilTracerDiscards(*testing.T) {
	var tr *Tracer
	tr.Note(1, FrameSent, 0, 0)
}

// Every kind has a name of its own.
func TestKindsHaveNames(t *testing.T) {
	seen := map[string]Kind{}
	for k := FrameSent; k <= AddressChanged; k++ {
		name := k.String()
		if other, twice := seen[name]; twice || name == "unknown" || strings.ToLower(name) != name {
			t.Errorf("kind %d is called %q, kind %d too", k, name, other)
		}
		seen[name] = k
	}
	if Kind(0).String() != "unknown" || (AddressChanged+1).String() != "unknown" {
		t.Error("a kind that does not exist has a name")
	}
}

func BenchmarkNote(b *testing.B) {
	tr := NewHub(nil).Stream(1, "x")
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		tr.Note(clock.Time(i), FrameSent, i, 0)
	}
}

// A stream that passes reaches the observer and leaves no trace in the hub.
func TestPassingStreams(t *testing.T) {
	var seen []Event
	h := NewHub(func(e Event) { seen = append(seen, e) })
	before := h.Fingerprint()
	h.Passing(7, "flow").Note(3, Control, 1, 2)
	if len(seen) != 1 || seen[0].Stream != "flow" || h.Fingerprint() != before || len(h.streams) != 0 {
		t.Errorf("seen %+v, fingerprint %x, %d streams", seen, h.Fingerprint(), len(h.streams))
	}
}
