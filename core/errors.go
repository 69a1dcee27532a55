package core

import (
	"errors"
	"fmt"
	"io"
)

// ErrWouldBlock is returned by Write and Send when there is no room now. The caller keeps the packet
// and waits for Writable.
var ErrWouldBlock = errors.New("would block")

// ErrPeerClosed says that the other end has closed the flow and that everything which it wrote before was
// delivered: a clean end, an io.EOF to errors.Is. Only ends that run this implementation tell each other.
var ErrPeerClosed = fmt.Errorf("closed by the peer: %w", io.EOF)

// SizeError says that a message or packet was refused because it is longer than the flow or link takes. It is
// an ErrMsgSize to errors.Is and travels as one.
type SizeError struct {
	Len, MTU int // bytes
}

// Error gives both lengths.
func (e SizeError) Error() string {
	return fmt.Sprintf("%v: %d bytes, the MTU is %d", ErrMsgSize, e.Len, e.MTU)
}

// Unwrap returns ErrMsgSize.
func (SizeError) Unwrap() error { return ErrMsgSize }

// Code is the number of an error as it travels, negated, in the response field of an allocation reply
// (spec 01 §2.3.3): numbers of the Linux set below 1000, of Ouroboros from there.
type Code int32

// Code is an error.
func (c Code) Error() string {
	if s, ok := codeText[c]; ok {
		return s
	}
	return fmt.Sprintf("error %d", int32(c))
}

// Errors of flows and their allocation (spec 14 §14.6).
const (
	ErrPerm      Code = 1
	ErrAgain     Code = 11
	ErrInvalid   Code = 22
	ErrMsgSize   Code = 90
	ErrUnsupp    Code = 95
	ErrConnReset Code = 104
	ErrTimedOut  Code = 110
	ErrCanceled  Code = 125
	ErrNotAlloc  Code = 1000
	ErrIPCPType  Code = 1001
	ErrIRMD      Code = 1002
	ErrIPCP      Code = 1003
	ErrIPCPState Code = 1004
	ErrFlowDown  Code = 1005
	ErrFlowPeer  Code = 1006
	ErrName      Code = 1007
	ErrCrypt     Code = 1008
	ErrAuth      Code = 1009
)

// Errors that the prototype does not have. It takes them for a refusal like any other.
const (
	// ErrBandwidth says that a member at an end of the flow has not enough bandwidth left for it.
	ErrBandwidth Code = 1100
)

var codeText = map[Code]string{
	ErrPerm: "not permitted", ErrAgain: "try again", ErrInvalid: "invalid argument",
	ErrMsgSize: "message too long", ErrUnsupp: "not supported", ErrConnReset: "connection reset",
	ErrTimedOut: "timed out", ErrCanceled: "canceled", ErrNotAlloc: "flow is not allocated",
	ErrIPCPType: "unknown kind of IPCP", ErrIRMD: "no contact with the broker",
	ErrIPCP: "no layer knows the name", ErrIPCPState: "IPCP is in another state",
	ErrFlowDown: "flow is down", ErrFlowPeer: "peer timed out", ErrName: "unknown name",
	ErrCrypt: "encryption failed", ErrAuth: "authentication failed",
	ErrBandwidth: "not enough bandwidth",
}

// CodeOf returns the code by which an error travels; an error without one counts as ErrIPCP.
func CodeOf(err error) Code {
	var c Code
	if errors.As(err, &c) {
		return c
	}
	return ErrIPCP
}
