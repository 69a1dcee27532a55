// Command irmd is the IPC Resource Manager of a system: it runs the layers that the system is in, and gives
// applications flows. It is told what to do by a configuration file and by irm.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run executes the command line and returns the exit code: 0, or 1 for everything that went wrong (spec 13 §13.5).
func run(args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(stderr, "irmd: internal error: %v\n\n%s\n", p, debug.Stack())
			fmt.Fprintln(stderr, "This is a defect of irmd. Please report it with the command line, the configuration and the text above.")
			code = 1
		}
	}()
	cmd := NewCommand()
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	if err := cmd.Execute(); err != nil {
		fmt.Fprintf(stderr, "irmd: %v\n", err)
		return 1
	}
	return 0
}
