package main

import (
	"os"

	"github.com/spf13/cobra"

	"ouroboros/cmd/osim/internal/fleet"
)

// newAgent is the command of one node of a scenario that runs on real systems. Only osim itself uses it.
func newAgent() *cobra.Command {
	return &cobra.Command{
		Use:     fleet.AgentCommand,
		Short:   "Be one node of a scenario, as the process at the other end of the standard input says",
		Example: examples(`osim agent`),
		Hidden:  true,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			version, err := executableVersion()
			if err != nil {
				return internal(err)
			}
			return internal(fleet.Agent(os.Stdin, os.Stdout, version))
		},
	}
}
