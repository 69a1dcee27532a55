// Package remote is the boundary between an application and the broker of its system, which is another process
// (spec 13 §13.3): Client is the core.Allocator of the application, Server its other end beside the broker. FRCP
// and encryption run in the application (spec 10 §10.1), so what crosses are the packets of the layers.
//
//	application                                              broker's process
//	program - root package - FRCP - Client ==== Pipe ==== Server - core.Allocator - layers
//
// Both are machines on the actor of their Env, over a Pipe that carries messages: in the simulator a pair of
// queues, on a live system a Unix socket. A message holds many records; what one turn of an actor brings
// goes out in as few messages as possible.
//
// # Records
//
// A record is a header of eight bytes and a body, all numbers big-endian:
//
//	kind uint8 | flags uint8 | length of the body uint16 | object uint32 | body
//
//	kind        from    body
//	hello       client  version uint16, pid uint32, name of the program
//	welcome     server  version uint16
//	refuse      server  error; the connection ends
//	alloc       client  QoS, time-out, name, layer; flags: encrypt, authenticate
//	join        client  name of the layer
//	listen      client  name, empty for all that are bound to the process
//	listening   server  -
//	unlisten    both    error of the server
//	incoming    server  listener uint32, QoS, name
//	accept      client  -
//	open        server  what the flow is like, credit, keys if it is encrypted
//	data        both    a packet
//	credit      both    credit uint32, packets uint32, queue uint32 of the layer
//	report      server  queue uint32, pace, rate
//	state       server  - ; flag: the flow is up
//	end         both    error; from the client also wait
//
// The object is the number of a flow or a listener. Who begins with it chooses the number, the first free one of
// its own, so that both ends find it in a table; the top bit tells whose it is. An object ends when
// each side has sent its last record for it, end or unlisten; only then its number is free again. So no record
// is ever taken for one of an object that came later.
//
// # Back-pressure
//
// Per flow and direction there is a credit in bytes, in which a packet counts with its length and
// PacketCost. Who has more than 0 may send a packet. Towards the layer it says how much the layer has taken: Write
// gives ErrWouldBlock as the flow of the layer itself would, a little later. Towards the application it says how
// much the user of the flow has taken: who does not read stops the delivery of its own flow, first here and then
// in the layer, and nobody else's. When the pipe itself is full, flows take turns.
//
// # Bad input
//
// The Server believes nothing: a record that is malformed, of an object that there is not, beyond a credit
// or a limit ends the connection with an error that names it, and everything that the application had is given
// back to the broker. The Client does the same; its application then has no broker.
package remote
