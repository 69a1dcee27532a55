package operator

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
	"ouroboros/ipcp/unicast/catalog"
)

// Form is the type of a parameter in the configuration file.
type Form uint8

// The forms.
const (
	Text    Form = iota // a string
	Number              // an integer
	Switch              // true or false; a word without a value on the command line
	Choice              // a policy: a string, or a table with its name and parameters
	Seconds             // an integer, or a string with a unit
)

// Param is something that can be said about a layer when it is bootstrapped.
type Param struct {
	Word     string         // on the command line
	Key      string         // in the configuration file, "" = Word
	Also     []string       // other spellings of either
	Kinds    []control.Kind // the kinds of IPCPs that have it
	Form     Form
	Value    string   // what stands for the value in a usage
	Words    []string // the values, where they are words
	Default  string   // as it is written
	Accepts  string   // what is accepted
	Doc      string   // one line
	Required bool
	Ours     bool   // the prototype does not have it
	Policy   string // the kind of policy that it chooses
	set      func(l *Layer, text string) error
}

// Of reports whether a kind of IPCP has the parameter.
func (p *Param) Of(k control.Kind) bool { return slices.Contains(p.Kinds, k) }

// FileKey returns the key of the parameter in the configuration file.
func (p *Param) FileKey() string {
	if p.Key != "" {
		return p.Key
	}
	return p.Word
}

var (
	unicastOnly = []control.Kind{core.KindUnicast}
	udp         = []control.Kind{core.KindUDP4, core.KindUDP6}
	eth         = []control.Kind{core.KindEthLLC, core.KindEthDIX}
	hashed      = []control.Kind{core.KindUnicast, core.KindLocal, core.KindEthLLC, core.KindEthDIX}
	hashWords   = []string{"SHA3_224", "SHA3_256", "SHA3_384", "SHA3_512"}
)

