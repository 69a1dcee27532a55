package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"ouroboros/cmd/internal/config"
	"ouroboros/cmd/internal/control"
	"ouroboros/cmd/internal/daemon"
)

// options are the values of the flags.
type options struct {
	config, dir, security, metrics, rib string
	appMode, manageMode                 string
	logFormat, logLevel                 string
	force, stdout                       bool
}

// NewCommand returns the command line of irmd.
func NewCommand() *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:   "irmd",
		Short: "run the layers of a system and give applications flows",
		Long: `irmd is the IPC Resource Manager daemon of a system. It is told what to do by a
configuration file, and while it runs by irm.

Several daemons can run on one machine, each with a directory of its own; each
then belongs to the network namespace that it was started in. Layers over UDP
and within the system need no privilege; those over Ethernet need CAP_NET_RAW.

INT, QUIT, HUP and TERM end the daemon: IPCPs leave their layers, and what is on
its way has two seconds. A second signal ends it at once. The exit code is 0, or
1 when it could not start, or its configuration failed.`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		Version:       version(),
		RunE:          func(cmd *cobra.Command, _ []string) error { cmd.SilenceUsage = true; return serve(cmd, o) },
	}
	cmd.SetVersionTemplate("Ouroboros version {{.Version}}\n")
	cmd.CompletionOptions.DisableDefaultCmd = true
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.config, "config", "", "configuration `file` (TOML); without it none is read")
	f.BoolVar(&o.stdout, "stdout", false, "log to the standard output instead of the journal or syslog")
	f.StringVar(&o.dir, "dir", "", "`directory` of the sockets (default $"+control.DirVariable+", else "+control.DefaultDir+")")
	f.StringVar(&o.security, "security", "", "`directory` of the security files (default "+daemon.DefaultSecurityDir+")")
	f.BoolVar(&o.force, "force-encryption", false, "encrypt every flow of the system")
	f.StringVar(&o.metrics, "metrics", "", "serve metrics for Prometheus at this `host:port` (default: off)")
	f.StringVar(&o.rib, "rib", "", "mount the management tree on this `directory` (default: nowhere)")
	f.StringVar(&o.appMode, "app-mode", "", "`mode` of the socket of applications, octal (default 0666)")
	f.StringVar(&o.manageMode, "manage-mode", "", "`mode` of the socket of irm, octal (default 0660)")
	f.StringVar(&o.logFormat, "log-format", "text", "text, or json (always to the standard output)")
	f.StringVar(&o.logLevel, "log-level", "info", "least `level` that is logged: debug, info, warn, error")
	return cmd
}

// config lays the flags over the file, and both over the defaults.
func (o *options) settings() (daemon.Config, error) {
	file := &config.File{}
	if o.config != "" {
		var err error
		if file, err = config.Load(o.config); err != nil {
			return daemon.Config{}, err
		}
	}
	c := daemon.Config{
		Dir: first(o.dir, file.Daemon.Dir), AppMode: file.Daemon.AppMode, ManageMode: file.Daemon.ManageMode,
		SecurityDir: first(o.security, file.Security.Dir), ForceEncryption: o.force || file.Security.Force,
		Metrics: first(o.metrics, file.Metrics.Listen), RIB: first(o.rib, file.Daemon.RIB),
		Version: version(), Startup: file.Apply,
	}
	if c.SecurityDir == "" {
		c.SecurityDir = daemon.DefaultSecurityDir
	} else if st, err := os.Stat(c.SecurityDir); err != nil || !st.IsDir() {
		return c, fmt.Errorf("security: %q: accepted is a directory that exists", c.SecurityDir)
	}
	if c.Metrics != "" {
		if _, _, err := net.SplitHostPort(c.Metrics); err != nil {
			return c, fmt.Errorf("metrics: %q: accepted is host:port: %w", c.Metrics, err)
		}
	}
	return c, errors.Join(mode(o.appMode, "--app-mode", &c.AppMode), mode(o.manageMode, "--manage-mode", &c.ManageMode))
}

// first returns the first of two words that is there.
func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// mode reads the mode of a socket.
func mode(text, flag string, to *fs.FileMode) error {
	if text == "" {
		return nil
	}
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n == 0 || n > 0o777 {
		return fmt.Errorf("%s %q: accepted are 1 to 777, octal", flag, text)
	}
	*to = fs.FileMode(n)
	return nil
}

// level reads the least level of the log.
func level(text string) (l slog.Level, err error) {
	switch text {
	case "debug", "info", "warn", "error":
		err = l.UnmarshalText([]byte(text))
		return l, err
	}
	return l, fmt.Errorf("--log-level %q: accepted are debug, info, warn, error", text)
}
