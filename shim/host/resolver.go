package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"ouroboros/core"
	"ouroboros/shim/udp"
)

const (
	resolverWorkers = 4    // look-ups at the same time
	resolverNames   = 256  // names that are being looked up or wait for it
	resolverAsked   = 4096 // who waits for these, together
	resolverTimeout = 5 * time.Second
	resolverTry     = time.Second // of one question to a DNS server

	defaultHosts = "/etc/hosts"
	noHosts      = "none"
)

// ResolverConfig says how a port of the IP network finds the members of its layer (spec 01 §5.5). What comes
// first decides: Table, Hosts, then DNS or System.
type ResolverConfig struct {
	// Table has addresses by digest: 32 lowercase hexadecimal digits.
	Table map[string]netip.Addr
	// Hosts is a file with lines of an address and names, which are digests. It is read again when it has
	// changed. "" = /etc/hosts, "none" = no file.
	Hosts string
	// DNS is a server that is asked for A or AAAA records of a digest, without a domain. The library looks into
	// /etc/hosts before it asks.
	DNS netip.AddrPort
	// System asks the servers of the system (resolv.conf), with its search list, when DNS is not set.
	System bool
	// IPv6 looks for IPv6 addresses, else for IPv4.
	IPv6 bool
	// Timeout is how long DNS may take, 0 = 5 s.
	Timeout time.Duration
}

func (c ResolverConfig) validate() error {
	for digest, a := range c.Table {
		if !isDigest(digest) {
			return fmt.Errorf("table: %q: accepted are digests of 32 lowercase hexadecimal digits", digest)
		}
		if !a.IsValid() || a.IsUnspecified() {
			return fmt.Errorf("table: %s: address %v: accepted is an IPv4 or IPv6 address of a member", digest, a)
		}
	}
	if c.Timeout < 0 {
		return fmt.Errorf("timeout: %v: accepted is 0 or more", c.Timeout)
	}
	if c.DNS != (netip.AddrPort{}) && (!c.DNS.IsValid() || c.DNS.Port() == 0 || c.DNS.Addr().IsUnspecified()) {
		return fmt.Errorf("dns: %v: accepted is the address and port of a server", c.DNS)
	}
	return nil
}

// isDigest reports whether s is what names are looked up by.
func isDigest(s string) bool {
	return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == ""
}

// ResolverStats counts what a resolver was asked and how it answered.
type ResolverStats struct {
	Queries     uint64
	FromTable   uint64 // found there
	FromHosts   uint64
	FromDNS     uint64
	Unknown     uint64 // not found
	TimedOut    uint64 // of these, because DNS did not answer in time
	Overload    uint64 // of these, refused: too many at once
	Questions   uint64 // to DNS
	HostsErrors uint64 // times that the hosts file could not be read
	HostsLines  uint64 // lines of it that begin with no address, each time that it was read
}

// Resolver finds the addresses of members by their digests. Look-ups in files and by DNS run on a few goroutines
// of their own, so that the actor never waits. A storm of queries is refused beyond a bound.
type Resolver struct {
	w    *World
	node *node
	cfg  ResolverConfig
	dns  *net.Resolver // nil = none
	file *hostsFile    // nil = none

	mu      sync.Mutex
	pending map[string][]func(core.Addr, bool)
	queue   []string // of pending, not taken by a worker
	asked   int      // in pending
	workers int
	stats   ResolverStats
}

var _ udp.Resolver = (*Resolver)(nil)

// Resolver returns a resolver for a port of the node of env.
func (w *World) Resolver(env core.Env, cfg ResolverConfig) (*Resolver, error) {
	n := w.nodeOf(env)
	if n == nil {
		return nil, fmt.Errorf("resolver: %q is no component of this world", env.Path)
	}
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("resolver: %w", err)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = resolverTimeout
	}
	r := &Resolver{w: w, node: n, cfg: cfg, pending: map[string][]func(core.Addr, bool){}}
	switch cfg.Hosts {
	case noHosts:
	case "":
		r.file = &hostsFile{path: defaultHosts}
	default:
		r.file = &hostsFile{path: cfg.Hosts}
	}
	if cfg.DNS.IsValid() || cfg.System {
		r.dns = &net.Resolver{PreferGo: true, StrictErrors: cfg.DNS.IsValid(), Dial: r.dial}
	}
	return r, nil
}

// dial connects to the server, or to that of the system. The connection ends with the look-up: the library
// would wait on it for seconds.
func (r *Resolver) dial(ctx context.Context, network, server string) (net.Conn, error) {
	if r.cfg.DNS.IsValid() {
		server = r.cfg.DNS.String()
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, server)
	if err == nil {
		context.AfterFunc(ctx, func() { _ = conn.Close() })
	}
	return conn, err
}

// Stats returns the counters. Any goroutine may call it.
func (r *Resolver) Stats() ResolverStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats
}

