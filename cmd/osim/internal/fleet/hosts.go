package fleet

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"ouroboros/cmd/osim/internal/source"
	"ouroboros/core/wire"
	"ouroboros/scenarios"
	"ouroboros/topologies"
)

// Hosts are the machines of a lab, and which node of a scenario runs on which of them.
type Hosts struct {
	File string
	// MaxOffset is how far the clock of a machine may be away from ours; 0 = any distance is corrected.
	MaxOffset time.Duration
	Known     string // known_hosts file
	Hosts     []Host
	Nodes     []HostNode

	dial func(Host) (net.Conn, error) // nil: TCP to the address of the host
}

// Host is a machine that is reached over SSH.
type Host struct {
	Name    string
	Address string // host:port
	User    string
	Key     string // file of the private key; "" = those of the SSH agent
	line    int
}

// HostNode says where a node runs and what its links are there.
type HostNode struct {
	Node, Host string
	Links      []HostLink
	line       int
}

// HostLink is the end of a link of the scenario on a machine.
type HostLink struct {
	Link   string
	Device string // interface, for Ethernet
	// Address is the socket for datagrams; its port is the shims' if it names none.
	Address netip.AddrPort
	line    int
}

// maxHosts bounds the file of hosts, in bytes.
const maxHosts = 1 << 20

// LoadHosts reads a file of hosts. Its errors name file and line, and what is accepted.
func LoadHosts(file string) (*Hosts, error) {
	data, err := source.ReadFile(file, maxHosts)
	if err != nil {
		return nil, err
	}
	if len(data) > maxHosts {
		return nil, fmt.Errorf("%s: longer than %d bytes", file, maxHosts)
	}
	return ParseHosts(file, data)
}

// ParseHosts is LoadHosts for a text that has been read.
func ParseHosts(file string, data []byte) (*Hosts, error) {
	r := &hostReader{Hosts: &Hosts{File: file, Known: filepath.Join(home(), ".ssh", "known_hosts")}}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(doc.Content) == 0 {
		return nil, fmt.Errorf("%s: is empty; accepted is a section with hosts and nodes", file)
	}
	r.file(doc.Content[0])
	return r.Hosts, errors.Join(r.errs...)
}

func home() string {
	if h, err := os.UserHomeDir(); err == nil {
		return h
	}
	return "/"
}

// hostReader reads the tree of a file of hosts and collects what is wrong with it.
type hostReader struct {
	*Hosts
	errs []error
}

func (r *hostReader) fail(n *yaml.Node, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("%s:%d: %s", r.File, n.Line, fmt.Sprintf(format, args...)))
}

// section calls take with each key of a section and its value. Keys that it does not know, and that stand twice, are mistakes.
func (r *hostReader) section(n *yaml.Node, what string, known []string, take func(key string, v *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, "%s: is no section; accepted are the keys %s", what, strings.Join(known, ", "))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case known != nil && !slices.Contains(known, k.Value):
			r.fail(k, "%s: %q: unknown key; accepted are %s", what, k.Value, strings.Join(known, ", "))
		case seen[k.Value]:
			r.fail(k, "%s: %q: the key stands twice", what, k.Value)
		default:
			seen[k.Value] = true
			take(k.Value, v)
		}
	}
}

func (r *hostReader) text(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || n.Value == "" {
		r.fail(n, "%s: is no text", what)
		return ""
	}
	return n.Value
}

// path is a file name, relative to the file of hosts; ~ is the home directory.
func (r *hostReader) path(n *yaml.Node, what string) string {
	p := r.text(n, what)
	if rest, ok := strings.CutPrefix(p, "~/"); ok {
		return filepath.Join(home(), rest)
	}
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(filepath.Dir(r.File), p)
}

func (r *hostReader) list(n *yaml.Node, what string, each func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		r.fail(n, "%s: is no list of at least one", what)
		return
	}
	for _, x := range n.Content {
		each(x)
	}
}

func (r *hostReader) file(n *yaml.Node) {
	r.section(n, "hosts file", []string{"max_offset", "known_hosts", "hosts", "nodes"}, func(key string, v *yaml.Node) {
		switch key {
		case "max_offset":
			d, err := time.ParseDuration(v.Value)
			if err != nil || d <= 0 {
				r.fail(v, "max_offset: %q: is no duration above 0; accepted are such as 5ms", v.Value)
			}
			r.MaxOffset = d
		case "known_hosts":
			r.Known = r.path(v, key)
		case "hosts":
			r.list(v, key, r.host)
		case "nodes":
			r.list(v, key, r.node)
		}
	})
	if len(r.errs) == 0 && (len(r.Hosts.Hosts) == 0 || len(r.Nodes) == 0) {
		r.fail(n, "hosts or nodes are missing; accepted is a list of each")
	}
	r.names()
}

