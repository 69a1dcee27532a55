package flows

import "ouroboros/core"

// Leave takes the IPCP out of its layer, for good, while its system goes on: requests that are under way fail
// with core.ErrFlowDown, queries find nothing, flows end with core.ErrFlowDown, and nothing new is taken. Whoever
// waits is told in a call of its own. Nothing is sent (spec 01 §2.3.2). The link is closed by who has opened it.
func (m *Machine) Leave() {
	if m.left {
		return
	}
	m.left = true
	clear(m.registry)
	m.onRequest = nil
	m.env.Post(m.end)
}

// Left reports whether Leave was called.
func (m *Machine) Left() bool { return m.left }

// end tells everybody. Each of them may call this machine again, which takes nothing new.
func (m *Machine) end() {
	for len(m.queries) > 0 {
		m.endQuery(m.queries[0], false)
	}
	for i := 0; i < len(m.table); i++ {
		e := m.table[i]
		switch {
		case e == nil:
		case e.attempt != nil:
			a := e.attempt
			a.stop()
			a.abandon()
			a.done(nil, core.FlowReply{}, core.ErrFlowDown)
		default:
			s := e.sink
			e.Close(0)
			if s != nil {
				s.Closed(core.ErrFlowDown)
			}
		}
	}
	for _, o := range m.tx.mgmt {
		o.p.Release()
	}
	m.tx.mgmt = nil
}
