package core

import "time"

// QoS is what an application wishes of a flow (spec 12 §12.1). The units are those of the wire. The
// client's wish travels in the allocation request and is what both ends use.
type QoS struct {
	Delay        uint32 // largest one-way delay in ms; DontCare
	Bandwidth    uint64 // bit/s; 0 = no wish
	Availability uint8  // number of nines; 0 = no wish
	Loss         uint32 // 0 = no loss: retransmission on ordered flows; else loss is tolerated
	BER          uint32 // bit errors per 10^9 bits; 0 = a CRC-32 trailer end to end
	InOrder      uint8  // 0 = raw flow, else FRCP runs on it
	MaxGap       uint32 // longest interruption in ms; DontCare
	Timeout      uint32 // ms of silence after which the peer counts as dead; 0 = never
}

// DontCare stands for "no wish" in Delay and MaxGap.
const DontCare = 1<<32 - 1

// DefaultPeerTimeout is the Timeout of the predefined specs in ms.
const DefaultPeerTimeout = 120_000

// The predefined specs (spec 12 §12.2), with BER 1 as they go over the wire by default (12 §12.6): no
// CRC trailer.
var (
	QoSRaw         = QoS{Delay: DontCare, Loss: 1, BER: 1, MaxGap: DontCare, Timeout: DefaultPeerTimeout}
	QoSRawNoErrors = QoS{Delay: DontCare, Loss: 1, BER: 0, MaxGap: DontCare, Timeout: DefaultPeerTimeout}
	QoSBestEffort  = QoS{Delay: DontCare, Loss: 1, BER: 1, InOrder: 1, MaxGap: DontCare, Timeout: DefaultPeerTimeout}
	QoSVideo       = QoS{Delay: 100, Bandwidth: 1<<64 - 1, Availability: 3, Loss: 1, BER: 1, InOrder: 1, MaxGap: 100, Timeout: DefaultPeerTimeout}
	QoSVoice       = QoS{Delay: 50, Bandwidth: 100_000, Availability: 5, Loss: 1, BER: 1, InOrder: 1, MaxGap: 50, Timeout: DefaultPeerTimeout}
	QoSData        = QoS{Delay: 1000, BER: 1, InOrder: 1, MaxGap: 2000, Timeout: DefaultPeerTimeout}
)

// Mode says which end-to-end protocol a flow runs (spec 12 §12.3).
type Mode uint8

// The modes of a flow.
const (
	ModeRaw      Mode = iota // no FRCP
	ModeOrdered              // FRCP without retransmission
	ModeReliable             // FRCP with retransmission
)

// String returns "raw", "ordered" or "reliable".
func (m Mode) String() string { return [...]string{"raw", "ordered", "reliable"}[m] }

// Mode returns the mode that the spec asks for.
func (q QoS) Mode() Mode {
	switch {
	case q.InOrder == 0:
		return ModeRaw
	case q.Loss != 0:
		return ModeOrdered
	}
	return ModeReliable
}

// Cube is the service class of a layer: the QoS byte of the data transfer header (spec 12 §12.4).
type Cube uint8

// The cubes.
const (
	CubeBestEffort Cube = 0
	CubeVideo      Cube = 1
	CubeVoice      Cube = 2
	NumCubes            = 3
)

// Cube returns the cube that the spec maps to.
func (q QoS) Cube() Cube {
	switch {
	case q.Delay <= 50 && q.Bandwidth <= 100_000 && q.Availability >= 5 && q.MaxGap <= 50:
		return CubeVoice
	case q.Delay <= 100 && q.Availability >= 3 && q.MaxGap <= 100:
		return CubeVideo
	}
	return CubeBestEffort
}

// PeerTimeout returns the Timeout as a duration, 0 for none.
func (q QoS) PeerTimeout() time.Duration { return time.Duration(q.Timeout) * time.Millisecond }
