package result

import (
	"math"
	"time"
)

// Layer is what one layer did.
type Layer struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind"`    // unicast, broadcast, local, shim
	Over    []string `json:"over"`    // the layers that it runs over, "links" for the wires
	Members int      `json:"members"` // IPCPs

	// Fairness has one entry for each workload with at least two flows, then one over all flows of the
	// layer if they are comparable.
	Fairness []Fairness `json:"fairness"`
	// Control is the management traffic by kind, in fixed order, and Drops are the packets that members dropped,
	// by cause (spec 02 §6.1). Those of members that have crashed, left or come back are included. Nil where
	// the layer has no such thing to count.
	Control []Control `json:"control"`
	Drops   []Count   `json:"drops"`
	Queues  []Queue   `json:"queues"` // in the IPCPs' schedulers

	Convergence []Convergence `json:"convergence"` // in the order of the faults

	Load Load `json:"load"` // what the layer carried and what that took
	// Up is when the last member that came into the layer did; missing if none did.
	Up Opt[time.Duration] `json:"up_ns"`
	// Joined is the number of members in the layer at the end.
	Joined int `json:"joined"`
}

// Load compares what users gave to a layer with what the layer gave to those below it, over all members.
// A packet counts once when its user writes it and once for each hop that it goes. Flows that have ended and
// members that have crashed, left or come back are included. Missing where nobody counts.
type Load struct {
	Packets    Opt[uint64] `json:"packets"`      // that users wrote
	Bytes      Opt[uint64] `json:"bytes"`        // of them, without any header of this layer
	HopPackets Opt[uint64] `json:"hop_packets"`  // written to N-1 flows for data: of users and of the layer itself
	HopBytes   Opt[uint64] `json:"hop_bytes"`    // of them, with the header of this layer
	Header     Opt[uint64] `json:"header_bytes"` // in front of each packet of a user
}

// Queue is what waited in the scheduler of an IPCP for an N-1 flow: behind what the layers below hold, which
// is not counted here. Here congestion policies mark. Packets come here when the N-1 flow is full.
type Queue struct {
	From string `json:"from"` // node
	To   string `json:"to"`   // node; "" for N-1 flows that are no more
	// Mean is over the measured time.
	Mean Opt[float64] `json:"mean_packets"`
	Max  uint64       `json:"max_packets"`
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

// Convergence is how the layer got over one fault. The three phases follow on each other: their sum is
// Total. A table is in force in the call that computes it. Phases that the policies of the layer do not
// have, or do not show, are missing.
type Convergence struct {
	Fault string        `json:"fault"` // its name, or what it did: "link a-b down"
	At    time.Duration `json:"at_ns"`

	Detection   Opt[time.Duration] `json:"detection_ns"`   // fault to the first member that noticed
	Flooding    Opt[time.Duration] `json:"flooding_ns"`    // to the last news before Computation ends
	Computation Opt[time.Duration] `json:"computation_ns"` // to the last forwarding table that changed
	Total       Opt[time.Duration] `json:"total_ns"`       // fault to the last change

	Outages []Outage `json:"outages"` // flows that the fault interrupted, by flow ID
}

// Outage is the interruption of one flow by a fault: the longest pause from the last delivery before it up to
// the delivery of a message that was sent after it.
type Outage struct {
	Flow     int                `json:"flow"`        // ID of the flow
	Duration Opt[time.Duration] `json:"duration_ns"` // missing if the outage had not ended when it was last seen
	// AtLeast is how long an outage without Duration is at least: the time from the last delivery until the source
	// stopped or the run ended.
	AtLeast Opt[time.Duration] `json:"at_least_ns"`
	Lost    uint64             `json:"lost_packets"` // missing between the fault and the end of the outage

	// Protected tells that the flow came back before a member on the way to the failure had new routes,
	// and before the failure was repaired: over an alternate that was there already.
	Protected bool `json:"protected"`
	// The parts of Duration, as far as they could be observed. Rest may be negative: the new path may be shorter.
	Detection Opt[time.Duration] `json:"detection_ns"` // fault until the member at the failure noticed
	Switch    Opt[time.Duration] `json:"switch_ns"`    // to the first new table on the way there; 0 if protected
	Rest      Opt[time.Duration] `json:"rest_ns"`      // what the paths differ in, and the source's own pauses
}

// Outage returns the shortest, mean and longest outage of the affected flows, as [Span] does.
func (c *Convergence) Outage() (shortest, mean, longest Opt[time.Duration]) { return Span(c.Outages) }

// Count returns how many outages there are of those that had not ended, and of protected flows.
func (c *Convergence) Count() (unended, protected int) {
	for i := range c.Outages {
		if !c.Outages[i].Duration.OK() {
			unended++
		}
		if c.Outages[i].Protected {
			protected++
		}
	}
	return unended, protected
}

// Span returns the shortest, mean and longest of some outages, missing without any. Of an outage that had not
// ended only a lower bound is known (it is censored). A mean or a longest one without it would be too short, so
// they are missing then; so is the shortest, if the bound is below it.
func Span(outages []Outage) (shortest, mean, longest Opt[time.Duration]) {
	var n, sum, lo, hi time.Duration
	censored, bound := false, time.Duration(math.MaxInt64)
	for _, o := range outages {
		d, ok := o.Duration.Get()
		if !ok {
			censored, bound = true, min(bound, o.AtLeast.Or(0))
			continue
		}
		if n == 0 || d < lo {
			lo = d
		}
		hi = max(hi, d)
		sum += d
		n++
	}
	if n > 0 && bound >= lo {
		shortest = Some(lo)
	}
	if n > 0 && !censored {
		mean, longest = Some(sum/n), Some(hi)
	}
	return shortest, mean, longest
}
