package capture

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"google.golang.org/protobuf/encoding/protowire"

	"ouroboros/core/wire"
)

// The layer types of what the members of a unicast layer tell each other beside link state.
var (
	LayerTypePathVector = register(1715, "OuroborosPathVector", (*decoding).pathVector)
	LayerTypeEnrollment = register(1716, "OuroborosEnrollment", (*decoding).enrollment)
	LayerTypeDirectory  = register(1717, "OuroborosDirectory", (*decoding).directory)
)

// PathVector is a message of the routing policy path-vector, on the management flow.
type PathVector struct {
	layers.BaseLayer
	wire.PathVector
}

// LayerType returns LayerTypePathVector.
func (*PathVector) LayerType() gopacket.LayerType { return LayerTypePathVector }

// String summarises the layer: the destinations, those withdrawn with a minus.
func (l *PathVector) String() string {
	s := fmt.Sprintf("path-vector number %d", l.Number)
	if l.Ask {
		s += " ask"
	}
	const shown = 4
	n := 0
	l.Routes(func(r wire.PVRoute) {
		switch n++; {
		case n > shown:
		case r.Withdrawn:
			s += " -" + address(r.Dst())
		default:
			s += fmt.Sprintf(" %s/%d", address(r.Dst()), r.Metric)
		}
	})
	if n > shown {
		s += fmt.Sprintf(" and %d more", n-shown)
	}
	return s
}

func (x *decoding) pathVector(data []byte) error {
	m, err := wire.ParsePathVector(data)
	if err != nil {
		return x.failed(err, data)
	}
	x.b.AddLayer(&PathVector{BaseLayer: layers.BaseLayer{Contents: data}, PathVector: m})
	return nil
}

// Enrollment is a message of the enrollment protocol (spec 07 §5.1).
type Enrollment struct {
	layers.BaseLayer
	Kind     string // request, response, ack
	ID       []byte
	Time     time.Time // of the member, in a response
	Response int32     // of a response, below 0: denied
	Result   int32     // of an ack
	Layer    string    // that the configuration of a response is for, empty without one
}

// LayerType returns LayerTypeEnrollment.
func (*Enrollment) LayerType() gopacket.LayerType { return LayerTypeEnrollment }

// String summarises the layer.
func (l *Enrollment) String() string {
	s := "enrollment " + l.Kind + " id " + short(l.ID)
	switch l.Kind {
	case enrollResponse:
		return s + fmt.Sprintf(" response %d layer %q", l.Response, l.Layer)
	case enrollAck:
		return s + fmt.Sprintf(" result %d", l.Result)
	}
	return s
}

const (
	enrollRequest  = "request"
	enrollResponse = "response"
	enrollAck      = "ack"

	enrollIDLen = 8
)

// enrollment decodes a message by the fields that it has. What is none is shown as bytes.
func (x *decoding) enrollment(data []byte) error {
	l := &Enrollment{BaseLayer: layers.BaseLayer{Contents: data}}
	var sec, nsec int64
	seen := 0
	ok := fields(data, func(num protowire.Number, v uint64, b []byte) bool {
		seen |= 1 << num
		switch num {
		case 1:
			l.ID = b
		case 2:
			sec, l.Result = int64(v), int32(v)
		case 3:
			nsec = int64(int32(v))
		case 4:
			l.Response = int32(v)
		case 5:
			name, ok := layerName(b)
			l.Layer = name
			return ok
		default:
			return false
		}
		return true
	})
	switch {
	case !ok || len(l.ID) != enrollIDLen:
		return x.sdu("enrollment", data)
	case seen == 1<<1:
		l.Kind = enrollRequest
	case seen == 1<<1|1<<2:
		l.Kind = enrollAck
	case seen&^(1<<5) == 1<<1|1<<2|1<<3|1<<4:
		l.Kind, l.Result, l.Time = enrollResponse, 0, time.Unix(sec, nsec)
	default:
		return x.sdu("enrollment", data)
	}
	x.b.AddLayer(l)
	return nil
}

