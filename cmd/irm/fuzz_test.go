package main

import (
	"context"
	"strings"
	"testing"

	"ouroboros/cmd/internal/control"
)

// Whatever stands on the command line: no crash, an exit code that is known, and one line of error. The same
// words can be completed.
func FuzzCommandLine(f *testing.F) {
	f.Setenv(control.DirVariable, "/nowhere")
	for _, l := range []string{
		"", "i b t u n u l x routing lfa,recalc=1s au", "name register n ipcp * layer *", "bind program p name n auto -- -l", "shape u out rate 1Mbps in loss 0.1",
		"--dir x --timeout 1s ipcp list", "--json rib names", "help ipcp", "completion bash", "name list list x", "ipcp connect n a d b c m* q voice",
	} {
		f.Add(l)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, " ")
		if args[0] == completeWord {
			return
		}
		var out, errs strings.Builder
		code := run(context.Background(), args, &out, &errs)
		if code != codeOK && code != codeFailed && code != codeUsage {
			t.Errorf("exit %d", code)
		}
		if code == codeFailed && errs.Len() == 0 && out.Len() == 0 {
			t.Error("it failed without a word")
		}
		complete(context.Background(), args, &out)
	})
}
