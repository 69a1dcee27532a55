package manual

import (
	"fmt"
	"strings"

	"ouroboros/cmd/internal/control"
	"ouroboros/cmd/internal/operator"
)

// Overview is ouroboros(8): how the parts belong together.
var Overview = Page{
	Name: "ouroboros", Section: 8, Summary: "a packet network of layers that are all alike", Synopsis: []string{"irmd [OPTION...]", "irm OBJECT OPERATION [KEYWORD VALUE...]"},
	Parts: []Part{
		{Head: "Description", Blocks: []Block{
			Text("Ouroboros gives applications flows to other applications, by name. Flows are provided by layers. A layer is a set of IPCPs, one on each system that is in it, and an IPCP uses the flows of the layers below as an application does: layers can be put on layers. At the bottom are shims, layers that a wire or UDP provides."),
			Text("Each system runs a daemon, irmd(8), that has its IPCPs and its names. It is told what to do by irm(8), or by a configuration file, irmd.toml(5)."),
		}},
		{Head: "Setting up", Blocks: []Block{
			Text("The order is almost free: start irmd; create and bootstrap an IPCP; create a name; bind a program or a process to it; register the name in a layer; run the program."),
			Sub("One system"),
			Text("A layer that stays on the system, and a ping over it:"),
			Code("irmd --stdout &\nirm ipcp bootstrap type local name local-ipcp layer local-layer\nirm bind program oping name oping_server\nirm name register oping_server layer local-layer\noping --listen &\noping -n oping_server -c 4 -i 200"),
			Sub("Two systems over UDP"),
			Text("The first system begins the layer net. It has a shim over UDP, in which its IPCP and the layer are found by name:"),
			Code("irm ipcp bootstrap type udp4 name shim layer udp ip 10.1.1.1\nirm ipcp bootstrap type unicast name uni1 layer net autobind\nirm name register uni1 layer udp\nirm name register net layer udp"),
			Text("The second enrolls, and connects its member to the first. A system must know the names that it asks for:"),
			Code("irm ipcp bootstrap type udp4 name shim layer udp ip 10.1.1.2\nirm name create net\nirm name create uni1\nirm ipcp enroll name uni2 layer net autobind\nirm ipcp connect name uni2 dst uni1\nirm bind program oping name oping\nirm name register oping layer net\noping -l &"),
			Text("Then, on the first:"),
			Code("irm name create oping\noping -n oping -c 3"),
			Text("Without dynamic DNS a shim over UDP looks up the 32 hexadecimal digits of the MD5 digest of a name in the hosts file."),
			Sub("Over Ethernet"),
			Text("A shim stands for one wire, and needs no addresses:"),
			Code("irm ipcp bootstrap type eth-dix name shim12 layer eth12 dev eth0"),
			Sub("Broadcast"),
			Code("irm ipcp bootstrap type broadcast name bc1 layer bcast autobind\nirm name register bc1 layer udp\nirm name register bcast layer udp"),
			Text("and on each other system, which knows the names bc1 and bcast:"),
			Code("irm ipcp enroll name bc2 layer bcast type broadcast autobind\nirm ipcp connect name bc2 dst bc1 component dt"),
		}},
		{Head: "Commands", Blocks: []Block{
			Item{"irmd(8)", "the daemon"},
			Item{"irm(8)", "tells the daemon what to do"},
			Item{"oping(1)", "times replies"},
			Item{"operf(1)", "measures what a flow takes"},
			Item{"ocbr(1)", "sends at a constant bit rate"},
			Item{"oecho(1)", "exchanges one message"},
			Item{"obc(1)", "sends to all members of a broadcast layer"},
			Item{"ovpn(1)", "carries IP packets or Ethernet frames"},
		}},
		environment,
	},
	SeeAlso: []string{"irmd(8)", "irm(8)", "irmd.toml(5)", "oping(1)", "operf(1)", "ocbr(1)", "oecho(1)", "obc(1)", "ovpn(1)"},
}

