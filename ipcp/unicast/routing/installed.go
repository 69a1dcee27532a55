package routing

import (
	"slices"

	"ouroboros/ipcp/unicast/pff"
)

// installed is the table that was handed out last, and what makes the next one. Lines come in ascending
// order of destinations; nothing is built as long as they are those that stand here.
type installed struct {
	dst   []uint64
	end   []int32 // where the ports of each line end
	ports []Port
	line  []Port // the ports of the line that is being made
}

// replace compares the n lines that lineOf returns with what is installed. lineOf returns the destination of
// line i and appends its ports to a slice; a line without ports does not count. replace
// returns the routes for the owner of the policy if they differ.
func (t *installed) replace(n int, lineOf func(i int, ports []Port) (uint64, []Port)) ([]pff.Route, bool) {
	at := 0
	for i := range n {
		dst, ports := lineOf(i, t.line[:0])
		t.line = ports
		if len(ports) == 0 {
			continue
		}
		if at == len(t.dst) || t.dst[at] != dst || !slices.Equal(t.lineAt(at), ports) {
			return t.build(n, lineOf), true
		}
		at++
	}
	if at < len(t.dst) {
		return t.build(n, lineOf), true
	}
	return nil, false
}

// lineAt returns the ports of a line.
func (t *installed) lineAt(i int) []Port {
	from := int32(0)
	if i > 0 {
		from = t.end[i-1]
	}
	return t.ports[from:t.end[i]]
}

// build takes new lines over and returns a copy of them.
func (t *installed) build(n int, lineOf func(i int, ports []Port) (uint64, []Port)) []pff.Route {
	t.dst, t.end, t.ports = t.dst[:0], t.end[:0], t.ports[:0]
	for i := range n {
		dst, ports := lineOf(i, t.line[:0])
		t.line = ports
		if len(ports) > 0 {
			t.ports = append(t.ports, ports...)
			t.dst, t.end = append(t.dst, dst), append(t.end, int32(len(t.ports)))
		}
	}
	ports := slices.Clone(t.ports)
	routes := slices.Grow([]pff.Route(nil), len(t.dst))
	from := int32(0)
	for i, end := range t.end {
		routes = append(routes, pff.Route{Dst: t.dst[i], Ports: ports[from:end:end]})
		from = end
	}
	return routes
}
