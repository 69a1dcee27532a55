package rooms

import "strings"

// rule is one thing that a room may be denied.
type rule uint16

const (
	noOS        rule = 1 << iota // os, net, syscall and everything below them
	noClock                      // the wall clock and timers of package time
	noGo                         // go and select statements
	noChan                       // channel types, sends and receives
	noCoroutine                  // iter.Pull
	noRand                       // process-wide random sources
	noState                      // package-level variables that are written
)

// The purity classes. What a room of the protocol core does must depend on its
// arguments and its core.Env alone, so that a simulated run is repeated bit for
// bit and the same code runs on a live network.
const (
	pure    = virtual | noCoroutine
	virtual = noOS | noClock | noGo | noChan | noRand | noState
	plain   = noClock | noGo | noRand
	loader  = plain | noOS // files come in as bytes or as an embed.FS
	api     = plain | noState
	host    = rule(0)
)

// anything stands in room.may for every room of the module.
const anything = "*"

// room is a set of packages that share one line of the architecture.
type room struct {
	// name identifies the room in the may lists of others.
	name string
	// paths are folders below the module root ("" is the root package alone).
	// A folder covers what lies below it, "dir/*" only what lies below; the
	// longest match decides.
	paths []string
	// rules is what the room is denied.
	rules rule
	// may lists the rooms that it may import besides itself; "core/*" stands
	// for core and everything below it.
	may []string
	// libs lists the import path prefixes outside the standard library that it
	// may import.
	libs []string
}

const (
	mapstructure = "github.com/go-viper/mapstructure/v2"
	protobuf     = "google.golang.org/protobuf"
	hdrhistogram = "github.com/HdrHistogram/hdrhistogram-go"
	gonum        = "gonum.org/v1/gonum"
)

// rooms is the whole architecture, from the inside out.
var rooms = []room{
	{name: "core/clock", paths: []string{"core/clock"}, rules: pure},
	{name: "core/pkt", paths: []string{"core/pkt"}, rules: pure, may: []string{"core/clock"}},
	{name: "core/wire", paths: []string{"core/wire"}, rules: pure, may: []string{"core/clock"}},
	{name: "core/trace", paths: []string{"core/trace"}, rules: pure, may: []string{"core/clock"}},
	{
		name: "core", paths: []string{"core"}, rules: pure,
		may: []string{"core/clock", "core/pkt", "core/wire", "core/trace"},
	},
	{
		name: "core/policy", paths: []string{"core/policy"}, rules: pure,
		may: []string{"core"}, libs: []string{mapstructure},
	},
	{
		name: "core/crypt", paths: []string{"core/crypt", "core/oap"}, rules: pure,
		may: []string{"core/*"}, libs: []string{"golang.org/x/crypto"},
	},
	{name: "core/irm", paths: []string{"core/irm"}, rules: pure, may: []string{"core/*"}},
	{name: "frcp", paths: []string{"frcp"}, rules: pure, may: []string{"core/*"}},
	{
		name: "ipcp", paths: []string{"ipcp"}, rules: pure,
		may: []string{"core/*", "frcp"}, libs: []string{protobuf},
	},
	{
		name: "ipcp/unicast", paths: []string{"ipcp/unicast"}, rules: pure,
		may: []string{"core/*", "frcp", "ipcp"}, libs: []string{protobuf},
	},
	{
		name: "ipcp/broadcast", paths: []string{"ipcp/broadcast"}, rules: pure,
		may: []string{"core/*", "frcp", "ipcp"}, libs: []string{protobuf},
	},
	{
		name: "ipcp/local", paths: []string{"ipcp/local"}, rules: pure,
		may: []string{"core/*", "frcp", "ipcp"}, libs: []string{protobuf},
	},
	{name: "shim", paths: []string{"shim"}, rules: pure, may: []string{"core/*"}},
	{
		name: "shim/host", paths: []string{"shim/host"}, rules: host,
		may: []string{"core/*", "shim"},
		libs: []string{
			"golang.org/x/sys", "golang.org/x/net", "github.com/mdlayher/packet",
			"golang.zx2c4.com/wireguard/tun", "github.com/vishvananda",
		},
	},
	{
		name: "shim/host/app", paths: []string{"shim/host/app"}, rules: host,
		may: []string{"core/*", "shim/host", "ouroboros"},
	},
	{
		name: "sim", paths: []string{"sim"}, rules: virtual, may: []string{"core/*"},
		libs: []string{"github.com/google/gopacket", "google.golang.org/protobuf", gonum, hdrhistogram},
	},
	{
		name: "topologies", paths: []string{"topologies"}, rules: plain,
		may: []string{"core"}, libs: []string{gonum},
	},
	{
		name: "scenarios", paths: []string{"scenarios", "scenarios/loader", "scenarios/schema"}, rules: loader,
		may: []string{"core/*", "frcp", "ipcp/*", "shim", "topologies", "scenarios/parts", "scenarios/result"},
		libs: []string{
			"github.com/spf13/viper", "go.yaml.in/yaml/v3", "github.com/santhosh-tekuri/jsonschema/v6", mapstructure,
		},
	},
	{
		name: "scenarios/parts", paths: []string{"scenarios/*"}, rules: pure,
		may:  []string{"core/*", "frcp", "ipcp/*", "shim", "topologies", "scenarios", "scenarios/result"},
		libs: []string{gonum, hdrhistogram},
	},
	{
		// The campaign is of the simulator only: it moves clocks, looks at every frame, and counts timers.
		name: "scenarios/soak", paths: []string{"scenarios/soak"}, rules: pure,
		may:  []string{"core/*", "frcp", "topologies", "scenarios", "scenarios/parts", "scenarios/result", "sim"},
		libs: []string{"go.yaml.in/yaml/v3", mapstructure},
	},
	{
		name: "scenarios/result", paths: []string{"scenarios/result"}, rules: pure,
		may: []string{"core/*"}, libs: []string{hdrhistogram},
	},
	{
		name: "report", paths: []string{"report"}, rules: plain, may: []string{"scenarios/result"},
		libs: []string{
			gonum, "gonum.org/v1/plot", "github.com/olekukonko/tablewriter",
			"github.com/go-echarts/go-echarts/v2", "github.com/parquet-go/parquet-go", hdrhistogram,
		},
	},
	{name: "cmd", paths: []string{"cmd"}, rules: host, may: []string{anything}, libs: []string{""}},
	{name: "internal", paths: []string{"internal"}, rules: host, may: []string{anything}, libs: []string{""}},
	{name: "examples", paths: []string{"docs/examples"}, rules: host, may: []string{anything}, libs: []string{""}},
	{name: "ouroboros", paths: []string{""}, rules: api, may: []string{"core/*", "frcp"}},
}

