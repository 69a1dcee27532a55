package frcp

import "time"

// Stats are the counters of a Conn and the state of its estimators.
type Stats struct {
	Sent          uint64 // messages sent, each counted once
	Unsent        uint64 // messages taken and given up before they were sent, at the end of the flow
	Retransmitted uint64
	Spurious      uint64 // retransmissions that turned out to be needless
	Delivered     uint64 // messages handed to the user
	Acks          uint64 // packets sent for an ack alone
	Windows       uint64 // packets sent for a window alone
	Rdvs          uint64 // rendez-vous sent
	Probes        uint64 // of these, with the question what has arrived
	QueueSum      uint64 // sum over data packets, sent once, of what waited in front of them on this system
	QueueMax      uint64 // most of it
	Expiries      uint64 // expiries of the retransmission timer
	Fins          uint64 // sent to tell that this end is closed
	FinAnswers    uint64 // sent to one that has told

	Duplicates  uint64 // data received again
	Late        uint64 // ordered flows: data that came after its successor
	OutOfWindow uint64 // data beyond the window or of another run
	Early       uint64 // data of a run whose start was not known, held
	EarlyLost   uint64 // of these, given up
	OutOfOrder  uint64 // data kept until a gap is filled
	Malformed   uint64 // packets that are none
	BadAcks     uint64 // acks of what was never sent, windows beyond every plausible edge
	BadFins     uint64 // FINs that are none of the runs of now
	Refused     uint64 // packets dropped after the end, or because the reader is too far behind

	SRTT, RTTVar, RTO, MinRTT time.Duration // MinRTT is 0 before the first sample
	Window                    int           // packets that the peer lets us send now
	Outstanding               int           // packets sent and not acknowledged
	Kept                      int           // messages taken and not sent yet
}
