package topologies

import (
	"fmt"
	"math"
	"time"
)

const (
	// EarthRadiusKm is the mean radius of the Earth that distances are based on.
	EarthRadiusKm = 6371.0
	// FibreSpeed is the speed of light in fibre in m/s: two thirds of that in
	// vacuum, rounded as is usual.
	FibreSpeed = 2e8
)

// Distance returns the great-circle distance of two positioned nodes in km, by
// the haversine formula.
func Distance(a, b Node) float64 {
	const rad = math.Pi / 180
	dLat := (b.Lat - a.Lat) * rad
	dLon := (b.Lon - a.Lon) * rad
	h := math.Pow(math.Sin(dLat/2), 2) +
		math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*math.Pow(math.Sin(dLon/2), 2)
	// Rounding may push h of antipodes just above 1.
	return 2 * EarthRadiusKm * math.Asin(math.Sqrt(min(h, 1)))
}

// GeoDelay returns the one-way propagation delay between two nodes over a fibre
// along the great circle, rounded to the nanosecond; false if either has no
// position.
func GeoDelay(a, b Node) (time.Duration, bool) {
	if !a.HasPos || !b.HasPos {
		return 0, false
	}
	seconds := Distance(a, b) * 1000 / FibreSpeed
	return time.Duration(math.Round(seconds * 1e9)), true
}

// ApplyGeoDelays gives every link without a delay one: the [GeoDelay] of its
// ends, or defaultDelay (at least 0) where a position is missing. Delays that the
// source stated stay. It returns how many came from either, and notes it.
func (g *Graph) ApplyGeoDelays(defaultDelay time.Duration) (fromPositions, fromDefault int, err error) {
	if defaultDelay < 0 {
		return 0, 0, fmt.Errorf("default delay %v: accepted: 0s or more", defaultDelay)
	}
	for i := range g.Links {
		l := &g.Links[i]
		if l.HasDelay {
			continue
		}
		d, ok := GeoDelay(g.Nodes[l.A], g.Nodes[l.B])
		if ok {
			fromPositions++
		} else {
			d = defaultDelay
			fromDefault++
		}
		l.Delay, l.HasDelay = d, true
	}
	if fromPositions > 0 {
		g.Notes = append(g.Notes, fmt.Sprintf("delay of %s from great-circle distance at 2/3 c", count(fromPositions, "link")))
	}
	if fromDefault > 0 {
		g.Notes = append(g.Notes, fmt.Sprintf("delay of %s without positions set to %v", count(fromDefault, "link"), defaultDelay))
	}
	return fromPositions, fromDefault, nil
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
