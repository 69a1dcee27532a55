// Command oecho sends one message to a server, which prints it and sends it back; and it is that server (spec 14 §14.8).
package main

import (
	"errors"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"ouroboros/cmd/internal/tool"
)

func main() { newTool().Main() }

const (
	greeting = "Client says hi!"
	bufLen   = 256
	// patience is how long the client waits for the answer, and the server for the message.
	patience = 10 * time.Second
)

func newTool() *tool.Tool {
	peer := tool.Peer{Name: "oecho"}
	var fs *pflag.FlagSet
	return &tool.Tool{
		Name:  "oecho",
		Short: "Send one message to a server and print what comes back",
		Long: `oecho sends a greeting to the server of the name oecho and prints the answer.
With --listen it is the server: it prints one message of each flow and sends it
back, for every name that it is bound to, until it is interrupted.`,
		Example: `
			oecho --listen                be the server
			oecho                         greet the server of the name oecho
			oecho -n greeter -q data      that of another name, on a reliable flow`,
		Flags: func(set *pflag.FlagSet) {
			fs = set
			peer.Flags(fs, "name")
		},
		Program: func(s *tool.System) error {
			if !peer.Listen {
				return greet(s, &peer)
			}
			if !fs.Changed("name") {
				peer.Name = ""
			}
			return serve(s, &peer)
		},
	}
}

// greet is the client. The message ends with a zero, as a string of C.
func greet(s *tool.System, peer *tool.Peer) error {
	f, err := peer.Dial(s)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := errors.Join(f.SetReadTimeout(patience), f.SetWriteTimeout(patience)); err != nil {
		return err
	}
	if err := f.WriteMsg([]byte(greeting + "\x00")); err != nil {
		return err
	}
	buf := make([]byte, bufLen)
	n, err := f.ReadMsg(buf)
	if err != nil {
		return err
	}
	s.Printf("Server replied with %s\n", text(buf[:n]))
	return nil
}

// serve is the server. The prototype's ends with the first client that fails; ours does not.
func serve(s *tool.System, peer *tool.Peer) error {
	l, err := peer.ListenOn(s)
	if err != nil {
		return err
	}
	defer l.Close()
	v := tool.Server[struct{}]{
		System: s, MaxFlows: 1024, Idle: patience, Buffer: bufLen,
		Message: func(c *tool.Client[struct{}], b []byte) error {
			s.Printf("Message from client is %s.\n", text(b))
			if err := c.Flow.WriteMsg(b); err != nil {
				return err
			}
			return tool.ErrDone
		},
	}
	return v.Serve(l)
}

// text is a message as it is printed: up to the first zero, and nothing that a terminal would obey.
func text(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return tool.Printable(s)
}
