package main

import (
	"strings"

	"github.com/spf13/cobra"

	"ouroboros/cmd/osim/internal/source"
	"ouroboros/cmd/osim/internal/table"
)

func newList() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the scenarios that come with the program",
		Example: examples("osim list\nosim list --format markdown"),
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t := table.Table{Heads: []string{"scenario", "what it shows"}}
			for _, s := range source.Embedded() {
				t.Add(s.Name, s.Description)
			}
			return printTable(cmd, &t, format)
		},
	}
	tableFormat(cmd, &format)
	return cmd
}

// scenarioNames returns the names of the embedded scenarios with their descriptions, for the shell.
func scenarioNames() []string {
	var out []string
	for _, s := range source.Embedded() {
		out = append(out, s.Name+"\t"+s.Description)
	}
	return out
}

// tableFormat adds the flag that chooses the form of a table.
func tableFormat(cmd *cobra.Command, to *string) {
	names := table.Formats()
	cmd.Flags().StringVar(to, "format", names[0], "form of the table: "+strings.Join(names, ", "))
	complete(cmd, "format", names)
}

// printTable writes a table to the standard output.
func printTable(cmd *cobra.Command, t *table.Table, format string) error {
	if err := table.Check(format); err != nil {
		return badInput(err)
	}
	return internal(t.Write(cmd.OutOrStdout(), format))
}
