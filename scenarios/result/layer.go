package result

import "time"

// Layer is what one layer did.
type Layer struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`    // unicast, broadcast
	Members int    `json:"members"` // IPCPs

	// Fairness has one entry for each workload with at least two flows, then one over all flows of the
	// layer if they are comparable.
	Fairness []Fairness `json:"fairness"`
	Control  []Control  `json:"control"` // management traffic by kind, in fixed order
	Drops    []Count    `json:"drops"`   // packets that members dropped, by cause (spec 02 §6.1)

	Convergence []Convergence `json:"convergence"` // in the order of the faults

	Load Load `json:"load"` // what the layer carried and what that took
	// Up is when the last member that came into the layer did; missing if none did.
	Up Opt[time.Duration] `json:"up_ns"`
	// Joined is the number of members in the layer at the end.
	Joined int `json:"joined"`
}

// Load compares what users gave to a layer with what the layer gave to those below it, over all members.
// A packet counts once when its user writes it and once for each hop that it goes.
type Load struct {
	Packets    uint64      `json:"packets"`      // that users wrote to flows which still stand
	Bytes      uint64      `json:"bytes"`        // of them, without any header of this layer
	HopPackets uint64      `json:"hop_packets"`  // written to N-1 flows: of users and of the layer itself
	HopBytes   uint64      `json:"hop_bytes"`    // of them, with the header of this layer
	Header     Opt[uint64] `json:"header_bytes"` // in front of each packet of a user
}

// Fairness is Jain's index over the goodput of comparable flows (Jain, Chiu, Hawe 1984): 1 when all
// are equal, 1/n when one has everything.
type Fairness struct {
	Group string       `json:"group"` // workload name, "" for all flows of the layer
	Flows int          `json:"flows"`
	Jain  Opt[float64] `json:"jain"`
}

// Control counts one kind of control message of a layer, summed over its members. Bytes are those
// that the layer hands to its N-1 flows.
type Control struct {
	Kind    string `json:"kind"` // link-state, flow-allocation, flow-update, connection, directory, keepalive
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

// Count is a named counter.
type Count struct {
	Name  string `json:"name"`
	Value uint64 `json:"value"`
}

// Convergence is how the layer got over one fault. The four phases follow on each other: their sum is
// Total, as far as they could be observed.
type Convergence struct {
	Fault string        `json:"fault"` // its name, or what it did: "link a-b down"
	At    time.Duration `json:"at_ns"`

	Detection    Opt[time.Duration] `json:"detection_ns"`    // fault to the first member that noticed
	Flooding     Opt[time.Duration] `json:"flooding_ns"`     // to the last member that knew
	Computation  Opt[time.Duration] `json:"computation_ns"`  // to the last member that had computed its routes
	Installation Opt[time.Duration] `json:"installation_ns"` // to the last forwarding table that changed
	Total        Opt[time.Duration] `json:"total_ns"`        // fault to the last change

	Outages []Outage `json:"outages"` // flows that the fault interrupted, by flow ID
}

// Outage is the interruption of one flow by a fault.
type Outage struct {
	Flow     int                `json:"flow"`        // ID of the flow
	Duration Opt[time.Duration] `json:"duration_ns"` // last delivery before to first delivery after; missing if none came
	Lost     uint64             `json:"lost_packets"`
}

// Outage returns the shortest, mean and longest known outage of the affected flows, missing without
// any.
func (c *Convergence) Outage() (shortest, mean, longest Opt[time.Duration]) {
	var n, sum, lo, hi time.Duration
	for _, o := range c.Outages {
		d, ok := o.Duration.Get()
		if !ok {
			continue
		}
		if n == 0 || d < lo {
			lo = d
		}
		hi = max(hi, d)
		sum += d
		n++
	}
	if n == 0 {
		return shortest, mean, longest
	}
	return Some(lo), Some(sum / n), Some(hi)
}