// Configuration is irmd.toml(5). The parameters of layers are those of the table that irmd reads.
func Configuration() *Page {
	p := &Page{
		Name: "irmd.toml", Section: 5, Summary: "configuration file of the Ouroboros daemon", Synopsis: []string{"irmd --config FILE"},
		Parts: []Part{
			{Head: "Description", Blocks: []Block{
				Text("The file is TOML. What it asks for is done in its order when irmd(8) starts, as if irm(8) had been called; the first failure ends the daemon. An unknown table or key, a value of another type and one out of range are errors that name file, line, key, value and what is accepted."),
			}},
			{Head: "The daemon", Blocks: []Block{
				Item{"[daemon]", `dir: directory of the sockets. app_mode, manage_mode: modes of the sockets of applications and of irm, such as "0660". rib: directory that the management tree is mounted on.`},
				Item{"[security]", "force: true encrypts every flow of the system. dir: directory of the security files."},
				Item{"[metrics]", `listen: "HOST:PORT" to serve metrics for Prometheus at.`},
			}},
			{Head: "Names", Blocks: []Block{
				Text("A table [name.NAME] creates a name."),
				Item{"prog = [TEXT...]", "Programs that are bound to the name, by path or as found on PATH."},
				Item{"args = [TEXT...]", "Arguments, separated by blanks. Where there are some, the program of the same place is started when a flow comes and nobody listens."},
				Item{"lb = TEXT", "spill, the default: the process that accepted last gets the next flow. round-robin: one after the other."},
				Item{"server_enc_file, server_crt_file, server_key_file, client_enc_file, client_crt_file, client_key_file", "Files of the name's security; they must exist."},
			}},
			{Head: "IPCPs", Blocks: ipcpTables()},
		},
		SeeAlso: []string{"irmd(8)", "irm(8)", "ouroboros(8)"},
	}
	return p
}

func ipcpTables() []Block {
	out := []Block{
		Text("A table [TYPE.NAME] creates an IPCP of a type: local, eth-llc, eth-dix, udp4, udp6, broadcast, unicast."),
		Item{"bootstrap = LAYER", "It begins a layer."},
		Item{"enrol = NAME", "It enrolls with the member that listens to a name: unicast and broadcast. Where it stands beside bootstrap, bootstrap does not count."},
		Item{"autobind = BOOLEAN", "It listens to its own name and to that of the layer: unicast and broadcast."},
		Item{"reg = [NAME...]", "Names that are created, and registered by this IPCP."},
		Item{"conn = [NAME...]", "Members that it connects to, first management, then data transfer, once it has enrolled."},
	}
	for i := range operator.Params {
		q := &operator.Params[i]
		var of []string
		for _, k := range q.Kinds {
			of = append(of, control.KindWord(k))
		}
		text := fmt.Sprintf("%s: %s. Accepted: %s.", strings.Join(of, ", "), q.Doc, q.Accepts)
		if q.Default != "" {
			text += " Default: " + q.Default + "."
		}
		out = append(out, Item{q.FileKey() + " = " + formWord(q.Form), text})
	}
	return append(out, Text(`A policy is a string, or a table of its name and parameters: {name = "dctcp", gain = 0.125}. "osim policies" lists them.`))
}

func formWord(f operator.Form) string {
	switch f {
	case operator.Number:
		return "INTEGER"
	case operator.Switch:
		return "BOOLEAN"
	case operator.Choice:
		return "POLICY"
	}
	return "TEXT"
}

// parameterTable is the table of the parameters of layers in Markdown: their words for irm, and their keys in the file.
func parameterTable() string {
	var s strings.Builder
	s.WriteString("### Parameters of layers\n\nThe words of `irm ipcp bootstrap`, and the keys of the configuration file for the same.\n\n")
	s.WriteString("| irm | file | types | accepted | default |\n|---|---|---|---|---|\n")
	for i := range operator.Params {
		p := &operator.Params[i]
		var kinds []string
		for _, k := range p.Kinds {
			kinds = append(kinds, control.KindWord(k))
		}
		def := p.Default
		if p.Required {
			def = "needed"
		}
		fmt.Fprintf(&s, "| `%s` | `%s`: %s | %s | %s | %s |\n", p.Word, p.FileKey(), strings.ToLower(formWord(p.Form)), strings.Join(kinds, ", "), strings.ReplaceAll(p.Accepts, "_", `\_`), strings.ReplaceAll(def, "_", `\_`))
	}
	return s.String()
}
