package result

import "time"

// Flow is what one flow of the workload asked for and got. Counters are those of the application's
// messages at the two ends of the flow; retransmissions are of the protocol below it.
type Flow struct {
	ID       int    `json:"id"`       // from 1, unique in the run
	Name     string `json:"name"`     // of the workload, with "/n" if it has several flows
	Workload string `json:"workload"` // name of the workload entry: flows of one entry are comparable
	Kind     string `json:"kind"`     // of the workload: cbr, poisson, onoff, bulk, ping
	From     string `json:"from"`     // node
	To       string `json:"to"`       // node
	Layer    string `json:"layer"`    // that provides the flow
	QoS      QoS    `json:"qos"`      // what was asked

	// Failure says why the flow was not allocated or went down early, "" if neither. A flow that was asked
	// for and had not come by the end of its source, or of the run, has failed.
	Failure string `json:"failure"`

	Start     time.Duration      `json:"start_ns"`     // when the allocation was asked for
	Allocated Opt[time.Duration] `json:"allocated_ns"` // from asking to having the flow
	// FirstByte is the time from asking for the flow to the delivery of the first message, and PathRTT the propagation
	// delay there and back over the path at the end, where that is known: in a layer right over the wires.
	FirstByte Opt[time.Duration] `json:"first_byte_ns"`
	PathRTT   Opt[time.Duration] `json:"path_rtt_ns"`
	Stop      Opt[time.Duration] `json:"stop_ns"` // when the source ended; missing if the run ended first

	OfferedRate    Opt[float64] `json:"offered_bps"`     // payload that the source wanted to send, over its active time
	OfferedPackets uint64       `json:"offered_packets"` // messages that the source wanted to send
	OfferedBytes   uint64       `json:"offered_bytes"`
	SentPackets    uint64       `json:"sent_packets"` // messages that the flow took
	SentBytes      uint64       `json:"sent_bytes"`
	// Blocked is the time that the source stood still because the flow would not take more.
	Blocked time.Duration `json:"blocked_ns"`

	DeliveredPackets uint64 `json:"delivered_packets"` // messages handed to the receiver, without duplicates
	DeliveredBytes   uint64 `json:"delivered_bytes"`
	// LostPackets were sent and not delivered, and by the end of the run could not come any more;
	// InFlightPackets still could.
	LostPackets     uint64 `json:"lost_packets"`
	InFlightPackets uint64 `json:"in_flight_packets"`
	Duplicates      uint64 `json:"duplicate_packets"` // deliveries beyond the first of a message
	Reordered       uint64 `json:"reordered_packets"` // delivered after a later one (RFC 4737 §3.3)
	// Goodput is the delivered payload over the measured time: 0 for a flow that failed, or found no room,
	// before it could send anything, so that sums, means and fairness are over all flows that were asked for.
	Goodput Opt[float64] `json:"goodput_bps"`
	Loss    Opt[float64] `json:"loss_ratio"` // lost over sent; missing if nothing was sent

	Delay Dist `json:"delay"` // one way, from the source's write to the delivery
	RTT   Dist `json:"rtt"`   // request/response only: write of the request to delivery of the response

	Retransmissions Opt[uint64] `json:"retransmissions"` // packets; missing on flows without retransmission
	Timeouts        Opt[uint64] `json:"timeouts"`        // expirations of the retransmission timer
	// Cipher is what the flow was encrypted with, "" for a flow in clear; Rejected counts the packets that did not
	// decrypt at either end, missing there.
	Cipher   string      `json:"cipher"`
	Rejected Opt[uint64] `json:"rejected_packets"`
	// SourceQueueMean and SourceQueueMax are what messages of FRCP found in front of them in the queue of the
	// layer at the source: packets. Missing on flows without FRCP.
	SourceQueueMean Opt[float64] `json:"source_queue_mean_packets"`
	SourceQueueMax  Opt[uint64]  `json:"source_queue_max_packets"`
	// Completion is the time from the start of a bulk transfer to the delivery of its last byte.
	Completion Opt[time.Duration] `json:"completion_ns"`

	Wishes []Wish   `json:"wishes"` // what the QoS asked for, one by one
	Theory []Theory `json:"theory"` // closed forms beside the measured values
}

// QoS is the wish that went into the allocation. Missing means no wish.
type QoS struct {
	Name      string             `json:"name"` // preset or "custom"
	Mode      string             `json:"mode"` // raw, ordered, reliable
	Delay     Opt[time.Duration] `json:"delay_ns"`
	Bandwidth Opt[uint64]        `json:"bandwidth_bps"`
	Nines     Opt[uint64]        `json:"availability_nines"`
	MaxGap    Opt[time.Duration] `json:"max_gap_ns"`
	NoLoss    bool               `json:"no_loss"`  // the spec tolerates no loss
	NoError   bool               `json:"no_error"` // the spec tolerates no bit errors
	InOrder   bool               `json:"in_order"`
}

// Dist describes a set of samples of a time. It is empty (N = 0) if there were none. Percentiles of
// several runs must not be averaged: merge the Buckets.
type Dist struct {
	N    uint64             `json:"n"`
	Min  Opt[time.Duration] `json:"min_ns"`
	Mean Opt[time.Duration] `json:"mean_ns"`
	P50  Opt[time.Duration] `json:"p50_ns"`
	P99  Opt[time.Duration] `json:"p99_ns"`
	Max  Opt[time.Duration] `json:"max_ns"`
	// Jitter is the mean absolute difference of consecutive samples.
	Jitter Opt[time.Duration] `json:"jitter_ns"`
	// Buckets is the histogram, ascending and without empty buckets.
	Buckets []Bucket `json:"buckets,omitempty"`
}

// Bucket counts the samples in (the bound of the bucket before, UpTo].
type Bucket struct {
	UpTo  time.Duration `json:"upto_ns"`
	Count uint64        `json:"count"`
}

// Wish is one wish of a QoS and what became of it.
type Wish struct {
	What  string       `json:"what"`  // delay, bandwidth, loss, order, gap, availability
	Unit  string       `json:"unit"`  // ns, bit/s, ratio, packets
	Asked float64      `json:"asked"` // bound: at most for delay, loss, order and gap, at least for bandwidth
	Got   Opt[float64] `json:"got"`
	Met   bool         `json:"met"` // false also when nothing could be measured
}

// Met summarises the wishes of a flow: "yes", "no", or Missing if it had none. A flow that was not
// allocated met nothing.
func (f *Flow) Met() string {
	switch {
	case f.Failure != "":
		return "no"
	case len(f.Wishes) == 0:
		return Missing
	}
	for _, w := range f.Wishes {
		if !w.Met {
			return "no"
		}
	}
	return "yes"
}

// Theory is a value that can be computed in closed form, beside the measured one.
type Theory struct {
	What     string       `json:"what"` // for instance "rtt.min"
	Unit     string       `json:"unit"`
	Value    float64      `json:"value"`
	Measured Opt[float64] `json:"measured"`
	Source   string       `json:"source"` // the formula with its numbers, or the reference
	// Loaded: packets have waited on the path, and none of the flow is known to have found it idle. Then the
	// closed form, which is for an idle path, is a lower bound and no more.
	Loaded bool `json:"loaded"`
}

// Deviation returns measured over theory minus 1, missing if either is missing, the theory is 0, or it is a
// bound only (Loaded).
func (t Theory) Deviation() Opt[float64] {
	m, ok := t.Measured.Get()
	if !ok || t.Value == 0 || t.Loaded {
		return None[float64]()
	}
	return Some(m/t.Value - 1)
}
