package main

import (
	"strings"

	"github.com/spf13/cobra"

	"ouroboros/cmd/osim/internal/source"
	"ouroboros/scenarios"
	"ouroboros/scenarios/node"
)

// completeCompare offers metrics to the shell, and paths and policies of the scenario.
func completeCompare(cmd *cobra.Command) {
	var metrics []string
	for _, m := range scenarios.Metrics() {
		metrics = append(metrics, m.Name+"\t"+m.Doc)
	}
	complete(cmd, "metric", metrics)
	err := cmd.RegisterFlagCompletionFunc("vary", func(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		return varyWords(args, word), cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err) // the flag does not exist
	}
}

// varyWords completes "path" to "path=", and the last value after "layers.NAME.policies.KIND=" to the name of
// a policy.
func varyWords(args []string, word string) (out []string) {
	path, values, hasValues := strings.Cut(word, "=")
	if hasValues {
		parts := strings.Split(path, ".")
		if len(parts) < 4 || parts[0] != "layers" || parts[2] != "policies" {
			return nil
		}
		before := path + "=" + values[:strings.LastIndexByte(values, ',')+1]
		for _, d := range node.Docs() {
			if d.Kind == parts[3] {
				out = append(out, before+d.Name+"\t"+d.Doc)
			}
		}
		return out
	}
	if len(args) > 0 {
		if sc, err := source.Load(args[0], nil); err == nil {
			for i := range sc.Layers {
				for _, kind := range policyKinds() {
					out = append(out, "layers."+sc.Layers[i].Name+".policies."+kind+"=")
				}
			}
		}
	}
	paths, _ := scenarios.EnvPaths()
	for _, p := range paths {
		out = append(out, p+"=")
	}
	return out
}
