//go:build race

package sim

// Under the race detector, which is ten times slower, one load is enough to look for races.
func init() { queueingLoads = queueingLoads[:1] }
