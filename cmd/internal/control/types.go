package control

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"ouroboros/core"
	"ouroboros/ipcp"
)

// Kind is the kind of an IPCP.
type Kind = core.LayerKind

// Components are the components of an IPCP that are connected.
type Components = ipcp.Components

// kinds are the words of the kinds, as operators write them (spec 13 §13.2).
var kinds = [...]string{
	core.KindLocal: "local", core.KindUnicast: "unicast", core.KindBroadcast: "broadcast", core.KindEthLLC: "eth-llc",
	core.KindEthDIX: "eth-dix", core.KindUDP4: "udp4", core.KindUDP6: "udp6",
}

// KindWord returns the word of a kind.
func KindWord(k Kind) string {
	if int(k) < len(kinds) {
		return kinds[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// ParseKind returns the kind of a word.
func ParseKind(s string) (Kind, error) {
	for k, w := range kinds {
		if w == s {
			return Kind(k), nil
		}
	}
	return 0, fmt.Errorf("%w: %q, accepted are %s", core.ErrIPCPType, s, strings.Join(kinds[:], ", "))
}

// IPCPInfo describes an IPCP.
type IPCPInfo struct {
	PID   int // the number by which the daemon tells its IPCPs apart; one whose IPCPs are no processes makes it up
	Name  string
	Kind  Kind
	State ipcp.State
	Layer string // "" while it is in no layer
	Hash  core.HashAlgo
}

// BootstrapConfig is the configuration of a layer, and of the shim that is in it. Only the fields of its kind
// count. DefaultBootstrap fills the defaults in.
type BootstrapConfig struct {
	Kind     Kind
	Layer    string
	Hash     core.HashAlgo
	Autobind bool // bind the IPCP to its own name and to that of the layer: unicast and broadcast

	Device    string // eth-dix, eth-llc: the network interface
	EtherType uint16 // eth-dix: 0x0600 to 0xfffe

	IP    netip.Addr // udp4, udp6: the local address
	Port  uint16     // udp4, udp6
	DNS   netip.Addr // udp4, udp6: server for names; not valid: none
	Hosts string     // udp4, udp6: file of names; "" = the system's

	AddrSize int           // unicast: length of addresses in bytes
	EIDSize  int           // unicast: length of endpoint ids in bytes
	MaxTTL   uint8         // unicast: hops that a packet may take
	MPL      time.Duration // unicast: maximum packet lifetime; 0 = 100 ms
	MTU      int           // unicast: longest packet of a user in bytes; 0 = what the flows below take
	Queue    int           // unicast: transmit queue of a flow in packets; 0 = 1023
	Cubes    bool          // unicast: packets carry the QoS cube of their flow
	// Policies are those of a unicast layer, by kind: "routing", "congestion" and so on. A kind that is not in
	// it has its default.
	Policies map[string]Policy
}

// Policy is a policy by name, with its parameters as text.
type Policy struct {
	Name   string
	Params map[string]string
}

// EnrollConfig says where an IPCP enrolls.
type EnrollConfig struct {
	Layer    string // the layer to find there; "" = any
	Dst      string // the name to enroll with; "" = that of the layer
	Autobind bool
}

// ConnectConfig is a connection between two members.
type ConnectConfig struct {
	Dst        string
	Components Components
	QoS        string // of the data transfer flow: a word of QoSWords; "" = raw. Management is always raw.
}

// Balance says which process gets the next flow to a name that several listen to (spec 13 §13.1).
type Balance uint8

// The balances, with the numbers of spec 13 §13.10.
const (
	RoundRobin Balance = 0 // one after the other
	Spillover  Balance = 1 // the one that accepted last
)

// String returns the word of the balance.
func (b Balance) String() string {
	switch b {
	case RoundRobin:
		return "round-robin"
	case Spillover:
		return "spillover"
	}
	return fmt.Sprintf("balance %d", uint8(b))
}

// NameConfig is what a name can be told when it is created. The files are those of spec 11 §11.8; "" = where
// the daemon looks by itself.
type NameConfig struct {
	Balance                         Balance
	ServerEnc, ServerCrt, ServerKey string
	ClientEnc, ClientCrt, ClientKey string
}

// NameInfo describes a name.
type NameInfo struct {
	Name string
	NameConfig
	Programs  []string // paths of the programs bound to it
	Processes []int    // processes bound to it
	IPCPs     []string // IPCPs bound to it
	Layers    []string // where it is registered
	Active    int      // processes that listen to it now
}

// RIBEntry is a file of the management tree.
type RIBEntry struct {
	Path    string
	Content []byte
}

// Status describes a daemon.
type Status struct {
	Version  string
	PID      int
	Uptime   time.Duration
	Counters []Counter // in the order in which they are shown
}

// Counter is a number that a daemon keeps, for instance "flows" or "dropped.ttl".
type Counter struct {
	Name  string
	Value int64
}
