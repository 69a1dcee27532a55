package local

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"ouroboros/core/loop"
	"ouroboros/ipcp/rib"
)

// listFlows hands out the ends of flows by number.
func (i *IPCP) listFlows(yield func(string, rib.Node) bool) {
	for _, e := range i.ends {
		if e != nil && !yield(rib.Number(e.Number()), rib.File(func(w io.Writer) { i.writeFlow(w, e) })) {
			return
		}
	}
}

// writeFlow prints an end of a flow.
func (i *IPCP) writeFlow(w io.Writer, e *loop.End) {
	c := e.Counters()
	rib.Value(w, "Flow established at:", rib.NewClock(i.env).At(c.Opened))
	if n := e.Peer(); n != 0 {
		rib.Value(w, "Endpoint:", n)
	}
	rib.Value(w, "Queued packets (rx):", c.Waiting)
	rib.Value(w, "Queued packets (tx):", e.Queued())
	rib.Counter(w, "Sent", c.Sent, c.SentBytes)
	rib.Counter(w, "Received", c.Received, c.ReceivedBytes)
}

// writeNames prints the digests that are registered, in order.
func (i *IPCP) writeNames(w io.Writer) {
	for _, h := range slices.Sorted(maps.Keys(i.registry)) {
		fmt.Fprintln(w, h)
	}
}

// writeStats prints the counters of the layer.
func (i *IPCP) writeStats(w io.Writer) {
	st := i.Stats()
	rib.Value(w, "Flow requests:", st.Requests)
	rib.Value(w, "Flow requests refused:", st.Refused)
	rib.Counter(w, "Delivered", st.Packets, st.Bytes)
	rib.Value(w, "Dropped at closed flows:", st.DropClosed)
	rib.Value(w, "Dropped for their size:", st.DropSize)
}
