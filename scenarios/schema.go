package scenarios

import "slices"

// SchemaVersion is the value of the key schema that this loader understands.
const SchemaVersion = 1

// Scenario is a whole scenario file, decoded and checked, with defaults filled in. Tags: mapstructure
// is the key; enum lists the accepted texts; min and max bound a number, a duration or a size.
type Scenario struct {
	Schema      int        `mapstructure:"schema"`             // SchemaVersion
	Name        string     `mapstructure:"name"`               // lower case, digits and dashes
	Description string     `mapstructure:"description"`        // one line
	Duration    Duration   `mapstructure:"duration" min:"1ns"` // length of the run, above 0
	Warmup      Duration   `mapstructure:"warmup"`             // leading part that figures leave out; default 0
	Seeds       []uint64   `mapstructure:"seeds"`              // one run for each; default [1]
	Mode        Mode       `mapstructure:"mode"`
	Topology    Topology   `mapstructure:"topology"`
	Links       []LinkRule `mapstructure:"links"` // applied in order over the topology's values
	Layers      []Layer    `mapstructure:"layers"`
	// Names registers more names than those of the workload's receivers, each of which the runner makes
	// and registers by itself.
	Names    []Name         `mapstructure:"names"`
	Security []SecurityRule `mapstructure:"security"` // default: flows in clear
	FRCP     FRCP           `mapstructure:"frcp"`
	Workload []Workload     `mapstructure:"workload"`
	Faults   []Fault        `mapstructure:"faults"`
	// Measure lists what is measured; default: everything.
	Measure []string `mapstructure:"measure" enum:"goodput|loss|delay|queue|utilisation|fairness|control|convergence"`
	Series  Series   `mapstructure:"series"`
	Expect  []Expect `mapstructure:"expect"`

	// Overrides are the values that came from outside the file, in the order of their application.
	Overrides []Override `mapstructure:"-"`
}

// Override is a value that replaced one of the file.
type Override struct {
	Path, Value string
	Origin      string // "environment" or "flag"
}

// Mode chooses the world.
type Mode struct {
	World string `mapstructure:"world" enum:"sim|live|emulate|lab"` // default sim
}

// Topology names the nodes and wires: exactly one of Map, File, Generator and Nodes.
type Topology struct {
	Map       string         `mapstructure:"map"`       // embedded map
	File      string         `mapstructure:"file"`      // topology file, relative to the scenario file
	Generator string         `mapstructure:"generator"` // with Params
	Params    map[string]any `mapstructure:"params"`    // of the generator
	Nodes     []string       `mapstructure:"nodes"`     // written out, with Wires
	Wires     []Wire         `mapstructure:"wires"`
	// Defaults hold for every wire whose map or file gives no own value, and replace a generator's.
	Defaults LinkParams `mapstructure:"defaults"`
}

// Wire is a link written out in the scenario.
type Wire struct {
	Name       string   `mapstructure:"name"` // default: the ends joined by a dash
	Ends       []string `mapstructure:"ends"` // two nodes
	LinkParams `mapstructure:",squash"`
}

// LinkParams are the properties of a wire, or of one direction of it. Nil leaves a value as it is.
type LinkParams struct {
	Rate      *Rate     `mapstructure:"rate" min:"1bps"`
	Delay     *Duration `mapstructure:"delay"`             // propagation
	Detect    *Duration `mapstructure:"detect"`            // until the ends notice that the wire went down or up; default 0
	MTU       *Size     `mapstructure:"mtu" min:"64B"`     // largest payload of a frame; default 1500B
	Queue     *Queue    `mapstructure:"queue"`             // default 1000 packets, full: drop
	Loss      *float64  `mapstructure:"loss" max:"1"`      // probability that a packet is lost
	Gilbert   *Gilbert  `mapstructure:"gilbert"`           // burst losses
	Drop      []uint64  `mapstructure:"drop" min:"1"`      // ordinals of packets that are lost, from 1
	BER       *float64  `mapstructure:"ber" max:"1"`       // probability that a bit is wrong
	FCS       *bool     `mapstructure:"fcs"`               // false: frames with bit errors are delivered; default true
	Jitter    *Duration `mapstructure:"jitter"`            // additional delay, uniform in [0, jitter)
	Reorder   *Reorder  `mapstructure:"reorder"`           // packets held back and overtaken
	Duplicate *float64  `mapstructure:"duplicate" max:"1"` // probability that a packet arrives twice
	Overhead  *Size     `mapstructure:"overhead"`          // line overhead per frame (preamble, gap, FCS) in its service time
}

