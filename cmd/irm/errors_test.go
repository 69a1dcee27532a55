package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
)

// What is wrong with a command line is one line of output that names the word and what is accepted; the daemon
// is not told anything.
func TestErrorsNameTheWord(t *testing.T) {
	b := newBench(t)
	workDir(t)
	long := "name register n" + strings.Repeat(" ipcp a", 129)
	for line, want := range map[string][]string{
		"ipcp create name u type foo":                                         {`type: "foo", accepted are unicast, broadcast, udp4, udp6, local, eth-llc, eth-dix.`},
		"ipcp create name u type uni":                                         {`type: "uni", accepted are`},
		"ipcp create name u":                                                  {"type is missing: irm ipcp create name NAME type TYPE."},
		"ipcp create":                                                         {"name is missing"},
		"ipcp create name":                                                    {"name needs a value"},
		"ipcp create name u name v type local":                                {"name stands twice"},
		"ipcp create name u type local color red":                             {`"color" is unknown, try "irm ipcp create --help"; accepted are name, type.`},
		"ipcp destroy name u type local":                                      {`"type" is unknown`, "accepted are name."},
		"ipcp bootstrap name u type local":                                    {"layer is missing"},
		"ipcp bootstrap name u type local layer l addr 4":                     {"Failed to bootstrap IPCP. ", "addr is no parameter of the type local, only of unicast"},
		"ipcp bootstrap name u type unicast layer l addr 9":                   {`addr: "9", accepted is 1 to 8`},
		"ipcp bootstrap name u type unicast layer l eid 4":                    {`eid: "4", accepted is only 8`},
		"ipcp bootstrap name u type unicast layer l ttl 0":                    {`ttl: "0", accepted is 1 to 255`},
		"ipcp bootstrap name u type unicast layer l ttl x":                    {`ttl: "x", accepted is 1 to 255`},
		"ipcp bootstrap name u type unicast layer l hash MD5":                 {`hash: "MD5", accepted are SHA3_224, SHA3_256, SHA3_384, SHA3_512`},
		"ipcp bootstrap name u type unicast layer l routing rip":              {`routing: unknown routing policy "rip"`, "path-vector"},
		"ipcp bootstrap name u type unicast layer l congestion x":             {`congestion: unknown congestion policy "x"`, "mb-ecn"},
		"ipcp bootstrap name u type unicast layer l congestion dctcp,":        {"form is NAME"},
		"ipcp bootstrap name u type unicast layer l congestion dctcp,gian=1":  {"gian", "gain"},
		"ipcp bootstrap name u type unicast layer l dht_k 21":                 {`dht_k: "21", accepted is 1 to 20`},
		"ipcp bootstrap name u type unicast layer l ls_t_timeo 0":             {`ls_t_timeo: "0", accepted is 1 to`},
		"ipcp bootstrap name u type unicast layer l ls_t_timeo 20":            {"timeout"},
		"ipcp bootstrap name u type unicast layer l dht_k 3 directory static": {"dht_k belongs to directory dht, but directory is static"},
		"ipcp bootstrap name u type unicast layer l dev v0":                   {"dev is no parameter of the type unicast, only of eth-llc, eth-dix"},
		"ipcp bootstrap name u type unicast layer l addr 4 addr 4":            {"addr stands twice"},
		"ipcp bootstrap name u type local layer l autobind":                   {"autobind is for unicast and broadcast, not for local"},
		"ipcp bootstrap name u type udp4 layer l":                             {"ip is missing"},
		"ipcp bootstrap name u type udp4 layer l ip 0.0.0.0":                  {"unspecified"},
		"ipcp bootstrap name u type udp4 layer l ip ::1":                      {`"::1" is no address for udp4`},
		"ipcp bootstrap name u type udp6 layer l ip localhost":                {`"localhost" is no IP address`},
		"ipcp bootstrap name u type udp4 layer l ip 10.0.0.1 port 0":          {`port: "0", accepted is 1 to 65535`},
		"ipcp bootstrap name u type udp4 layer l ip 10.0.0.1 dns x":           {`dns: "x"`},
		"ipcp bootstrap name u type udp4 layer l ip 10.0.0.1 hosts x":         {"hosts: ", "file x does not exist"},
		"ipcp bootstrap name u type eth-dix layer l":                          {"dev is missing"},
		"ipcp bootstrap name u type eth-dix layer l dev v ethertype 05ff":     {`ethertype: "05ff", accepted is 0600 to FFFE`},
		"ipcp bootstrap name u type eth-dix layer l dev v ethertype ffff":     {`ethertype: "ffff"`},
		"ipcp bootstrap name u type eth-llc layer l dev v ethertype a000":     {"only of eth-dix"},
		"ipcp bootstrap name u type eth-dix layer l dev v device w":           {"dev stands twice"},
		"ipcp enroll name u":                                                  {"layer or dst is missing"},
		"ipcp enroll name u layer l type local":                               {`type: "local", accepted are unicast, broadcast`},
		"ipcp connect name u":                                                 {"dst is missing"},
		"ipcp connect name u dst d component x*":                              {`component: "x*", accepted are dt, mgmt, or * for both`},
		"ipcp connect name u dst d qos gold":                                  {`qos: "gold", accepted are raw, best, voice, video, data`},
		"ipcp list type foo":                                                  {`type: "foo"`},
		"bind program prog":                                                   {"name is missing"},
		"bind program":                                                        {"PROGRAM is missing: irm bind program PROGRAM name NAME [auto] [-- ARG...]."},
		"bind program gone name n":                                            {"Failed to bind program. ", "gone does not exist"},
		"bind program ./gone name n":                                          {"./gone does not exist"},
		"bind program ./plain name n":                                         {"Cannot execute ./plain"},
		"bind program ./folder name n":                                        {"Cannot execute ./folder"},
		"bind process x name n":                                               {`"x" is no number of a process`},
		"bind process 0 name n":                                               {`"0" is no number of a process`},
		"bind ipcp u name n -- x":                                             {`"--" is unknown`},
		"name create n lb random":                                             {`lb: "random", accepted are round-robin, spillover`},
		"name create n sencpath gone":                                         {"sencpath: ", "file gone does not exist"},
		"name create n ckeypath folder":                                       {"folder is a directory"},
		"name register n":                                                     {"ipcp or layer is missing"},
		"name destroy":                                                        {"NAME is missing"},
		long:                                                                  {"ipcp stands more than 128 times"},
		"rib a b":                                                             {`"b" is unknown`},
		"status now":                                                          {`"now" is unknown`, "accepted are nothing more"},
		"shape u":                                                             {"rate or delay"},
		"shape u rate 10":                                                     {"Failed to shape the link. ", `rate: "10", accepted is a rate such as 64kbps`},
		"shape u rate -1bps":                                                  {`rate: "-1bps"`},
		"shape u rate 0.5bps":                                                 {`rate: "0.5bps"`},
		"shape u delay 5":                                                     {`delay: "5", accepted is a time`},
		"shape u loss 2":                                                      {`loss: "2", accepted is a probability from 0 to 1`},
		"shape u drop 0":                                                      {`drop: "0", accepted are different numbers from 1`},
		"shape u drop 2,2":                                                    {`drop: "2,2"`},
		"shape u loss NaN":                                                    {`loss: "NaN"`},
		"shape u burst-loss 1,2":                                              {"P,R,GOOD,BAD"},
		"shape u loss 0.1 out loss 0.2":                                       {"loss stands twice for packets out"},
		"shape u reorder 0.1":                                                 {"reorder and reorder-by need one another"},
		"shape u clear rate 1Mbps":                                            {"clear stands alone"},
		"shape u queue 0":                                                     {`queue: "0", accepted are 1 to 1000000`},
		"completion tcsh":                                                     {`"tcsh", accepted are bash, zsh, fish`},
		"--color ipcp list":                                                   {`"--color" is unknown`, "--dir"},
		"--timeout soon ipcp list":                                            {`--timeout: "soon"`},
		"--dir":                                                               {"--dir needs a value"},
		"--json=yes ipcp list":                                                {"--json takes no value"},
	} {
		code, out, errs := irm(strings.Fields(line)...)
		if code != 1 || errs != "" || strings.Count(out, "\n") != 1 {
			t.Errorf("irm %s: exit %d\n%s%s", line, code, out, errs)
		}
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("irm %s: %swant %q in it", line, out, w)
			}
		}
		if got := b.Calls(); len(got) > 0 {
			t.Errorf("irm %s: the daemon was told %q", line, got)
		}
	}
	for _, args := range [][]string{{"ipcp", "create", "name", "", "type", "local"}, {"name", "create", ""}, {"ipcp", "create", ""}} {
		if code, out, _ := irm(args...); code != 1 {
			t.Errorf("irm %q: exit %d, %s", args, code, out)
		}
	}
}

