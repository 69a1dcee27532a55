// Package interop holds the proof that this is the network of the C prototype: frames that live nodes of the
// prototype have sent, as facts in testdata, and the tests over them. Every message is parsed and written again to
// the same bytes; conversations are replayed, with a node of ours in the place of one side.
//
// There is no code here beside the tests. The table of docs/interop.md is made by them.
package interop
