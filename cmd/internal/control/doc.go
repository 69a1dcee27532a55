// Package control is the management protocol of a system: how irm, and any other program of an operator, tells
// the daemon what to do. A Handler does the work, a Server puts it on a socket, and a Client is the same Handler
// on the other side. Nothing of it travels to other systems.
//
// The socket is irm.sock in the directory of the daemon, of type SOCK_SEQPACKET. Who may write to the file
// may manage the system; there is no other check. A connection carries one request at a time, each answered
// by one reply:
//
//	client                                 daemon
//	  | Request = Piece ... Piece(last)   -> |
//	  | <- Reply = Piece ... Piece(last)     |
//
// Requests have up to MaxRequest bytes and replies up to MaxReply. What is no request is answered by an error,
// counted, and ends the connection. A client that goes away, or whose deadline passes, cancels its request.
//
// Errors keep their text and their code (spec 14 §14.6), so that errors.Is(err, core.ErrName) holds on both
// sides.
package control
