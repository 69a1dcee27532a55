// Command irm manages the layers, names and programs of a system: it tells the daemon, irmd, what to do. Its
// grammar is that of the Ouroboros prototype (spec 13 §13.4): "irm help" prints it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes (spec 13 §13.4).
const (
	codeOK     = 0
	codeFailed = 1
	codeUsage  = 255 // called without arguments
)

// run executes a command line and returns the exit code. Errors are output (spec 13 §13.4); only objects and
// operations that do not exist are told to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == completeWord {
		return complete(ctx, args[1:], stdout)
	}
	if len(args) == 1 && args[0] == manualWord {
		fmt.Fprint(stdout, manualPage().Roff())
		return codeOK
	}
	if len(args) == 1 && args[0] == referenceWord {
		fmt.Fprint(stdout, reference())
		return codeOK
	}
	c, err := parse(args)
	if err == nil {
		c.out = stdout
		err = c.execute(ctx)
	}
	return explain(c, err, stdout, stderr)
}

// explain tells what went wrong and returns the exit code.
func explain(c *call, err error, stdout, stderr io.Writer) int {
	var usage *usageError
	var unknown *unknownError
	switch {
	case err == nil:
		return codeOK
	case errors.As(err, &usage):
		fmt.Fprint(stdout, usage.text)
		return usage.code
	case errors.As(err, &unknown):
		fmt.Fprintln(stderr, unknown.Error())
		return codeFailed
	}
	if c != nil && c.opts.json {
		printJSONError(stdout, err)
		return codeFailed
	}
	fmt.Fprintln(stdout, sentence(c, err))
	return codeFailed
}
