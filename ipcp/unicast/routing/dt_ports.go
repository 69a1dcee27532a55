package routing

import "slices"

// dtPort is an N-1 flow to a data transfer neighbour.
type dtPort struct {
	addr uint64
	port Port
	cost uint32
	up   bool
}

// dtPorts are the data transfer ports in the order in which they were added. Several may lead to one
// neighbour; the one added last that is up is used.
type dtPorts []dtPort

// find returns the index of a port, -1 if it is not there.
func (d dtPorts) find(port Port) int {
	return slices.IndexFunc(d, func(p dtPort) bool { return p.port == port })
}

// best returns the port that leads to a neighbour, nil if none is up.
func (d dtPorts) best(addr uint64) *dtPort {
	for i := len(d) - 1; i >= 0; i-- {
		if p := &d[i]; p.addr == addr && p.up {
			return p
		}
	}
	return nil
}
