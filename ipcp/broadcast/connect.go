package broadcast

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/frcp"
	"ouroboros/ipcp"
)

// DataTransfer is the component of broadcast members (spec 07 §2.2). The prototype sends the address 0 and
// does not look at it. Between members that speak the tree protocol it is a cookie, which says which
// management connection belongs to it.
var DataTransfer = ipcp.Announcement{Component: ipcp.DataTransfer.Component}

const (
	connectTimeout = 20 * time.Second // of the whole operation (spec 07 §8)
	connectPause   = 100 * time.Millisecond
	// Back-off of a connection that is kept up.
	persistFirst = time.Second
	persistMost  = 30 * time.Second
)

// errUnknownCookie ends a connection for data whose management connection is not there.
var errUnknownCookie = errors.New("connection for data without its management connection")

// ConnectOptions say which connection is made and how it is kept.
type ConnectOptions struct {
	// QoS is that of data; the zero value is core.QoSRaw. The tree protocol runs over a raw flow with the
	// same time-out.
	QoS core.QoS
	// Persist has this side make the connection again whenever it ends in any other way than by Disconnect
	// or Leave, with a back-off of 1 s to 30 s, and go on after a failure of the first operation.
	Persist bool
}

// wish is a connection that this side wants: under way, or standing.
type wish struct {
	i        *IPCP
	dst      core.Name
	lower    core.Name
	opts     ConnectOptions
	deadline core.Time
	backoff  time.Duration
	timer    core.Timer  // the next try
	step     func()      // gives up what is under way
	half     *control    // that waits for the connection for data
	conn     *connection // that stands
	done     func(error) // nil once the result has been told
	ended    bool
}

// Connect makes a connection to the IPCP of the given name over flows of the layer lower (empty: any): one
// for the tree protocol, unless it is turned off here or the peer does not speak it, then one for data. Lost
// messages are tried again within 20 s. done is told the result once, not on the stack of Connect;
// core.ErrCanceled when Disconnect ends it before.
func (i *IPCP) Connect(dst, lower core.Name, o ConnectOptions, done func(error)) {
	if o.QoS == (core.QoS{}) {
		o.QoS = core.QoSRaw
	}
	if !i.operational() {
		i.env.Post(func() { done(core.ErrIPCPState) })
		return
	}
	w := &wish{i: i, dst: dst, lower: lower, opts: o, done: done}
	w.timer = i.env.NewTimer(w.try)
	i.wishes = append(i.wishes, w)
	w.backoff = persistFirst
	w.start()
}

// start begins an operation.
func (w *wish) start() {
	w.deadline = w.i.env.Now().Add(connectTimeout)
	w.try()
}

// try makes the connections, that of the tree protocol first. A peer that does not have the component
// belongs to the prototype, or has the protocol turned off.
func (w *wish) try() {
	if !w.i.env.Now().Before(w.deadline) {
		w.deadline = w.i.env.Now().Add(connectTimeout) // one that is kept up goes on
	}
	if w.i.tree == nil {
		w.data(nil)
		return
	}
	qos := core.QoSRaw
	qos.Timeout = w.opts.QoS.Timeout
	cookie := max(w.i.env.Rand.Uint64(), 1)
	w.exchange(qos, TreeProtocol.At(cookie), func(f core.Flow, err error) {
		switch {
		case errors.Is(err, ipcp.ErrCEPRefused):
			w.data(nil)
		case err != nil:
			w.failed(err)
		default:
			w.half = w.i.newControl(cookie, f)
			w.data(w.half)
		}
	})
}

// data makes the connection for data, beside that of the tree protocol if there is one.
func (w *wish) data(c *control) {
	own := DataTransfer
	if c != nil {
		own = own.At(c.cookie)
	}
	w.exchange(w.opts.QoS, own, func(f core.Flow, err error) {
		w.half = nil
		switch {
		case err == nil && (c == nil || !c.gone):
			w.stands(f, c)
			return
		case err == nil:
			err = errUnknownCookie
			f.Close(0)
		case c != nil:
			c.close()
		}
		w.failed(err)
	})
}

