package wire

import (
	"encoding/binary"
	"errors"
)

// Path vector messages: what a member of a layer under the routing policy path-vector tells its neighbour on
// their management flow. It is a format of this project; the prototype has none. All fields are
// big endian.
//
//	0     1     2     3       5        9
//	+-----+-----+-----+-------+--------+--------------- ...
//	|magic|vers.|flags| count | number | count routes
//	+-----+-----+-----+-------+--------+--------------- ...
//
//	0     1     2        10       18
//	+-----+-----+--------+--------+--------+-----+-----------+
//	|flags|hops | origin | metric | hop 1  | ... | hop n=dst | a route
//	+-----+-----+--------+--------+--------+-----+-----------+
//
// A message is 9 bytes and an even number of bytes for each route, so it is never 24 or 32 bytes long: a
// member that knows link state messages only ignores it by its length (spec 04 §3), and one that
// knows this format only tells by the first byte.
//
// A route is the whole path from the sender, hop 1, to the destination, the last hop. Metric is what the path
// costs, and origin a number that the destination chose when it started and that grows from one of its
// lives to the next. A withdrawn route (bit 0 of its flags) has one hop, the destination, and neither metric
// nor origin. Bit 0 of the flags of a message asks the neighbour to tell all its routes. The other bits of
// both are reserved: sent as 0 and ignored.
const (
	PVMagic     = 0xD2
	PVVersion   = 1
	PVHeader    = 9       // bytes before the first route
	PVRouteLen  = 18      // bytes of a route before its path
	PVMaxMetric = 1 << 40 // more than 255 hops of the highest cost make

	pvAsk       = 1 << 0 // flag of a message
	pvWithdrawn = 1 << 0 // flag of a route
)

// Errors of ParsePathVector.
var (
	ErrPVHeader = errors.New("not a path vector message of version 1")
	ErrPVLen    = errors.New("path vector message whose routes do not fill it")
	ErrPVPath   = errors.New("path vector message with an empty path, or with address 0 or one address twice in it")
	ErrPVMetric = errors.New("path vector message with a metric below one per hop, or above 2^40")
)

// PathVector is a path vector message: a view on the bytes that were parsed.
type PathVector struct {
	Ask    bool   // the sender wants to be told all routes
	Number uint32 // counts the messages of a sender, wrapping
	Count  int    // of the routes
	routes []byte
}

// PVRoute is a route of a message: a view on its bytes.
type PVRoute struct {
	Withdrawn bool
	Origin    uint64
	Metric    uint64
	path      []byte
}

// ParsePathVector reads a message and checks all of it. The result aliases b.
func ParsePathVector(b []byte) (PathVector, error) {
	if len(b) < PVHeader || b[0] != PVMagic || b[1] != PVVersion {
		return PathVector{}, ErrPVHeader
	}
	m := PathVector{
		Ask: b[2]&pvAsk != 0, Number: binary.BigEndian.Uint32(b[5:]),
		Count: int(binary.BigEndian.Uint16(b[3:])), routes: b[PVHeader:],
	}
	rest := m.routes
	for range m.Count {
		r, n, err := parsePVRoute(rest)
		if err != nil {
			return PathVector{}, err
		}
		if err := r.check(); err != nil {
			return PathVector{}, err
		}
		rest = rest[n:]
	}
	if len(rest) > 0 {
		return PathVector{}, ErrPVLen
	}
	return m, nil
}

// parsePVRoute reads the route that b begins with and returns its length.
func parsePVRoute(b []byte) (PVRoute, int, error) {
	if len(b) < PVRouteLen || len(b) < PVRouteLen+8*int(b[1]) {
		return PVRoute{}, 0, ErrPVLen
	}
	n := PVRouteLen + 8*int(b[1])
	return PVRoute{
		Withdrawn: b[0]&pvWithdrawn != 0, path: b[PVRouteLen:n],
		Origin: binary.BigEndian.Uint64(b[2:]), Metric: binary.BigEndian.Uint64(b[10:]),
	}, n, nil
}

// check tells what is wrong with the fields of a route.
func (r PVRoute) check() error {
	if r.Len() == 0 || r.Withdrawn && r.Len() != 1 {
		return ErrPVPath
	}
	for i := range r.Len() {
		if r.Hop(i) == 0 {
			return ErrPVPath
		}
		for k := range i {
			if r.Hop(k) == r.Hop(i) {
				return ErrPVPath
			}
		}
	}
	if !r.Withdrawn && (r.Metric < uint64(r.Len()-1) || r.Metric > PVMaxMetric) {
		return ErrPVMetric
	}
	return nil
}

// Routes hands out the routes in order.
func (m PathVector) Routes(yield func(PVRoute)) {
	rest := m.routes
	for range m.Count {
		r, n, err := parsePVRoute(rest)
		if err != nil {
			return // not after ParsePathVector
		}
		yield(r)
		rest = rest[n:]
	}
}

// Len returns the number of hops, at least 1.
func (r PVRoute) Len() int { return len(r.path) / 8 }

// Hop returns a hop, 0 to Len()-1.
func (r PVRoute) Hop(i int) uint64 { return binary.BigEndian.Uint64(r.path[8*i:]) }

// Dst returns the destination.
func (r PVRoute) Dst() uint64 { return r.Hop(r.Len() - 1) }

// AppendPVHeader appends the head of a message without routes to b.
func AppendPVHeader(b []byte, ask bool, number uint32) []byte {
	flags := byte(0)
	if ask {
		flags = pvAsk
	}
	return binary.BigEndian.AppendUint32(append(b, PVMagic, PVVersion, flags, 0, 0), number)
}

// AppendPVRoute appends a route to the message that begins at b[at], of which b is the end, and counts it.
// The path is first and then rest; together they have at most 255 hops. A message has at most 65535 routes.
func AppendPVRoute(b []byte, at int, origin, metric, first uint64, rest []uint64) []byte {
	b = append(b, 0, byte(1+len(rest)))
	b = binary.BigEndian.AppendUint64(b, origin)
	b = binary.BigEndian.AppendUint64(b, metric)
	b = binary.BigEndian.AppendUint64(b, first)
	for _, h := range rest {
		b = binary.BigEndian.AppendUint64(b, h)
	}
	return countPVRoute(b, at)
}

// AppendPVWithdrawal appends the withdrawal of the route to dst as AppendPVRoute does.
func AppendPVWithdrawal(b []byte, at int, dst uint64) []byte {
	b = append(b, pvWithdrawn, 1)
	b = binary.BigEndian.AppendUint64(append(b, make([]byte, 16)...), dst)
	return countPVRoute(b, at)
}

func countPVRoute(b []byte, at int) []byte {
	n := b[at+3 : at+5]
	binary.BigEndian.PutUint16(n, binary.BigEndian.Uint16(n)+1)
	return b
}
