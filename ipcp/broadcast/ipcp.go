// Package broadcast is the broadcast IPC process (spec 02 §11, 07 §9): a member of a layer in which every
// SDU that one user writes reaches all others. There is no header, no address and no directory. SDUs go
// unchanged over "Data Transfer" connections between members, and to the users of each member, who join.
//
// # Life
//
//	New ──► boot ──Bootstrap──────────────────► operational ──Leave──► shutdown
//	          └─────Enroll──► init ──enrolled──►┘
//	          ▲                 │
//	          └──────failed─────┘
//
// # Loops
//
// Nothing in a packet says that it was here before, so that in a cycle of connections it circulates for
// ever. Our members run a tree protocol (see Tree) on a management connection beside each connection for
// data, and pass data only over those that form a tree. A member of the prototype has no such component and
// refuses it: then data passes without protection, and the graph of such connections must be a tree by
// itself. Should it not be, the guard of each member bounds what circulates (Config.Guard), and the counter
// DropGuard grows.
//
// # Where it differs from the prototype
//
// SDUs of more than 1400 bytes are dropped and counted, not cut up (D8). Who joins names the layer and must
// name it right: the broker compares whole names (D9). A slow user or neighbour loses packets, beyond a
// queue, and delays nobody else.
package broadcast

import (
	"fmt"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/ipcp"
	"ouroboros/ipcp/pb"
)

const (
	// MTU is the longest SDU in bytes (spec 02 §11.3).
	MTU = 1400
	// MPL is the maximum packet lifetime that the layer reports (IPCP_BROADCAST_MPL, spec 02 §13).
	MPL = 100 * time.Millisecond
	// QueueLen is how many packets wait for one flow unless the configuration says otherwise (spec 02 §13).
	QueueLen = 1023
	// DefaultGuard is how many packets per second one unprotected connection may bring, unless the
	// configuration says otherwise: 1.1 Gbit/s in SDUs of 1400 bytes.
	DefaultGuard = 100_000
	// guardBurst is how far a connection may be ahead of that rate.
	guardBurst = 10 * time.Millisecond
)

// QoS is that of a joined flow (np1, spec 02 §7.1): raw, unchecked and without a time-out.
var QoS = core.QoS{Delay: core.DontCare, Loss: core.DontCare, BER: core.DontCare, MaxGap: core.DontCare}

// Config describes an IPCP before it is a member of a layer.
type Config struct {
	Name core.Name // of this IPCP, to which its peers connect
	// Autobind has it listen to the name of its layer too, so that "enroll with layer X" finds any member.
	Autobind bool
	Queue    int // packets that wait for one flow; 0 = QueueLen
	// Trust turns the tree protocol off: the operator keeps the graph of connections a tree.
	Trust bool
	Tree  TreeConfig
	// Guard is how many packets per second an unprotected connection may bring, in bursts of 10 ms; what is
	// more is dropped. 0 = DefaultGuard, up to 10^9.
	Guard int
}

// Validate reports what is wrong with the configuration.
func (c Config) Validate() error {
	if err := c.Name.Validate(); err != nil {
		return fmt.Errorf("broadcast: %w", err)
	}
	if c.Queue < 0 {
		return fmt.Errorf("broadcast: queue of %d packets, accepted is 1 or more, 0 for %d", c.Queue, QueueLen)
	}
	if c.Guard < 0 || c.Guard > 1e9 {
		return fmt.Errorf("broadcast: guard of %d packets/s, accepted are 1 to 10^9, 0 for %d", c.Guard, DefaultGuard)
	}
	return c.Tree.Validate()
}

// Counter counts packets and their bytes.
type Counter struct{ Packets, Bytes uint64 }

// Add counts a packet of n bytes.
func (c *Counter) Add(n int) { c.Packets++; c.Bytes += uint64(n) }

func (c *Counter) sum(o Counter) { c.Packets += o.Packets; c.Bytes += o.Bytes }

// IPCP is a broadcast IPC process: a core.Provider. It belongs to one actor.
type IPCP struct {
	env   core.Env
	cfg   Config
	alloc core.Allocator
	life  ipcp.Life
	layer core.LayerInfo
	tick  time.Duration // between two packets at the rate of the guard

	ports  []port // attached flows, in the order in which they came
	limits limits
	gone   Stats   // of ports that are gone
	left   Carried // of them
	alone  Counter
	number uint64 // of the last port

	tree     *Tree // nil if it is turned off, or before this IPCP is a member
	timer    core.Timer
	armed    core.Time
	controls []*control // by port of the tree
	halves   []*control // whose connection for data has not come

	doors     ipcp.Doors
	registrar ipcp.Registrar
	applicant ipcp.Applicant
	wishes    []*wish
	// What this IPCP has sent to manage its layer.
	exchanges, enrollments, trees Counter
}

