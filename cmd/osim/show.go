package main

import (
	"github.com/spf13/cobra"

	"ouroboros/cmd/osim/internal/source"
)

func newShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Print the file of a scenario, ready to copy",
		Example: examples("osim show abilene\nosim show abilene > my.yaml"),
		Args:    takes(1, 1, "the name of a scenario"),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := source.Read(args[0])
			if err != nil {
				return badInput(err)
			}
			_, err = cmd.OutOrStdout().Write(data)
			return internal(err)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return scenarioNames(), cobra.ShellCompDirectiveNoFileComp
		},
	}
}