// Params are all parameters in the order of spec 13 §13.4, and ours behind them: the first whose word begins
// with what was written is meant.
var Params = []Param{
	number(unicastOnly, "addr", "addr_size", "BYTES", 1, 8, control.DefaultAddrSize, "length of addresses", func(b *control.BootstrapConfig, n int) { b.AddrSize = n }),
	number(unicastOnly, "eid", "eid_size", "BYTES", control.DefaultEIDSize, control.DefaultEIDSize, control.DefaultEIDSize, "length of endpoint ids", func(b *control.BootstrapConfig, n int) { b.EIDSize = n }),
	number(unicastOnly, "ttl", "max_ttl", "HOPS", 1, 255, control.DefaultMaxTTL, "hops that a packet may take", func(b *control.BootstrapConfig, n int) { b.MaxTTL = uint8(n) }),
	policyParam("addr_auth", "addr-auth", catalog.Addressing, "flat", "how members get their addresses", false),
	policyParam("directory", "", catalog.Directory, "DHT", "where names are looked up", false),
	{
		Word: "hash", Kinds: hashed, Form: Text, Value: "ALGORITHM", Words: hashWords, Default: "SHA3_256",
		Accepts: strings.Join(hashWords, ", "), Doc: "digest of names in the layer", set: setHash,
	},
	policyParam("routing", "", catalog.Routing, "link_state", "how ways are found; lfa and ecmp are link_state with that forwarding", false),
	policyParam("congestion", "", catalog.Congestion, "mb-ecn", "how flows react to full queues", false),
	count("dht_alpha", "dht", "alpha", 1, 10, 3, "requests of a lookup at one time"),
	count("dht_k", "dht", "k", 1, 20, 8, "size of a bucket, and copies of a value"),
	seconds("dht_t_expire", catalog.Directory, "dht", "t_expire", 10, 86400, 86400, "life of a value"),
	seconds("dht_t_refresh", catalog.Directory, "dht", "t_refresh", 3, 3600, 900, "time between refreshes of contacts"),
	seconds("dht_t_replicate", catalog.Directory, "dht", "t_replicate", 3, 3600, 900, "time between replications of values"),
	seconds("ls_t_recalc", catalog.Routing, "link-state", "recalc", 1, 86400, 4, "time between checks for aged adjacencies"),
	seconds("ls_t_update", catalog.Routing, "link-state", "update", 1, 86400, 15, "time between announcements of adjacencies"),
	seconds("ls_t_timeo", catalog.Routing, "link-state", "timeout", 1, 86400, 60, "age at which adjacencies are dropped, at least twice ls_t_update"),
	{
		Word: "ip", Kinds: udp, Value: "ADDRESS", Accepts: "an address of this system, not the unspecified one", Doc: "local address",
		Required: true, set: setIP,
	},
	number(udp, "port", "", "PORT", 1, 65535, control.DefaultPort, "UDP port, the same on all systems of the layer", func(b *control.BootstrapConfig, n int) { b.Port = uint16(n) }),
	{
		Word: "dns", Kinds: udp, Value: "ADDRESS", Default: "none", Accepts: "an IP address, or none", Doc: "server that names are looked up with", set: setDNS,
	},
	{
		Word: "dev", Also: []string{"device"}, Kinds: eth, Value: "INTERFACE", Accepts: "a network interface, 1 to 255 bytes",
		Doc: "network interface", Required: true, set: setDevice,
	},
	{
		Word: "ethertype", Kinds: []control.Kind{core.KindEthDIX}, Form: Number, Value: "HEX", Default: "A000", Accepts: "0600 to FFFE",
		Doc: "EtherType of the frames, hexadecimal", set: setEtherType,
	},

	ours(policyParam("forwarding", "", catalog.Forwarding, "simple", "which of several ways a packet takes", true)),
	ours(policyParam("scheduler", "", catalog.Scheduler, "fifo", "which packet goes first", true)),
	ours(policyParam("cost", "", catalog.Cost, "hops", "what an adjacency costs", true)),
	ours(policyParam("shaping", "", catalog.Shaping, "none", "what happens to flows above their bandwidth", true)),
	ours(policyParam("admission", "", catalog.Admission, "none", "which flows are taken on", true)),
	ours(Param{
		Word: "hosts", Kinds: udp, Value: "FILE", Default: "/etc/hosts", Accepts: "a file of addresses and names", Doc: "file that names are looked up in",
		set: func(l *Layer, text string) (err error) { l.cfg.Hosts, err = FindFile(text); return },
	}),
	ours(Param{
		Word: "mpl", Kinds: unicastOnly, Form: Seconds, Value: "TIME", Default: "100ms", Accepts: "a time from 1ms to 10m, such as 250ms",
		Doc: "maximum packet lifetime", set: setMPL,
	}),
	ours(number(unicastOnly, "mtu", "", "BYTES", 1, 1<<31-1, 0, "longest packet of a user; not given: what the flows below take", func(b *control.BootstrapConfig, n int) { b.MTU = n })),
	ours(number(unicastOnly, "queue", "", "PACKETS", 1, 1<<24, 1023, "transmit queue of a flow", func(b *control.BootstrapConfig, n int) { b.Queue = n })),
	ours(Param{
		Word: "cubes", Kinds: unicastOnly, Form: Switch, Accepts: "true or false", Doc: "packets carry the QoS cube of their flow",
		set: func(l *Layer, text string) (err error) { l.cfg.Cubes, err = strconv.ParseBool(text); return },
	}),
}

func ours(p Param) Param {
	p.Ours = true
	return p
}

// number makes a parameter that is a whole number within bounds.
func number(kinds []control.Kind, word, key, value string, low, high, def int, doc string, set func(*control.BootstrapConfig, int)) Param {
	p := Param{Word: word, Key: key, Kinds: kinds, Form: Number, Value: value, Accepts: bounds(low, high), Doc: doc}
	if def != 0 {
		p.Default = strconv.Itoa(def)
	}
	p.set = func(l *Layer, text string) error {
		n, err := whole(text, low, high)
		if err == nil {
			set(&l.cfg, n)
		}
		return err
	}
	return p
}

func bounds(low, high int) string {
	if low == high {
		return fmt.Sprintf("only %d", low)
	}
	return fmt.Sprintf("%d to %d", low, high)
}

// whole reads a decimal number within bounds.
func whole(text string, low, high int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%q, accepted is %s", text, bounds(low, high))
	}
	return n, nil
}