// layerName returns the name of the layer that a configuration is for (spec 07 §5.3).
func layerName(config []byte) (name string, ok bool) {
	ok = fields(config, func(num protowire.Number, _ uint64, b []byte) bool {
		return num != 1 || fields(b, func(num protowire.Number, _ uint64, b []byte) bool {
			if num == 1 {
				name = string(b)
			}
			return true
		})
	})
	return name, ok
}

// Directory is a message of the directory of a unicast layer (spec 05 §3).
type Directory struct {
	layers.BaseLayer
	Code     uint32
	Source   uint64   // address of the sender
	SourceID []byte   // its identifier
	Cookie   uint64   // of a request or response
	Key      []byte   // that is stored or looked for
	Contacts []uint64 // addresses of the members that a response names
	Values   []uint64 // addresses that are stored, or that a response gives
}

// LayerType returns LayerTypeDirectory.
func (*Directory) LayerType() gopacket.LayerType { return LayerTypeDirectory }

var directoryCodes = [...]string{"STORE", "FIND_NODE_REQ", "FIND_NODE_RSP", "FIND_VALUE_REQ", "FIND_VALUE_RSP"}

// String summarises the layer.
func (l *Directory) String() string {
	s := fmt.Sprintf("directory %s from %s key %s", directoryCodes[l.Code], address(l.Source), short(l.Key))
	if l.Code != 0 {
		s += fmt.Sprintf(" cookie %x", l.Cookie)
	}
	for _, a := range l.Contacts {
		s += " contact " + address(a)
	}
	for _, a := range l.Values {
		s += " value " + address(a)
	}
	return s
}

// directory decodes a message. What is none is shown as bytes.
func (x *decoding) directory(data []byte) error {
	l := &Directory{BaseLayer: layers.BaseLayer{Contents: data}}
	seen := 0
	ok := fields(data, func(num protowire.Number, v uint64, b []byte) bool {
		seen |= 1 << num
		switch num {
		case 1:
			l.Code = uint32(v)
			return v < uint64(len(directoryCodes))
		case 2:
			var ok bool
			l.SourceID, l.Source, ok = contact(b)
			return ok
		case 3, 4, 5:
			return l.part(num == 3, b)
		case 6:
			return fields(b, func(num protowire.Number, _ uint64, b []byte) bool { return num == 1 && l.value(b) })
		}
		return false
	})
	const required = 1<<1 | 1<<2
	if !ok || seen&required != required {
		return x.sdu("directory", data)
	}
	x.b.AddLayer(l)
	return nil
}

// part reads what is stored, asked or found.
func (l *Directory) part(store bool, b []byte) bool {
	return fields(b, func(num protowire.Number, v uint64, b []byte) bool {
		switch {
		case store && num == 1, !store && num == 2:
			l.Key = b
		case store && num == 2:
			return l.value(b)
		case !store && num == 1:
			l.Cookie = v
		case !store && num == 3:
			_, a, ok := contact(b)
			l.Contacts = append(l.Contacts, a)
			return ok
		}
		return num <= 3
	})
}

// value takes an address: eight bytes, most significant first.
func (l *Directory) value(b []byte) bool {
	const addressLen = 8
	if len(b) != addressLen {
		return false
	}
	l.Values = append(l.Values, binary.BigEndian.Uint64(b))
	return true
}

// contact reads the identifier and the address of a member.
func contact(b []byte) (id []byte, addr uint64, ok bool) {
	ok = fields(b, func(num protowire.Number, v uint64, b []byte) bool {
		switch num {
		case 1:
			id = b
		case 2:
			addr = v
		}
		return true
	})
	return id, addr, ok
}

// fields hands out the fields of a protobuf message: numbers in v, anything with a length in b. It reports
// false when the bytes are no message, or take says so.
func fields(msg []byte, take func(num protowire.Number, v uint64, b []byte) bool) bool {
	for len(msg) > 0 {
		num, typ, n := protowire.ConsumeTag(msg)
		if n < 0 {
			return false
		}
		msg = msg[n:]
		var v uint64
		var b []byte
		switch typ {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(msg)
		case protowire.BytesType:
			b, n = protowire.ConsumeBytes(msg)
		default:
			n = protowire.ConsumeFieldValue(num, typ, msg)
		}
		if n < 0 || !take(num, v, b) {
			return false
		}
		msg = msg[n:]
	}
	return true
}
