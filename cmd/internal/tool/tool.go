package tool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ouroboros"
	"ouroboros/core"
)

// The exit codes.
const (
	Fine     = 0
	Failed   = 1
	BadUsage = 2
)

// System is what the program of a tool has of the world that it runs in.
type System struct {
	App *ouroboros.App
	// B is for what App has no call for. Programs wait by App, so that they can be interrupted.
	B core.Blocker
	// Wall is the clock on the wall in ns since 1970.
	Wall func() int64
	Out  io.Writer
}

// Printf prints to Out.
func (s *System) Printf(format string, args ...any) { fmt.Fprintf(s.Out, format, args...) }

// Tool is one command.
type Tool struct {
	Name    string // of the command
	Short   string // what it does, in a line
	Long    string // and in some
	Example string // command lines with what they do, one a line
	// Flags are its options. Check looks at them together, once they are read.
	Flags func(*pflag.FlagSet)
	Check func() error
	// Program runs until it is done or interrupted.
	Program func(*System) error
}

// Opener runs a program on the system whose daemon has its sockets in dir, until it returns. When ctx ends, what waits in
// the program gives up.
type Opener func(ctx context.Context, dir, name string, out io.Writer, program func(*System) error) error

// Main runs the tool with the command line of this process and exits.
func (t *Tool) Main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal kills
	os.Exit(t.Run(ctx, os.Args[1:], os.Stdout, os.Stderr, Live))
}

// Run runs the tool and returns its exit code.
func (t *Tool) Run(ctx context.Context, args []string, out, errOut io.Writer, open Opener) int {
	c := t.Command(out, open)
	c.SetArgs(args)
	c.SetOut(out)
	c.SetErr(errOut)
	err := c.ExecuteContext(ctx)
	var failed *failure
	switch {
	case err == nil:
		return Fine
	case !errors.As(err, &failed):
		fmt.Fprintf(errOut, "%s: %v\nSee '%s --help'.\n", t.Name, err, t.Name)
		return BadUsage
	case failed.err != nil:
		fmt.Fprintf(errOut, "%s: %v\n", t.Name, failed.err)
	}
	return Failed
}

// failure is the error of a program, as against one of the command line. A nil err was reported already.
type failure struct{ err error }

// Error returns the text of the cause.
func (f *failure) Error() string { return fmt.Sprint(f.err) }

// ErrReported is the error of a program that has said what went wrong.
var ErrReported = errors.New("reported")

// Command returns the tool as a cobra command, for help, completion and manual pages.
func (t *Tool) Command(out io.Writer, open Opener) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use: t.Name + " [options]", Short: t.Short, Long: t.Long, Example: indent(t.Example),
		Args:          cobra.NoArgs,
		SilenceErrors: true, SilenceUsage: true, DisableFlagsInUseLine: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		PreRunE: func(*cobra.Command, []string) error {
			if t.Check == nil {
				return nil
			}
			return t.Check()
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := open(cmd.Context(), dir, t.Name, out, t.Program)
			switch {
			case err == nil:
				return nil
			case errors.Is(err, ErrReported):
				return &failure{}
			}
			return &failure{explain(err)}
		},
	}
	c.Flags().SortFlags = false
	if t.Flags != nil {
		t.Flags(c.Flags())
	}
	c.Flags().StringVar(&dir, "dir", "", "directory of the sockets of irmd (default $OUROBOROS_DIR or /run/ouroboros)")
	c.Flags().BoolP("help", "", false, "show this text")
	return c
}

// explain adds what a user can do about an error.
func explain(err error) error {
	switch {
	case errors.Is(err, core.ErrIRMD):
		return fmt.Errorf("%w (is irmd running, and --dir its directory?)", err)
	case errors.Is(err, core.ErrName):
		return fmt.Errorf("%w (no system knows it: is the server bound and its name registered?)", err)
	}
	return err
}

// indent sets the examples of a help text as cobra wants them.
func indent(text string) string {
	var out []string
	for l := range strings.Lines(strings.TrimSpace(text)) {
		out = append(out, "  "+strings.TrimSpace(l))
	}
	return strings.Join(out, "\n")
}

// Interrupted reports whether an error says that the user has ended the program: that is no failure.
func Interrupted(err error) bool { return errors.Is(err, core.ErrCanceled) }
