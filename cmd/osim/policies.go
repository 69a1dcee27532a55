package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ouroboros/cmd/osim/internal/table"
	"ouroboros/core/policy"
	"ouroboros/scenarios/node"
)

func newPolicies() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "policies [KIND]",
		Short: "List the policies of layers and their parameters",
		Long: `List the policies that a unicast layer can be given, all of them or those of one
kind, with their parameters, defaults and ranges. In a scenario they stand under
layers.NAME.policies, as "routing: link-state" or with parameters as
"routing: {name: link-state, params: {update: 5s}}".`,
		Example:   examples("osim policies\nosim policies congestion\nosim policies routing --format json"),
		Args:      takes(0, 1, "at most one kind"),
		ValidArgs: policyKinds(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := table.Check(format); err != nil {
				return badInput(err)
			}
			docs := node.Docs()
			if len(args) == 1 {
				if !slices.Contains(policyKinds(), args[0]) {
					return badInput(fmt.Errorf("policy kind %q is not known; accepted are %s", args[0], strings.Join(policyKinds(), ", ")))
				}
				docs = slices.DeleteFunc(docs, func(d policy.Doc) bool { return d.Kind != args[0] })
			}
			if format == table.Formats()[0] {
				return internal(printPolicies(cmd.OutOrStdout(), docs))
			}
			return printTable(cmd, policyTable(docs), format)
		},
	}
	tableFormat(cmd, &format)
	return cmd
}

// policyKinds returns the kinds of policies in the order of the tables.
func policyKinds() []string {
	var out []string
	for _, d := range node.Docs() {
		if !slices.Contains(out, d.Kind) {
			out = append(out, d.Kind)
		}
	}
	return out
}

// printPolicies writes the policies for reading.
func printPolicies(to io.Writer, docs []policy.Doc) error {
	w := bufio.NewWriter(to)
	kind := ""
	for _, d := range docs {
		if d.Kind != kind {
			if kind != "" {
				fmt.Fprintln(w)
			}
			kind = d.Kind
			fmt.Fprintln(w, strings.ToUpper(kind))
		}
		fmt.Fprintf(w, "  %-12s %s\n", d.Name, d.Doc)
		width := 0
		for _, p := range d.Params {
			width = max(width, len(p.Name)+len(p.Default))
		}
		for _, p := range d.Params {
			assign := p.Name + ": " + p.Default
			fmt.Fprintf(w, "      %-*s  %s\n", width+2, assign, p.Doc)
		}
	}
	return w.Flush()
}

// policyTable has a row for each parameter, and one for each policy without any.
func policyTable(docs []policy.Doc) *table.Table {
	t := &table.Table{Heads: []string{"kind", "policy", "parameter", "type", "default", "description"}}
	for _, d := range docs {
		t.Add(d.Kind, d.Name, "", "", "", d.Doc)
		for _, p := range d.Params {
			t.Add(d.Kind, d.Name, p.Name, p.Type, p.Default, p.Doc)
		}
	}
	return t
}
