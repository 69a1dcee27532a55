package daemon

import (
	"slices"
	"time"

	"ouroboros/ipcp/unicast"
	"ouroboros/ipcp/unicast/fa"
)

// poll is how often a daemon that ends looks whether it is done.
const poll = 5 * time.Millisecond

// drain ends the system in order, within the grace (twice at most): what flows hold may go out, then the IPCPs leave
// their layers, the topmost first, with farewell messages that may go out too, and their links are closed last.
func (d *daemon) drain() {
	d.cfg.Stopping()
	s := d.system
	d.cfg.Log.Info("Ouroboros IPC Resource Manager daemon stopping.")
	d.server.Close()
	_ = s.call(func() error {
		s.draining = true
		return nil
	})
	s.until(d.cfg.Grace, func() bool { return s.queued() == 0 })
	_ = s.call(func() error {
		for _, m := range slices.Backward(slices.Clone(s.members)) {
			if _, joins := m.p.(joiner); joins {
				m.destroy()
			}
		}
		return nil
	})
	s.until(d.cfg.Grace, func() bool { return s.standing() == 0 && s.queued() == 0 })
	_ = s.call(func() error {
		d.apps.Close()
		for _, m := range slices.Backward(slices.Clone(s.members)) {
			m.destroy()
		}
		return nil
	})
}

// until waits for a condition on the actor, for the given time at most.
func (s *System) until(limit time.Duration, done func() bool) {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(poll) {
		over := true // also when the actor has ended
		_ = s.call(func() error {
			over = done()
			return nil
		})
		if over {
			return
		}
	}
}

// queued returns how many packets wait in the layers of the system.
func (s *System) queued() (n int) {
	for _, m := range s.members {
		switch p := m.p.(type) {
		case router:
			n += queuedIn(p.IPCP)
		case *base:
			n += p.shaper.Queued()
		}
	}
	return n
}

func queuedIn(p *unicast.IPCP) (n int) {
	if f := p.FA(); f != nil {
		f.Flows(func(i fa.FlowInfo) { n += i.Queued })
	}
	return n
}

// standing returns how many flows of shims stand: those of IPCPs that leave end when their farewell has gone out.
func (s *System) standing() (n int) {
	for _, m := range s.members {
		if b, ok := m.p.(*base); ok {
			n += b.Flows()
		}
	}
	return n
}
