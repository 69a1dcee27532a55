// Command grpc serves a gRPC service by the name of the server, the health service that comes with gRPC; and it calls it.
//
//	grpc -listen -n health           serve
//	grpc -n health                   ask how the server is
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"ouroboros"
	"ouroboros/shim/host/app"
)

func main() {
	listen := flag.Bool("listen", false, "serve")
	name := flag.String("n", "health", "name of the server")
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
		err = ask(ctx, s.App(), *name, os.Stdout)
	}
	stop()
	if err = errors.Join(err, s.Close()); err != nil {
		log.Fatal(err)
	}
}

// serve is a gRPC server on any listener, here one for a name of the network.
func serve(ctx context.Context, l net.Listener) error {
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	context.AfterFunc(ctx, server.Stop)
	if err := server.Serve(l); !errors.Is(err, grpc.ErrServerStopped) && ctx.Err() == nil {
		return err
	}
	return nil
}

// ask calls the service. The flow can be encrypted by the network (ouroboros.WithEncryption), so that gRPC need not.
func ask(ctx context.Context, a *ouroboros.App, name string, out io.Writer) error {
	conn, err := grpc.NewClient("passthrough:///"+name,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, name string) (net.Conn, error) {
			return a.DialStreamContext(ctx, name, ouroboros.WithEncryption())
		}))
	if err != nil {
		return err
	}
	defer conn.Close()
	answer, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s is %s\n", name, answer.GetStatus())
	return err
}
