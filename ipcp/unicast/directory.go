package unicast

import (
	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/ipcp/unicast/dir"
	"ouroboros/ipcp/unicast/dt"
)

// directory is the shell around a directory policy. It is a dir.Directory itself, so that whoever asks need
// not know whether the policy talks to other members; if it does, the shell carries its messages and arms
// its timer.
type directory struct {
	dir.Directory
	env   core.Env
	dt    *dt.DT
	net   dir.Networked // nil for a policy that does not talk
	timer core.Timer
	armed core.Time
	sent  dt.Counter
	lost  uint64 // messages for which there was no way
}

func newDirectory(env core.Env, p dir.Directory, hash core.HashAlgo, d *dt.DT) *directory {
	s := &directory{Directory: p, env: env, dt: d, armed: clock.Never}
	s.net, _ = p.(dir.Networked)
	if s.net != nil {
		s.net.SetHash(hash)
		s.timer = env.NewTimer(func() {
			s.armed = clock.Never
			s.net.Tick(s.env.Now())
			s.flush()
		})
		d.Handle(dir.EID, s.receive)
	}
	return s
}

// receive takes a message of another member.
func (s *directory) receive(p *pkt.Buf) {
	s.net.Recv(s.env.Now(), p.Bytes())
	p.Release()
	s.flush()
}

// join makes this member known through one that is: peer, 0 for the first.
func (s *directory) join(peer uint64) {
	if s.net != nil {
		s.net.Join(s.env.Now(), peer)
		s.flush()
	}
}

// met tells the policy of a new neighbour.
func (s *directory) met(peer uint64) {
	if s.net != nil {
		s.net.Met(s.env.Now(), peer)
		s.flush()
	}
}

// SetAddress tells the policy the address of this member.
func (s *directory) SetAddress(now core.Time, addr uint64) {
	s.Directory.SetAddress(now, addr)
	s.flush()
}

// Register makes a digest known at this member.
func (s *directory) Register(now core.Time, h core.Hash) error {
	err := s.Directory.Register(now, h)
	s.flush()
	return err
}

// Unregister takes it back.
func (s *directory) Unregister(now core.Time, h core.Hash) {
	s.Directory.Unregister(now, h)
	s.flush()
}

// Query looks a digest up. See dir.Directory.
func (s *directory) Query(now core.Time, h core.Hash, done func([]uint64)) (cancel func()) {
	giveUp := s.Directory.Query(now, h, done)
	s.flush()
	return func() {
		giveUp()
		s.flush()
	}
}

// Stop ends the directory of this member.
func (s *directory) Stop(now core.Time) {
	s.Directory.Stop(now)
	s.flush()
}

// flush sends what the policy wants sent and arms the timer. A message without a way is lost: the policy
// asks again (spec 05 §7.2).
func (s *directory) flush() {
	if s.net == nil {
		return
	}
	_, headroom, _ := s.dt.Limits()
	for _, m := range s.net.Out() {
		p := s.env.Pool.GetCopy(headroom, m.SDU)
		if err := s.dt.Send(m.To, core.CubeBestEffort, dir.EID, 0, p, nil); err != nil {
			s.lost++
			continue
		}
		s.sent.Add(len(m.SDU))
	}
	switch d := s.net.Deadline(); d {
	case s.armed:
	case clock.Never:
		s.armed = d
		s.timer.Stop()
	default:
		s.armed = d
		s.timer.Reset(d.Sub(s.env.Now()))
	}
}
