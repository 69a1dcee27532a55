package dir

import "ouroboros/core"

// Invalid is why a message was dropped (spec 05 §3.1).
type Invalid uint8

// The reasons.
const (
	Undecodable Invalid = iota // no message at all, or a required field is missing
	BadSource                  // the sender's identifier has another length than digests of this layer
	NoAddress                  // the sender has address 0
	OwnSource                  // the sender has the identifier or the address of this member
	UnknownCode                // D11
	Incomplete                 // the part that belongs to the code is missing
	BadKey                     // the key has another length than digests of this layer
	NoValue                    // STORE of an empty value
	Unasked                    // a response to no request under way
	Expired                    // STORE of a value that has expired
	Revoked                    // STORE of this member's own address under a name that it has not registered
	Overload                   // STORE that would exceed what a member keeps
	NotStarted                 // this member has no address
	NumInvalid
)

// String returns the reason as the management tree shows it.
func (i Invalid) String() string {
	if i < NumInvalid {
		return [NumInvalid]string{
			"undecodable", "bad_source", "no_address", "own_source", "unknown_code", "incomplete", "bad_key",
			"no_value", "unasked", "expired", "revoked", "overload", "not_started",
		}[i]
	}
	return "unknown"
}

// Code is the index of a kind of message in Stats: its code on the wire (spec 05 §3).
type Code int

// The kinds of messages.
const (
	Store Code = iota
	FindNodeReq
	FindNodeRsp
	FindValueReq
	FindValueRsp
	NumCodes
)

// String returns the name of the kind in lower case.
func (c Code) String() string {
	if c >= 0 && c < NumCodes {
		return [NumCodes]string{"store", "find_node_req", "find_node_rsp", "find_value_req", "find_value_rsp"}[c]
	}
	return "unknown"
}

// MaxHops is the last class of Stats.Hops.
const MaxHops = 15

// Stats are the counters of a member since it was made, and the sizes of its tables.
type Stats struct {
	Sent      [NumCodes]uint64 // messages by code
	SentBytes [NumCodes]uint64 // their length without the headers of the layer
	Received  [NumCodes]uint64 // valid messages by code
	Invalid   [NumInvalid]uint64
	Repeated  uint64 // responses that had come before
	BadTold   uint64 // contacts in responses that cannot be ones (D16), or too many

	Queries  uint64 // of this system
	Cached   uint64 // of these, answered from the cache
	Local    uint64 // of these, answered from the values that this member holds for others
	Found    uint64 // of these, answered with an address of another member
	NotFound uint64 // of these, answered without one
	Gone     uint64 // of these, given up because too many waited
	Canceled uint64
	// Hops counts the lookups that have found a value by the number of successive requests that led to the
	// member that had it: 1 if it was among the contacts of this member. The last class holds all above.
	Hops [MaxHops + 1]uint64

	Lookups  uint64 // started, for queries and for the table's own purposes
	Rounds   uint64 // of these, begun again after nobody had answered
	TimeOuts uint64 // requests without an answer in time

	Keys, Values  int // held for others, expired ones among them until they are due for replication
	Registrations int
	Contacts      int // that answer, as far as is known
	Pending       int // lookups under way
}

// Value is one line of the database: that a key is at an address, or has some value that is none.
type Value struct {
	Key     core.Hash
	Data    string    // as it travels, see Address
	Local   bool      // registered by this member
	Expires int64     // UNIX time in s; of local values that which was told to others last
	Sent    core.Time // last replication, by this member or seen by it; 0 if none
}

// Address returns the address that the value is, 0 if it is none.
func (v Value) Address() uint64 { return valueAddr(v.Data) }

// Contact is one line of the contact table.
type Contact struct {
	ID       core.Hash
	Address  uint64
	Bucket   int       // leading bits of the identifier that it shares with this member's
	Seen     core.Time // last message from it; 0 if it is known from others only
	Failures int       // requests without an answer since
	Spare    bool      // waits for room in its bucket
}

// ID returns the identifier of this member, empty before it has an address.
func (d *DHT) ID() core.Hash { return d.self.id }

// Stats returns the counters so far.
func (d *DHT) Stats() Stats {
	s := d.stats
	s.Keys, s.Values = len(d.held.items), d.held.values
	s.Registrations, s.Contacts, s.Pending = len(d.own), d.table.good, len(d.lookups)
	return s
}

// Database hands out the registrations of this member in their order, then what it holds for others in
// the order of keys.
func (d *DHT) Database(yield func(Value)) {
	for _, r := range d.own {
		yield(Value{Key: r.key, Data: addrValue(d.self.addr), Local: true, Expires: int64(r.exp), Sent: r.sent})
	}
	for _, it := range d.held.items {
		for _, v := range it.values {
			yield(Value{Key: it.key, Data: v.data, Expires: int64(v.exp), Sent: v.sent})
		}
	}
}

// Contacts hands out the contact table, the farthest bucket first, least recently seen first.
func (d *DHT) Contacts(yield func(Contact)) {
	for i := range d.table.buckets {
		b := &d.table.buckets[i]
		for j, list := range [][]known{b.live, b.spare} {
			for _, c := range list {
				yield(Contact{
					ID: c.id, Address: c.addr, Bucket: i, Seen: max(c.seen, 0), Failures: c.failures, Spare: j == 1,
				})
			}
		}
	}
}
