package main

import (
	"context"

	"ouroboros/cmd/internal/control"
)

// objects are all first words, in the order of spec 13 §13.4; ours stand behind.
var objects []*object

// The table refers to functions that read it: it is filled before anything else runs.
func init() {
	objects = []*object{
		{word: "ipcp", doc: "IPCPs: processes that are members of layers", commands: append(ipcpCommands(), helpCommand("ipcp"))},
		{word: "bind", doc: "bind programs, processes and IPCPs to names", commands: append(bindCommands(), helpCommand("bind"))},
		{word: "unbind", doc: "take bindings back", commands: append(unbindCommands(), helpCommand("unbind"))},
		{word: "name", doc: "names, and where they are registered", commands: append(nameCommands(), helpCommand("name"))},
		{word: "help", doc: "print this help, or that of an object", alone: helpObject()},
		{word: "rib", doc: "the management tree", alone: ribCommand()},
		{word: "status", doc: "the daemon and its counters", alone: statusCommand()},
		{word: "shape", doc: "impairments on the link of a shim", alone: shapeCommand()},
		{word: "completion", doc: "script that completes command lines of irm", alone: completionCommand()},
	}
}

// helpCommand prints the operations of an object.
func helpCommand(object string) *command {
	return &command{object: object, word: "help", doc: "print the operations"}
}

func helpObject() *command {
	c := &command{object: "help", doc: "print this help, or that of an object", subject: &subject{value: "OBJECT", optional: true, doc: "an object"}}
	c.run = func(_ context.Context, c *call) error {
		if c.subject == "" {
			_, err := c.out.Write([]byte(usage()))
			return err
		}
		o := findObject(c.subject)
		if o == nil {
			return &unknownError{c.subject, "irm help", objectWords()}
		}
		_, err := c.out.Write([]byte(objectUsage(o)))
		return err
	}
	return c
}

func objectWords() []string {
	var out []string
	for _, o := range objects {
		out = append(out, o.word)
	}
	return out
}

func (o *object) words() []string {
	var out []string
	for _, c := range o.commands {
		out = append(out, c.word)
	}
	return out
}

// kindWords are the types in the order of spec 13 §13.4, in which they are shortened.
var kindWords = []string{"unicast", "broadcast", "udp4", "udp6", "local", "eth-llc", "eth-dix"}

// localTime is how long a call of the daemon may take that waits for nothing outside.
const localTime = control.ReplyTime
