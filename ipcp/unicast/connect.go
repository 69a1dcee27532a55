package unicast

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/ipcp"
)

// persistTry limits one try of a connection that is kept up.
const persistTry = 5 * time.Second

// ConnectOptions say which connections are made and how they are kept.
type ConnectOptions struct {
	Components ipcp.Components // 0 = both
	// QoS is that of data transfer; the zero value is core.QoSRaw. Management runs over a raw flow, with
	// the same time-out, so that both notice a dead peer at the same time.
	QoS core.QoS
	// Persist has this side make a connection again whenever it ends in any other way than by Disconnect or
	// Leave, with a back-off of 1 s to 30 s, and go on after a failure of the first try.
	Persist bool
}

// wish is a connection that this side wants: under way, or standing.
type wish struct {
	*ipcp.Attempt
	i       *IPCP
	dst     core.Name
	qos     core.QoS
	comp    ipcp.Announcement
	persist bool
	asked   core.Time // when the exchange of the try under way began
	trying  bool
	again   bool // a try of its own: the first operation is over
	backoff ipcp.Backoff
	conn    *connection // that stands
	ended   bool        // the wish is given up
}

// Connect makes the connections of the options, management first, to the IPCP of the given name over a flow
// of the layer lower (empty: any). Lost messages are tried again within 20 s. done is told the result once,
// not on the stack of Connect; core.ErrCanceled when Disconnect ends it before. Two members that connect to
// each other at a time settle on one connection, that of the lower address; both report success.
func (i *IPCP) Connect(dst, lower core.Name, o ConnectOptions, done func(error)) {
	if o.Components == 0 {
		o.Components = ipcp.Both
	}
	if o.QoS == (core.QoS{}) {
		o.QoS = core.QoSRaw
	}
	if !i.operational() {
		i.env.Post(func() { done(core.ErrIPCPState) })
		return
	}
	data := func() { i.connect(dst, lower, o.QoS, ipcp.DataTransfer, o.Persist, done) }
	if o.Components&ipcp.Mgmt == 0 {
		data()
		return
	}
	raw := core.QoSRaw
	raw.Timeout = o.QoS.Timeout
	i.connect(dst, lower, raw, ipcp.Management, o.Persist, func(err error) {
		switch {
		case o.Components&ipcp.DT == 0, !i.operational(), errors.Is(err, core.ErrCanceled), err != nil && !o.Persist:
			done(err)
		default: // the management connection of a wish that persists may still come
			data()
		}
	})
}

func (i *IPCP) connect(dst, lower core.Name, qos core.QoS, comp ipcp.Announcement, persist bool, done func(error)) {
	w := &wish{i: i, dst: dst, qos: qos, comp: comp, persist: persist, backoff: ipcp.PersistBackoff()}
	what := fmt.Sprintf("ipcp %s: connect %s to %s", i.cfg.Name, comp.Component, dst)
	w.Attempt = ipcp.NewAttempt(i.env, i.alloc, i.exchanges.Add, ipcp.Peer{Name: dst, Lower: lower}, what, w.try, done)
	w.start()
}

// start begins an operation.
func (w *wish) start() {
	w.ended, w.again = false, false
	w.backoff.Reset()
	w.Begin(ipcp.ConnectTimeout)
	w.list()
	w.try()
}

// list enters the wish among those that are under way or kept up.
func (w *wish) list() {
	if !slices.Contains(w.i.wishes, w) {
		w.i.wishes = append(w.i.wishes, w)
	}
}

// try allocates a flow and runs the exchange.
func (w *wish) try() {
	left := w.Left()
	if w.again {
		left = persistTry
	}
	w.trying = true
	w.Dial(w.qos, left, w.announce, func(f core.Flow, peer ipcp.Announcement, err error) {
		if err != nil {
			w.failed(err)
			return
		}
		peer.Component = w.comp.Component // the name in the answer is not looked at
		w.answered(peer, f)
	})
}

// announce returns what is said over a flow, if it takes what the component will send over it.
func (w *wish) announce(f core.Flow) (ipcp.Announcement, error) {
	if w.comp.Component == ipcp.DataTransfer.Component {
		if err := w.i.fits(f); err != nil {
			return ipcp.Announcement{}, err
		}
	}
	w.asked = w.i.env.Now()
	return w.comp.At(w.i.address), nil
}

// answered has the flow of a successful exchange put to use.
func (w *wish) answered(peer ipcp.Announcement, f core.Flow) {
	if err := w.i.connected(peer, f, w); err != nil {
		w.failed(err)
		return
	}
	w.trying = false
	w.backoff.Reset()
	if !w.persist {
		w.drop()
	}
	w.Tell(nil)
}

// failed tries once more after a pause unless the time is up or the peer has refused. A wish that persists
// reports its first failure and goes on.
func (w *wish) failed(err error) {
	w.trying = false
	over := errors.Is(err, ipcp.ErrCEPRefused) || errors.Is(err, ErrMTU) || w.Left() <= ipcp.ConnectPause
	switch {
	case !w.again && !over:
		w.After(ipcp.ConnectPause)
	case w.persist:
		w.retry()
		w.Tell(err)
	default:
		w.drop()
		w.Tell(err)
	}
}

// retry tries again after the back-off.
func (w *wish) retry() {
	w.list()
	w.again = true
	w.After(w.backoff.Next())
}

// lost tells that the connection has ended without having been given up here.
func (w *wish) lost() {
	w.conn = nil
	if w.persist && !w.ended && !w.trying {
		w.retry()
	}
}

// redo makes the connection anew beside the one that stands, which it then replaces.
func (w *wish) redo() {
	if !w.trying {
		w.Rest()
		w.start()
	}
}

// drop takes the wish out of those that are under way.
func (w *wish) drop() {
	w.Rest()
	if k := slices.Index(w.i.wishes, w); k >= 0 {
		w.i.wishes = slices.Delete(w.i.wishes, k, k+1)
	}
}

// stop gives the wish up. An exchange under way ends by itself and finds it so. Who waits for the result is
// told why in a call of its own.
func (w *wish) stop(why error) {
	w.ended, w.persist, w.trying = true, false, false
	w.drop()
	w.GiveUp()
	w.TellLater(why)
}

// Disconnect ends the connections that this side has made to the IPCP of the given name, those under way
// and those kept up included; comp 0 stands for both. Without one it does nothing (spec 07 §3.2). A
// connection that the peer has made has no name here.
func (i *IPCP) Disconnect(dst core.Name, comp ipcp.Components) {
	if comp == 0 {
		comp = ipcp.Both
	}
	for _, x := range []struct {
		bit  ipcp.Components
		name string
	}{{ipcp.DT, ipcp.DataTransfer.Component}, {ipcp.Mgmt, ipcp.Management.Component}} {
		if comp&x.bit != 0 {
			i.disconnect(dst, x.name)
		}
	}
}

func (i *IPCP) disconnect(dst core.Name, comp string) {
	for _, w := range slices.Clone(i.wishes) {
		if w.dst == dst && w.comp.Component == comp {
			w.stop(core.ErrCanceled)
		}
	}
	for _, c := range slices.Clone(i.conns) {
		if c.wish != nil && c.wish.dst == dst && c.comp == comp {
			i.forget(c)
			c.close()
		}
	}
}
