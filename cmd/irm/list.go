package main

import (
	"context"
	"strconv"
	"strings"

	"ouroboros/cmd/internal/control"
	"ouroboros/cmd/internal/operator"
)

// notEnrolled stands for the layer of an IPCP that is in none (spec 13 §13.1).
const notEnrolled = "Not enrolled."

func listIPCPs(ctx context.Context, c *call) error {
	h, err := c.daemon(ctx)
	if err != nil {
		return err
	}
	all, err := h.ListIPCPs(ctx)
	if err != nil {
		return err
	}
	list := []control.IPCPInfo{}
	for _, i := range all {
		if c.matches("name", i.Name) && c.matches("layer", i.Layer) && c.matches("type", control.KindWord(i.Kind)) {
			list = append(list, i)
		}
	}
	if c.opts.json {
		return printJSON(c.out, jsonIPCPs(list))
	}
	b := box{columns: []column{{"pid", 7}, {"name", 20}, {"type", 10}, {"layer", 20}}}
	for _, i := range list {
		layer := i.Layer
		if layer == "" {
			layer = notEnrolled
		}
		b.add(strconv.Itoa(i.PID), i.Name, control.KindWord(i.Kind), layer)
	}
	return b.print(c.out, "No IPCPs in system.")
}

// matches reports whether a value is one that a filter lets through.
func (c *call) matches(word, value string) bool {
	return !c.has(word) || operator.Match(c.value(word), value)
}

func listNames(ctx context.Context, c *call) error {
	h, err := c.daemon(ctx)
	if err != nil {
		return err
	}
	filter := c.subject
	if c.has("list") {
		filter = c.value("list")
	}
	if !strings.Contains(filter, "*") {
		filter += "*"
	}
	all, err := h.ListNames(ctx)
	if err != nil {
		return err
	}
	list := []control.NameInfo{}
	for _, n := range all {
		if operator.Match(filter, n.Name) {
			list = append(list, n)
		}
	}
	if c.opts.json {
		return printJSON(c.out, jsonNames(list))
	}
	b := box{columns: []column{{"name", 50}, {"load-balance policy", 20}}}
	for _, n := range list {
		b.add(n.Name, n.Balance.String())
	}
	return b.print(c.out, "No names in system.")
}
