package tool

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"ouroboros"
	"ouroboros/core"
)

// Peer says whom a tool talks to, and how: options that the tools for flows share.
type Peer struct {
	Name    string
	QoS     core.QoS
	Word    string // of the QoS
	Encrypt bool
	Listen  bool
}

// Flags adds the options. A prototype's tool has some of them only; ours have all.
func (p *Peer) Flags(fs *pflag.FlagSet, nameFlag string) {
	if p.Word == "" {
		p.Word, p.QoS = "raw", core.QoSRaw
	}
	fs.BoolVarP(&p.Listen, "listen", "l", false, "be the server")
	fs.StringVarP(&p.Name, nameFlag, "n", p.Name, "name of the server; with --listen the name to serve (default: all that it is bound to)")
	fs.VarP(&value{kind: "qos", shown: p.Word, set: func(s string) error {
		q, err := ouroboros.ParseQoS(s)
		if err != nil {
			return fmt.Errorf("%q: accepted are %s", s, ouroboros.QoSWords)
		}
		p.Word, p.QoS = s, q
		return nil
	}}, "qos", "q", "quality of the flow: "+ouroboros.QoSWords)
	fs.BoolVar(&p.Encrypt, "encrypt", false, "ask for an encrypted flow, and fail where there can be none")
}

// Check holds that a client has a name to go to.
func (p *Peer) Check() error {
	if p.Name == "" && !p.Listen {
		return errors.New("no server name: give one with -n, or be the server with --listen")
	}
	return nil
}

// Dial allocates the flow to the server.
func (p *Peer) Dial(s *System) (*ouroboros.Flow, error) {
	opts := []ouroboros.Option{ouroboros.WithQoS(p.QoS)}
	if p.Encrypt {
		opts = append(opts, ouroboros.WithEncryption())
	}
	return s.App.Dial(p.Name, opts...)
}

// Listen takes the flows of clients.
func (p *Peer) ListenOn(s *System) (*ouroboros.Listener, error) {
	if p.Name != "" {
		return s.App.Listen(p.Name)
	}
	return s.App.ListenBound()
}