// topLevels are the folders that the module root may hold; bin and results are
// made by the Makefile and by osim and are never committed.
var topLevels = []string{
	"sim", "core", "ipcp", "frcp", "shim", "topologies", "scenarios", "report", "cmd",
	"internal", "tools", "docs", "bin", "results",
}

// nowhere lists imports that no room may have: they need cgo, and every binary
// is built without it.
var nowhere = []string{"C", "github.com/google/gopacket/pcap", "github.com/google/gopacket/afpacket"}

// valuesOnly lists packages below the forbidden ones that are values and parsers
// and never reach the operating system; core.Addr is made from net/netip.
var valuesOnly = []string{"net/netip"}

// roomOf returns the room of a package folder, relative to the module root and
// separated by slashes, or nil.
func roomOf(dir string) *room {
	var best *room
	longest := -1
	for i := range rooms {
		for _, p := range rooms[i].paths {
			if covers(p, dir) && len(p) > longest {
				best, longest = &rooms[i], len(p)
			}
		}
	}
	return best
}

// covers tells whether dir is p or lies below it, in the notation of room.paths.
func covers(p, dir string) bool {
	if below, ok := strings.CutSuffix(p, "*"); ok {
		return strings.HasPrefix(dir, below)
	}
	return dir == p || p != "" && strings.HasPrefix(dir, p+"/")
}

// allows tells whether packages of r may import those of other.
func (r *room) allows(other *room) bool {
	if r == other {
		return true
	}
	for _, m := range r.may {
		tree, isTree := strings.CutSuffix(m, "/*")
		if m == anything || m == other.name || isTree && covers(tree, other.name) {
			return true
		}
	}
	return false
}

// allowsLib tells whether packages of r may import a package from outside both
// the module and the standard library.
func (r *room) allowsLib(path string) bool {
	for _, l := range r.libs {
		if l == "" || covers(l, path) {
			return true
		}
	}
	return false
}
