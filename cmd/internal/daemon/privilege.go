package daemon

import (
	"os/user"
	"slices"
	"strconv"

	"ouroboros/core/irm"
)

// privilegedGroup is the group whose members count as root (spec 13 §13.1 rule 5).
const privilegedGroup = "ouroboros"

// privileges knows which users are privileged: root, who the daemon runs as, and the members of the group. The
// system is asked once for each user. It belongs to the actor.
type privileges struct {
	group string // id; "" if there is no such group
	users map[uint32]bool
}

func newPrivileges() *privileges {
	p := &privileges{users: map[uint32]bool{0: true, selfUID: true}}
	if g, err := user.LookupGroup(privilegedGroup); err == nil {
		p.group = g.Gid
	}
	return p
}

// has reports whether a process is privileged.
func (p *privileges) has(x irm.Process) bool {
	if p.users[x.UID] {
		return true
	}
	if p.group == "" {
		return false
	}
	if strconv.FormatUint(uint64(x.GID), 10) == p.group {
		return true // it has chosen the group for itself, as newgrp does
	}
	if _, known := p.users[x.UID]; !known {
		p.users[x.UID] = p.member(x.UID)
	}
	return p.users[x.UID]
}

// member asks the system whether a user belongs to the group. One that it does not know does not.
func (p *privileges) member(uid uint32) bool {
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return false
	}
	groups, err := u.GroupIds()
	return err == nil && slices.Contains(groups, p.group)
}
