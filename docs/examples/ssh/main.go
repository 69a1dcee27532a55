// Command ssh runs SSH over a flow: the server answers commands, the client gives one. Both are package
// golang.org/x/crypto/ssh as it is.
//
//	ssh -listen -n shell              serve
//	ssh -n shell whoami               run a command there
//
// It is an example: the server makes a key when it starts, takes every client, and knows two commands.
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/crypto/ssh"

	"ouroboros"
	"ouroboros/shim/host/app"
)

func main() {
	listen := flag.Bool("listen", false, "serve")
	name := flag.String("n", "shell", "name of the server")
	dir := flag.String("dir", "", "directory of the sockets of irmd")
	flag.Parse()
	s, err := app.Open(app.WithDir(*dir))
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	if *listen {
		var l net.Listener
		if l, err = s.App().ListenStreamContext(ctx, *name); err == nil {
			err = serve(ctx, l)
		}
	} else {
		err = run(ctx, s.App(), *name, strings.Join(flag.Args(), " "), os.Stdout)
	}
	stop()
	if err = errors.Join(err, s.Close()); err != nil {
		log.Fatal(err)
	}
}

// serve takes SSH connections from any listener, here one for a name of the network.
func serve(ctx context.Context, l net.Listener) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return err
	}
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(signer)
	for {
		c, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		go talk(c, config)
	}
}

// talk serves one client.
func talk(c net.Conn, config *ssh.ServerConfig) {
	defer c.Close()
	conn, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		log.Print(err)
		return
	}
	go ssh.DiscardRequests(requests)
	for ch := range channels {
		if ch.ChannelType() != "session" {
			_ = ch.Reject(ssh.UnknownChannelType, "sessions only")
			continue
		}
		session, asked, err := ch.Accept()
		if err != nil {
			return
		}
		go answer(session, asked, conn.User(), conn.LocalAddr().String())
	}
}

// answer runs the command of a session.
func answer(session ssh.Channel, asked <-chan *ssh.Request, user, name string) {
	defer session.Close()
	for r := range asked {
		var command struct{ Line string }
		if r.Type != "exec" || ssh.Unmarshal(r.Payload, &command) != nil {
			_ = r.Reply(false, nil)
			continue
		}
		_ = r.Reply(true, nil)
		status := uint32(0)
		switch command.Line {
		case "whoami":
			fmt.Fprintln(session, user)
		case "hostname":
			fmt.Fprintln(session, name)
		default:
			fmt.Fprintf(session.Stderr(), "%s: no such command\n", command.Line)
			status = 127
		}
		_, _ = session.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
		return
	}
}

// run has the server run a command and writes its output to out.
func run(ctx context.Context, a *ouroboros.App, name, command string, out io.Writer) error {
	c, err := a.DialStreamContext(ctx, name)
	if err != nil {
		return err
	}
	defer c.Close()
	conn, channels, requests, err := ssh.NewClientConn(c, name, &ssh.ClientConfig{
		User:            "guest",
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), // an example: see WithAuthentication for who the server is
	})
	if err != nil {
		return err
	}
	client := ssh.NewClient(conn, channels, requests)
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	defer session.Close()
	session.Stdout, session.Stderr = out, out
	return session.Run(command)
}
