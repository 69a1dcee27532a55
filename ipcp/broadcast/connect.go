package broadcast

import (
	"errors"
	"fmt"
	"slices"

	"ouroboros/core"
	"ouroboros/ipcp"
)

// DataTransfer is the component of broadcast members (spec 07 §2.2). The prototype sends the address 0 and
// does not look at it. Between members that speak the tree protocol it is a cookie, which says which
// management connection belongs to it.
var DataTransfer = ipcp.Announcement{Component: ipcp.DataTransfer.Component}

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
	*ipcp.Attempt
	i       *IPCP
	dst     core.Name
	opts    ConnectOptions
	backoff ipcp.Backoff
	half    *control    // that waits for the connection for data
	conn    *connection // that stands
	ended   bool
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
	w := &wish{i: i, dst: dst, opts: o, backoff: ipcp.PersistBackoff()}
	what := fmt.Sprintf("ipcp %s: connect to %s", i.cfg.Name, dst)
	w.Attempt = ipcp.NewAttempt(i.env, i.alloc, i.exchanges.Add, ipcp.Peer{Name: dst, Lower: lower}, what, w.try, done)
	i.wishes = append(i.wishes, w)
	w.backoff.Reset()
	w.Begin(ipcp.ConnectTimeout)
	w.try()
}

// try makes the connections, that of the tree protocol first. A peer that does not have the component
// belongs to the prototype, or has the protocol turned off.
func (w *wish) try() {
	if w.Left() <= 0 {
		w.Begin(ipcp.ConnectTimeout) // one that is kept up goes on
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
	say := func(core.Flow) (ipcp.Announcement, error) { return own, nil }
	w.Dial(qos, w.Left(), say, func(f core.Flow, _ ipcp.Announcement, err error) { done(f, err) })
}

// stands has the flow of a successful exchange put to use.
func (w *wish) stands(f core.Flow, c *control) {
	w.backoff.Reset()
	w.conn = w.i.connected(f, c, w)
	w.Tell(nil)
}

// failed tries once more after a pause unless the time is up or the peer has refused. A wish that persists
// reports its first failure and goes on.
func (w *wish) failed(err error) {
	over := errors.Is(err, ipcp.ErrCEPRefused) || w.Left() <= ipcp.ConnectPause
	switch {
	case w.ended:
	case !over:
		w.After(ipcp.ConnectPause)
	case w.opts.Persist:
		w.retry()
		w.Tell(err)
	default:
		w.drop()
		w.Tell(err)
	}
}

// retry tries again after the back-off.
func (w *wish) retry() {
	w.After(w.backoff.Next())
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

// drop takes the wish out.
func (w *wish) drop() {
	w.Rest()
	if k := slices.Index(w.i.wishes, w); k >= 0 {
		w.i.wishes = slices.Delete(w.i.wishes, k, k+1)
	}
}

// stop gives the wish up with its connection. Who waits for the result is told why in a call of its own.
func (w *wish) stop(why error) {
	w.ended = true
	w.drop()
	w.GiveUp()
	if w.half != nil {
		w.half.close()
		w.half = nil
	}
	if w.conn != nil {
		w.conn.end(why)
		w.conn = nil
	}
	w.TellLater(why)
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

// Carries reports whether such a connection stands and is part of the tree, or unprotected.
func (i *IPCP) Carries(dst core.Name) bool {
	return slices.ContainsFunc(i.wishes, func(w *wish) bool { return w.dst == dst && w.conn != nil && w.conn.open() })
}
