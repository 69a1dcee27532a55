// Command clock tells the time to whoever asks, by the name of the server; and it asks. It is a program without goroutines:
// its functions client and server know nothing of the world that they run in, and its test runs them in the simulator too.
//
//	clock -listen                 tell the time
//	clock                         ask three times, a second apart
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"time"

	"ouroboros"
	"ouroboros/core"
	"ouroboros/shim/host/app"
)

func main() {
	listen := flag.Bool("listen", false, "tell the time")
	dir := flag.String("dir", "", "directory of the sockets of irmd")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *dir, *listen, os.Stdout)
	if stop(); err != nil {
		log.Fatal(err)
	}
}

// run runs one of the two on a live system.
func run(ctx context.Context, dir string, listen bool, out io.Writer) error {
	s, err := app.Open(app.WithDir(dir))
	if err != nil {
		return err
	}
	err = s.Run(ctx, func(_ core.Blocker, a *ouroboros.App) error {
		if listen {
			return server(a)
		}
		return client(a, out)
	})
	return errors.Join(err, s.Close())
}

// server answers any number of clients, each on a flow of its own, until it is interrupted.
func server(a *ouroboros.App) error {
	l, err := a.Listen("clock")
	if err != nil {
		return err
	}
	defer l.Close()
	set := a.NewSet()
	if err := set.AddListener(l); err != nil {
		return err
	}
	buf := make([]byte, 100)
	for asked := 0; ; {
		events, err := set.Wait(ouroboros.Never)
		if errors.Is(err, core.ErrCanceled) {
			return nil // interrupted
		}
		if err != nil {
			return err
		}
		for _, e := range events {
			switch {
			case e.Kind&ouroboros.EventAlloc != 0:
				f, err := l.Accept()
				if err != nil {
					continue // this client has failed, others may not
				}
				if err := set.Add(f); err != nil {
					return err
				}
			case e.Kind&ouroboros.EventPkt != 0:
				asked++
				if n, err := e.Flow.ReadMsg(buf); err == nil && string(buf[:n]) == "what time is it?" {
					_ = e.Flow.WriteMsg(fmt.Appendf(nil, "time to ask question %d", asked+1))
				}
			case e.Kind&(ouroboros.EventDealloc|ouroboros.EventPeer) != 0:
				_ = e.Flow.Close() // and it leaves the set
			}
		}
	}
}

// client asks three times.
func client(a *ouroboros.App, out io.Writer) error {
	f, err := a.Dial("clock", ouroboros.WithQoS(core.QoSData), ouroboros.WithTimeout(5*time.Second))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.SetReadTimeout(2 * time.Second); err != nil {
		return err
	}
	buf := make([]byte, 100)
	for range 3 {
		if err := f.WriteMsg([]byte("what time is it?")); err != nil {
			return err
		}
		n, err := f.ReadMsg(buf)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\n", buf[:n])
		if err := a.Sleep(time.Second); err != nil {
			return err
		}
	}
	return nil
}
