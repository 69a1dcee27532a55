package remote

// Pipe carries messages to the other end: whole, in order, each once, until it ends.
type Pipe interface {
	// Max is the length of the longest message in bytes, at least MinMessage.
	Max() int
	// Send does not keep m. It takes the message, except with core.ErrWouldBlock: then Writable follows. Any other
	// error means that the pipe has ended, and Closed follows.
	Send(m []byte) error
	// Attach sets the user, once, before anything is sent.
	Attach(u PipeUser)
	// Close ends the pipe. What was sent still arrives. Nothing is called after it.
	Close()
}

// PipeUser is the user of one end of a Pipe. It is called on its actor, never on the stack of Send or Close.
type PipeUser interface {
	// Receive hands over a message. It is valid until Receive returns and may be changed.
	Receive(m []byte)
	// Writable is called once after Send has returned core.ErrWouldBlock and there is room again.
	Writable()
	// Closed is the last call: the other end is gone, for the reason given; nil = it has closed the pipe.
	Closed(err error)
}

// Turns is a Pipe that knows when a turn of its actor ends. Without it, a posted call stands for the end.
type Turns interface {
	// AtEnd has fn called once at the end of the turn.
	AtEnd(fn func())
}
