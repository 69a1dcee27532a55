package local

import (
	"bytes"
	"fmt"
	"slices"

	"ouroboros/core"
	"ouroboros/core/loop"
	"ouroboros/core/trace"
)

// request is one request for a flow, at both of its ends: it goes straight back to the broker that made it.
type request struct {
	i        *IPCP
	qos      core.QoS
	done     func(core.Flow, core.FlowReply, error)
	canceled bool      // nobody waits for the answer
	answered bool      // by Respond, or by the end of the layer
	client   *loop.End // while its user has not been told
}

// AllocFlow hands the request back to the broker as one that has arrived, in a posted call. It fails with
// ErrName when the digest is not registered.
func (i *IPCP) AllocFlow(q core.FlowRequest, done func(core.Flow, core.FlowReply, error)) (cancel func()) {
	r := &request{i: i, qos: q.QoS, done: done}
	switch {
	case i.left:
		r.refuse(core.ErrIPCPState, nil)
		return r.cancel
	case len(i.pending) >= maxPending:
		r.refuse(core.ErrAgain, nil)
		return r.cancel
	}
	i.st.Requests++
	i.pending = append(i.pending, r)
	in := core.IncomingFlow{Hash: q.Hash, QoS: q.QoS, MPL: MPL, Piggyback: bytes.Clone(q.Piggyback), Respond: r.respond}
	i.env.Post(func() { r.arrive(in) })
	return r.cancel
}

// arrive tells the broker, unless the client has given up meanwhile.
func (r *request) arrive(in core.IncomingFlow) {
	switch _, known := r.i.registry[in.Hash]; {
	case r.answered:
	case !known || r.i.onRequest == nil:
		r.fail(core.ErrName)
	default:
		r.i.onRequest(in)
	}
}

// respond is the broker's answer. It is a down-call: the client is told from a posted one.
func (r *request) respond(code core.Code, piggyback []byte) (core.Flow, error) {
	if r.answered {
		if r.canceled || r.i.left {
			return nil, fmt.Errorf("%w: the client has given up", core.ErrCanceled)
		}
		return nil, fmt.Errorf("%w: request answered twice", core.ErrInvalid)
	}
	r.drop()
	if code != 0 {
		r.i.st.Refused++
		r.refuse(code, bytes.Clone(piggyback))
		return nil, nil
	}
	client, server, err := r.i.connect(r.qos)
	if err != nil {
		r.refuse(core.CodeOf(err), nil)
		return nil, err
	}
	r.client = client
	reply := core.FlowReply{MPL: MPL, Piggyback: bytes.Clone(piggyback)}
	r.i.env.Post(func() {
		if !r.canceled {
			r.client = nil
			r.done(client, reply, nil)
		}
	})
	return server, nil
}

// fail ends a request that has no answer yet.
func (r *request) fail(code core.Code) {
	if !r.answered {
		r.drop()
		r.refuse(code, nil)
	}
}

// refuse tells the client of the failure.
func (r *request) refuse(code core.Code, piggyback []byte) {
	r.answered = true
	r.i.env.Trace.Note(r.i.env.Now(), trace.FlowFailed, uint64(code), 0)
	r.i.env.Post(func() {
		if !r.canceled {
			r.done(nil, core.FlowReply{Piggyback: piggyback}, code)
		}
	})
}

// drop takes the request out of those that wait for an answer.
func (r *request) drop() {
	r.answered = true
	if k := slices.Index(r.i.pending, r); k >= 0 {
		r.i.pending = slices.Delete(r.i.pending, k, k+1)
	}
}

// cancel gives the request up. A flow that stands already is closed, and its other end is told.
func (r *request) cancel() {
	r.canceled = true
	r.drop()
	if r.client != nil {
		r.client.Close(0)
		r.client = nil
	}
}