// Resolve looks up a digest and calls done: at once when it is in the table, or when it is too much, else on
// another goroutine. It is called on the actor.
func (r *Resolver) Resolve(digest string, done func(addr core.Addr, ok bool)) {
	if a, found, waits := r.enter(digest, done); !waits {
		done(a, found)
	}
}

// enter has a digest looked up, unless it can answer at once.
func (r *Resolver) enter(digest string, done func(core.Addr, bool)) (a core.Addr, found, waits bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Queries++
	if ip := r.cfg.Table[digest]; r.fits(ip) {
		r.stats.FromTable++
		return addrOf(ip), true, false
	}
	if !isDigest(digest) || r.file == nil && r.dns == nil {
		r.stats.Unknown++
		return a, false, false
	}
	others, known := r.pending[digest]
	if r.asked >= resolverAsked || !known && len(r.pending) >= resolverNames {
		r.stats.Unknown++
		r.stats.Overload++
		return a, false, false
	}
	r.asked++
	r.pending[digest] = append(others, done)
	if known {
		return a, false, true
	}
	r.queue = append(r.queue, digest)
	if r.workers < resolverWorkers {
		r.workers++
		r.w.readers.Go(r.work)
	}
	return a, false, true
}

// fits reports whether an address is of the version that is looked for.
func (r *Resolver) fits(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsValid() && !ip.IsUnspecified() && ip.Is4() != r.cfg.IPv6
}

// addrOf returns the Addr of an IP address whose port is that of the layer.
func addrOf(ip netip.Addr) core.Addr { return core.IPAddr(netip.AddrPortFrom(ip, 0)) }

// work looks up names until none waits.
func (r *Resolver) work() {
	ctx, cancel := r.life()
	defer cancel()
	for {
		digest, ok := r.next()
		if !ok {
			return
		}
		r.answer(digest, r.find(ctx, digest))
	}
}

// next takes a name that waits. When there is none the worker has ended.
func (r *Resolver) next() (digest string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 {
		r.queue = nil
		r.workers--
		return "", false
	}
	digest = r.queue[0]
	r.queue = r.queue[1:]
	return digest, true
}

// life returns a context that ends with the world or the node.
func (r *Resolver) life() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		select {
		case <-r.w.closed:
		case <-r.node.gone:
		case <-ctx.Done():
		}
		cancel()
	}()
	return ctx, cancel
}

// finding is the result of a look-up.
type finding struct {
	ip      netip.Addr
	counter *uint64 // of where it was found, nil = nowhere
	err     error   // why it was not
}

// answer tells all who wait for a name, and counts.
func (r *Resolver) answer(digest string, f finding) {
	r.mu.Lock()
	waiting := r.pending[digest]
	delete(r.pending, digest)
	r.asked -= len(waiting)
	n := uint64(len(waiting))
	if f.counter != nil {
		*f.counter += n
	} else {
		r.stats.Unknown += n
	}
	if errors.Is(f.err, context.DeadlineExceeded) {
		r.stats.TimedOut += n
	}
	r.mu.Unlock()
	var a core.Addr
	if f.counter != nil {
		a = addrOf(f.ip)
	}
	for _, done := range waiting {
		done(a, f.counter != nil)
	}
}

// find looks a name up in the file and by DNS.
func (r *Resolver) find(ctx context.Context, digest string) finding {
	if ip := r.read(digest); ip.IsValid() {
		return finding{ip: ip, counter: &r.stats.FromHosts}
	}
	if r.dns == nil || ctx.Err() != nil {
		return finding{err: os.ErrNotExist}
	}
	ip, err := r.ask(ctx, digest)
	if err != nil {
		return finding{err: err}
	}
	return finding{ip: ip, counter: &r.stats.FromDNS}
}

// read looks a name up in the file.
func (r *Resolver) read(digest string) (ip netip.Addr) {
	if r.file == nil {
		return ip
	}
	ip, bad, err := r.file.find(digest, r.fits)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.HostsLines += bad
	if err != nil {
		r.stats.HostsErrors++
	}
	return ip
}

// ask asks by DNS, again and again until there is an answer or the time is up: a question may be lost.
func (r *Resolver) ask(ctx context.Context, digest string) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	network, name := "ip4", digest
	if r.cfg.IPv6 {
		network = "ip6"
	}
	if r.cfg.DNS.IsValid() {
		name += "." // no search list
	}
	for {
		ip, late, err := r.question(ctx, network, name)
		switch {
		case err == nil:
			return ip, nil
		case ctx.Err() != nil:
			return ip, ctx.Err()
		case !late:
			return ip, err
		}
	}
}

// question asks once. late tells that there was no answer in time.
func (r *Resolver) question(ctx context.Context, network, name string) (ip netip.Addr, late bool, err error) {
	r.mu.Lock()
	r.stats.Questions++
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, resolverTry)
	defer cancel()
	ips, err := r.dns.LookupNetIP(ctx, network, name)
	if err != nil {
		return ip, ctx.Err() != nil, err
	}
	for _, ip := range ips {
		if r.fits(ip) {
			return ip.Unmap(), false, nil
		}
	}
	return ip, false, os.ErrNotExist
}
