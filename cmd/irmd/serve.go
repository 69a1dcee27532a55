package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"ouroboros/cmd/internal/daemon"
	"ouroboros/cmd/internal/logging"
)

// codeAtOnce is the exit code of a daemon that a second signal has ended.
const codeAtOnce = 1

// serve runs the daemon until a signal ends it.
func serve(cmd *cobra.Command, o *options) error {
	cfg, err := o.settings()
	if err != nil {
		return err
	}
	log, queue, err := o.log(cmd.OutOrStdout())
	if err != nil {
		return err
	}
	defer queue.Close()
	cfg.Log, cfg.Lost = log, queue.Lost
	notify(&cfg)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGHUP)
	defer signal.Stop(signals)
	go func() {
		log.Info(fmt.Sprintf("Ending on signal: %v.", <-signals))
		cancel()
		log.Warn(fmt.Sprintf("Ending at once on a second signal: %v.", <-signals))
		queue.Close()
		os.Exit(codeAtOnce)
	}()
	if err = daemon.Run(ctx, cfg); err != nil {
		log.Error(err.Error())
	}
	return err
}

// log opens the log.
func (o *options) log(stdout io.Writer) (*slog.Logger, *logging.Queue, error) {
	l, err := level(o.logLevel)
	if err != nil {
		return nil, nil, err
	}
	opt := logging.Options{Component: "irmd", Level: l, Color: terminal(stdout)}
	switch {
	case o.logFormat == "json":
		log, q := logging.JSON(stdout, opt)
		return log, q, nil
	case o.logFormat != "text":
		return nil, nil, fmt.Errorf("--log-format %q: accepted are text, json", o.logFormat)
	case o.stdout:
		log, q := logging.Text(stdout, opt)
		return log, q, nil
	}
	log, q := logging.System("irmd", opt)
	return log, q, nil
}

// terminal reports whether somebody sees colours.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == ""
}

// notify tells systemd, where it has started the daemon, how it goes. Without it nothing is told to nobody.
func notify(cfg *daemon.Config) {
	tell := func(state string) func() {
		return func() {
			if _, err := systemd.SdNotify(false, state); err != nil {
				cfg.Log.Warn("systemd could not be told.", "state", state, "error", err)
			}
		}
	}
	cfg.Ready, cfg.Stopping = tell(systemd.SdNotifyReady), tell(systemd.SdNotifyStopping)
	interval, err := systemd.SdWatchdogEnabled(false)
	if err != nil {
		cfg.Log.Warn("The watchdog of systemd is not used.", "error", err)
		return
	}
	if interval > 0 {
		cfg.Beat, cfg.Alive = max(interval/3, time.Millisecond), tell(systemd.SdNotifyWatchdog)
	}
}