// Queue is the queue in front of a wire. Packets and Bytes can both be given.
type Queue struct {
	Packets int    `mapstructure:"packets" min:"1"`
	Bytes   Size   `mapstructure:"bytes" min:"1B"`
	Full    string `mapstructure:"full" enum:"drop|block"` // what a full queue does; default drop
	// Device is how many of these packets the device and its driver hold, where the layers do not see
	// them and congestion policies do not count them; default 0.
	Device int `mapstructure:"device" max:"1000000"`
}

// Gilbert is the Gilbert–Elliott model: probabilities of a change from good to bad (P) and back (R)
// before each packet, and of loss in either state.
type Gilbert struct {
	P        float64  `mapstructure:"p" max:"1"`
	R        float64  `mapstructure:"r" max:"1"`
	LossGood float64  `mapstructure:"loss_good" max:"1"` // default 0
	LossBad  *float64 `mapstructure:"loss_bad" max:"1"`  // default 1; not nil after loading
}

// Reorder holds a packet back by By with the given probability.
type Reorder struct {
	Probability float64  `mapstructure:"probability" max:"1"`
	By          Duration `mapstructure:"by" min:"1ns"`
}

// LinkRule changes the wires that a pattern names.
type LinkRule struct {
	Name       string   `mapstructure:"name"` // for --set; optional
	Link       Patterns `mapstructure:"link"` // wire names
	Direction  string   `mapstructure:"direction" enum:"both|forward|backward"`
	LinkParams `mapstructure:",squash"`
}

// Patterns are names in which * stands for any text, ? for one character and [a-c] for one of a set. A
// single one may be written without brackets.
type Patterns []string

// Layer is a layer and its members.
type Layer struct {
	Name string `mapstructure:"name"`
	// Kind is what the layer is made of: unicast or broadcast IPCPs; the wires themselves (shim); or
	// nothing but the systems of its members, each for itself (local).
	Kind string `mapstructure:"kind" enum:"unicast|broadcast|local|shim"`
	// Over names what the layer runs over: "links" and layers listed before; default links.
	Over Patterns `mapstructure:"over"`
	// Shim stands between a wire and the layer, Shims says where another one does.
	Shim  string     `mapstructure:"shim" enum:"eth-dix|eth-llc|udp4|udp6|direct"`
	Shims []ShimRule `mapstructure:"shims"`
	// Members are the nodes that have an IPCP in the layer, or "all", the default.
	Members Patterns `mapstructure:"members"`
	// Bootstrap is the member that begins the layer, the others enroll; default: the first of them.
	Bootstrap string `mapstructure:"bootstrap"`
	// Connect lists the pairs of members that are adjacent in a layer over another layer; default: every
	// pair. Over links, members that share a wire are adjacent.
	Connect [][]string `mapstructure:"connect"`
	// QoS is what members ask of the flows to their neighbours; default raw.
	QoS      QoS         `mapstructure:"qos"`
	Policies Policies    `mapstructure:"policies"`
	Params   LayerParams `mapstructure:"params"`
}

// The kinds of layers.
const (
	LayerUnicast   = "unicast"
	LayerBroadcast = "broadcast"
	LayerLocal     = "local"
	LayerShim      = "shim"
)

// OverLinks reports whether the layer runs over wires.
func (l *Layer) OverLinks() bool { return slices.Contains(l.Over, Links) }

// ShimRule puts another shim on the wires that a pattern names.
type ShimRule struct {
	Name string   `mapstructure:"name"` // for --set; optional
	Link Patterns `mapstructure:"link"` // wire names
	Shim string   `mapstructure:"shim" enum:"eth-dix|eth-llc|udp4|udp6|direct"`
}

// ShimOn returns the shim that the layer has on a wire.
func (l *Layer) ShimOn(wire string) string {
	for i := len(l.Shims) - 1; i >= 0; i-- {
		if len(l.Shims[i].Link.Select([]string{wire})) > 0 {
			return l.Shims[i].Shim
		}
	}
	return l.Shim
}

// Policies are the policies of a unicast layer, one of each kind. An empty name stands for the default
// of the policy table.
type Policies struct {
	Routing    Policy `mapstructure:"routing"`
	Forwarding Policy `mapstructure:"forwarding"`
	Congestion Policy `mapstructure:"congestion"`
	Directory  Policy `mapstructure:"directory"`
	Scheduler  Policy `mapstructure:"scheduler"`
	Addressing Policy `mapstructure:"addressing"`
	Cost       Policy `mapstructure:"cost"`
	Shaping    Policy `mapstructure:"shaping"`
	Admission  Policy `mapstructure:"admission"`
}

