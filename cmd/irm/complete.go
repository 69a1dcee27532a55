package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
)

// completeWord is the hidden first argument of the completion scripts. Behind it stand the words of the command
// line; the last one is that to complete.
const completeWord = "__complete"

// completeTime is how long a completion may wait for the daemon.
const completeTime = 300 * time.Millisecond

// shells are the shells that there are scripts for.
var shells = []string{"bash", "zsh", "fish"}

//go:embed completion
var scripts embed.FS

func completionCommand() *command {
	return &command{
		object: "completion", doc: "print a script that completes command lines of irm", failure: "Failed to print the script.", ours: true, run: printScript,
		subject:  &subject{value: "SHELL", words: shells, doc: "bash, zsh or fish"},
		long:     []string{"Objects, operations, keywords and their values are completed, and what the daemon knows now: IPCPs, layers and names."},
		examples: []string{"source <(irm completion bash)", "irm completion fish > ~/.config/fish/completions/irm.fish", `irm completion zsh > "${fpath[1]}/_irm"`},
	}
}

func printScript(_ context.Context, c *call) error {
	b, err := fs.ReadFile(scripts, "completion/irm."+c.subject)
	if err != nil {
		return err
	}
	_, err = c.out.Write(b)
	return err
}

// candidate is a word that could stand, and what it means.
type candidate struct{ word, doc string }

// complete prints the candidates for the last word, one in a line, with a tab and what they mean behind them. A
// line ":files" asks the shell for files.
func complete(ctx context.Context, words []string, w io.Writer) int {
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	list, paths := candidates(ctx, words[:len(words)-1])
	for _, c := range list {
		if strings.HasPrefix(c.word, last) && c.word != "" && !strings.ContainsAny(c.word, "\n\t") {
			fmt.Fprintf(w, "%s\t%s\n", c.word, c.doc)
		}
	}
	if paths {
		fmt.Fprintln(w, ":files")
	}
	return codeOK
}

// candidates returns what could stand behind some words, and whether files could.
func candidates(ctx context.Context, words []string) (list []candidate, paths bool) {
	c := &call{}
	words, open := c.skipOptions(words)
	switch {
	case open == "--dir":
		return nil, true
	case open != "":
		return nil, false
	case len(words) == 0:
		for _, o := range objects {
			list = append(list, candidate{o.word, o.doc})
		}
		return append(list, optionCandidates()...), false
	}
	o := findObject(words[0])
	if o == nil {
		return nil, false
	}
	words = words[1:]
	if c.cmd = o.alone; c.cmd == nil {
		words, open = c.skipOptions(words)
		if open != "" {
			return nil, open == "--dir"
		}
		if len(words) == 0 {
			for _, x := range o.commands {
				list = append(list, candidate{x.word, x.doc})
			}
			return append(list, optionCandidates()...), false
		}
		if c.cmd = o.findCommand(words[0]); c.cmd == nil || c.cmd.run == nil {
			return nil, false
		}
		words = words[1:]
	}
	return c.candidates(ctx, words)
}

// skipOptions takes options away, and returns the one whose value is to come.
func (c *call) skipOptions(words []string) (left []string, open string) {
	for len(words) > 0 && strings.HasPrefix(words[0], "--") && words[0] != "--" {
		if words[0] == "--dir" || words[0] == "--timeout" {
			if len(words) == 1 {
				return nil, words[0]
			}
			if words[0] == "--dir" {
				c.opts.dir = words[1]
			}
			words = words[2:]
			continue
		}
		if dir, ok := strings.CutPrefix(words[0], "--dir="); ok {
			c.opts.dir = dir
		}
		words = words[1:]
	}
	return words, ""
}

func optionCandidates() []candidate {
	var out []candidate
	for _, o := range optionDocs {
		word, _, _ := strings.Cut(o.form, " ")
		out = append(out, candidate{word, o.doc})
	}
	return out
}

// candidates returns what could stand behind the words that follow an operation.
func (c *call) candidates(ctx context.Context, words []string) (list []candidate, paths bool) {
	if s := c.cmd.subject; s != nil {
		if len(words) == 0 {
			list, paths = c.values(ctx, s.words, s.live)
			if s.optional {
				list = append(list, c.keywordsLeft()...)
			}
			return list, paths
		}
		if !s.optional || !slices.Contains(c.cmd.keywordWords(), words[0]) {
			words = words[1:]
		}
	}
	for len(words) > 0 {
		if words[0] == "--" && c.cmd.rest != "" {
			return nil, true
		}
		var open string
		if words, open = c.skipOptions(words); open != "" {
			return nil, open == "--dir"
		}
		if len(words) == 0 {
			break
		}
		k := c.cmd.find(words[0])
		switch {
		case k == nil:
			return nil, false
		case k.value == "":
			c.given = append(c.given, given{k, "true"})
			words = words[1:]
		case len(words) == 1:
			return c.values(ctx, k.words, k.live)
		default:
			c.given = append(c.given, given{k, words[1]})
			words = words[2:]
		}
	}
	return c.keywordsLeft(), false
}

// keywordsLeft are the keywords that can stand yet.
func (c *call) keywordsLeft() []candidate {
	var out []candidate
	for _, k := range c.cmd.keywords {
		if len(c.all(k.word)) < max(k.many, 1) {
			out = append(out, candidate{k.word, k.doc})
		}
	}
	return out
}

// values returns the values that make sense: fixed words, or what there is now.
func (c *call) values(ctx context.Context, words []string, l live) (list []candidate, paths bool) {
	for _, w := range words {
		list = append(list, candidate{w, ""})
	}
	switch l {
	case nothing:
		return list, false
	case files, programs:
		return list, true
	case devices:
		if all, err := net.Interfaces(); err == nil {
			for _, i := range all {
				list = append(list, candidate{i.Name, i.HardwareAddr.String()})
			}
		}
		return list, false
	}
	ctx, cancel := context.WithTimeout(ctx, completeTime)
	defer cancel()
	h, err := c.daemon(ctx)
	if err != nil {
		return list, false // without a daemon there is nothing to complete, and nobody to tell
	}
	defer c.client.Close()
	return append(list, known(ctx, h, l)...), false
}

// known returns what a daemon knows.
func known(ctx context.Context, h control.Handler, l live) (list []candidate) {
	switch l {
	case ipcpNames, memberNames, layerNames:
		ipcps, _ := h.ListIPCPs(ctx)
		for _, i := range ipcps {
			switch {
			case l == layerNames:
				list = append(list, candidate{i.Layer, "layer"})
			case l == ipcpNames || i.Kind == core.KindUnicast || i.Kind == core.KindBroadcast:
				list = append(list, candidate{i.Name, control.KindWord(i.Kind) + " " + i.Layer})
			}
		}
	case nameNames, processes:
		names, _ := h.ListNames(ctx)
		for _, n := range names {
			if l == nameNames {
				list = append(list, candidate{n.Name, "name"})
				continue
			}
			for _, pid := range n.Processes {
				list = append(list, candidate{strconv.Itoa(pid), program(pid)})
			}
		}
	case ribPaths:
		entries, _ := h.RIB(ctx, "")
		for _, e := range entries {
			list = append(list, candidate{e.Path, ""})
		}
	}
	slices.SortStableFunc(list, func(a, b candidate) int { return strings.Compare(a.word, b.word) })
	return slices.CompactFunc(list, func(a, b candidate) bool { return a.word == b.word })
}

// program returns the name of the program of a process, if that can be told.
func program(pid int) string {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "comm"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