// policyParam makes the parameter that chooses the policies of a kind.
func policyParam(word, key, kind, def, doc string, alone bool) Param {
	names := policyNames(kind)
	p := Param{
		Word: word, Key: key, Kinds: unicastOnly, Form: Choice, Value: PolicyForm, Words: names, Default: def,
		Accepts: strings.Join(names, ", "), Doc: doc, Policy: kind,
	}
	if !alone && kind == catalog.Addressing {
		p.Also = []string{kind}
	}
	p.set = func(l *Layer, text string) error {
		c, err := ParsePolicy(text)
		if err != nil {
			return err
		}
		return l.SetPolicy(kind, c)
	}
	return p
}

// count makes a word for a parameter of the directory.
func count(word, policy, param string, low, high, def int, doc string) Param {
	return own(word, Number, "COUNT", catalog.Directory, policy, param, low, high, def, doc, "")
}

// seconds makes a word for a parameter of a policy that is a time.
func seconds(word, kind, policy, param string, low, high, def int, doc string) Param {
	return own(word, Number, "SECONDS", kind, policy, param, low, high, def, doc, "s")
}

func own(word string, form Form, value, kind, policy, param string, low, high, def int, doc, unit string) Param {
	p := Param{Word: word, Kinds: unicastOnly, Form: form, Value: value, Default: strconv.Itoa(def), Accepts: bounds(low, high), Doc: doc}
	p.set = func(l *Layer, text string) error {
		if _, err := whole(text, low, high); err != nil {
			return err
		}
		l.seconds[kind] = append(l.seconds[kind], setting{word: word, policy: policy, param: param, value: text + unit})
		return nil
	}
	return p
}

func setHash(l *Layer, text string) error {
	for i, w := range hashWords {
		if text == w {
			l.cfg.Hash = core.HashAlgo(i)
			return nil
		}
	}
	return fmt.Errorf("%q, accepted are %s", text, strings.Join(hashWords, ", "))
}

func setIP(l *Layer, text string) (err error) {
	l.cfg.IP, err = address(text, l.cfg.Kind)
	return err
}

func setDNS(l *Layer, text string) (err error) {
	if text == "none" {
		return nil
	}
	l.cfg.DNS, err = netip.ParseAddr(text)
	if err != nil || l.cfg.DNS.IsUnspecified() {
		return fmt.Errorf("%q, accepted is an IP address, or none", text)
	}
	return nil
}

// address reads an address of the family of a kind.
func address(text string, k control.Kind) (netip.Addr, error) {
	a, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		return a, fmt.Errorf("%q is no IP address", text)
	case a.IsUnspecified():
		return a, fmt.Errorf("%q is unspecified, accepted is an address of this system", text)
	case (k == core.KindUDP4) != a.Is4():
		return a, fmt.Errorf("%q is no address for %s", text, control.KindWord(k))
	}
	return a, nil
}

func setDevice(l *Layer, text string) error {
	if err := core.Name(text).Validate(); err != nil {
		return err
	}
	l.cfg.Device = text
	return nil
}

func setEtherType(l *Layer, text string) error {
	digits := strings.TrimPrefix(strings.TrimPrefix(text, "0x"), "0X")
	n, err := strconv.ParseUint(digits, 16, 16)
	if err != nil || n < 0x0600 || n > 0xfffe {
		return fmt.Errorf("%q, accepted is 0600 to FFFE, hexadecimal", text)
	}
	l.cfg.EtherType = uint16(n)
	return nil
}

func setMPL(l *Layer, text string) error {
	d, err := time.ParseDuration(text)
	if n, whole := strconv.Atoi(text); whole == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d < time.Millisecond || d > 10*time.Minute {
		return fmt.Errorf("%q, accepted is a time from 1ms to 10m, such as 250ms", text)
	}
	l.cfg.MPL = d
	return nil
}

// ParamOfWord returns the parameter of a word of the command line, nil for none.
func ParamOfWord(word string) *Param {
	for i := range Params {
		if p := &Params[i]; p.Word == word || slices.Contains(p.Also, word) {
			return p
		}
	}
	return nil
}

// FindParam returns the parameter of a key of the configuration file that a kind of IPCP has, nil for none.
func FindParam(k control.Kind, key string) *Param {
	for i := range Params {
		if p := &Params[i]; p.Of(k) && (p.FileKey() == key || slices.Contains(p.Also, key)) {
			return p
		}
	}
	return nil
}
