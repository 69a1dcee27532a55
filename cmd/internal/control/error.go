package control

import (
	"context"
	"errors"
	"fmt"

	"ouroboros/cmd/internal/control/pb"
	"ouroboros/core"
)

// NoDaemon is what users are told when no daemon answers (spec 13 §13.4).
const NoDaemon = "Failed to communicate with the Ouroboros IPC Resource Manager daemon."

// DialError says that there is no daemon to talk to, and why. It is a core.ErrIRMD.
type DialError struct {
	Path string // the socket
	Err  error
}

// Error gives the sentence that users know, the socket and the reason.
func (e *DialError) Error() string { return fmt.Sprintf("%s %s: %v", NoDaemon, e.Path, e.Err) }

// Unwrap returns core.ErrIRMD and the reason.
func (e *DialError) Unwrap() []error { return []error{core.ErrIRMD, e.Err} }

// Error is an error of the daemon as its client gets it.
type Error struct {
	Code core.Code // 0: none
	Text string
}

// Error returns the daemon's text.
func (e *Error) Error() string { return e.Text }

// Unwrap returns the code.
func (e *Error) Unwrap() error {
	if e.Code == 0 {
		return nil
	}
	return e.Code
}

// failure is the reply for an error.
func failure(err error) *pb.Reply {
	r := &pb.Reply{Failed: true, Error: err.Error()}
	var code core.Code
	switch {
	case errors.As(err, &code):
	case errors.Is(err, context.DeadlineExceeded):
		code = core.ErrTimedOut
	case errors.Is(err, context.Canceled):
		code = core.ErrCanceled
	}
	r.Code = int32(code)
	return r
}

// result returns the error that a reply carries.
func result(r *pb.Reply) error {
	if !r.Failed {
		return nil
	}
	e := &Error{Code: core.Code(r.Code), Text: r.Error}
	if e.Text == "" {
		e.Text = e.Code.Error()
	}
	return e
}