func (r *hostReader) host(n *yaml.Node) {
	h := Host{line: n.Line, User: "root"}
	r.section(n, "hosts", []string{"name", "address", "user", "key"}, func(key string, v *yaml.Node) {
		switch key {
		case "name":
			h.Name = r.text(v, key)
		case "address":
			h.Address = r.text(v, key)
			if _, port, err := net.SplitHostPort(h.Address); err != nil {
				h.Address = net.JoinHostPort(strings.Trim(h.Address, "[]"), "22")
			} else if p, err := strconv.Atoi(port); err != nil || p < 1 || p > 65535 {
				r.fail(v, "address: %q: port %q; accepted are 1 to 65535", h.Address, port)
			}
		case "user":
			h.User = r.text(v, key)
		case "key":
			h.Key = r.path(v, key)
		}
	})
	if h.Name == "" || h.Address == "" {
		r.fail(n, "hosts: name or address is missing")
	}
	r.Hosts.Hosts = append(r.Hosts.Hosts, h)
}

func (r *hostReader) node(n *yaml.Node) {
	x := HostNode{line: n.Line}
	r.section(n, "nodes", []string{"node", "host", "links"}, func(key string, v *yaml.Node) {
		switch key {
		case "node":
			x.Node = r.text(v, key)
		case "host":
			x.Host = r.text(v, key)
		case "links":
			r.section(v, key, nil, func(link string, d *yaml.Node) { x.Links = append(x.Links, r.link(link, d)) })
		}
	})
	if x.Node == "" || x.Host == "" {
		r.fail(n, "nodes: node or host is missing")
	}
	r.Nodes = append(r.Nodes, x)
}

// link is the name of an interface, or an address for datagrams.
func (r *hostReader) link(name string, v *yaml.Node) HostLink {
	l := HostLink{Link: name, line: v.Line}
	text := r.text(v, "links: "+name)
	if a, err := netip.ParseAddrPort(text); err == nil {
		l.Address = a
	} else if a, err := netip.ParseAddr(text); err == nil {
		l.Address = netip.AddrPortFrom(a, wire.UDPPort)
	} else if len(text) > 15 || strings.ContainsAny(text, "/ ") {
		r.fail(v, "links: %s: %q: is neither the name of an interface, of up to 15 characters, nor an IP address, with a port or without", name, text)
	} else {
		l.Device = text
	}
	return l
}

// names checks what refers to what.
func (r *hostReader) names() {
	var hosts, nodes []string
	for _, h := range r.Hosts.Hosts {
		if slices.Contains(hosts, h.Name) {
			r.errs = append(r.errs, fmt.Errorf("%s:%d: hosts: %q: the name stands twice", r.File, h.line, h.Name))
		}
		hosts = append(hosts, h.Name)
	}
	for _, x := range r.Nodes {
		if !slices.Contains(hosts, x.Host) && x.Host != "" {
			r.errs = append(r.errs, fmt.Errorf("%s:%d: nodes: host %q: there is none; accepted are %s", r.File, x.line, x.Host, strings.Join(hosts, ", ")))
		}
		if slices.Contains(nodes, x.Node) {
			r.errs = append(r.errs, fmt.Errorf("%s:%d: nodes: %q: the node stands twice", r.File, x.line, x.Node))
		}
		nodes = append(nodes, x.Node)
	}
}

// ports maps the links of a scenario to what is on the machines: all that its layers use, at both ends.
func (h *Hosts) ports(sc *scenarios.Scenario, g *topologies.Graph) (map[[2]string]Port, error) {
	wires, err := shapes(sc, g)
	if err != nil {
		return nil, err
	}
	out := map[[2]string]Port{}
	var errs []error
	fail := func(line int, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s:%d: %s", h.File, line, fmt.Sprintf(format, args...)))
	}
	at := map[string]*HostNode{}
	for i := range h.Nodes {
		at[h.Nodes[i].Node] = &h.Nodes[i]
	}
	for _, n := range g.NodeNames() {
		if at[n] == nil {
			fail(1, "nodes: node %s of the scenario runs nowhere", n)
		}
	}
	used := map[*HostLink]bool{}
	for _, w := range wires {
		ends := [2]string{w.a, w.b}
		var found [2]*HostLink
		for k, name := range ends {
			n := at[name]
			if n == nil || w.shim == "" {
				continue
			}
			i := slices.IndexFunc(n.Links, func(l HostLink) bool { return l.Link == w.name })
			if i < 0 {
				fail(n.line, "nodes: %s: link %s of the scenario is joined to nothing; accepted is an interface, or an address for datagrams", name, w.name)
				continue
			}
			found[k] = &n.Links[i]
			used[found[k]] = true
			datagrams := strings.HasPrefix(w.shim, "udp")
			if datagrams != found[k].Address.IsValid() {
				want := map[bool]string{true: "an IP address", false: "the name of an interface"}[datagrams]
				fail(found[k].line, "nodes: %s: link %s carries %s; accepted is %s", name, w.name, w.shim, want)
			}
		}
		if found[0] == nil || found[1] == nil {
			continue
		}
		for k, name := range ends {
			out[[2]string{w.name, name}] = Port{Device: found[k].Device, LLC: w.shim == "eth-llc", Local: found[k].Address, Peer: found[1-k].Address}
		}
	}
	for _, n := range h.Nodes {
		if !slices.Contains(g.NodeNames(), n.Node) {
			fail(n.line, "nodes: %s: the scenario has no such node; accepted are %s", n.Node, strings.Join(g.NodeNames(), ", "))
		}
	}
	return out, errors.Join(errs...)
}
