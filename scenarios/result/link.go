package result

import "time"

// Link is one direction of a wire.
type Link struct {
	Name string `json:"name"` // of the wire
	From string `json:"from"` // node
	To   string `json:"to"`   // node

	Rate  Opt[uint64]   `json:"rate_bps"` // at the end of the run; missing if unlimited
	Delay time.Duration `json:"delay_ns"` // propagation, at the end of the run

	Utilisation Opt[float64] `json:"utilisation_ratio"` // time spent sending over the measured time
	Throughput  Opt[float64] `json:"throughput_bps"`    // of frames on the wire, over the measured time

	SentPackets      uint64 `json:"sent_packets"` // taken from the sender
	SentBytes        uint64 `json:"sent_bytes"`
	DeliveredPackets uint64 `json:"delivered_packets"`
	DeliveredBytes   uint64 `json:"delivered_bytes"`
	Drops            Drops  `json:"drops"`
	Duplicated       uint64 `json:"duplicated_packets"` // additional copies made by the link

	QueueMean Opt[float64]  `json:"queue_mean_packets"` // mean over time of the packets waiting
	QueueMax  uint64        `json:"queue_max_packets"`
	Down      time.Duration `json:"down_ns"` // time that the link was down
}

// Drops are packets lost on a link, by cause.
type Drops struct {
	Queue uint64 `json:"queue"` // no room
	Loss  uint64 `json:"loss"`  // random, burst or targeted loss
	Error uint64 `json:"error"` // bit errors
	Down  uint64 `json:"down"`  // not wholly on the wire when the link went down
}

// Total returns the sum over the causes.
func (d Drops) Total() uint64 { return d.Queue + d.Loss + d.Error + d.Down }
