package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"ouroboros/cmd/osim/internal/runner"
	"ouroboros/scenarios"
)

// The exit codes.
const (
	codeFine     = 0
	codeFailed   = 1 // an expectation was not met, a network did not come up, or a run was interrupted
	codeBadInput = 2 // command line, scenario, topology
	codeInternal = 3 // the program is to blame, or the machine
)

// exitError is an error that has decided on the exit code. Errors without one come from the parser of
// the command line.
type exitError struct {
	code int
	err  error
}

// Error returns the text of the cause.
func (e *exitError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *exitError) Unwrap() error { return e.err }

// failed is the error of a run that went well with results that are not as expected.
func failed(err error) error { return withCode(codeFailed, err) }

// badInput is the error of what the user gave.
func badInput(err error) error { return withCode(codeBadInput, err) }

// internal is the error of anything else: output that cannot be written, a run that broke.
func internal(err error) error { return withCode(codeInternal, err) }

func withCode(code int, err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code, err}
}

// explain prints the error of a command, nil for none, and returns the exit code.
func explain(w io.Writer, cmd *cobra.Command, err error) int {
	if err == nil {
		return codeFine
	}
	var e *exitError
	if !errors.As(err, &e) {
		fmt.Fprintf(w, "osim: %v\nSee '%s --help'.\n", err, cmd.CommandPath())
		return codeBadInput
	}
	if list := scenarios.Errors(err); len(list) > 1 {
		for _, x := range list {
			fmt.Fprintln(w, x)
		}
		fmt.Fprintf(w, "osim: %d mistakes\n", len(list))
		return e.code
	}
	fmt.Fprintf(w, "osim: %v\n", err)
	return e.code
}

// classify gives the error of a run its exit code.
func classify(err error) error {
	var bad *runner.ScenarioError
	if errors.As(err, &bad) {
		return badInput(err)
	}
	return internal(err)
}

// mistakes returns the single mistakes of a scenario in err.
func mistakes(err error) []*scenarios.Error {
	if err == nil {
		return nil
	}
	return scenarios.Errors(err)
}
