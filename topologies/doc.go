// Package topologies holds network maps: one plain model ([Graph]), loaders for
// the formats in which maps are published (GraphML as the Internet Topology Zoo
// writes it, SNDlib JSON, Repetita text, edge lists and the project's own map
// text), writers, seeded generators, and a few real maps that are embedded.
//
// A loader never repairs silently. Published maps have parallel links,
// unconnected parts, duplicate labels, nodes without coordinates and link speeds
// in prose; what a loader merged, dropped or renamed is said in [Graph.Notes].
// What it cannot understand is an [*Error] with file, line, key and value.
//
// Everything here is deterministic: the same input, and for generators the same
// random source, give the same graph with the same order of nodes and links.
// Nothing touches the file system, the network or a clock.
package topologies
