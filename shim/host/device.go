package host

import (
	"fmt"
	"slices"

	"ouroboros/core"
)

// output collects during a turn of the actor what is written at its end, so that one system call takes
// many packets. A device has one per socket.
type output struct {
	write func() // set once; runs on the actor
	dirty bool   // in the actor's list
}

// touch has o written at the end of this turn. It is called on the actor, or before Run.
func (a *actor) touch(o *output) {
	if !o.dirty {
		o.dirty = true
		a.dirty = append(a.dirty, o)
	}
}

// device is something of the operating system that a node has opened: the world closes it when it is
// closed itself, and when the node is killed. A goroutine of a device runs in World.readers and ends when
// its descriptor is closed.
type device interface {
	// owner is the node that it belongs to.
	owner() *node
	// shut closes the descriptors, on the actor or after Run. A second call does nothing.
	shut()
	// release gives back the packets that it holds, once all goroutines of the world have ended. Before
	// that call it was shut.
	release()
}

// owner returns the node of env, to which a device is to belong.
func (w *World) owner(env core.Env) (*node, error) {
	n := w.nodeOf(env)
	switch {
	case n == nil || n.dead:
		return nil, fmt.Errorf("%q is no component of a living node of this world", env.Path)
	case w.isClosed():
		return nil, errClosed
	}
	return n, nil
}

// open enters a device into the books of the world.
func (w *World) open(d device) { w.devices = append(w.devices, d) }

// forget takes a device out of the books, which has been shut and released by its own Close.
func (w *World) forget(d device) {
	w.devices = slices.DeleteFunc(w.devices, func(x device) bool { return x == d })
}

// shutDevices closes the devices of a node that was killed.
func (w *World) shutDevices(n *node) {
	for _, d := range slices.Clone(w.devices) {
		if d.owner() == n {
			d.shut()
		}
	}
}