// Objects and operations that do not exist are told to stderr, with what to try (spec 13 §13.4).
func TestUnknownSubCommands(t *testing.T) {
	for line, want := range map[string]string{
		"foo":         `"foo" is unknown, try "irm help"; accepted are ipcp, bind, unbind, name, help, rib, status, shape, completion.`,
		"ipcpx list":  `"ipcpx" is unknown, try "irm help"`,
		"ipcp foo":    `"foo" is unknown, try "irm ipcp help"; accepted are create, destroy, bootstrap, enroll, connect, disconnect, list, help.`,
		"bind name n": `"name" is unknown, try "irm bind help"; accepted are program, process, ipcp, help.`,
		"help foo":    `"foo" is unknown, try "irm help"`,
	} {
		code, out, errs := irm(strings.Fields(line)...)
		if code != 1 || out != "" || !strings.HasPrefix(errs, want) {
			t.Errorf("irm %s: exit %d\n%s%s", line, code, out, errs)
		}
	}
}

// 255 without arguments; help is a success (spec 13 §13.4).
func TestExitCodes(t *testing.T) {
	for line, want := range map[string]int{
		"": 255, "--json": 255, "help": 0, "--help": 0, "-h": 0, "ipcp": 1, "ipcp help": 0, "ipcp --help": 0, "ipcp bootstrap help": 0, "ipcp b --help": 0,
		"bind program --help": 0, "n h": 0, "help ipcp": 0, "help shape": 0, "--version": 0, "rib --help": 0,
	} {
		code, out, errs := irm(strings.Fields(line)...)
		if code != want || errs != "" || !strings.Contains(out, "Usage: irm") && !strings.Contains(out, "Ouroboros version ") {
			t.Errorf("irm %s: exit %d, want %d\n%s%s", line, code, want, out, errs)
		}
	}
}

