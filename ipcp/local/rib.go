package local

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"ouroboros/ipcp/rib"
)

// listFlows hands out the ends of flows by number.
func (i *IPCP) listFlows(yield func(string, rib.Node) bool) {
	for _, e := range i.ends {
		if e != nil && !yield(rib.Number(e.number()), rib.File(e.write)) {
			return
		}
	}
}

// write prints an end of a flow.
func (e *end) write(w io.Writer) {
	rib.Value(w, "Flow established at:", rib.NewClock(e.i.env).At(e.opened))
	if e.peer != nil {
		rib.Value(w, "Endpoint:", e.peer.number())
	}
	rib.Value(w, "Queued packets (rx):", e.queue.Len())
	rib.Value(w, "Queued packets (tx):", e.Queued())
	rib.Counter(w, "Sent", e.sent, e.sentBytes)
	rib.Counter(w, "Received", e.received, e.receivedBytes)
}

// writeNames prints the digests that are registered, in order.
func (i *IPCP) writeNames(w io.Writer) {
	for _, h := range slices.Sorted(maps.Keys(i.registry)) {
		fmt.Fprintln(w, h)
	}
}

// writeStats prints the counters of the layer.
func (i *IPCP) writeStats(w io.Writer) {
	rib.Value(w, "Flow requests:", i.st.Requests)
	rib.Value(w, "Flow requests refused:", i.st.Refused)
	rib.Counter(w, "Delivered", i.st.Packets, i.st.Bytes)
	rib.Value(w, "Dropped at closed flows:", i.st.DropClosed)
	rib.Value(w, "Dropped for their size:", i.st.DropSize)
}