// Policy is a choice from a policy table. It may be written as its name alone.
type Policy struct {
	Name   string         `mapstructure:"name"`
	Params map[string]any `mapstructure:"params"` // decoded by the table
}

// Kinds returns the choices in the order of the keys, with the kind as the Catalog knows it.
func (p *Policies) Kinds() []struct {
	Kind   string
	Policy Policy
} {
	return []struct {
		Kind   string
		Policy Policy
	}{
		{"routing", p.Routing},
		{"forwarding", p.Forwarding},
		{"congestion", p.Congestion},
		{"directory", p.Directory},
		{"scheduler", p.Scheduler},
		{"addressing", p.Addressing},
		{"cost", p.Cost},
		{"shaping", p.Shaping},
		{"admission", p.Admission},
	}
}

// LayerParams are the constants of a unicast layer (spec 02 §13).
type LayerParams struct {
	AddrSize int      `mapstructure:"addr_size" min:"1" max:"8"` // bytes; default 4
	EIDSize  int      `mapstructure:"eid_size" min:"1" max:"8"`  // bytes; default 8
	MaxTTL   int      `mapstructure:"max_ttl" min:"1" max:"255"` // hops; default 60
	MPL      Duration `mapstructure:"mpl" min:"1ms"`             // maximum packet lifetime; default 100ms
	Queue    int      `mapstructure:"queue" min:"1" max:"65536"` // transmit queue of a flow in packets; default 1023
	// MTU is the longest packet of a user that every way in the layer takes; members connect over nothing that
	// takes less. Default: what a member's own neighbours take.
	MTU Size `mapstructure:"mtu" min:"64B" max:"1GiB"`
	// Cubes has sources write the QoS cube of a flow into the header; otherwise it is 0, as in the
	// prototype.
	Cubes bool `mapstructure:"cubes"`
}

// Name registers a name at nodes.
type Name struct {
	Name  string   `mapstructure:"name"`
	Layer string   `mapstructure:"layer"` // default: the last layer
	Nodes Patterns `mapstructure:"nodes"`
	At    Duration `mapstructure:"at"`              // when it is registered; default at the start
	Until Duration `mapstructure:"until" min:"1ns"` // when it is taken back; default never
}

// FRCP are the settings of the end-to-end protocol on the workload's flows (spec 10). A zero value
// stands for the default of the protocol.
type FRCP struct {
	Recovery      string   `mapstructure:"recovery" enum:"rack|prototype"`        // how losses are found
	TailProbe     *bool    `mapstructure:"tail_probe"`                            // ask the peer after silence; default true
	Undo          *bool    `mapstructure:"undo"`                                  // take needless retransmissions back; default true
	Ranges        *bool    `mapstructure:"ranges"`                                // received ranges in pure acks; default true
	Pacing        string   `mapstructure:"pacing" enum:"rate|off"`                // when data that the window allows is sent
	Window        int      `mapstructure:"window" min:"64" max:"1048576"`         // packets that may wait for the reader
	WindowAuto    *bool    `mapstructure:"window_auto"`                           // it grows by what the reader takes; default true without window
	MaxWindow     int      `mapstructure:"max_window" min:"64" max:"1048576"`     // how far
	Memory        Size     `mapstructure:"memory" min:"64kB"`                     // that each end has for what waits
	A             Duration `mapstructure:"a" min:"1ms" max:"1h"`                  // delta-t: longest time before an ack
	R             Duration `mapstructure:"r" min:"1ms" max:"1h"`                  // delta-t: longest time of retransmission
	AckEvery      int      `mapstructure:"ack_every" min:"1" max:"524288"`        // ack at the latest after so many packets
	AckDelay      Duration `mapstructure:"ack_delay" min:"1us" max:"1s"`          // ack at the latest after this time
	FirstAckDelay Duration `mapstructure:"first_ack_delay" min:"1us" max:"999ms"` // the same as long as only the peer has sent
	PlainAcks     bool     `mapstructure:"plain_acks"`                            // send no extension of the prototype's packets
	KeyEpoch      int      `mapstructure:"key_epoch" min:"16" max:"2147483648"`   // packets with one key, on encrypted flows
}

// Series switches time series on: a sample of each recorded quantity at every interval.
type Series struct {
	Interval Duration `mapstructure:"interval" min:"1us"` // default: no series
	Record   []string `mapstructure:"record" enum:"goodput|offered|delay|queue|utilisation|ecn|rate|window"`
}
