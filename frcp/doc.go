// Package frcp is the end-to-end protocol of a flow: delta-t in the form of spec 10. It runs between
// the two users of a flow, above what the layer offers, and no layer sees it.
//
// Conn is the machine. It has no clock, no timer and no flow: it is told the time, takes packets, and
// is drained of packets to send, messages to deliver and its next deadline. Endpoint binds one to a
// flow below and is itself a core.Flow.
//
//	  user                    core.Flow / core.Sink
//	    |                            ^
//	+---v----------------------------|---+
//	| Endpoint   timer, keepalive, CRC   |
//	|   Send -> [ Conn ] -> Deliver      |
//	|           [      ] <- Recv         |
//	+---|----------------------------^---+
//	    v  Write              Deliver|
//	  the flow of the layer below
//
// # Loss recovery
//
// The prototype gives each packet a timer and resends what is not acknowledged in time. Here nothing is
// resent on suspicion if the peer can be asked: when acks are late, the sender sends a rendez-vous with a
// probe (wire.FRCPExtProbe) and the peer answers at once with what it has. Like every ack it carries the
// received ranges, and a packet counts as lost when one that was sent sufficiently later has arrived (RACK,
// RFC 8985), or three on a path that has lost and keeps the order. A probe queues behind the data that it
// asks about, so a path that is merely slow causes no retransmission, however slow it gets. Only towards a
// peer that does not understand the question (the prototype; any peer before its first ack) a timer alone
// resends, and there a queue on this system is waited for. Each part can be turned off, see Params.
//
// # When data is sent
//
// The window of the receiver follows what arrives (tuner). What it allows goes no faster than the layer
// forwards (pacer): the rest waits without a sequence number, where retransmissions and acks pass it.
//
// # The end of a flow
//
// The prototype says nothing when a flow is closed. Here the end that closes tells the other, which delivers
// what was sent before and then reports core.ErrPeerClosed. An end that goes without a word is noticed by its silence:
// keepalives keep an idle flow alive, and what is not acknowledged within R ends it.
package frcp
