// Package result is the data model of what a run of a scenario produced: one [Run] with its flows,
// links, layers, expectations and time series. Measuring code fills it in either world, package report
// reads it; it holds no behaviour beyond small helpers.
//
// Units are those of the field names in JSON: _ns nanoseconds, _bps bit per second, _bytes, _packets,
// _ratio a share between 0 and 1. Times are counted from the epoch of the run. A value that was not or
// could not be measured is an empty [Opt]: null in JSON and "–" in print, never 0.
package result
