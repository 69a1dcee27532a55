// Command mutants shows that the tests and the fault campaign can fail: it puts deliberate bugs into the
// code, one at a time, and looks who notices.
//
//	go run ./internal/mutants            all of testdata/*.yaml
//	go run ./internal/mutants ack tag    those whose names contain one of the words
//
// A bug is a replacement in one file. It is applied by an overlay of the go command, so that nothing in the
// tree is touched. A bug that nobody catches makes the command fail, and so does one whose place is not found
// any more.
package main
