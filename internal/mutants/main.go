package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// limit is how long the tests or the campaign may look for one bug.
const limit = 5 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, words []string) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	all, err := load(filepath.Join(root, "internal", "mutants", "testdata"))
	if err != nil {
		return err
	}
	if err := control(ctx, root, all); err != nil {
		return err
	}
	t := tablewriter.NewTable(os.Stdout, tablewriter.WithRenderer(renderer.NewMarkdown()), tablewriter.WithHeaderAutoFormat(tw.Off))
	t.Header("bug", "rule that it breaks", "campaign", "tests")
	missed := 0
	for i := range all {
		m := &all[i]
		if !named(m.Name, words) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s ...\n", m.Name)
		campaign, tests, err := m.hunt(ctx, root)
		if err != nil {
			return err
		}
		if campaign == escaped || tests == escaped {
			missed++
		}
		if err := t.Append(m.Name, m.Breaks, campaign, tests); err != nil {
			return err
		}
	}
	if err := t.Render(); err != nil {
		return err
	}
	if missed > 0 {
		return fmt.Errorf("%d bugs were not caught", missed)
	}
	return nil
}

func named(name string, words []string) bool {
	for _, w := range words {
		if strings.Contains(name, w) {
			return true
		}
	}
	return len(words) == 0
}

func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("go list -m: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// control has the campaign look for the longest range of seeds at the code as it is: what it finds there would
// count for every bug.
func control(ctx context.Context, root string, all []mutant) error {
	last := 0
	for i := range all {
		_, to, _ := strings.Cut(all[i].Campaign, "..")
		n, _ := strconv.Atoi(to)
		last = max(last, n)
	}
	fmt.Fprintf(os.Stderr, "no bug, seeds 1..%d ...\n", last)
	c := exec.CommandContext(ctx, "go", "run", "./cmd/osim", "soak", "--quiet", "--seeds", fmt.Sprintf("1..%d", last))
	c.Dir = root
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("the campaign finds something in the code without any bug added: %w\n%s", err, out)
	}
	return nil
}

// violation matches what the campaign says of a broken promise.
func violation() *regexp.Regexp {
	return regexp.MustCompile(`seed \d+ at \S+: promise "[^"]+" is broken`)
}

const (
	escaped = "NOT CAUGHT"
	unasked = "-"
)

// hunt has the campaign and the tests look for the bug, each where the bug says that it must be found.
func (m *mutant) hunt(ctx context.Context, root string) (campaign, tests string, err error) {
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return "", "", err
	}
	defer os.RemoveAll(dir)
	overlay, err := m.overlay(root, dir)
	if err != nil {
		return "", "", err
	}
	campaign, tests = unasked, unasked
	if m.Campaign != "" {
		osim := filepath.Join(dir, "osim")
		if out, err := goCommand(ctx, root, "build", "-overlay", overlay, "-o", osim, "./cmd/osim"); err != nil {
			return "", "", fmt.Errorf("mutant %s does not build: %w\n%s", m.Name, err, out)
		}
		campaign = verdict(ctx, root, violation(), osim, "soak", "--keep", "1", "--seeds", m.Campaign)
	}
	if m.Test.Package != "" {
		if out, err := goCommand(ctx, root, "test", "-overlay", overlay, "-run", "^$", m.Test.Package); err != nil {
			return "", "", fmt.Errorf("mutant %s does not build: %w\n%s", m.Name, err, out)
		}
		tests = verdict(ctx, root, regexp.MustCompile(`(?m)^--- FAIL: \S+|^panic: .*$`),
			"go", "test", "-overlay", overlay, "-count=1", "-failfast", "-run", m.Test.Run, m.Test.Package)
	}
	return campaign, tests, nil
}

func goCommand(ctx context.Context, root string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir = root
	return c.CombinedOutput()
}

// verdict runs a command that should fail and returns the line of its output that says why.
func verdict(ctx context.Context, root string, why *regexp.Regexp, name string, args ...string) string {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = root
	out, err := c.CombinedOutput()
	switch {
	case err == nil:
		return escaped
	case ctx.Err() != nil:
		return fmt.Sprintf("no end within %v", limit)
	}
	line := why.FindString(string(out))
	if line == "" { // it failed, but not because of the bug
		fmt.Fprintf(os.Stderr, "%s: %v\n%s", c, err, out)
		return escaped
	}
	return strings.TrimPrefix(line, "--- FAIL: ")
}
