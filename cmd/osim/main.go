// Command osim replays scenarios of Ouroboros networks in the simulator, or live in this process, and
// reports what was measured. "osim --help" lists what else it does.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run executes the command line and returns the exit code. A panic is a defect of the program: it is
// reported as such.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(stderr, "osim: internal error: %v\n\n%s\n", p, debug.Stack())
			fmt.Fprintln(stderr, "This is a defect of osim. Please report it with the command line, the scenario and the text above.")
			code = codeInternal
		}
	}()
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteC()
	return explain(stderr, cmd, err)
}