// exchange allocates a flow and runs the exchange of a component over it.
func (w *wish) exchange(qos core.QoS, own ipcp.Announcement, done func(core.Flow, error)) {
	i, canceled := w.i, false
	left := w.deadline.Sub(i.env.Now())
	cancel := i.alloc.Alloc(core.Request{Name: w.dst, Layer: w.lower, QoS: qos, Timeout: left}, func(f core.Flow, err error) {
		w.step = nil
		if err != nil {
			done(nil, err)
			return
		}
		f = i.endToEnd(f)
		w.step = func() { canceled = true } // the exchange ends by itself, and finds it so
		ipcp.Initiate(i.env, f, own, i.exchanges.Add, func(_ ipcp.Announcement, err error) {
			switch {
			case canceled && err == nil:
				f.Close(0)
			case canceled:
			default:
				w.step = nil
				done(f, err)
			}
		})
	})
	w.step = cancel
}

// endToEnd puts the end-to-end protocol on an N-1 flow where its QoS asks for one, or for liveness.
func (i *IPCP) endToEnd(f core.Flow) core.Flow {
	if q := f.Info().QoS; q.Mode() == core.ModeRaw && q.BER != 0 && q.Timeout == 0 {
		return f
	}
	return frcp.Wrap(i.env.Derive("n-1"), f)
}

// stands has the flow of a successful exchange put to use.
func (w *wish) stands(f core.Flow, c *control) {
	w.backoff = persistFirst
	w.conn = w.i.connected(f, c, w)
	w.report(nil)
}

// failed tries once more after a pause unless the time is up or the peer has refused. A wish that persists
// reports its first failure and goes on.
func (w *wish) failed(err error) {
	over := errors.Is(err, ipcp.ErrCEPRefused) || w.i.env.Now().Add(connectPause) >= w.deadline
	switch {
	case w.ended:
	case !over:
		w.timer.Reset(connectPause)
	case w.opts.Persist:
		w.retry()
		w.report(err)
	default:
		w.drop()
		w.report(err)
	}
}

// retry tries again after the back-off.
func (w *wish) retry() {
	w.timer.Reset(w.backoff)
	w.backoff = min(2*w.backoff, persistMost)
}

// lost tells that the connection has ended without having been given up here.
func (w *wish) lost(error) {
	w.conn = nil
	switch {
	case w.ended:
	case w.opts.Persist:
		w.retry()
	default:
		w.drop()
	}
}

// report tells the result, once.
func (w *wish) report(err error) {
	done := w.done
	if w.done = nil; done == nil {
		return
	}
	if err != nil {
		err = fmt.Errorf("ipcp %s: connect to %s: %w", w.i.cfg.Name, w.dst, err)
	}
	done(err)
}

// drop takes the wish out.
func (w *wish) drop() {
	w.timer.Stop()
	if k := slices.Index(w.i.wishes, w); k >= 0 {
		w.i.wishes = slices.Delete(w.i.wishes, k, k+1)
	}
}

// stop gives the wish up with its connection. Who waits for the result is told why in a call of its own.
func (w *wish) stop(why error) {
	w.ended = true
	w.drop()
	if w.step != nil {
		w.step()
		w.step = nil
	}
	if w.half != nil {
		w.half.close()
		w.half = nil
	}
	if w.conn != nil {
		w.conn.end(why)
		w.conn = nil
	}
	if w.done != nil {
		w.i.env.Post(func() { w.report(why) })
	}
}

// Disconnect ends the connections that this side has made to the IPCP of the given name, those under way
// and those kept up included. Without one it does nothing (spec 07 §3.2). A connection that the peer has
// made has no name here. A peer that speaks the tree protocol notices at once.
func (i *IPCP) Disconnect(dst core.Name) {
	for _, w := range slices.Clone(i.wishes) {
		if w.dst == dst {
			w.stop(core.ErrCanceled)
		}
	}
}

// Connected reports whether a connection that this side has made to the IPCP of the given name stands.
func (i *IPCP) Connected(dst core.Name) bool {
	return slices.ContainsFunc(i.wishes, func(w *wish) bool { return w.dst == dst && w.conn != nil })
}
