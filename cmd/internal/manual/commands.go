package manual

// Command is what a page says beside the help of its command.
type Command struct {
	Name     string
	Section  int
	Summary  string
	Synopsis []string
	Parts    []Part
	SeeAlso  []string
}

// environment is the part that every program has.
var environment = Part{Head: "Environment", Blocks: []Block{
	Item{"OUROBOROS_DIR", "Directory of the sockets of the daemon, where the option --dir is not given. Without either it is /run/ouroboros."},
}}

var toolExit = Part{Head: "Exit status", Blocks: []Block{
	Item{"0", "All is well."},
	Item{"1", "It failed: the line that is printed says why."},
	Item{"2", "The command line cannot be used."},
}}

// tool describes a program for users.
func tool(name, summary string, synopsis ...string) Command {
	return Command{
		Name: name, Section: 1, Summary: summary, Synopsis: synopsis, Parts: []Part{toolExit, environment},
		SeeAlso: []string{"irm(8)", "irmd(8)", "ouroboros(8)"},
	}
}

// Commands are the commands whose pages are made from their help. That of irm comes from irm itself.
var Commands = []Command{
	{
		Name: "irmd", Section: 8, Summary: "the IPC Resource Manager daemon of Ouroboros", Synopsis: []string{"irmd [OPTION...]"},
		Parts: []Part{
			{Head: "Signals", Blocks: []Block{
				Item{"INT, QUIT, HUP, TERM", "End the daemon: its IPCPs leave their layers, and what is on its way is sent. A second signal ends it at once."},
			}},
			{Head: "Exit status", Blocks: []Block{
				Item{"0", "It was ended by a signal."},
				Item{"1", "It could not start, its configuration failed, or a second signal ended it."},
			}},
			{Head: "Files", Blocks: []Block{
				Item{"/run/ouroboros/irm.sock", "Socket of irm(8). Who may write to it may manage the system."},
				Item{"/run/ouroboros/app.sock", "Socket of applications. Who may write to it may have flows."},
				Item{"/etc/ouroboros/security", "Security files: below server/NAME and client/NAME a file enc.conf, certificates and keys."},
			}},
			environment,
		},
		SeeAlso: []string{"irm(8)", "irmd.toml(5)", "ouroboros(8)"},
	},
	tool("oping", "send requests over Ouroboros and time the replies", "oping -n NAME [OPTION...]", "oping --listen [OPTION...]"),
	tool("operf", "measure what an Ouroboros flow takes", "operf -n NAME [OPTION...]", "operf --listen [OPTION...]"),
	tool("ocbr", "send at a constant bit rate over Ouroboros", "ocbr -n NAME [OPTION...]", "ocbr --listen [OPTION...]"),
	tool("oecho", "exchange one message over Ouroboros", "oecho [OPTION...]", "oecho --listen [OPTION...]"),
	tool("obc", "send a message to all members of an Ouroboros broadcast layer", "obc -n LAYER [-m TEXT]", "obc -n LAYER --listen"),
	tool("ovpn", "carry IP packets or Ethernet frames over an Ouroboros flow", "ovpn -n NAME -i ADDRESS -m MASK [OPTION...]", "ovpn -i ADDRESS -m MASK [OPTION...]"),
}
