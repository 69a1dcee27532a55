package coretest

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// Layer is the least layer that gives flows: an Allocator over one point-to-point link, with raw flows
// and no registration. It stands in for a real stack where a test is about the users of flows. It is
// itself held to the rules of TestFlow.
//
// A message behind the header of the link is a kind and the number of the flow at the receiver:
//
//	data    0 | to uint32 | payload
//	request 1 | 0 uint32  | from uint32 | QoS | name
//	reply   2 | to uint32 | from uint32 | code int32
type Layer struct {
	env     core.Env
	link    core.Link
	flows   []*layerFlow // by number; nil when closed
	waiting []*layerAlloc
	listens map[core.Name]func(core.Incoming)
}

const (
	layerData = iota
	layerRequest
	layerReply

	layerHeader = 5
	layerWindow = 1023
)

// NewLayer returns a member of the layer, a core.Allocator, over its end of a link.
func NewLayer(env core.Env, link core.Link) *Layer {
	l := &Layer{env: env.Derive("layer"), link: link, listens: map[core.Name]func(core.Incoming){}}
	link.Attach(l)
	return l
}

// layerAlloc is a request that has no answer yet.
type layerAlloc struct {
	id    uint32
	qos   core.QoS
	done  func(core.Flow, error)
	timer core.Timer
}

// Alloc asks the other end of the link.
func (l *Layer) Alloc(r core.Request, done func(core.Flow, error)) (cancel func()) {
	a := &layerAlloc{id: l.number(), qos: r.QoS, done: done}
	a.timer = l.env.NewTimer(func() {
		l.forget(a)
		done(nil, core.ErrTimedOut)
	})
	timeout := r.Timeout
	if timeout == 0 {
		timeout = 20 * time.Second
	}
	a.timer.Reset(timeout)
	l.waiting = append(l.waiting, a)
	msg := binary.BigEndian.AppendUint32(nil, a.id)
	msg, _ = binary.Append(msg, binary.BigEndian, r.QoS) // a struct of fixed size has no error
	l.control(layerRequest, 0, append(msg, r.Name...))
	return func() { l.forget(a) }
}

// number takes the next flow number.
func (l *Layer) number() uint32 {
	l.flows = append(l.flows, nil)
	return uint32(len(l.flows) - 1)
}

func (l *Layer) forget(a *layerAlloc) {
	a.timer.Stop()
	l.waiting = slices.DeleteFunc(l.waiting, func(b *layerAlloc) bool { return a == b })
}

// Join is not supported: the layer has two members.
func (l *Layer) Join(_ core.Name, done func(core.Flow, error)) (cancel func()) {
	canceled := false
	l.env.Post(func() {
		if !canceled {
			done(nil, core.ErrUnsupp)
		}
	})
	return func() { canceled = true }
}

// Listen takes the requests for a name.
func (l *Layer) Listen(n core.Name, accept func(core.Incoming)) (stop func(), err error) {
	if _, taken := l.listens[n]; taken {
		return nil, core.ErrPerm
	}
	l.listens[n] = accept
	return func() { delete(l.listens, n) }, nil
}

// layerRequested is a request from the other end.
type layerRequested struct {
	l    *Layer
	name core.Name
	qos  core.QoS
	from uint32
}

func (r *layerRequested) Name() core.Name { return r.name }
func (r *layerRequested) QoS() core.QoS   { return r.qos }

func (r *layerRequested) Accept() (core.Flow, error) {
	f := r.l.open(r.l.number(), r.from, r.qos)
	r.answer(f.id, 0)
	return f, nil
}

func (r *layerRequested) Reject(err error) { r.answer(0, core.CodeOf(err)) }

func (r *layerRequested) answer(id uint32, code core.Code) {
	msg := binary.BigEndian.AppendUint32(nil, id)
	r.l.control(layerReply, r.from, binary.BigEndian.AppendUint32(msg, uint32(-code)))
}

func (l *Layer) open(id, peer uint32, q core.QoS) *layerFlow {
	f := &layerFlow{l: l, id: id, peer: peer, qos: q, on: true}
	l.flows[id] = f
	return f
}

// control sends a message. One that finds the link full is lost, as on any network.
func (l *Layer) control(kind byte, to uint32, body []byte) {
	p := l.env.Pool.GetCopy(l.headroom(), body)
	if errors.Is(l.send(p, kind, to), core.ErrWouldBlock) {
		p.Release()
	}
}

func (l *Layer) headroom() int {
	info := l.link.Info()
	return layerHeader + frameHeader(info) + info.Headroom
}

// send pushes the headers and takes them off again when the link does not take the packet.
func (l *Layer) send(p *pkt.Buf, kind byte, to uint32) error {
	h := p.Push(layerHeader)
	h[0] = kind
	binary.BigEndian.PutUint32(h[1:], to)
	n := frameHeader(l.link.Info())
	clear(p.Push(n))
	err := l.link.Send(p, core.Addr{})
	if errors.Is(err, core.ErrWouldBlock) {
		p.Pull(n + layerHeader)
	}
	return err
}

// Receive takes a frame from the link.
func (l *Layer) Receive(p *pkt.Buf, _ core.Addr) {
	p.Pull(frameHeader(l.link.Info()))
	h := p.Pull(layerHeader)
	if h == nil {
		p.Release()
		return
	}
	kind, to := h[0], binary.BigEndian.Uint32(h[1:])
	if kind == layerData {
		if f := l.flow(to); f != nil {
			f.arrive(p)
		} else {
			p.Release()
		}
		return
	}
	body := slices.Clone(p.Bytes())
	p.Release()
	if kind == layerRequest {
		l.requested(body)
	} else {
		l.replied(to, body)
	}
}

