package rib

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"time"

	"ouroboros/core"
)

// labelWidth is that of the longest label of spec 02 §10.3 and a blank.
const labelWidth = 27

// Value writes one line: the label on the left, the value right-aligned in 20 columns (spec 02 §10.3).
// Labels end with a colon.
func Value(w io.Writer, label string, v any) {
	fmt.Fprintf(w, "%-*s%20v\n", labelWidth, label, v)
}

// Counter writes the two lines of a counter in packets and bytes, such as " sent (packets):" and
// " sent (bytes):" for the label " sent".
func Counter(w io.Writer, label string, packets, bytes uint64) {
	Value(w, label+" (packets):", packets)
	Value(w, label+" (bytes):", bytes)
}

// Clock gives the wall-clock time of points in the life of an IPCP. A clock that was set moves all of them.
type Clock struct{ env core.Env }

// NewClock returns the clock of a component.
func NewClock(env core.Env) Clock { return Clock{env} }

// At returns the text of a time of the component's own clock: "2026-01-01 00:00:00 (UTC)" (spec 02 §10.1).
func (c Clock) At(t core.Time) string { return Time(c.env.Wall() - int64(c.env.Now().Sub(t))) }

// Time returns the text of a time in ns since 1970, in seconds rounded down.
func Time(unix int64) string {
	return time.Unix(0, unix).UTC().Format("2006-01-02 15:04:05") + " (UTC)"
}

// Addr returns the text of an address: the size bytes that travel in the header, in their order there,
// which is little-endian (spec 02 §2.2.2). 0x1A2B3C4D of 4 bytes is "4d.3c.2b.1a". size is 1 to 8.
func Addr(a uint64, size int) string {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], a)
	text := make([]byte, 0, 3*len(b))
	for i, x := range b[:size] {
		if i > 0 {
			text = append(text, '.')
		}
		text = append(text, "0123456789abcdef"[x>>4], "0123456789abcdef"[x&15])
	}
	return string(text)
}

// Number returns the name of an entry that has a number.
func Number(n uint64) string { return strconv.FormatUint(n, 10) }

// KindWord returns the word for the kind of an IPCP (spec 02 §10.1).
func KindWord(k core.LayerKind) string {
	switch k {
	case core.KindLocal:
		return "local"
	case core.KindUnicast:
		return "unicast"
	case core.KindBroadcast:
		return "broadcast"
	case core.KindEthLLC:
		return "eth-llc"
	case core.KindEthDIX:
		return "eth-dix"
	case core.KindUDP4:
		return "udp4"
	case core.KindUDP6:
		return "udp6"
	case core.KindDirect:
		return "direct"
	}
	return "bug"
}

// Info returns the directory "info" that every IPCP has (spec 02 §10.1). state is one of null, init, boot,
// operational and shutdown.
func Info(state string, layer core.LayerInfo) Entry {
	name := string(layer.Name)
	if name == "" {
		name = "(null)"
	}
	return Entry{"info", Fixed(
		Entry{"_state", Text(state)},
		Entry{"_type", Text(KindWord(layer.Kind))},
		Entry{"_layer", Text(name)},
	)}
}
