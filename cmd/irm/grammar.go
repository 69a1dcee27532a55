package main

import (
	"context"
	"time"
)

// The grammar is a table: an object has operations, an operation is a command, and a command takes a subject
// and keywords with values. Everything that is known about a word stands here once: parser, help, completion and
// manual pages read it.

// object is a first word.
type object struct {
	word     string
	doc      string // one line
	commands []*command
	alone    *command // of an object without operations
}

// command is what one operation does.
type command struct {
	object, word string
	doc          string // one line
	subject      *subject
	keywords     []*keyword
	rest         string // what stands behind "--"; "" = nothing may
	anyOf        []string
	failure      string // the sentence that users know: "Failed to create IPCP."
	time         time.Duration
	json         bool // --json changes what is printed
	ours         bool // the prototype does not have it
	long         []string
	examples     []string
	run          func(ctx context.Context, c *call) error
}

// name is how the command is called.
func (c *command) name() string {
	if c.word == "" {
		return "irm " + c.object
	}
	return "irm " + c.object + " " + c.word
}

// subject is the value that stands before the keywords.
type subject struct {
	value    string // what stands for it in a usage
	optional bool
	live     live
	words    []string // the values, where they are words
	doc      string
}

// keyword is a word that says what the value behind it means.
type keyword struct {
	word     string
	value    string // what stands for the value in a usage; "" = there is none
	required bool
	many     int      // how often it may stand; 0 = once
	words    []string // the values, where they are words
	free     bool     // other values than words are accepted too
	short    bool     // a value may be shortened
	live     live
	def      string // what is meant without it
	doc      string
	ours     bool
}

// live says where the values that make sense now are found, for completion.
type live uint8

const (
	nothing live = iota
	ipcpNames
	memberNames // IPCPs that enroll and connect
	nameNames
	layerNames
	processes
	programs
	files
	devices
	ribPaths
)

// find returns the keyword that a word stands for: the first in order that begins with it.
func (c *command) find(word string) *keyword {
	for _, k := range c.keywords {
		if begins(k.word, word) {
			return k
		}
	}
	return nil
}

// keywordWords lists the keywords.
func (c *command) keywordWords() []string {
	var out []string
	for _, k := range c.keywords {
		out = append(out, k.word)
	}
	return out
}

// findObject returns the first object that begins with a word, nil for none.
func findObject(word string) *object {
	for _, o := range objects {
		if begins(o.word, word) {
			return o
		}
	}
	return nil
}

// findCommand returns the first operation of an object that begins with a word, nil for none.
func (o *object) findCommand(word string) *command {
	for _, c := range o.commands {
		if begins(c.word, word) {
			return c
		}
	}
	return nil
}

// begins reports whether what was written is a word or its beginning.
func begins(word, written string) bool {
	return written != "" && len(written) <= len(word) && word[:len(written)] == written
}
