package host

import (
	"golang.org/x/sys/unix"

	"ouroboros/core"
)

// readable hands over the frames in the ring, as many as belong into one turn. Frames that do not fit into
// the ring while the actor is busy are dropped by the kernel, which counts them.
func (n *NIC) readable() {
	if n.watcher.failed {
		n.fetchError()
	}
	for range nicTurn {
		if n.ring == nil {
			return // the link was closed, perhaps by the user
		}
		h := n.ring.peek()
		if h == nil {
			return
		}
		n.take(h)
	}
	n.watcher.unfinished()
}

// take hands over the frame of a slot, a copy of it, and gives the slot back first.
func (n *NIC) take(h *unix.Tpacket2Hdr) {
	frame, whole := n.ring.frame(h), int(h.Len)
	switch {
	case whole > n.info.MTU+etherHeader || whole > len(frame):
		n.stats.Oversize++
	case whole < etherHeader:
		n.stats.Runts++
	case n.user == nil:
		n.stats.Unheard++
	default:
		n.stats.Received++
		n.stats.ReceivedBytes += uint64(whole)
		p := n.w.pool.GetCopy(rxHeadroom, frame)
		n.ring.pass(h)
		n.user.Receive(p, core.MACFrom(p.Front()[6:])) // the source stands behind the destination
		return
	}
	n.ring.pass(h)
}

// fetchError takes the error off the socket that has made it readable. It is that of an interface which
// went down or away; the monitor tells more.
func (n *NIC) fetchError() {
	if err := socketError(n.fd); err != nil {
		n.monitor.refresh()
	}
}
