package measure

import (
	"fmt"
	"slices"
	"time"

	"ouroboros/core"
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
	onward, frame, ok := r.idle(path, size)
	if !ok {
		return nil
	}
	if lo, has := x.Delay.Min.Get(); has {
		out = append(out, result.Theory{
			What: "delay.min", Unit: "ns", Value: float64(onward), Measured: result.Some(float64(lo)),
			Source: fmt.Sprintf("serialisation of %d bytes and propagation over %s", frame, links(len(path)-1)),
		})
	}
	homeward, _, ok := r.idle(back, size)
	if lo, has := x.RTT.Min.Get(); has && ok {
		out = append(out, result.Theory{
			What: "rtt.min", Unit: "ns", Value: float64(onward + homeward), Measured: result.Some(float64(lo)),
			Source: "the same, there and back",
		})
	}
	return out
}

// overhead returns the bytes that a message of a flow has in front and behind on a wire.
func (r *Recorder) overhead(f *traffic.Flow, l *node.Layer) int {
	n := 0
	if f.QoS.Mode() != core.ModeRaw {
		n += wire.FRCPLen
	}
	if f.QoS.BER == 0 {
		n += 4
	}
	if p := f.From.IPCP(l.Name); p != nil && p.DT() != nil {
		n += p.DT().HeaderLen()
	}
	return n
}

func links(n int) string {
	if n == 1 {
		return "one link"
	}
	return fmt.Sprintf("%d links", n)
}

// idle returns the time that a packet takes over an idle path, and the length of its largest frame.
func (r *Recorder) idle(path []*node.System, size int) (sum time.Duration, frame int, ok bool) {
	for i := 1; i < len(path); i++ {
		w := r.cfg.Network.Between(path[i-1].Name, path[i].Name)
		if w == nil {
			return 0, 0, false
		}
		dir := 0
		if w.B == path[i-1] {
			dir = 1
		}
		s := w.Spec(dir)
		if s.Jitter > 0 {
			return 0, 0, false
		}
		n := size + s.Overhead
		if w.Shim == "eth-dix" {
			n += wire.DIXFrameHeaderLen
		}
		frame = max(frame, n)
		sum += s.Delay
		if s.Rate > 0 {
			sum += time.Duration(int64(n) * 8e9 / s.Rate)
		}
	}
	return sum, frame, true
}
