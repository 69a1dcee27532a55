package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"ouroboros/cmd/osim/internal/source"
)

func newCheck() *cobra.Command {
	var set []string
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Check scenario files and list all mistakes",
		Long: `Check scenario files without running them, and list all mistakes on the standard
output, one per line: file:line: key: value: what is wrong and what is accepted.`,
		Example: examples("osim check my.yaml\nosim check my.yaml --set layers.net.policies.routing=link-state"),
		Args:    takes(1, -1, "at least one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			bad := 0
			for _, file := range args {
				_, err := source.Load(file, set)
				list := mistakes(err)
				for _, e := range list {
					fmt.Fprintln(cmd.OutOrStdout(), e)
				}
				if err != nil && len(list) == 0 {
					fmt.Fprintln(cmd.OutOrStdout(), err)
				}
				if err != nil {
					bad++
				}
			}
			switch {
			case bad > 0 && len(args) == 1:
				return badInput(errors.New("the scenario has mistakes"))
			case bad > 0:
				return badInput(fmt.Errorf("%d of %d scenarios have mistakes", bad, len(args)))
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&set, "set", nil, "`path=value` to set before the check; repeatable")
	return cmd
}
