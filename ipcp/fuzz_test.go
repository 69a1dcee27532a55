package ipcp

import (
	"bytes"
	"testing"
)

// FuzzOEP: whatever arrives is read or refused; what is read comes back the same when it is written and
// read again.
func FuzzOEP(f *testing.F) {
	f.Add(bytesOf(f, exampleResponse))
	f.Add(bytesOf(f, "0a 08 01 02 03 04 05 06 07 08"))
	f.Add(bytesOf(f, "0a 08 01 02 03 04 05 06 07 08 10 ff ff ff ff ff ff ff ff ff 01"))
	f.Add(bytesOf(f, `0a 08 b8 92 39 0f 68 2d 59 75 10 e5 c0 8b d8 06 18 9f b4 fb d8 03 20 00
		2a 41 0a 07 0a 03 6e 65 74 10 01 10 01
		1a 34 0a 14 08 04 10 08 18 3c 22 0c 08 00 12 08 08 00 10 01 18 0f 20 3c
		12 18 08 00 12 14 08 03 10 08 18 80 a3 05 20 84 07 28 84 07 30 e6 b4 ae a7 0a 18 00 20 01`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if id, err := ParseOEPRequest(b); err == nil {
			again, err := id.MarshalRequest()
			if back, e := ParseOEPRequest(again); err != nil || e != nil || back != id {
				t.Fatal(err, e)
			}
		}
		if id, result, err := ParseOEPAck(b); err == nil {
			again, err := id.MarshalOEPAck(result)
			if i, r, e := ParseOEPAck(again); err != nil || e != nil || i != id || r != result {
				t.Fatal(err, e)
			}
		}
		r, err := ParseOEPResponse(b)
		if err != nil || r.Response < 0 {
			return
		}
		first, err := r.Marshal()
		if err != nil {
			return // numbers in a longer form than that of the input
		}
		back, err := ParseOEPResponse(first)
		if err != nil {
			t.Fatal(err)
		}
		if second, _ := back.Marshal(); !bytes.Equal(first, second) {
			t.Fatalf("%x became %x", first, second)
		}
	})
}
