package ipcp

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"ouroboros/core"
	"ouroboros/ipcp/pb"
)

const (
	// OEPMax is the length of the longest enrollment message in bytes (spec 07 §5.1).
	OEPMax = 1024
	// OEPIDLen is the length of the id of an enrollment in bytes.
	OEPIDLen = 8
)

// OEPID identifies an enrollment. The newcomer draws it.
type OEPID [OEPIDLen]byte

// OEPResponse is the answer of a member.
type OEPResponse struct {
	ID       OEPID
	Wall     int64      // clock of the member, ns since 1970-01-01 UTC
	Response int32      // below 0: denied
	Config   *pb.Config // nil if denied
}

// Errors of enrollment messages.
var (
	// ErrConfig is wrapped by the errors of a configuration that a newcomer cannot use.
	ErrConfig = errors.New("configuration")
	// ErrMalformed is wrapped by those of a message that is none of the exchange.
	ErrMalformed = errors.New("malformed enrollment message")
)

// marshalOEP is the only way in which enrollment messages are made.
func marshalOEP(m proto.Message) ([]byte, error) {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("enrollment: %w", err)
	}
	return b, checkOEP(len(b))
}

func checkOEP(n int) error {
	if n > OEPMax {
		return fmt.Errorf("%w: %d bytes, accepted are up to %d", ErrMalformed, n, OEPMax)
	}
	return nil
}

func parseOEP(b []byte, m proto.Message) error {
	if err := checkOEP(len(b)); err != nil {
		return err
	}
	if err := proto.Unmarshal(b, m); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// parseID checks the length of an id (D7).
func parseID(b []byte) (id OEPID, err error) {
	if len(b) != OEPIDLen {
		return id, fmt.Errorf("%w: id of %d bytes, accepted is %d", ErrMalformed, len(b), OEPIDLen)
	}
	return OEPID(b), nil
}

// MarshalRequest returns the message by which a newcomer asks to be enrolled.
func (id OEPID) MarshalRequest() ([]byte, error) {
	return marshalOEP(&pb.EnrollReq{Id: id[:]})
}

// ParseOEPRequest reads the request of a newcomer.
func ParseOEPRequest(b []byte) (OEPID, error) {
	var m pb.EnrollReq
	if err := parseOEP(b, &m); err != nil {
		return OEPID{}, err
	}
	return parseID(m.GetId())
}

// Marshal returns the message of the answer. A configuration that makes it longer than OEPMax is an error.
func (r OEPResponse) Marshal() ([]byte, error) {
	sec, nsec := r.Wall/1e9, int32(r.Wall%1e9)
	if nsec < 0 {
		sec, nsec = sec-1, nsec+1e9
	}
	return marshalOEP(&pb.EnrollResp{
		Id: r.ID[:], TSec: &sec, TNsec: &nsec, Response: &r.Response, Conf: r.Config,
	})
}

// ParseOEPResponse reads the answer of a member. One that admits brings a configuration, in which there is
// nothing that this program does not know: what cannot be understood cannot be kept to.
func ParseOEPResponse(b []byte) (OEPResponse, error) {
	var m pb.EnrollResp
	if err := parseOEP(b, &m); err != nil {
		return OEPResponse{}, err
	}
	id, err := parseID(m.GetId())
	if err != nil {
		return OEPResponse{}, err
	}
	r := OEPResponse{ID: id, Response: m.GetResponse()}
	if r.Response < 0 {
		return r, nil
	}
	const most = 1 << 33 // s; beyond it the time in ns does not fit
	if s, ns := m.GetTSec(), m.GetTNsec(); s < -most || s > most || ns < 0 || ns >= 1e9 {
		return r, fmt.Errorf("%w: %d s %d ns is no time", ErrMalformed, s, ns)
	}
	r.Wall = m.GetTSec()*1e9 + int64(m.GetTNsec())
	if r.Config = m.GetConf(); r.Config == nil {
		return r, fmt.Errorf("%w: it is missing", ErrConfig)
	}
	if err := checkKnown(r.Config.ProtoReflect()); err != nil {
		return r, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return r, nil
}

// checkKnown reports fields without a meaning here, in a message or those in it.
func checkKnown(m protoreflect.Message) (err error) {
	if n := len(m.GetUnknown()); n > 0 {
		return fmt.Errorf("%s holds %d bytes of unknown fields", m.Descriptor().Name(), n)
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil:
		case f.IsList():
			for k := 0; k < v.List().Len() && err == nil; k++ {
				err = checkKnown(v.List().Get(k).Message())
			}
		default:
			err = checkKnown(v.Message())
		}
		return err == nil
	})
	return err
}

// MarshalOEPAck returns the message that ends an enrollment: 0 = enrolled, below 0 = failed.
func (id OEPID) MarshalOEPAck(result int32) ([]byte, error) {
	return marshalOEP(&pb.EnrollAck{Id: id[:], Result: &result})
}

// ParseOEPAck reads the last message of an enrollment.
func ParseOEPAck(b []byte) (id OEPID, result int32, err error) {
	var m pb.EnrollAck
	if err := parseOEP(b, &m); err != nil {
		return id, 0, err
	}
	id, err = parseID(m.GetId())
	return id, m.GetResult(), err
}

// CheckConfig reports what is wrong with the parts of a configuration that all kinds of layers have: the
// kind must be that of the newcomer (spec 07 §5.2), and name and hash those of a layer.
func CheckConfig(c *pb.Config, want core.LayerKind) (core.LayerInfo, error) {
	l := core.LayerInfo{
		Name: core.Name(c.GetLayerInfo().GetName()), Kind: core.LayerKind(c.GetIpcpType()),
		Hash: core.HashAlgo(c.GetLayerInfo().GetDirHashAlgo()),
	}
	switch {
	case c.GetIpcpType() != uint32(want):
		return l, fmt.Errorf("%w: of a layer of type %d, this IPCP is of type %d", ErrConfig, c.GetIpcpType(), want)
	case c.GetLayerInfo().GetDirHashAlgo() > uint32(core.MD5) || l.Hash.Len() == 0:
		return l, fmt.Errorf("%w: hash algorithm %d is unknown", ErrConfig, c.GetLayerInfo().GetDirHashAlgo())
	}
	if err := l.Name.Validate(); err != nil {
		return l, fmt.Errorf("%w: layer %w", ErrConfig, err)
	}
	return l, nil
}

// ConfigOf returns the configuration of a layer without the part of its kind: all that a broadcast layer
// has.
func ConfigOf(l core.LayerInfo) *pb.Config {
	name, hash, kind := string(l.Name), uint32(l.Hash), uint32(l.Kind)
	return &pb.Config{LayerInfo: &pb.LayerInfo{Name: &name, DirHashAlgo: &hash}, IpcpType: &kind}
}
