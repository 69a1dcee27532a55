package scenarios

import (
	"time"

	"ouroboros/core"
)

// The kinds of traffic.
const (
	KindCBR     = "cbr"     // constant rate
	KindPoisson = "poisson" // exponential gaps
	KindOnOff   = "onoff"   // constant rate during exponential on times
	KindBulk    = "bulk"    // a number of bytes, as fast as the flow takes them
	KindPing    = "ping"    // request and response
	KindMatrix  = "matrix"  // a flow for each pair of nodes, rates from a demand model
	KindGroup   = "group"   // constant rate from each source to all who have joined a broadcast layer
)

// Workload is one entry of the workload section: one flow, or one for each pair of nodes that from and
// to name. Which keys a kind needs and accepts is in workloadKeys.
type Workload struct {
	Name  string   `mapstructure:"name"` // default: the kind, with "-n" from the second on
	Kind  string   `mapstructure:"kind" enum:"cbr|poisson|onoff|bulk|ping|matrix|group"`
	Layer string   `mapstructure:"layer"` // that provides the flows; default: the last layer
	From  Patterns `mapstructure:"from"`  // nodes
	To    Patterns `mapstructure:"to"`    // nodes
	// Pairing: "all" makes a flow from every source to every other destination, "zip" from the first
	// source to the first destination, the second to the second and so on; "any" from every source to a name
	// that all destinations have registered; default all.
	Pairing string `mapstructure:"pairing" enum:"all|zip|any"`
	Flows   int    `mapstructure:"flows" min:"1" max:"100000"` // of each pair; default 1
	QoS     QoS    `mapstructure:"qos"`                        // default raw
	// Encrypt asks for flows that are encrypted, Authenticate for flows whose receiver shows a certificate for
	// its name. What the systems' security rules demand comes on top.
	Encrypt      bool `mapstructure:"encrypt"`
	Authenticate bool `mapstructure:"authenticate"`

	Size     Size      `mapstructure:"size" min:"24B"`     // payload of a message, with the 24 bytes of its header
	Rate     Rate      `mapstructure:"rate" min:"1bps"`    // payload rate while sending
	Interval Duration  `mapstructure:"interval" min:"1ns"` // between messages (mean for poisson), instead of rate
	Count    uint64    `mapstructure:"count" min:"1"`      // stop after so many messages; default no limit
	Bytes    Size      `mapstructure:"bytes" min:"1B"`     // bulk: payload of the whole transfer
	Start    Duration  `mapstructure:"start"`              // when the flow is asked for; default 0
	Stop     Duration  `mapstructure:"stop" min:"1ns"`     // when the source ends; default the end of the run
	Duration Duration  `mapstructure:"duration" min:"1ns"` // instead of stop: how long the source sends
	On       Duration  `mapstructure:"on" min:"1ns"`       // onoff: mean on time
	Off      Duration  `mapstructure:"off" min:"1ns"`      // onoff: mean off time
	Phase    *Duration `mapstructure:"phase"`              // offset of the first message; default random in one interval, by the seed

	Total  Rate   `mapstructure:"total" min:"1bps"`             // matrix: sum of all rates
	Model  string `mapstructure:"model" enum:"gravity|uniform"` // matrix; default gravity (masses: node degrees)
	Source string `mapstructure:"source" enum:"cbr|poisson"`    // matrix: how each flow sends; default cbr
}

// workloadKeys says which keys a kind needs and which others it accepts, beside those of every kind.
var workloadKeys = []struct {
	kind           string
	needs, accepts []string
	rateOrInterval bool // exactly one of rate and interval
}{
	{KindCBR, []string{"size"}, []string{"rate", "interval", "count", "phase"}, true},
	{KindPoisson, []string{"size"}, []string{"rate", "interval", "count", "phase"}, true},
	{KindOnOff, []string{"size", "on", "off"}, []string{"rate", "interval", "count", "phase"}, true},
	{KindBulk, []string{"bytes"}, []string{"size"}, false},
	{KindPing, []string{"size", "interval"}, []string{"count", "phase"}, false},
	{KindMatrix, []string{"size", "total"}, []string{"model", "source", "phase"}, false},
	{KindGroup, []string{"size"}, []string{"rate", "interval", "count", "phase"}, true},
}

