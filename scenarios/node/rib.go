package node

import (
	"strings"

	"ouroboros/ipcp/rib"
)

// RIB returns the management trees of all IPCPs as one: a directory for each node and in it one for each
// of its layers, then what the IPCP shows (spec 02 §10). Nodes that are killed have none.
func (n *Network) RIB() rib.Dir {
	return func(yield func(name string, n rib.Node) bool) {
		for _, s := range n.Systems {
			if s.alive && !yield(strings.ReplaceAll(s.Name, "/", "_"), s.rib()) {
				return
			}
		}
	}
}

func (s *System) rib() rib.Dir {
	return func(yield func(name string, n rib.Node) bool) {
		for _, m := range s.members {
			if !yield(m.Layer.Name, m.ipcp.RIB()) {
				return
			}
		}
	}
}
