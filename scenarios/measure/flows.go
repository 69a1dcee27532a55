package measure

import (
	"math"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/crypt"
	"ouroboros/scenarios/result"
	"ouroboros/scenarios/traffic"
)

var kindNames = [...]string{traffic.CBR: "cbr", traffic.Poisson: "poisson", traffic.OnOff: "onoff", traffic.Bulk: "bulk", traffic.Ping: "ping", traffic.Group: "group"}

// flow returns what a flow asked for and got.
func (r *Recorder) flow(f *traffic.Flow, label string, now core.Time) result.Flow {
	st := f.Stats
	x := result.Flow{
		ID: f.ID, Name: f.Name, Workload: f.Workload, Kind: kindNames[f.Kind], From: f.From.Name, To: f.To.Name,
		Layer: f.Layer, QoS: qos(f.QoS, label), Start: time.Duration(f.Start),
		OfferedPackets: st.Offered, OfferedBytes: st.OfferedBytes, SentPackets: st.Sent, SentBytes: st.SentBytes,
		Blocked: st.Blocked, DeliveredPackets: st.Delivered, DeliveredBytes: st.Bytes,
		Duplicates: st.Duplicates, Reordered: st.Reordered, Delay: f.Delay.Dist(), RTT: f.RTT.Dist(),
	}
	if st.Failure != nil {
		x.Failure = st.Failure.Error()
	}
	if f.Waits() {
		x.Failure = "not allocated by the end of the run"
	}
	if st.Allocated > 0 {
		x.Allocated = result.Some(st.Allocated.Sub(st.Asked))
	}
	if st.FirstDelivery != clock.Never && st.Allocated > 0 {
		x.FirstByte = result.Some(st.FirstDelivery.Sub(st.Asked))
		x.PathRTT = r.pathRTT(f)
	}
	if st.Ended != clock.Never {
		x.Stop = result.Some(time.Duration(st.Ended))
	}
	end := min(st.Ended, now)
	switch {
	case f.Kind != traffic.Bulk:
	case st.Completed != clock.Never:
		end = st.Completed
		x.Completion = result.Some(st.Completed.Sub(f.Start))
	case st.SentBytes >= f.Bytes: // all is written and not yet there
		end = now
	}
	switch {
	case st.Sent > 0:
		active := end.Sub(st.First).Seconds()
		measured := end.Sub(max(st.First, f.Warmup)).Seconds()
		if active > 0 && f.Kind != traffic.Bulk {
			x.OfferedRate = result.Some(float64(st.OfferedBytes) * 8 / active)
		}
		if measured > 0 {
			x.Goodput = result.Some(float64(st.MeasuredBytes) * 8 / measured)
		}
	case x.Failure != "" || st.Offered > 0: // it would have sent
		x.Goodput = result.Some(0.0)
	}
	if t, ok := f.Transport(); ok && f.QoS.Mode() == core.ModeReliable {
		x.Retransmissions = result.Some(t.Retransmitted)
		x.Timeouts = result.Some(t.Expiries)
	}
	if c := f.Cipher(); c != 0 {
		x.Cipher, x.Rejected = crypt.CipherName(c), result.Some(f.Rejected())
	}
	if t, ok := f.Transport(); ok {
		x.SourceQueueMean = result.Ratio(float64(t.QueueSum), float64(t.Sent))
		x.SourceQueueMax = result.Some(t.QueueMax)
	}
	x.Theory = append(r.theory(f, &x), r.ideal(f, &x)...)
	return x
}

func qos(q core.QoS, label string) result.QoS {
	x := result.QoS{Name: label, Mode: q.Mode().String(), NoLoss: q.Loss == 0, NoError: q.BER == 0, InOrder: q.InOrder != 0}
	if q.Delay != core.DontCare {
		x.Delay = result.Some(time.Duration(q.Delay) * time.Millisecond)
	}
	if q.Bandwidth != 0 && q.Bandwidth != math.MaxUint64 {
		x.Bandwidth = result.Some(q.Bandwidth)
	}
	if q.Availability != 0 {
		x.Nines = result.Some(uint64(q.Availability))
	}
	if q.MaxGap != core.DontCare {
		x.MaxGap = result.Some(time.Duration(q.MaxGap) * time.Millisecond)
	}
	return x
}

// wishes compares what the QoS asked for with what the flow got, as far as it was measured. The delay
// that 99 of 100 messages kept is held against the wish.
func (r *Recorder) wishes(f *traffic.Flow, x *result.Flow) (out []result.Wish) {
	q := x.QoS
	add := func(what, unit string, asked float64, got result.Opt[float64], met bool) {
		out = append(out, result.Wish{What: what, Unit: unit, Asked: asked, Got: got, Met: got.OK() && met})
	}
	if d, ok := q.Delay.Get(); ok && r.wants("delay") {
		p99, has := x.Delay.P99.Get()
		got := result.None[float64]()
		if has {
			got = result.Some(float64(p99))
		}
		add("delay", "ns", float64(d), got, p99 <= d)
	}
	if b, ok := q.Bandwidth.Get(); ok && r.wants("goodput") {
		// Who offers less than it asked for gets what it offered.
		want := min(float64(b), x.OfferedRate.Or(float64(b)))
		add("bandwidth", "bit/s", float64(b), x.Goodput, x.Goodput.Or(0) >= 0.99*want)
	}
	if q.NoLoss && q.InOrder && r.wants("loss") {
		add("loss", "ratio", 0, x.Loss, x.Loss.Or(1) == 0)
	}
	if q.InOrder && f.Stats.Delivered > 0 {
		add("order", "packets", 0, result.Some(float64(x.Reordered)), x.Reordered == 0)
	}
	return out
}
