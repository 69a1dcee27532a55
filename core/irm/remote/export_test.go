package remote

import "encoding/binary"

// Kinds of records, for tests that make them by hand.
var Kinds = map[string]uint8{}

func init() {
	for k := kindHello; k <= kindEnd; k++ {
		Kinds[k.String()] = uint8(k)
	}
}

// Rec makes a record of a body of any parts: numbers of their own width, strings as texts, bytes as they are.
func Rec(kind string, flags uint8, id uint32, parts ...any) []byte {
	var w body
	for _, p := range parts {
		switch v := p.(type) {
		case uint8:
			w.u8(v)
		case uint16:
			w.u16(v)
		case uint32:
			w.u32(v)
		case uint64:
			w.u64(v)
		case string:
			w.u16(uint16(len(v)))
			w.b = append(w.b, v...)
		case []byte:
			w.b = append(w.b, v...)
		default:
			panic("a part of an unknown type")
		}
	}
	r := []byte{Kinds[kind], flags, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(r[2:], uint16(len(w.b)))
	binary.BigEndian.PutUint32(r[4:], id)
	return append(r, w.b...)
}
