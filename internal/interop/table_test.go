package interop

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of docs/interop.md anew")

const document = "../../docs/interop.md"

// message is a row of the table: a kind of message and where it is specified.
type message struct {
	name, section string
	match         string // elements of the kind that follow each other, separated by "/"
}

// messages are all that nodes of the prototype and ours exchange.
var messages = []message{
	{"Ethernet DIX frame", "01 §3", "dix"},
	{"DIX NAME_QUERY_REQ", "01 §3.3", "dix/NAME_QUERY_REQ"},
	{"DIX NAME_QUERY_REPLY", "01 §3.3", "dix/NAME_QUERY_REPLY"},
	{"DIX FLOW_REQ", "01 §3.3", "dix/FLOW_REQ"},
	{"DIX FLOW_REPLY", "01 §3.3", "dix/FLOW_REPLY"},
	{"Ethernet LLC frame", "01 §4", "llc"},
	{"LLC NAME_QUERY_REQ", "01 §4.3", "llc/NAME_QUERY_REQ"},
	{"LLC NAME_QUERY_REPLY", "01 §4.3", "llc/NAME_QUERY_REPLY"},
	{"LLC FLOW_REQ", "01 §4.3", "llc/FLOW_REQ"},
	{"LLC FLOW_REPLY", "01 §4.3", "llc/FLOW_REPLY"},
	{"UDP datagram", "01 §5", "udp"},
	{"UDP FLOW_REQ", "01 §5.3", "udp/FLOW_REQ"},
	{"UDP FLOW_REPLY", "01 §5.3", "udp/FLOW_REPLY"},
	{"Connection (CEP)", "07 §2", "cep"},
	{"Enrollment request", "07 §5", "enroll_req"},
	{"Enrollment response, configuration", "07 §5, §6", "enroll_resp"},
	{"Enrollment ack", "07 §5", "enroll_ack"},
	{"Link state", "04 §3", "lsa"},
	{"Data transfer header", "02 §2", "pci"},
	{"Flow allocator FLOW_REQ", "03 §1", "fa-FLOW_REQ"},
	{"Flow allocator FLOW_REPLY", "03 §1", "fa-FLOW_REPLY"},
	{"Flow allocator FLOW_UPDATE", "03 §1, 06 §5", "fa-FLOW_UPDATE"},
	{"Directory STORE", "05 §3", "dht-STORE"},
	{"Directory FIND_NODE_REQ", "05 §3", "dht-FIND_NODE_REQ"},
	{"Directory FIND_NODE_RSP", "05 §3", "dht-FIND_NODE_RSP"},
	{"Directory FIND_VALUE_REQ", "05 §3", "dht-FIND_VALUE_REQ"},
	{"Directory FIND_VALUE_RSP", "05 §3", "dht-FIND_VALUE_RSP"},
	{"Handshake request", "11 §11.2", "oap-request"},
	{"Handshake response", "11 §11.2", "oap-response"},
	{"FRCP first data", "10 §10.3", "frcp-DATA|DRF"},
	{"FRCP data", "10 §10.3", "frcp-DATA"},
	{"FRCP data with window", "10 §10.3", "frcp-DATA|FC"},
	{"FRCP first data with window", "10 §10.3", "frcp-DATA|DRF|FC"},
	{"FRCP data with ack and window", "10 §10.3", "frcp-DATA|ACK|FC"},
	{"FRCP first data with ack and window", "10 §10.3", "frcp-DATA|DRF|ACK|FC"},
	{"FRCP ack and window", "10 §10.3", "frcp-ACK|FC"},
	{"FRCP last ack", "10 §10.3", "frcp-ACK"},
	{"FRCP rendez-vous", "10 §10.18", "frcp-RDVS"},
	{"FRCP answer to rendez-vous", "10 §10.18", "frcp-FC"},
	{"Keepalive", "10 §10.13", "keepalive"},
	{"Encrypted packet", "11 §11.10", "pci/encrypted"},
	{"Packet of a raw flow", "02 §2", "pci/data"},
	{"Broadcast SDU", "02 §11", "broadcast"},
}

// matches reports whether a frame has such a message.
func (m message) matches(f *frame) bool {
	return strings.Contains("/"+strings.Join(f.kind, "/")+"/", "/"+m.match+"/")
}

// sources counts the frames with the message, and lists where they are from.
func (m message) sources(frames []*frame) (n int, from []string) {
	for _, f := range frames {
		if m.matches(f) {
			n++
			if len(from) == 0 || from[len(from)-1] != f.capture {
				from = append(from, f.capture)
			}
		}
	}
	return n, from
}

// Every kind of message has a golden: a frame of the prototype where a capture holds one, else the example of the
// specification. docs/interop.md says which.
func TestTableOfGoldens(t *testing.T) {
	var frames []*frame
	for _, name := range append(captures(t), spec) {
		frames = append(frames, load(t, name)...)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "| message | spec | frames | from |\n|---|---|---|---|\n")
	for _, m := range messages {
		n, from := m.sources(frames)
		if n == 0 {
			t.Errorf("%s: no golden", m.name)
			continue
		}
		if len(from) > 3 {
			from = append(from[:2:2], fmt.Sprintf("%d more", len(from)-2))
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %s |\n", m.name, m.section, n, strings.Join(from, ", "))
	}
	for _, f := range frames {
		for _, k := range f.kind {
			known := k == "arp" || k == "data"
			for _, m := range messages {
				known = known || strings.HasSuffix("/"+m.match, "/"+k)
			}
			if !known {
				t.Errorf("%s: no row of the table for %s", f, k)
			}
		}
	}
	section(t, "goldens", b.String())
}

// section holds a part of the document to what it should be, or writes it.
func section(t *testing.T, name, want string) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	first, last := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->\n"
	before, rest, ok := strings.Cut(string(text), first)
	got, after, ok2 := strings.Cut(rest, last)
	if !ok || !ok2 {
		t.Fatalf("%s has no section %s", document, name)
	}
	// In a table "|" separates columns.
	want = strings.ReplaceAll(want, "DATA|", "DATA\\|")
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("%s: section %s is not up to date; go test ./internal/interop -update writes\n%s", document, name, want)
	}
	if err := os.WriteFile(document, []byte(before+first+want+last+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