func (l *Layer) flow(id uint32) *layerFlow {
	if int(id) < len(l.flows) {
		return l.flows[id]
	}
	return nil
}

func (l *Layer) requested(body []byte) {
	r := &layerRequested{l: l, from: binary.BigEndian.Uint32(body)}
	n, err := binary.Decode(body[4:], binary.BigEndian, &r.qos)
	if err != nil {
		return
	}
	r.name = core.Name(body[4+n:])
	if accept := l.listens[r.name]; accept != nil {
		accept(r)
	} else {
		r.Reject(core.ErrIPCP)
	}
}

func (l *Layer) replied(to uint32, body []byte) {
	i := slices.IndexFunc(l.waiting, func(a *layerAlloc) bool { return a.id == to })
	if i < 0 {
		return
	}
	a := l.waiting[i]
	l.forget(a)
	if code := -core.Code(binary.BigEndian.Uint32(body[4:])); code != 0 {
		a.done(nil, code)
		return
	}
	a.done(l.open(to, binary.BigEndian.Uint32(body), a.qos), nil)
}

// Writable wakes every flow that the link has refused.
func (l *Layer) Writable() {
	l.each(func(f *layerFlow) {
		if f.blocked {
			f.blocked = false
			f.sink.Writable()
		}
	})
}

// LinkState tells every flow.
func (l *Layer) LinkState(up bool) {
	l.each(func(f *layerFlow) {
		if f.sink != nil {
			f.sink.State(up)
		}
	})
}

func (l *Layer) each(fn func(*layerFlow)) {
	for _, f := range slices.Clone(l.flows) {
		if f != nil && !f.closed {
			fn(f)
		}
	}
}

// layerFlow is one end of a flow.
type layerFlow struct {
	l        *Layer
	id, peer uint32
	qos      core.QoS
	sink     core.Sink
	on       bool // receiving
	blocked  bool
	closed   bool
	held     []*pkt.Buf
}

func (f *layerFlow) Info() core.FlowInfo {
	return core.FlowInfo{
		MTU: f.l.link.Info().MTU - layerHeader, Headroom: f.l.headroom(), QoS: f.qos,
		MPL: 100 * time.Millisecond, Layer: "test", EID: uint64(f.id),
	}
}

func (f *layerFlow) Queued() int { return f.l.link.Queued() }

func (f *layerFlow) Write(p *pkt.Buf) error {
	switch {
	case p.Len() > f.Info().MTU:
		defer p.Release()
		return core.SizeError{Len: p.Len(), MTU: f.Info().MTU}
	case f.closed || !f.l.link.Info().Up:
		p.Release()
		return core.ErrFlowDown
	}
	err := f.l.send(p, layerData, f.peer)
	f.blocked = f.blocked || errors.Is(err, core.ErrWouldBlock)
	return err
}

func (f *layerFlow) SetReceive(on bool) {
	f.on = on
	f.l.env.Post(f.drain)
}

func (f *layerFlow) Attach(s core.Sink) {
	f.sink = s
	f.l.env.Post(f.drain)
}

// arrive holds the packet if others are held, to keep the order.
func (f *layerFlow) arrive(p *pkt.Buf) {
	switch {
	case f.on && f.sink != nil && len(f.held) == 0:
		f.sink.Deliver(p)
	case len(f.held) < layerWindow:
		f.held = append(f.held, p)
	default:
		p.Release()
	}
}

// drain delivers what was held until the user stops it.
func (f *layerFlow) drain() {
	for f.on && f.sink != nil && len(f.held) > 0 {
		p := f.held[0]
		f.held = f.held[1:]
		f.sink.Deliver(p)
	}
}

func (f *layerFlow) Close(time.Duration) {
	f.closed = true
	f.l.flows[f.id] = nil
	for _, p := range f.held {
		p.Release()
	}
	f.held = nil
}

// ConnectLayer sets up a flow of this layer: a Connect for TestFlow.
func ConnectLayer(kind core.LinkKind, q core.QoS) Connect {
	return func(h *Harness, spec core.LinkSpec) Pair {
		h.t.Helper()
		spec.Kind, spec.Name = kind, "wire"
		p := Pair{Env: [2]core.Env{h.Node("a"), h.Node("b")}}
		p.Wire = h.Wire(spec, p.Env[0], p.Env[1])
		a, b := p.Wire.Ends()
		layers := [2]*Layer{NewLayer(p.Env[0], a), NewLayer(p.Env[1], b)}
		p.Flow = Establish(h, p.Env, layers[0], layers[1], q)
		return p
	}
}

// Establish has the first allocator ask for a flow to a name that the second listens to, and returns
// both ends.
func Establish(h *Harness, env [2]core.Env, from, to core.Allocator, q core.QoS) (ends [2]core.Flow) {
	h.t.Helper()
	h.On(env[1], func() {
		_, err := to.Listen("name", func(in core.Incoming) {
			h.Up("accept")
			core.Accept(in, func(f core.Flow, err error) {
				if err != nil || in.QoS() != q || in.Name() != "name" {
					h.t.Errorf("Accept: %v; the request was for %q with %+v", err, in.Name(), in.QoS())
				}
				ends[1] = f
			})
		})
		if err != nil {
			h.t.Errorf("Listen: %v", err)
		}
	})
	h.On(env[0], func() {
		h.Down("Alloc", func() {
			from.Alloc(core.Request{Name: "name", QoS: q}, func(f core.Flow, err error) {
				h.Up("done")
				if err != nil {
					h.t.Errorf("Alloc: %v", err)
				}
				ends[0] = f
			})
		})
	})
	h.Until("the flow stands", func() bool { return ends[0] != nil && ends[1] != nil })
	return ends
}
