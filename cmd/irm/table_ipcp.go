package main

import (
	"ouroboros/cmd/internal/control"
	"ouroboros/cmd/internal/operator"
)

func ipcpCommands() []*command {
	name := func(doc string, l live) *keyword {
		return &keyword{word: "name", value: "NAME", required: true, live: l, doc: doc}
	}
	component := func(order string) *keyword {
		return &keyword{
			word: "component", value: "COMPONENT", words: []string{"dt", "mgmt"}, free: true, def: "*",
			doc: "dt or mgmt; * stands for any characters, both are " + order,
		}
	}
	dst := &keyword{word: "dst", value: "NAME", required: true, live: nameNames, doc: "name that the other member listens to"}
	return []*command{
		{
			object: "ipcp", word: "create", doc: "create an IPCP that is in no layer", failure: "Failed to create IPCP.", time: localTime, run: createIPCP,
			keywords: []*keyword{
				name("name of the new IPCP", nothing),
				{word: "type", value: "TYPE", required: true, words: kindWords, doc: "its type"},
			},
			examples: []string{"irm ipcp create name uni1 type unicast"},
		},
		{
			object: "ipcp", word: "destroy", doc: "end an IPCP", failure: "Failed to destroy IPCP.", time: localTime, run: destroyIPCP,
			keywords: []*keyword{name("name of the IPCP; that of none is no error", ipcpNames)},
			examples: []string{"irm ipcp destroy name uni1"},
		},
		{
			object: "ipcp", word: "bootstrap", doc: "begin a layer", failure: "Failed to bootstrap IPCP.", time: control.BootstrapTime, run: bootstrap,
			keywords: bootstrapKeywords(name("name of the IPCP", ipcpNames)),
			long: []string{
				"An IPCP that does not exist is created; then its type is needed. It is destroyed again if the layer cannot begin.",
				"The word behind type may be shortened, as keywords may.",
				"A policy is written as a name, or with parameters: NAME,PARAM=VALUE,PARAM=VALUE. The policies and their parameters are listed by \"osim policies\".",
			},
			examples: []string{
				"irm ipcp bootstrap type local name local-ipcp layer local-layer",
				"irm ipcp bootstrap type udp4 name shim layer udp ip 10.1.1.1",
				"irm ipcp bootstrap type eth-dix name shim12 layer eth12 dev v12",
				"irm ipcp bootstrap type unicast name uni1 layer net autobind ls_t_recalc 1",
				"irm ipcp bootstrap type unicast name uni1 layer net autobind routing lfa congestion dctcp,gain=0.125 scheduler drr",
			},
		},
		{
			object: "ipcp", word: "enroll", doc: "become a member of a layer", failure: "Failed to enroll IPCP.", time: control.EnrollTime, run: enroll,
			keywords: []*keyword{
				name("name of the IPCP; it is created if there is none", ipcpNames),
				{word: "layer", value: "LAYER", live: layerNames, doc: "layer that is expected there"},
				{word: "dst", value: "NAME", live: nameNames, def: "the layer", doc: "name that a member listens to"},
				{word: "type", value: "TYPE", words: []string{"unicast", "broadcast"}, def: "unicast", doc: "its type, if it is created"},
				{word: "autobind", doc: "listen to the name of the IPCP and to that of the layer"},
			},
			anyOf: []string{"layer", "dst"},
			long:  []string{"A layer below must know the name, and so must this system: irm name create."},
			examples: []string{
				"irm ipcp enroll name uni2 layer net autobind",
				"irm ipcp enroll name uni2 dst uni1",
				"irm ipcp enroll name bc2 layer bcast type broadcast autobind",
			},
		},
		{
			object: "ipcp", word: "connect", doc: "connect to another member", failure: "Failed to connect IPCP.", time: 2 * control.ConnectTime, run: connect,
			keywords: []*keyword{
				name("name of the IPCP", memberNames), dst, component("connected mgmt first"),
				{word: "qos", value: "QOS", words: control.QoSWords(), def: "raw", doc: "of the flow for data transfer; that for management is always raw"},
			},
			examples: []string{"irm ipcp connect name uni2 dst uni1", "irm ipcp connect name bc2 dst bc1 component dt"},
		},
		{
			object: "ipcp", word: "disconnect", doc: "take a connection back", failure: "Failed to disconnect IPCP.", time: 2 * control.ConnectTime, run: disconnect,
			keywords: []*keyword{name("name of the IPCP", memberNames), dst, component("disconnected dt first")},
			examples: []string{"irm ipcp disconnect name uni2 dst uni1"},
		},
		{
			object: "ipcp", word: "list", doc: "list IPCPs", failure: "Failed to list IPCPs.", time: localTime, json: true, run: listIPCPs,
			keywords: []*keyword{
				{word: "name", value: "NAME", live: ipcpNames, doc: "only those of this name; * stands for any characters"},
				{word: "type", value: "TYPE", words: kindWords, doc: "only those of this type"},
				{word: "layer", value: "LAYER", live: layerNames, doc: "only those in this layer; * stands for any characters"},
			},
			examples: []string{"irm ipcp list", "irm ipcp list type unicast layer net", "irm --json ipcp list name 'uni*'"},
		},
	}
}

// bootstrapKeywords are the keywords of bootstrap, with all parameters of layers.
func bootstrapKeywords(name *keyword) []*keyword {
	out := []*keyword{
		name,
		{word: "layer", value: "LAYER", required: true, live: layerNames, doc: "name of the layer"},
		{word: "type", value: "TYPE", words: kindWords, short: true, doc: "its type, if it is created"},
	}
	autobind := &keyword{word: "autobind", doc: "unicast, broadcast: listen to the name of the IPCP and to that of the layer"}
	bound := false
	for i := range operator.Params {
		p := &operator.Params[i]
		if p.Ours && !bound {
			out, bound = append(out, autobind), true
		}
		for _, word := range append([]string{p.Word}, p.Also...) {
			out = append(out, paramKeyword(p, word))
		}
	}
	return out
}

func paramKeyword(p *operator.Param, word string) *keyword {
	k := &keyword{
		word: word, value: p.Value, words: p.Words, free: p.Form == operator.Choice, def: p.Default,
		doc: kindList(p.Kinds) + ": " + p.Doc, ours: p.Ours || word != p.Word && word != "device",
	}
	if p.Accepts != "" && len(p.Words) == 0 {
		k.doc += " (" + p.Accepts + ")"
	}
	if p.Required {
		k.doc += "; needed"
	}
	switch p.Word {
	case "dev":
		k.live = devices
	case "hosts":
		k.live = files
	}
	return k
}

func kindList(kinds []control.Kind) string {
	text := ""
	for i, k := range kinds {
		if i > 0 {
			text += ", "
		}
		text += control.KindWord(k)
	}
	return text
}
