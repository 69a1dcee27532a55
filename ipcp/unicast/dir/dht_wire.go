package dir

import (
	"encoding/binary"

	"google.golang.org/protobuf/proto"

	"ouroboros/core"
	"ouroboros/ipcp/pb"
)

// code is the kind of a message (spec 05 §3).
type code uint32

const (
	codeStore code = iota
	codeFindNodeReq
	codeFindNodeRsp
	codeFindValueReq
	codeFindValueRsp
	numCodes
)

const (
	addrLen = 8 // bytes of a value that is an address
	maxVals = 8 // values in one response (spec 05 §5.2)

	// maxTold is how many contacts of one response are looked at. A bucket of any member has at most 20,
	// but the prototype may list those of several.
	maxTold = 64
)

// contact is a member as others know it.
type contact struct {
	id     core.Hash
	prefix uint64 // of id
	addr   uint64
}

// prefixOf returns the bits of an identifier that count for distances (spec 05 §1).
func prefixOf(id core.Hash) uint64 {
	var b [8]byte
	copy(b[:], id)
	return binary.BigEndian.Uint64(b[:])
}

// addrValue returns the value under which a member at addr registers (spec 05 §1).
func addrValue(addr uint64) string {
	return string(binary.BigEndian.AppendUint64(nil, addr))
}

// valueAddr returns the address in a value, 0 if it is none.
func valueAddr(v string) uint64 {
	if len(v) != addrLen {
		return 0
	}
	return binary.BigEndian.Uint64([]byte(v))
}

// message is a message of the directory that has passed the checks of spec 05 §3.1 that need no state.
type message struct {
	code     code
	src      contact
	key      core.Hash
	cookie   uint64    // of requests and responses
	contacts []contact // of responses
	bad      int       // contacts left out because they cannot be ones (D16)
	values   []string  // of FIND_VALUE_RSP; of STORE the one
	exp      uint32    // of STORE, UNIX time in s
}

// parse reads and checks a message (spec 05 §3.1). idLen is the length of identifiers in the layer.
func parse(sdu []byte, idLen int) (m message, why Invalid, ok bool) {
	var p pb.Dht
	if err := proto.Unmarshal(sdu, &p); err != nil {
		return m, Undecodable, false
	}
	if len(p.Src.Id) != idLen {
		return m, BadSource, false
	}
	if p.Src.GetAddr() == 0 {
		return m, NoAddress, false
	}
	m.src = newContact(p.Src)
	if p.GetCode() >= uint32(numCodes) {
		return m, UnknownCode, false
	}
	m.code = code(p.GetCode())
	if why, ok = m.take(&p); !ok {
		return m, why, false
	}
	if len(m.key) != idLen {
		return m, BadKey, false
	}
	for i, c := range p.GetNode().GetContacts() {
		if i == maxTold || len(c.Id) != idLen || c.GetAddr() == 0 {
			m.bad++
			continue
		}
		m.contacts = append(m.contacts, newContact(c))
	}
	return m, 0, true
}

// take copies the part of p that its code asks for.
func (m *message) take(p *pb.Dht) (why Invalid, ok bool) {
	switch m.code {
	case codeStore:
		if p.Store == nil {
			return Incomplete, false
		}
		if len(p.Store.Val) == 0 {
			return NoValue, false
		}
		m.key, m.exp = core.Hash(p.Store.Key), p.Store.GetExp()
		m.values = []string{string(p.Store.Val)}
		p.Node = nil
	case codeFindNodeReq, codeFindValueReq:
		if p.Find == nil {
			return Incomplete, false
		}
		m.key, m.cookie = core.Hash(p.Find.Key), p.Find.GetCookie()
		p.Node = nil
	default:
		if p.Node == nil || m.code == codeFindValueRsp && p.Val == nil {
			return Incomplete, false
		}
		m.key, m.cookie = core.Hash(p.Node.Key), p.Node.GetCookie()
		if m.code == codeFindValueRsp {
			for i, v := range p.Val.Values {
				if i == maxVals {
					break
				}
				m.values = append(m.values, string(v))
			}
		}
	}
	return 0, true
}

func newContact(c *pb.DhtContact) contact {
	id := core.Hash(c.Id)
	return contact{id: id, prefix: prefixOf(id), addr: c.GetAddr()}
}

// append appends the encoded message to b. Fields stand in the order of their numbers.
func (m *message) append(b []byte) []byte {
	p := pb.Dht{Code: (*uint32)(&m.code), Src: m.src.pb()}
	switch m.code {
	case codeStore:
		p.Store = &pb.DhtStore{Key: []byte(m.key), Val: []byte(m.values[0]), Exp: &m.exp}
	case codeFindNodeReq, codeFindValueReq:
		p.Find = &pb.DhtFindReq{Cookie: &m.cookie, Key: []byte(m.key)}
	default:
		contacts := make([]*pb.DhtContact, len(m.contacts))
		for i := range m.contacts {
			contacts[i] = m.contacts[i].pb()
		}
		p.Node = &pb.DhtFindNodeRsp{Cookie: &m.cookie, Key: []byte(m.key), Contacts: contacts}
		if m.code == codeFindValueRsp {
			p.Val = &pb.DhtFindValueRsp{}
			for _, v := range m.values {
				p.Val.Values = append(p.Val.Values, []byte(v))
			}
		}
	}
	out, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(b, &p)
	if err != nil {
		panic("dir: all required fields are set: " + err.Error())
	}
	return out
}

func (c *contact) pb() *pb.DhtContact { return &pb.DhtContact{Id: []byte(c.id), Addr: &c.addr} }
