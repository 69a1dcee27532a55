package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// program makes irm a program on PATH: a link to the test binary, which is irm under that name.
func installed(t *testing.T) {
	t.Helper()
	out, err := exec.Command("sh", "-c", "command -v irm").Output()
	if err != nil {
		t.Fatalf("testscript has not put irm on PATH: %v", err)
	}
	t.Logf("irm is %s", strings.TrimSpace(string(out)))
}

// shell runs a script of a shell with the completion script of irm at hand, and returns its lines.
func shell(t *testing.T, name, script string, args ...string) []string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("NOT TESTED: completion in %s, which is not installed", name)
	}
	installed(t)
	dir := t.TempDir()
	_, source, _ := irm("completion", name)
	file := filepath.Join(dir, "irm."+name)
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, append(args, "-c", strings.ReplaceAll(script, "FILE", file))...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// The script completes in bash as in irm itself: operations, live names, and files.
func TestCompletionInBash(t *testing.T) {
	newBench(t)
	must(t, "ipcp bootstrap name uni1 type unicast layer net", "ipcp create name loc type local")
	if code, out, _ := irm("name", "create", "with space"); code != 0 {
		t.Fatal(out)
	}
	// What bash does on the tab key, without a terminal: it sets the words and calls the function.
	const tab = `source FILE; touch tool.sh
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _irm irm "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"; echo "${COMPREPLY[*]}"; }
complete -p irm; try irm ipcp c; try irm ipcp destroy name u; try irm ipcp connect name ''; try irm bind program to; try irm name destroy w; try irm nonsense ''`
	want := []string{"complete -F _irm irm", "create connect", "uni1", "uni1", "tool.sh", `with\ space`}
	got := shell(t, "bash", tab, "--norc")
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// The same in fish, which has a command to ask for completions.
func TestCompletionInFish(t *testing.T) {
	newBench(t)
	must(t, "ipcp bootstrap name uni1 type unicast layer net")
	got := shell(t, "fish", `source FILE; touch tool.sh; complete -C "irm ipcp c"; complete -C "irm ipcp destroy name u"; complete -C "irm bind program to"`, "--no-config")
	want := []string{"connect\tconnect to another member", "create\tcreate an IPCP that is in no layer", "uni1\tunicast net", "tool.sh"}
	slices.Sort(got[:min(2, len(got))])
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// In zsh the completion system runs on a terminal only: the function is called with the functions of that system
// replaced.
func TestCompletionInZsh(t *testing.T) {
	newBench(t)
	must(t, "ipcp bootstrap name uni1 type unicast layer net")
	got := shell(t, "zsh", `compdef() { echo "compdef $*" }
_describe() { echo "describe ${(P)2}" }
_files() { echo files }
source FILE
try() { words=("$@"); CURRENT=$#; _irm }
try irm ipcp c; try irm ipcp destroy name u; try irm bind program to`, "-f")
	want := []string{"compdef _irm irm", "describe create:create an IPCP that is in no layer connect:connect to another member", "describe uni1:unicast net", "files"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// A daemon that does not answer does not keep a user waiting.
func TestCompletionIsBounded(t *testing.T) {
	b := newBench(t)
	b.SetFail(func(ctx context.Context, _ string) error {
		<-ctx.Done()
		return ctx.Err()
	})
	var out strings.Builder
	if code := complete(context.Background(), []string{"--", "ipcp", "destroy", "name", ""}, &out); code != 0 || out.String() != "" {
		t.Errorf("exit %d, %q", code, out.String())
	}
}
