package routing

// Map is the map of a layer that the members under the policy static share, filled by whoever builds the layer.
// It belongs to one run and, like the members, to one goroutine.
type Map struct {
	db       lsdb
	graph    graph
	built    bool // graph is that of db
	version  int  // counts the changes
	complete bool
}

// NewMap returns an empty map.
func NewMap() *Map { return &Map{version: 1} }

// Link puts a link between the members with addresses a and b on the map, at the same cost in both
// directions; 0 counts as 1. The last call for a pair counts. Address 0 and a link from a member to itself
// are ignored.
func (m *Map) Link(a, b uint64, cost uint32) {
	if a == 0 || b == 0 || a == b {
		return
	}
	m.set(a, b, max(cost, 1))
	m.set(b, a, max(cost, 1))
	m.version++
	m.built = false
}

func (m *Map) set(src, dst uint64, cost uint32) {
	if i := m.db.find(src, dst); i != none {
		m.db.entries[i].cost = cost
		return
	}
	m.db.insert(entry{src: src, dst: dst, cost: cost})
}

// Complete tells that nothing is to be added. Until then members look at the map time and again.
func (m *Map) Complete() { m.complete = true }

// ready brings the graph in line with the map.
func (m *Map) ready() {
	if !m.built {
		m.db.link()
		m.graph.build(&m.db, true)
		m.built = true
	}
}
