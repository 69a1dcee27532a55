// Package scenarios describes experiments: the schema of a scenario file, its strict loader, a JSON
// schema for editors, and the scenarios that come with the program. What a scenario does in a world is
// the matter of the packages below it.
//
// A scenario is a YAML file. Keys are lower_snake; names of nodes, links, layers, workloads and faults
// are values, never keys. Values with a unit are texts ("80Mbps", "1000B", "5ms"). Loading is strict:
// a key or value that is not understood is an error that names the file, the line, the key, the value
// and what would have been accepted, and all errors of a file are reported at once.
package scenarios
