// Package capture writes what crosses simulated links to a pcapng file, and reads such files, or
// captures of real networks, with gopacket layers of its own.
//
// The [Writer] makes one pcapng interface per link end and stamps each frame with the true nanosecond
// of the simulation. It never changes a run: a phantom payload is written as the zeros it stands for,
// and the buffer stays as it was.
//
// The [Dissector] turns a frame into a gopacket.Packet. What follows the header of a shim, or of a
// data-transfer packet, is said nowhere in the packet: it depends on the flow. The dissector
// learns the flows from the allocation messages and from the connection exchange it sees, and guesses
// from the form of a message where it has not seen them.
package capture
