package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"ouroboros/cmd/internal/control"
)

func ribCommand() *command {
	return &command{
		object: "rib", doc: "print the management tree", failure: "Failed to read the management tree.", time: localTime, json: true, ours: true, run: printRIB,
		subject:  &subject{value: "PATH", optional: true, live: ribPaths, doc: "a file, or a directory: everything below it"},
		keywords: []*keyword{{word: "names", doc: "print paths only"}},
		long:     []string{"The content of one file is printed as it is. Of several, each path stands in a line of its own, and the content below it is indented."},
		examples: []string{"irm rib", "irm rib uni1/info/_state", "irm rib uni1 names"},
	}
}

func printRIB(ctx context.Context, c *call) error {
	path := strings.Trim(c.subject, "/")
	h, err := c.daemon(ctx)
	if err != nil {
		return err
	}
	list, err := h.RIB(ctx, path)
	if err != nil {
		return err
	}
	if c.opts.json {
		return printJSON(c.out, jsonEntries(list))
	}
	var s strings.Builder
	switch {
	case c.has("names"):
		for _, e := range list {
			s.WriteString(e.Path + "\n")
		}
	case len(list) == 1 && list[0].Path == path:
		s.Write(list[0].Content)
	default:
		for _, e := range list {
			s.WriteString(e.Path + "\n")
			for line := range strings.Lines(string(e.Content)) {
				s.WriteString("    " + strings.TrimSuffix(line, "\n") + "\n")
			}
			s.WriteString("\n")
		}
	}
	_, err = io.WriteString(c.out, s.String())
	return err
}

func statusCommand() *command {
	return &command{
		object: "status", doc: "describe the daemon", failure: "Failed to get the status of the daemon.", time: localTime, json: true, ours: true, run: printStatus,
		examples: []string{"irm status", "irm --json status"},
	}
}

func printStatus(ctx context.Context, c *call) error {
	h, err := c.daemon(ctx)
	if err != nil {
		return err
	}
	st, err := h.Status(ctx)
	if err != nil {
		return err
	}
	if c.opts.json {
		return printJSON(c.out, jsonStatusOf(st))
	}
	return writeStatus(c.out, st)
}

func writeStatus(w io.Writer, st control.Status) error {
	width := 0
	for _, k := range st.Counters {
		width = max(width, len(k.Name))
	}
	var s strings.Builder
	fmt.Fprintf(&s, "Ouroboros version %s, process %d, up %s\n", st.Version, st.PID, st.Uptime.Round(time.Second))
	for _, k := range st.Counters {
		fmt.Fprintf(&s, "  %-*s %12d\n", width, k.Name, k.Value)
	}
	_, err := io.WriteString(w, s.String())
	return err
}
