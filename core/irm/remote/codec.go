package remote

import (
	"encoding/binary"
	"errors"
	"time"

	"ouroboros/core"
)

// Lengths of texts in bytes.
const (
	maxText = 1024 // of an error
	maxPeer = 1024 // of the name in a certificate
)

// body is the body of a record that is being made.
type body struct{ b []byte }

func (w *body) u8(v uint8)   { w.b = append(w.b, v) }
func (w *body) u16(v uint16) { w.b = binary.BigEndian.AppendUint16(w.b, v) }
func (w *body) u32(v uint32) { w.b = binary.BigEndian.AppendUint32(w.b, v) }
func (w *body) u64(v uint64) { w.b = binary.BigEndian.AppendUint64(w.b, v) }

// text appends a text of at most limit bytes, cut if it is longer.
func (w *body) text(s string, limit int) {
	s = s[:min(len(s), limit)]
	w.u16(uint16(len(s)))
	w.b = append(w.b, s...)
}

func (w *body) name(n core.Name) { w.text(string(n), core.MaxName) }

func (w *body) qos(q core.QoS) {
	w.u32(q.Delay)
	w.u64(q.Bandwidth)
	w.u8(q.Availability)
	w.u32(q.Loss)
	w.u32(q.BER)
	w.u8(q.InOrder)
	w.u32(q.MaxGap)
	w.u32(q.Timeout)
}

// fail appends an error: its code, 0 for none, and its text.
func (w *body) fail(err error) {
	code, text := uint32(0), ""
	if err != nil {
		text = err.Error()
		switch {
		case errors.Is(err, core.ErrPeerClosed):
			code = codePeerClosed
		default:
			code = uint32(core.CodeOf(err))
		}
	}
	w.u32(code)
	w.text(text, maxText)
}

// codePeerClosed stands for core.ErrPeerClosed, which has no code.
const codePeerClosed = 1 << 31

// reader takes a body apart. Once something is missing, everything is zero and ok is false.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n > len(r.b) {
		r.bad = true
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) u8() uint8 {
	if v := r.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if v := r.take(2); v != nil {
		return binary.BigEndian.Uint16(v)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if v := r.take(4); v != nil {
		return binary.BigEndian.Uint32(v)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if v := r.take(8); v != nil {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

func (r *reader) text(limit int) string {
	n := int(r.u16())
	if n > limit {
		r.bad = true
	}
	return string(r.take(n))
}

func (r *reader) name() core.Name { return core.Name(r.text(core.MaxName)) }

// count reads a number that must fit into an int and is not negative.
func (r *reader) count(most int) int {
	v := r.u32()
	if int64(v) > int64(most) {
		r.bad = true
		return 0
	}
	return int(v)
}

// span reads a duration or rate, which is not negative.
func (r *reader) span() int64 {
	v := int64(r.u64())
	if v < 0 {
		r.bad = true
		return 0
	}
	return v
}

func (r *reader) qos() core.QoS {
	return core.QoS{
		Delay: r.u32(), Bandwidth: r.u64(), Availability: r.u8(), Loss: r.u32(), BER: r.u32(), InOrder: r.u8(), MaxGap: r.u32(), Timeout: r.u32(),
	}
}

// fail reads an error.
func (r *reader) fail() error {
	code, text := r.u32(), r.text(maxText)
	switch {
	case r.bad, code == 0:
		return nil
	case code == codePeerClosed:
		return core.ErrPeerClosed
	case code > codePeerClosed:
		r.bad = true
		return nil
	case text == "" || text == core.Code(code).Error():
		return core.Code(code)
	}
	return &Error{core.Code(code), text}
}

// done reports whether everything was there and nothing is left.
func (r *reader) done() bool { return !r.bad && len(r.b) == 0 }

// Error is an error of the broker's process: its text, and to errors.Is its code.
type Error struct {
	Code core.Code
	Text string
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

// Unwrap returns the code.
func (e *Error) Unwrap() error { return e.Code }

// opening is the body of an open record.
type opening struct {
	info   core.FlowInfo
	credit int
	queue  int
	pace   int64
	paced  bool
	secure bool
	sec    core.Security
}

func (o *opening) flags() (f uint8) {
	if o.secure {
		f |= flagSecure
		if o.sec.Initiator {
			f |= flagInitiator
		}
	}
	if o.paced {
		f |= flagPaced
	}
	return f
}

func (o *opening) put(w *body) {
	i := &o.info
	w.u32(uint32(i.MTU))
	w.u32(uint32(i.Headroom))
	w.u32(uint32(i.Tailroom))
	w.qos(i.QoS)
	w.u64(uint64(i.MPL))
	w.u64(uint64(max(i.Rate, 0)))
	w.u64(uint64(max(i.Delay, 0)))
	w.u64(i.EID)
	w.u16(i.Cipher)
	w.name(i.Layer)
	w.text(i.Peer, maxPeer)
	w.u32(uint32(o.credit))
	w.u32(uint32(o.queue))
	w.u64(uint64(max(o.pace, 0)))
	if o.secure {
		w.u16(o.sec.Cipher)
		w.text(o.sec.Peer, maxPeer)
		w.b = append(w.b, o.sec.Key[:]...)
	}
}

// maxRoom bounds the headroom and tailroom that an end may ask for.
const maxRoom = 4096

// readOpening takes the body of an open record apart. The key in it is wiped.
func readOpening(rec record) (o opening, ok bool) {
	r := reader{b: rec.body}
	o.info.MTU = r.count(MaxPacket)
	o.info.Headroom = r.count(maxRoom)
	o.info.Tailroom = r.count(maxRoom)
	o.info.QoS = r.qos()
	o.info.MPL = time.Duration(r.span())
	o.info.Rate = r.span()
	o.info.Delay = time.Duration(r.span())
	o.info.EID = r.u64()
	o.info.Cipher = r.u16()
	o.info.Layer = r.name()
	o.info.Peer = r.text(maxPeer)
	o.credit = r.count(Window)
	o.queue = r.count(1<<31 - 1)
	o.pace = r.span()
	o.paced = rec.flags&flagPaced != 0
	if rec.flags&flagSecure != 0 {
		o.secure = true
		o.sec.Cipher = r.u16()
		o.sec.Peer = r.text(maxPeer)
		key := r.take(len(o.sec.Key))
		copy(o.sec.Key[:], key)
		clear(key)
		o.sec.Initiator = rec.flags&flagInitiator != 0
		if o.sec.Cipher == 0 {
			return o, false
		}
	}
	return o, r.done()
}

// putRequest makes the body of an alloc record.
func putRequest(w *body, r *core.Request) {
	w.qos(r.QoS)
	w.u64(uint64(max(r.Timeout, 0)))
	w.name(r.Name)
	w.name(r.Layer)
}

func readRequest(rec record) (q core.Request, ok bool) {
	r := reader{b: rec.body}
	q.QoS = r.qos()
	q.Timeout = time.Duration(r.span())
	q.Name = r.name()
	q.Layer = r.name()
	q.Encrypt = rec.flags&flagEncrypt != 0
	q.Authenticate = rec.flags&flagAuthenticate != 0
	return q, r.done()
}
