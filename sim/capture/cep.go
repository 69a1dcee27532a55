package capture

import (
	"errors"
	"fmt"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"google.golang.org/protobuf/encoding/protowire"
)

// maxCEP is the length in bytes of the longest message of the connection exchange (spec 07 §2.1).
const maxCEP = 128

// The components that a connection can be for (spec 07 §2.2).
const (
	componentEnrollment   = "Enrollment"
	componentManagement   = "Management"
	componentDataTransfer = "Data Transfer"
)

var errCEP = errors.New("invalid connection message")

// CEP is a message of the connection exchange, a protobuf cep_msg (spec 07 §2.1). Which of two is the
// request and which the reply, only their order says.
type CEP struct {
	layers.BaseLayer
	Component  string
	Protocol   string
	Version    int32
	Versions   []int32 // supported
	Syntax     int32   // 0 GPB, 1 ASN.1, 2 fixed
	Syntaxes   []int32 // supported
	SyntaxSpec []byte
	Address    uint64 // of the sender in the layer, 0 if it has none
}

// LayerType returns LayerTypeCEP.
func (*CEP) LayerType() gopacket.LayerType { return LayerTypeCEP }

// String summarises the layer.
func (l *CEP) String() string {
	return fmt.Sprintf("cep %q protocol %q version %d syntax %d address %s", l.Component, l.Protocol, l.Version, l.Syntax, address(l.Address))
}

// parseCEP reads a message. All fields that the definition requires must be there, and no others than
// it names: the form is also how a message on a flow of unknown use is recognised.
func parseCEP(b []byte) (*CEP, error) {
	if len(b) > maxCEP {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are accepted", errCEP, len(b), maxCEP)
	}
	m := &CEP{BaseLayer: layers.BaseLayer{Contents: b}}
	seen := 0
	for rest := b; len(rest) > 0; {
		num, typ, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return nil, fmt.Errorf("%w: %w", errCEP, protowire.ParseError(n))
		}
		rest = rest[n:]
		n, err := m.field(num, typ, rest)
		if err != nil {
			return nil, err
		}
		rest = rest[n:]
		seen |= 1 << num
	}
	const required = 1<<1 | 1<<2 | 1<<3 | 1<<5 | 1<<8
	if seen&required != required {
		return nil, fmt.Errorf("%w: a required field is missing", errCEP)
	}
	return m, nil
}

// field reads the value of one field and returns its length in bytes.
func (l *CEP) field(num protowire.Number, typ protowire.Type, b []byte) (int, error) {
	switch {
	case typ == protowire.BytesType && (num == 1 || num == 2 || num == 7):
		v, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return 0, fmt.Errorf("%w: field %d: %w", errCEP, num, protowire.ParseError(n))
		}
		switch num {
		case 1:
			l.Component = string(v)
		case 2:
			l.Protocol = string(v)
		case 7:
			l.SyntaxSpec = v
		}
		return n, nil
	case typ == protowire.VarintType && (num >= 3 && num <= 6 || num == 8):
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return 0, fmt.Errorf("%w: field %d: %w", errCEP, num, protowire.ParseError(n))
		}
		switch num {
		case 3:
			l.Version = int32(v)
		case 4:
			l.Versions = append(l.Versions, int32(v))
		case 5:
			l.Syntax = int32(v)
		case 6:
			l.Syntaxes = append(l.Syntaxes, int32(v))
		case 8:
			l.Address = v
		}
		return n, nil
	}
	return 0, fmt.Errorf("%w: unexpected field %d of wire type %d", errCEP, num, typ)
}

// known reports whether the message can only be one of the connection exchange: it names a component
// of the table, or is the refusal of an unknown one, in which all fields are empty.
func (l *CEP) known() bool {
	switch l.Component {
	case componentEnrollment, componentManagement, componentDataTransfer:
		return true
	}
	return l.Component == "" && l.Protocol == "" && l.Version == 0 && l.Syntax == 0 && l.Address == 0
}

// role returns what a flow carries after this message.
func (l *CEP) role() role {
	switch {
	case l.Component == componentEnrollment:
		return roleEnrollment
	case l.Component == componentManagement:
		return roleManagement
	case l.Component == componentDataTransfer && l.Protocol == "":
		return roleBroadcast
	case l.Component == componentDataTransfer:
		return roleDataTransfer
	}
	return roleUnknown
}
