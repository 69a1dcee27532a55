package main

import (
	"strings"

	"github.com/spf13/cobra"
)

const rootLong = `osim replays networks of Ouroboros nodes. A scenario says which network, which
layers, which traffic, which faults, and what should come out of it; osim runs
it through the real protocol stack in simulated time, and reports.

Exit codes: 0 all is well; 1 an expectation of the scenario was not met, its
network did not come up whole, or the run was interrupted; 2 bad input (command
line, scenario, topology); 3 internal error.`

// newRoot returns the whole command.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "osim",
		Short: "Replay Ouroboros networks in simulated time",
		Long:  rootLong,
		Example: examples(`
			osim list                                  which scenarios there are
			osim run abilene                           replay one
			osim show abilene > my.yaml                copy it, change it, and
			osim check my.yaml && osim run ./my.yaml   replay that`),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(
		newRun(), newCompare(), newCoverage(), newDHT(), newSoak(), newList(), newShow(), newCheck(), newTopo(), newPolicies(), newBench(), newVersion(), newAgent(),
	)
	return root
}

// group makes a command that only holds others, and refuses what is not one of them.
func group(cmd *cobra.Command, sub ...*cobra.Command) *cobra.Command {
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(sub...)
	return cmd
}

// examples indents the examples of a help text as cobra wants them.
func examples(text string) string {
	var out []string
	for l := range strings.Lines(strings.TrimSpace(text)) {
		out = append(out, "  "+strings.TrimSpace(l))
	}
	return strings.Join(out, "\n")
}
