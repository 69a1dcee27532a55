// Command obc sends a message to all members of a broadcast layer, or prints what they send (spec 14 §14.8).
package main

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"

	"ouroboros"
	"ouroboros/cmd/internal/tool"
	"ouroboros/core"
)

func main() { newTool().Main() }

// longest is the longest message that is shown; longer ones are passed over.
const longest = 65536

func newTool() *tool.Tool {
	layer, message, listen := "", "Ouroboros multicast rocks!", false
	return &tool.Tool{
		Name:  "obc",
		Short: "Send a message to all members of a broadcast layer",
		Long: `obc joins a broadcast layer, sends a message to all others who have joined it, and
leaves. With --listen it prints what others send, until it is interrupted.

A broadcast layer has no quality of service to choose from and cannot be
encrypted from end to end.`,
		Example: `
			obc -n bcast --listen               print what is sent in the layer bcast
			obc -n bcast -m "hello broadcast"   send something`,
		Flags: func(fs *pflag.FlagSet) {
			fs.StringVarP(&layer, "name", "n", "", "name of the layer")
			fs.StringVarP(&message, "message", "m", message, "what to send")
			fs.BoolVarP(&listen, "listen", "l", false, "print what others send")
		},
		Check: func() error {
			if layer == "" {
				return errors.New("no layer: give its name with -n")
			}
			return nil
		},
		Program: func(s *tool.System) error {
			f, err := s.App.Join(layer)
			if err != nil {
				return err
			}
			defer f.Close()
			if listen {
				return hear(s, f)
			}
			return f.WriteMsg([]byte(message + "\x00"))
		},
	}
}

// hear prints messages until it is interrupted.
func hear(s *tool.System, f *ouroboros.Flow) error {
	buf := make([]byte, longest)
	for {
		n, err := f.ReadMsg(buf)
		switch {
		case errors.Is(err, core.ErrMsgSize):
			continue
		case tool.Interrupted(err):
			return nil
		case err != nil:
			return err
		}
		text, _, _ := strings.Cut(string(buf[:n]), "\x00")
		s.Printf("Message is %s.\n", tool.Printable(text))
	}
}
