// Command http serves web pages by the name of the server, with package net/http as it is; and it gets them.
//
//	http -listen -n web              serve
//	http -n web /hello               get a page
//
// The server must be reachable by its name: irm name register web layer LAYER.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"ouroboros"
	"ouroboros/shim/host/app"
)

func main() {
	listen := flag.Bool("listen", false, "serve")
	name := flag.String("n", "web", "name of the server")
	dir := flag.String("dir", "", "directory of the sockets of irmd")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := with(*dir, func(a *ouroboros.App) error {
		if *listen {
			l, err := a.ListenStreamContext(ctx, *name)
			if err != nil {
				return err
			}
			return serve(ctx, l)
		}
		return get(ctx, a, *name, flag.Arg(0), os.Stdout)
	})
	if stop(); err != nil {
		log.Fatal(err)
	}
}

// with connects to the daemon of this system.
func with(dir string, use func(*ouroboros.App) error) error {
	s, err := app.Open(app.WithDir(dir))
	if err != nil {
		return err
	}
	return errors.Join(use(s.App()), s.Close())
}

// serve is a web server on any listener, here one for a name of the network.
func serve(ctx context.Context, l net.Listener) error {
	pages := http.NewServeMux()
	pages.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello from %s\n", r.Host)
	})
	server := http.Server{Handler: pages, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) && ctx.Err() == nil {
		return err
	}
	return nil
}

// get gets a page of the server and writes it to out.
func get(ctx context.Context, a *ouroboros.App, name, page string, out io.Writer) error {
	client := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(addr) // package net/http adds a port to every name
			if err != nil {
				return nil, err
			}
			return a.DialStreamContext(ctx, host)
		},
	}}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+name+page, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s%s: %s", name, page, answer.Status)
	}
	_, err = io.Copy(out, answer.Body)
	return err
}
