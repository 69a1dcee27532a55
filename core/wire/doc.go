// Package wire holds the formats of everything that goes over a wire below the management messages:
// frames and messages of the Ethernet (DIX) shim, the data transfer header of a layer, flow allocator,
// link state and handshake messages, and the header of the end-to-end protocol.
//
// Each format stands in a file of its own, which begins with its drawing and cites the section of the
// specification that it follows. A format on the path of packets is a view on their bytes with fixed
// offsets; one that is rare is a plain value with Put or Append and Parse. Parsers take any bytes: they
// return an error that says what is wrong and what is accepted, and never panic. They check form only;
// whether a number means something is for their user to know.
//
// Multi-byte fields are big-endian, with one exception of the network that this is compatible to: the
// addresses and endpoint ids of the data transfer header are little-endian (spec 02 §2.2.1).
package wire
