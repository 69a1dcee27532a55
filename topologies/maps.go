package topologies

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed maps/*.map
var mapFiles embed.FS

// MapInfo describes an embedded map.
type MapInfo struct {
	// Name chooses the map; Doc is one line about it.
	Name, Doc string
	// Nodes and Links count what it holds.
	Nodes, Links int
}

// Maps returns the embedded maps, in the order in which help texts list them.
func Maps() []MapInfo {
	return []MapInfo{
		{"abilene", "Internet2's backbone in the United States, 2005", 11, 14},
		{"nsfnet", "the T1 backbone of the National Science Foundation, 1988", 13, 15},
		{"geant", "the European research backbone GÉANT, 2012", 40, 61},
		{"attmpls", "the MPLS backbone of AT&T", 25, 56},
		{"germany50", "50 German cities, from SNDlib", 50, 88},
		{"nobel-germany", "17 German cities, from SNDlib", 17, 26},
		{"gambia", "the connectivity of The Gambia, nearly a tree", 28, 28},
		{"internetmci", "the backbone of MCI", 19, 33},
	}
}

// Map returns a fresh copy of the embedded map called name, with positions and,
// where they are published, rates; delays come from [Graph.ApplyGeoDelays]. An
// unknown name is an error that lists the maps there are.
func Map(name string) (*Graph, error) {
	var names []string
	for _, m := range Maps() {
		if m.Name == name {
			return loadEmbedded(name)
		}
		names = append(names, m.Name)
	}
	return nil, fmt.Errorf("map %q: accepted: %s", name, strings.Join(names, ", "))
}

func loadEmbedded(name string) (*Graph, error) {
	file := "maps/" + name + ".map"
	f, err := mapFiles.Open(file)
	if err != nil {
		return nil, fmt.Errorf("embedded map: %w", err)
	}
	defer f.Close()
	return LoadMapText(f, file)
}