// A failure is one line that begins with the sentence of the prototype (spec 15 §15.1).
func TestFailures(t *testing.T) {
	b := newBench(t)
	t.Chdir(workDir(t))
	b.SetFail(func(_ context.Context, call string) error {
		if strings.HasPrefix(call, "list ipcps") {
			return nil
		}
		return fmt.Errorf("%w: two\nlines", core.ErrName)
	})
	for line, want := range map[string]string{
		"ipcp create name u type local":            "Failed to create IPCP.",
		"ipcp destroy name u":                      "Failed to destroy IPCP.",
		"ipcp bootstrap name u layer l type local": "Failed to bootstrap IPCP.",
		"ipcp enroll name u layer l":               "Failed to enroll IPCP.",
		"ipcp connect name u dst d":                "Failed to connect IPCP.",
		"ipcp disconnect name u dst d":             "Failed to disconnect IPCP.",
		"bind program ./prog name n":               "Failed to bind program.",
		"bind process 1 name n":                    "Failed to bind process.",
		"bind ipcp u name n":                       "Failed to bind IPCP.",
		"unbind program p":                         "Failed to unbind program.",
		"unbind process 1":                         "Failed to unbind process.",
		"unbind ipcp u":                            "Failed to unbind IPCP.",
		"name create n":                            "Failed to create name.",
		"name destroy n":                           "Failed to destroy name.",
		"name register n ipcp u":                   "Failed to register name.",
		"name unregister n ipcp u":                 "Failed to unregister name.",
		"name list":                                "Failed to list names.",
		"rib":                                      "Failed to read the management tree.",
		"status":                                   "Failed to get the status of the daemon.",
		"shape u clear":                            "Failed to shape the link.",
	} {
		code, out, errs := irm(strings.Fields(line)...)
		if code != 1 || errs != "" || out != want+" unknown name: two lines\n" {
			t.Errorf("irm %s: exit %d, %s%s", line, code, out, errs)
		}
	}
	if code, out, _ := irm("--json", "name", "list"); code != 1 || out != "{\n  \"error\": \"unknown name: two\\nlines\",\n  \"code\": 1007\n}\n" {
		t.Errorf("exit %d, %s", code, out)
	}
}

