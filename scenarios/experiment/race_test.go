//go:build race

package experiment_test

// raced is whether the race detector is on: runs take ten times as long then.
const raced = true
