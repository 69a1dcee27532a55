package oap

import (
	"bytes"
	"testing"

	"ouroboros/core"
	"ouroboros/core/wire"
)

// FuzzRespond gives anything to servers of every kind as a request. A server that demands a certificate accepts
// what a client has signed, and nothing else; nobody gives a key without a cipher, or a flow in clear where
// encryption is demanded.
func FuzzRespond(f *testing.F) {
	all := pairs(f)
	signed := map[string]bool{}
	kinds := kindsOf(all)
	for i, name := range kinds {
		p := all[name]
		_, request, response, _ := p.messages(f)
		f.Add(uint8(i), request)
		f.Add(uint8(i), response)
		signed[string(request)] = true
	}
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		cfg := all[kinds[int(kind)%len(kinds)]].server
		var s Server
		response, out, err := s.Respond(system(2), cfg, b)
		if err != nil {
			if code := core.CodeOf(err); response != nil || out != (Outcome{}) || code != core.ErrAuth && code != core.ErrCrypt {
				t.Errorf("%d bytes, %+v, %v", len(response), out, err)
			}
			return
		}
		if cfg.RequirePeer && !signed[string(b)] {
			t.Errorf("accepted %x", b)
		}
		if cfg.Enc != nil && (out.Security == nil || out.Security.Cipher == 0) {
			t.Errorf("%+v", out)
		}
		if !bytes.Equal(response[:wire.OAPIDLen], b[:wire.OAPIDLen]) {
			t.Errorf("response %x to %x", response, b)
		}
	})
}

// FuzzVerify gives anything to clients of every kind as the response. What is accepted carries the id and the
// hash of the request; from a client that demands a certificate it is what the server signed.
func FuzzVerify(f *testing.F) {
	all := pairs(f)
	kinds := kindsOf(all)
	type waiting struct {
		r        *Request
		response []byte
	}
	clients := map[string]waiting{}
	for i, name := range kinds {
		p := all[name]
		r, request, response, _ := p.messages(f)
		clients[name] = waiting{r, response}
		f.Add(uint8(i), request)
		f.Add(uint8(i), response)
	}
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		c := clients[kinds[int(kind)%len(kinds)]]
		out, err := c.r.Verify(system(1), b)
		if err != nil {
			if code := core.CodeOf(err); out != (Outcome{}) || code != core.ErrAuth && code != core.ErrCrypt {
				t.Errorf("%+v, %v", out, err)
			}
			return
		}
		switch {
		case c.r.cfg.RequirePeer && !bytes.Equal(b, c.response):
			t.Errorf("accepted %x", b)
		case !bytes.Equal(b[:wire.OAPIDLen], c.response[:wire.OAPIDLen]) || !bytes.Contains(b, c.r.hash):
			t.Errorf("accepted %x", b)
		case c.r.cfg.Enc != nil && (out.Security == nil || out.Security.Cipher == 0):
			t.Errorf("%+v", out)
		}
	})
}