// An IPCP that was created for a layer which then failed does not stay.
func TestFailedLayerLeavesNothing(t *testing.T) {
	b := newBench(t)
	b.SetFail(func(_ context.Context, call string) error {
		if strings.HasPrefix(call, "enroll") {
			return core.ErrTimedOut
		}
		return nil
	})
	if code, out, _ := irm("ipcp", "enroll", "name", "u", "layer", "l"); code != 1 || out != "Failed to enroll IPCP. timed out\n" {
		t.Errorf("exit %d, %s", code, out)
	}
	if got := b.Calls(); got[len(got)-1] != `destroy ipcp "u"` {
		t.Errorf("%q", got)
	}
	must(t, "ipcp create name u type unicast")
	b.Calls()
	irm("ipcp", "enroll", "name", "u", "layer", "l")
	if got := b.Calls(); strings.HasPrefix(got[len(got)-1], "destroy") {
		t.Errorf("one that existed before: %q", got)
	}
}

// Without a daemon there is the sentence of spec 13 §13.4 for every operation.
func TestNoDaemon(t *testing.T) {
	t.Setenv(control.DirVariable, t.TempDir())
	for _, line := range []string{"ipcp list", "name create n", "ipcp bootstrap name u type local layer l", "status", "--timeout 1s rib"} {
		code, out, errs := irm(strings.Fields(line)...)
		if code != 1 || errs != "" || !strings.HasPrefix(out, control.NoDaemon+" ") || strings.Count(out, "\n") != 1 {
			t.Errorf("irm %s: exit %d, %s%s", line, code, out, errs)
		}
	}
	if code, out, _ := irm("--json", "ipcp", "list"); code != 1 || !strings.Contains(out, `"code": 1002`) {
		t.Errorf("exit %d, %s", code, out)
	}
}

// --dir chooses the daemon, before the environment; --timeout ends the wait.
func TestOptions(t *testing.T) {
	b := newBench(t)
	t.Setenv(control.DirVariable, "/nowhere")
	for _, line := range []string{"--dir " + b.dir + " name create n", "name --dir=" + b.dir + " create n", "name create --dir " + b.dir + " n", "name create n --dir " + b.dir} {
		must(t, line)
	}
	b.SetFail(func(ctx context.Context, _ string) error {
		<-ctx.Done()
		return ctx.Err()
	})
	if code, out, _ := irm("--dir", b.dir, "--timeout", "30ms", "name", "create", "n"); code != 1 || !strings.HasPrefix(out, "Failed to create name. ") {
		t.Errorf("exit %d, %s", code, out)
	}
}