// New returns an IPCP that is in no layer yet. alloc gives it its N-1 flows.
func New(env core.Env, alloc core.Allocator, cfg Config) (*IPCP, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Queue == 0 {
		cfg.Queue = QueueLen
	}
	if cfg.Guard == 0 {
		cfg.Guard = DefaultGuard
	}
	i := &IPCP{
		env: env, cfg: cfg, alloc: alloc, life: ipcp.NewLife(), armed: clock.Never,
		layer: core.LayerInfo{Kind: core.KindBroadcast, Hash: core.SHA3_256},
		tick:  time.Second / time.Duration(cfg.Guard),
	}
	i.timer = env.NewTimer(i.expired)
	i.doors = ipcp.Doors{Alloc: alloc, Own: cfg.Name, Autobind: cfg.Autobind, Incoming: i.incoming}
	i.applicant = ipcp.Applicant{
		Env: env, Alloc: alloc, Name: cfg.Name, Life: &i.life,
		Exchanges: i.exchanges.Add, Enrollments: i.enrollments.Add,
	}
	i.registrar = ipcp.Registrar{Env: env, Config: i.handOn, Sent: i.enrollments.Add}
	return i, nil
}

// Name returns the name of this IPCP.
func (i *IPCP) Name() core.Name { return i.cfg.Name }

// State returns the state of its life.
func (i *IPCP) State() ipcp.State { return i.life.State() }

// OnState sets who is told of each change of the state.
func (i *IPCP) OnState(f func(ipcp.State)) { i.life.OnState(f) }

func (i *IPCP) operational() bool { return i.life.Operational() }

// Layer describes the layer. It has no name before the IPCP is operational. The digest of names is SHA3-256
// in every broadcast layer (spec 07 §7).
func (i *IPCP) Layer() core.LayerInfo { return i.layer }

// Bootstrap makes this IPCP the first member of a layer. It fails with core.ErrIPCPState unless the IPCP is
// in state boot.
func (i *IPCP) Bootstrap(layer core.Name) error {
	if i.life.State() != ipcp.Boot {
		return core.ErrIPCPState
	}
	if err := layer.Validate(); err != nil {
		return fmt.Errorf("ipcp %s: layer: %w", i.cfg.Name, err)
	}
	i.enter(layer)
	return nil
}

// enter makes this IPCP a member.
func (i *IPCP) enter(layer core.Name) {
	i.layer.Name = layer
	if !i.cfg.Trust {
		i.tree = NewTree(i.env.Now(), i.env.Rand.Uint64(), i.cfg.Tree)
	}
	i.life.Become(ipcp.Operational)
	i.doors.Entered(layer)
}

// handOn returns the configuration that a newcomer gets from this member.
func (i *IPCP) handOn() (*pb.Config, error) {
	if !i.operational() {
		return nil, core.ErrIPCPState
	}
	return ipcp.ConfigOf(i.layer), nil
}

// Leave takes this IPCP out of its layer, for good: the neighbours that speak the tree protocol are told,
// users get core.ErrFlowDown, and operations under way report core.ErrIPCPState.
func (i *IPCP) Leave() {
	if i.life.State() == ipcp.Shutdown {
		return
	}
	i.life.Become(ipcp.Shutdown)
	i.applicant.Stop(core.ErrIPCPState)
	i.doors.Close()
	for _, w := range slices.Clone(i.wishes) {
		w.stop(core.ErrIPCPState)
	}
	for _, p := range slices.Clone(i.ports) {
		p.end(core.ErrFlowDown)
	}
	for _, c := range slices.Clone(i.halves) {
		c.close()
	}
	i.registrar.Stop()
}

// Tree returns the machine of the tree protocol, nil where there is none, for results and the management
// tree.
func (i *IPCP) Tree() *Tree { return i.tree }

// Enrollment returns the counters of newcomers that enrolled with this member, and whether its own
// enrollment found its clock more than 20 ms away (1) or not (0) (spec 07 §5.3).
func (i *IPCP) Enrollment() (st ipcp.EnrollStats, clocks uint64) {
	return i.registrar.Stats(), i.applicant.Clocks()
}
