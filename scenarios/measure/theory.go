package measure

import (
	"fmt"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/crypt"
	"ouroboros/core/wire"
	"ouroboros/scenarios"
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/result"
	"ouroboros/scenarios/traffic"
)

// theory returns the closed forms that hold for a flow: the smallest one-way delay, and for requests the
// smallest round trip, are serialisation and propagation on an empty path. They are computed only where
// the path is known and has not moved: in a layer right over the wires, without impairments of delay
// and without faults.
func (r *Recorder) theory(f *traffic.Flow, x *result.Flow) (out []result.Theory) {
	l := r.cfg.Network.Layer(x.Layer)
	if r.faulty || l == nil || !slices.Contains(l.Over, scenarios.Links) || len(l.Over) != 1 || f.Stats.Delivered == 0 {
		return nil
	}
	there, home := f.Hash()
	path := r.cfg.Network.Path(l, f.From, f.To, there)
	back := r.cfg.Network.Path(l, f.To, f.From, home)
	if path == nil || back == nil {
		return nil
	}
	size := f.Size + r.overhead(f, l)
	onward, ok := r.idle(l, path, size)
	if !ok {
		return nil
	}
	add := func(what, source string, value time.Duration, lo result.Opt[time.Duration], waited bool) {
		if m, has := lo.Get(); has {
			out = append(out, result.Theory{
				What: what, Unit: "ns", Value: float64(value), Measured: result.Some(float64(m)), Source: source,
				Loaded: m > value && (waited || f.Held()),
			})
		}
	}
	add("delay.min", fmt.Sprintf("serialisation of %d bytes and propagation over %s", onward.frame, links(len(path)-1)), onward.time, x.Delay.Min, onward.waited)
	if homeward, ok := r.idle(l, back, size); ok {
		add("rtt.min", "the same, there and back", onward.time+homeward.time, x.RTT.Min, onward.waited || homeward.waited)
	}
	return out
}

// pathRTT returns the propagation delay of the wires from the source of a flow to its receiver and back. It is
// missing where the path is not one over wires.
func (r *Recorder) pathRTT(f *traffic.Flow) result.Opt[time.Duration] {
	l := r.cfg.Network.Layer(f.Layer)
	if l == nil || len(l.Over) != 1 || l.Over[0] != scenarios.Links {
		return result.None[time.Duration]()
	}
	there, home := f.Hash()
	sum := time.Duration(0)
	for _, path := range [][]*node.System{r.cfg.Network.Path(l, f.From, f.To, there), r.cfg.Network.Path(l, f.To, f.From, home)} {
		if path == nil {
			return result.None[time.Duration]()
		}
		for i := 1; i < len(path); i++ {
			w, dir := r.hop(path[i-1], path[i])
			if w == nil {
				return result.None[time.Duration]()
			}
			sum += w.Spec(dir).Delay
		}
	}
	return result.Some(sum)
}

// overhead returns the bytes that a message of a flow has in front and behind on a wire.
func (r *Recorder) overhead(f *traffic.Flow, l *node.Layer) int {
	n := 0
	if f.QoS.Mode() != core.ModeRaw {
		n += wire.FRCPLen
	}
	n += crypt.PacketOverhead(f.Cipher())
	if f.QoS.BER == 0 {
		n += 4
	}
	return n + r.header(f.From, l)
}

// header returns the length of the header that a system puts in front of packets in a layer.
func (r *Recorder) header(s *node.System, l *node.Layer) int {
	if r.whole != nil {
		return int(r.whole.layers[l.Name].Load.Header.Or(0))
	}
	if p := s.IPCP(l.Name); p != nil && p.DT() != nil {
		return p.DT().HeaderLen()
	}
	return 0
}

// longest returns the largest number of packets that have waited in one direction of a wire.
func (r *Recorder) longest(w *node.Wire, dir int) int {
	if r.whole != nil {
		return int(r.whole.links[linkKey{w.Name, dir}].QueueMax)
	}
	return w.Stats(dir).QueueMax
}

func links(n int) string {
	if n == 1 {
		return "one link"
	}
	return fmt.Sprintf("%d links", n)
}

// passage is how a packet goes over a path.
type passage struct {
	time   time.Duration // over an idle path
	frame  int           // length of its longest frame in bytes, with all that takes time on the wire
	waited bool          // packets, of whatever flow, have waited on the path during the run
}

// hop returns the wire from a node to its neighbour and the direction, nil where there is none.
func (r *Recorder) hop(from, to *node.System) (w *node.Wire, dir int) {
	w = r.cfg.Network.Between(from.Name, to.Name)
	if w != nil && w.B == from {
		dir = 1
	}
	return w, dir
}

// idle returns the passage of a packet of size bytes, with the headers of its layer.
func (r *Recorder) idle(l *node.Layer, path []*node.System, size int) (p passage, ok bool) {
	for i := 1; i < len(path); i++ {
		w, dir := r.hop(path[i-1], path[i])
		if w == nil {
			return p, false
		}
		s := w.Spec(dir)
		if s.Jitter > 0 {
			return p, false
		}
		n := size + w.HeaderLen() + s.Overhead + crypt.PacketOverhead(r.cfg.Network.CipherBetween(l, path[i-1], path[i]))
		p.frame = max(p.frame, n)
		p.time += s.Delay
		if s.Rate > 0 {
			p.time += time.Duration(int64(n) * 8e9 / s.Rate)
		}
		p.waited = p.waited || r.longest(w, dir) > 0
	}
	return p, true
}
