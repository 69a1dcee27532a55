package oap

import (
	"bytes"
	"iter"
	"testing"
)

// flips gives every message that differs from b in one bit, and the number of the bit; in the middle of a long
// message one bit of each byte must do, since post-quantum keys have ten thousand.
func flips(b []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for i := range 8 * len(b) {
			const edge = 8 * 80
			if i > edge && i < 8*len(b)-edge && i%8 != i/8%8 {
				continue
			}
			bad := bytes.Clone(b)
			bad[i/8] ^= 1 << (i % 8)
			if !yield(i, bad) {
				return
			}
		}
	}
}

// A request with any bit changed on its way leads to no flow: the server refuses it, or the client refuses the
// response, which carries the hash of the other request. The same at every length.
func TestRequestWithAnyBitChangedLeadsToNoFlow_11_7(t *testing.T) {
	for name, p := range pairs(t) {
		r, request, _, _ := p.messages(t)
		try := func(what string, at int, bad []byte) {
			var s Server
			response, _, err := s.Respond(system(2), p.server, bad)
			if err != nil {
				return
			}
			if len(p.client.certificate()) > 0 {
				t.Errorf("%s: %s %d of a signed request: accepted", name, what, at)
			}
			if _, err := r.Verify(system(1), response); err == nil {
				t.Errorf("%s: %s %d: a flow", name, what, at)
			}
		}
		for i, bad := range flips(request) {
			try("bit", i, bad)
		}
		for n := range request {
			try("cut at", n, request[:n])
		}
		try("longer by", 1, append(bytes.Clone(request), 0))
	}
}

func (c *Config) certificate() []byte {
	if c.Credentials == nil {
		return nil
	}
	return c.Credentials.Certificate()
}

// A signed response with any bit changed is refused. An unsigned one cannot be protected in full; what passes
// is the timestamp, which means nothing, and what makes the two ends differ in cipher or key, so that no packet
// passes. It never leads to a flow in clear.
func TestResponseWithAnyBitChangedLeadsToNoSharedKey_11_7(t *testing.T) {
	for name, p := range pairs(t) {
		r, _, response, at := p.messages(t)
		signed := len(p.server.certificate()) > 0
		for i, bad := range flips(response) {
			got, err := r.Verify(system(1), bad)
			switch {
			case err != nil:
			case signed:
				t.Errorf("%s: bit %d of a signed response: accepted", name, i)
			case (got.Security == nil) != (at.Security == nil):
				t.Errorf("%s: bit %d: in clear at one end only", name, i)
			case at.Security == nil || i/8 >= 16 && i/8 < 24 || i/8 >= 28 && i/8 < 30:
				// In clear there is nothing to protect; timestamp and digest do not enter the key.
			case got.Security.Key == at.Security.Key && got.Security.Cipher == at.Security.Cipher:
				t.Errorf("%s: bit %d: nobody notices", name, i)
			}
		}
		for n := range response {
			if _, err := r.Verify(system(1), response[:n]); err == nil {
				t.Errorf("%s: %d bytes of %d accepted", name, n, len(response))
			}
		}
		if _, err := r.Verify(system(1), append(bytes.Clone(response), 0)); err == nil {
			t.Errorf("%s: a byte behind is accepted", name)
		}
	}
}