// commonKeys are those of every kind of workload.
var commonKeys = []string{"name", "kind", "layer", "from", "to", "pairing", "flows", "qos", "encrypt", "authenticate", "start", "stop", "duration"}

// QoS is what a flow asks for: a preset, some of whose fields may be replaced. Written as a text it is
// the preset alone.
type QoS struct {
	Preset       string    `mapstructure:"preset" enum:"raw|raw_no_errors|best|video|voice|data"` // default raw
	Delay        *Duration `mapstructure:"delay" max:"1000h"`                                     // largest one-way delay, whole ms
	Bandwidth    *Rate     `mapstructure:"bandwidth"`
	Availability *int      `mapstructure:"availability" max:"9"` // number of nines
	Loss         *uint32   `mapstructure:"loss"`                 // 0: none, retransmit on ordered flows
	BER          *uint32   `mapstructure:"ber"`                  // bit errors per 10^9 bits; 0: CRC-32 end to end
	InOrder      *bool     `mapstructure:"in_order"`             // FRCP runs on the flow
	MaxGap       *Duration `mapstructure:"max_gap" max:"1000h"`  // longest interruption, whole ms
	Timeout      *Duration `mapstructure:"timeout" max:"1000h"`  // silence after which the peer counts as dead, whole ms; 0: never
}

// Spec returns the spec as it goes over the wire (spec 12 §12.1).
func (q QoS) Spec() core.QoS {
	s := preset(q.Preset)
	ms := func(to *uint32, d *Duration) {
		if d != nil {
			*to = uint32(time.Duration(*d) / time.Millisecond)
		}
	}
	ms(&s.Delay, q.Delay)
	ms(&s.MaxGap, q.MaxGap)
	ms(&s.Timeout, q.Timeout)
	if q.Bandwidth != nil {
		s.Bandwidth = uint64(*q.Bandwidth)
	}
	if q.Availability != nil {
		s.Availability = uint8(*q.Availability)
	}
	if q.Loss != nil {
		s.Loss = *q.Loss
	}
	if q.BER != nil {
		s.BER = *q.BER
	}
	if q.InOrder != nil {
		s.InOrder = 0
		if *q.InOrder {
			s.InOrder = 1
		}
	}
	return s
}

// Label returns the preset, or "custom" if fields of it are replaced.
func (q QoS) Label() string {
	if (q != QoS{Preset: q.Preset}) {
		return "custom"
	}
	return q.Preset
}

// preset returns a predefined spec (spec 12 §12.2); the name has been checked.
func preset(name string) core.QoS {
	switch name {
	case "raw_no_errors":
		return core.QoSRawNoErrors
	case "best":
		return core.QoSBestEffort
	case "video":
		return core.QoSVideo
	case "voice":
		return core.QoSVoice
	case "data":
		return core.QoSData
	}
	return core.QoSRaw
}

// Fault is something that happens at a time: to wires (Link) or to nodes (Node).
type Fault struct {
	Name string   `mapstructure:"name"` // default: what it does, "down a-b at 5s" for instance
	At   Duration `mapstructure:"at"`
	Link Patterns `mapstructure:"link"` // wires
	Node Patterns `mapstructure:"node"` // nodes: all their wires, or with kill, join and leave the nodes themselves

	// Exactly one of Down, Up, Kill, Join, Leave and Set.
	Down  *Period     `mapstructure:"down"`  // take the wires down, and up again after the period
	Up    bool        `mapstructure:"up"`    // take the wires up
	Kill  bool        `mapstructure:"kill"`  // end the nodes
	Join  string      `mapstructure:"join"`  // the nodes enroll in the layer; who does not leave it before is no member at the start
	Leave string      `mapstructure:"leave"` // the nodes leave the layer
	Set   *LinkParams `mapstructure:"set"`   // change the wires

	// For is with Set after how long the old values are put back, with Kill after how long the nodes are
	// started again; default forever.
	For       Period `mapstructure:"for"`
	Direction string `mapstructure:"direction" enum:"both|forward|backward"`
}
