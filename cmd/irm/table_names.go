package main

import "ouroboros/cmd/internal/control"

func bindCommands() []*command {
	name := &keyword{word: "name", value: "NAME", required: true, live: nameNames, doc: "the name; it is created if there is none"}
	return []*command{
		{
			object: "bind", word: "program", doc: "bind a program to a name", failure: "Failed to bind program.", time: localTime, run: bindProgram,
			subject: &subject{value: "PROGRAM", live: programs, doc: "path of the program, or its name on PATH"},
			keywords: []*keyword{
				name,
				{word: "auto", doc: "start the program when a flow comes for the name and nobody listens"},
			},
			rest:     "arguments of the program when it is started",
			long:     []string{"Every process of the program listens to the name, also one that runs already. Programs are told apart by the last element of their path."},
			examples: []string{"irm bind program oping name oping_server", "irm bind program /usr/bin/oping name oping_server auto -- --listen"},
		},
		{
			object: "bind", word: "process", doc: "bind a process to a name", failure: "Failed to bind process.", time: localTime, run: bindProcess,
			subject: &subject{value: "PID", live: processes, doc: "number of a process that has announced itself"}, keywords: []*keyword{name},
			examples: []string{"irm bind process 4711 name oping_server"},
		},
		{
			object: "bind", word: "ipcp", doc: "let an IPCP listen to a name", failure: "Failed to bind IPCP.", time: localTime, run: bindIPCP,
			subject: &subject{value: "IPCP", live: memberNames, doc: "name of the IPCP"}, keywords: []*keyword{name},
			examples: []string{"irm bind ipcp uni1 name net"},
		},
	}
}

func unbindCommands() []*command {
	name := &keyword{word: "name", value: "NAME", live: nameNames, def: "all names", doc: "the name"}
	return []*command{
		{
			object: "unbind", word: "program", doc: "take bindings of a program back", failure: "Failed to unbind program.", time: localTime, run: unbindProgram,
			subject: &subject{value: "PROGRAM", live: programs, doc: "path of the program, or the last element of it"}, keywords: []*keyword{name},
			long:     []string{"The program is not started for the name any more either."},
			examples: []string{"irm unbind program oping name oping_server", "irm unbind program oping"},
		},
		{
			object: "unbind", word: "process", doc: "take bindings of a process back", failure: "Failed to unbind process.", time: localTime, run: unbindProcess,
			subject: &subject{value: "PID", live: processes, doc: "number of the process"}, keywords: []*keyword{name},
			examples: []string{"irm unbind process 4711"},
		},
		{
			object: "unbind", word: "ipcp", doc: "take bindings of an IPCP back", failure: "Failed to unbind IPCP.", time: localTime, run: unbindIPCP,
			subject: &subject{value: "IPCP", live: memberNames, doc: "name of the IPCP"}, keywords: []*keyword{name},
			examples: []string{"irm unbind ipcp uni1 name net"},
		},
	}
}

// securityFiles are the keywords of name create for files, in the order of control.NameConfig.
var securityFiles = []struct{ word, doc string }{
	{"sencpath", "encryption of flows to the name, as the server"},
	{"scrtpath", "certificate of the server"},
	{"skeypath", "private key of the server"},
	{"cencpath", "encryption of flows to the name, as the client"},
	{"ccrtpath", "certificate of the client"},
	{"ckeypath", "private key of the client"},
}

// maxTargets is how many IPCPs and how many layers a name can be registered in at once.
const maxTargets = 128

func nameCommands() []*command {
	subj := &subject{value: "NAME", live: nameNames, doc: "the name"}
	create := []*keyword{{
		word: "lb", value: "POLICY", words: []string{control.RoundRobin.String(), control.Spillover.String()}, def: control.RoundRobin.String(),
		doc: "which process gets the next flow: one after the other, or the one that accepted last",
	}}
	for _, f := range securityFiles {
		create = append(create, &keyword{word: f.word, value: "FILE", live: files, doc: f.doc})
	}
	targets := []*keyword{
		{word: "ipcp", value: "IPCP", many: maxTargets, live: ipcpNames, doc: "IPCP; * stands for any characters, and the keyword may stand again"},
		{word: "layer", value: "LAYER", many: maxTargets, live: layerNames, doc: "layer; * stands for any characters, and the keyword may stand again"},
	}
	return []*command{
		{
			object: "name", word: "create", doc: "make a name known on this system", failure: "Failed to create name.", time: localTime, run: createName,
			subject: subj, keywords: create,
			long:     []string{"A system knows the names that it serves and those that it asks flows for. A name that exists stays as it is."},
			examples: []string{"irm name create oping", "irm name create oenc cencpath /etc/ouroboros/enc.conf"},
		},
		{
			object: "name", word: "destroy", doc: "forget a name and its bindings", failure: "Failed to destroy name.", time: localTime, run: destroyName,
			subject: subj, examples: []string{"irm name destroy oping"},
		},
		{
			object: "name", word: "register", doc: "make a name reachable in layers", failure: "Failed to register name.", time: control.RegisterTime, run: register,
			subject: subj, keywords: targets, anyOf: []string{"ipcp", "layer"},
			long:     []string{"A name that does not exist is created."},
			examples: []string{"irm name register oping_server layer local-layer", "irm name register uni1 ipcp 'shim*' layer udp"},
		},
		{
			object: "name", word: "unregister", doc: "take a registration back", failure: "Failed to unregister name.", time: control.RegisterTime, run: unregister,
			subject: subj, keywords: targets, anyOf: []string{"ipcp", "layer"},
			examples: []string{"irm name unregister oping_server layer '*'"},
		},
		{
			object: "name", word: "list", doc: "list names", failure: "Failed to list names.", time: localTime, json: true, run: listNames,
			subject:  &subject{value: "FILTER", optional: true, live: nameNames, doc: "only names that begin with this; with a * in it, only those that it describes"},
			keywords: []*keyword{{word: "list", value: "FILTER", live: nameNames, doc: "the filter, as the prototype wants it"}},
			examples: []string{"irm name list", "irm name list oping", "irm --json name list '*_server'"},
		},
	}
}
