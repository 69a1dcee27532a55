package host

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"ouroboros/core"
)

const oping = "7862c6fec5ecaef4aa2e3934725e23b3" // MD5 of the name (spec 01 §2.1.3)

// asker is a resolver and what it has answered.
type asker struct {
	t *testing.T
	w *World
	r *Resolver

	mu    sync.Mutex
	got   []core.Addr
	found int
}

func newAsker(t *testing.T, cfg ResolverConfig) *asker {
	t.Helper()
	w := New(1)
	t.Cleanup(w.Close)
	r, err := w.Resolver(w.Node("n"), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &asker{t: t, w: w, r: r}
}

func (a *asker) ask(digest string) {
	a.r.Resolve(digest, func(addr core.Addr, ok bool) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.got = append(a.got, addr)
		if ok {
			a.found++
		}
	})
}

// answers waits for n answers and returns them and how many names were found.
func (a *asker) answers(n int) ([]core.Addr, int) {
	a.t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		a.mu.Lock()
		got, found := a.got, a.found
		a.mu.Unlock()
		if len(got) >= n {
			return got, found
		}
		if time.Now().After(end) {
			a.t.Fatalf("%d answers after 10 s, want %d", len(got), n)
		}
	}
}

// one asks for one name and returns its address, "none" when it was not found.
func (a *asker) one(digest string) string {
	a.t.Helper()
	a.mu.Lock()
	a.got, a.found = nil, 0
	a.mu.Unlock()
	a.ask(digest)
	got, found := a.answers(1)
	if found == 0 {
		return "none"
	}
	return got[0].AddrPort().Addr().String()
}

func hostsAt(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hosts")
	write := func() error { return os.WriteFile(path, []byte(text), 0o600) }
	if err := write(); err != nil {
		t.Fatal(err)
	}
	return path
}

// The operator provides addresses in a hosts file, of which the first of the right version counts; the table
// goes first (spec 01 §5.5).
func TestResolverReadsTableAndHosts_01_5_5(t *testing.T) {
	hosts := hostsAt(t, `# members
192.0.2.7 server `+strings.ToUpper(oping)+` # in capitals
2001:db8::7	`+oping+`
192.0.2.8 `+oping+`
nonsense `+oping+`
192.0.2.9 00000000000000000000000000000009
::ffff:192.0.2.10 0000000000000000000000000000000a
`)
	table := map[string]netip.Addr{"00000000000000000000000000000009": netip.MustParseAddr("192.0.2.99")}
	v4 := newAsker(t, ResolverConfig{Hosts: hosts, Table: table})
	v6 := newAsker(t, ResolverConfig{Hosts: hosts, Table: table, IPv6: true})
	for _, c := range []struct {
		digest, v4, v6 string
	}{
		{oping, "192.0.2.7", "2001:db8::7"},
		{"00000000000000000000000000000009", "192.0.2.99", "none"},
		{"0000000000000000000000000000000a", "192.0.2.10", "none"},
		{"server", "none", "none"},
		{"", "none", "none"},
		{strings.Repeat("0", 31) + "b", "none", "none"},
	} {
		if got := v4.one(c.digest); got != c.v4 {
			t.Errorf("IPv4 of %q: %s, want %s", c.digest, got, c.v4)
		}
		if got := v6.one(c.digest); got != c.v6 {
			t.Errorf("IPv6 of %q: %s, want %s", c.digest, got, c.v6)
		}
	}
	if st := v4.r.Stats(); st.Queries != 6 || st.FromHosts != 2 || st.FromTable != 1 || st.Unknown != 3 || st.HostsLines == 0 || st.Questions != 0 {
		t.Errorf("%+v", st)
	}
}

// A hosts file is read again when it has changed, and need not exist.
func TestResolverFollowsTheHostsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hosts")
	a := newAsker(t, ResolverConfig{Hosts: path})
	if got := a.one(oping); got != "none" {
		t.Errorf("without a file: %s", got)
	}
	for i, text := range []string{"192.0.2.1 ", "192.0.2.2 ", "192.0.2.3 ", "2001:db8::1 "} {
		if err := os.WriteFile(path, []byte(text+oping+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		want := []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "none"}[i]
		if got := a.one(oping); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := a.one(oping); got != "none" || a.r.Stats().HostsErrors == 0 {
		t.Errorf("a folder as hosts file: %s, %+v", got, a.r.Stats())
	}
}

// dnsServer answers questions on the loopback interface.
type dnsServer struct {
	conn  *net.UDPConn
	known map[string]netip.Addr
	done  chan struct{}

	mu    sync.Mutex
	lose  int // questions that are not answered, first
	asked []dnsmessage.Question
}

func newDNS(t *testing.T, lose int, known map[string]netip.Addr) *dnsServer {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s := &dnsServer{conn: conn, known: known, done: make(chan struct{}), lose: lose}
	go s.serve()
	t.Cleanup(func() { _ = conn.Close(); <-s.done })
	return s
}

func (s *dnsServer) addr() netip.AddrPort { return s.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

func (s *dnsServer) serve() {
	defer close(s.done)
	buf := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		q := m.Questions[0]
		s.mu.Lock()
		s.asked = append(s.asked, q)
		silent := s.lose > 0
		s.lose--
		s.mu.Unlock()
		if silent {
			continue
		}
		out, err := s.reply(m.ID, q).Pack()
		if err == nil {
			_, _ = s.conn.WriteToUDPAddrPort(out, from)
		}
	}
}

func (s *dnsServer) reply(id uint16, q dnsmessage.Question) *dnsmessage.Message {
	m := &dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id, Response: true, Authoritative: true, RecursionAvailable: true},
		Questions: []dnsmessage.Question{q},
	}
	ip, ok := s.known[strings.TrimSuffix(q.Name.String(), ".")]
	hdr := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 86400}
	switch {
	case !ok:
		m.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA && ip.Is4():
		m.Answers = []dnsmessage.Resource{{Header: hdr, Body: &dnsmessage.AResource{A: ip.As4()}}}
	case q.Type == dnsmessage.TypeAAAA && ip.Is6():
		m.Answers = []dnsmessage.Resource{{Header: hdr, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}}}
	}
	return m
}

// A server is asked for A or AAAA records of the digest, without domain (spec 01 §5.5, D5), again when a
// question was lost.
func TestResolverAsksDNS_01_5_5(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		at := netip.MustParseAddr("192.0.2.7")
		if v6 {
			at = netip.MustParseAddr("2001:db8::7")
		}
		s := newDNS(t, 1, map[string]netip.Addr{oping: at})
		a := newAsker(t, ResolverConfig{Hosts: "none", DNS: s.addr(), IPv6: v6})
		if got, want := a.one(oping), at.String(); got != want {
			t.Errorf("IPv6 %v: %s, want %s", v6, got, want)
		}
		if got := a.one(strings.Repeat("0", 32)); got != "none" {
			t.Errorf("an unknown name is at %s", got)
		}
		if st := a.r.Stats(); st.FromDNS != 1 || st.Unknown != 1 || st.TimedOut != 0 || st.Questions != 3 {
			t.Errorf("%+v", st)
		}
		s.mu.Lock()
		for _, q := range s.asked {
			if len(strings.TrimSuffix(q.Name.String(), ".")) != 32 || (q.Type == dnsmessage.TypeAAAA) != v6 {
				t.Errorf("question %v", q)
			}
		}
		s.mu.Unlock()
	}
}

// A server that never answers costs the time-out.
func TestResolverGivesUp(t *testing.T) {
	s := newDNS(t, 1<<30, nil)
	a := newAsker(t, ResolverConfig{Hosts: "none", DNS: s.addr(), Timeout: 50 * time.Millisecond})
	if got := a.one(oping); got != "none" || a.r.Stats().TimedOut != 1 {
		t.Errorf("%s, %+v", got, a.r.Stats())
	}
}

// A storm of queries for unknown names, while the server is silent, keeps goroutines and memory bounded; every
// query is answered, and the world closes at once.
func TestResolverBoundsAStorm(t *testing.T) {
	s := newDNS(t, 1<<30, nil)
	w := New(1)
	r, err := w.Resolver(w.Node("n"), ResolverConfig{Hosts: "none", DNS: s.addr(), Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	var mu sync.Mutex
	answers := 0
	const storm = 20_000
	for i := range storm {
		r.Resolve(fmt.Sprintf("a%031x", i%1000), func(_ core.Addr, ok bool) {
			mu.Lock()
			defer mu.Unlock()
			if answers++; ok {
				t.Error("an unknown name was found")
			}
		})
	}
	// Each look-up of the standard library has a few of its own.
	if n := runtime.NumGoroutine() - before; n > 8*resolverWorkers {
		t.Errorf("%d goroutines", n)
	}
	r.mu.Lock()
	if len(r.pending) > resolverNames || r.asked > resolverAsked || r.workers > resolverWorkers {
		t.Errorf("%d names, %d who ask, %d workers", len(r.pending), r.asked, r.workers)
	}
	r.mu.Unlock()
	w.Close()
	mu.Lock()
	defer mu.Unlock()
	if st := r.Stats(); answers != storm || st.Unknown != storm || st.Overload < storm-resolverAsked-resolverWorkers {
		t.Errorf("%d answers, %+v", answers, st)
	}
}

func TestResolverConfigurations(t *testing.T) {
	w := New(1)
	defer w.Close()
	for says, cfg := range map[string]ResolverConfig{
		"32 lowercase hexadecimal": {Table: map[string]netip.Addr{"oping": netip.MustParseAddr("192.0.2.1")}},
		"address of a member":      {Table: map[string]netip.Addr{oping: netip.IPv4Unspecified()}},
		"timeout":                  {Timeout: -1},
		"address and port":         {DNS: netip.MustParseAddrPort("192.0.2.1:0")},
	} {
		if _, err := w.Resolver(w.Node(says), cfg); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}

func FuzzHosts(f *testing.F) {
	f.Add([]byte("192.0.2.7 " + oping + "\n# x\n::1 a " + oping))
	f.Add([]byte("fe80::1%eth0\t" + oping + "\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		names, bad := parseHosts(text)
		lines := strings.Count(string(text), "\n") + 1
		if int(bad) > lines {
			t.Errorf("%d of %d lines are wrong", bad, lines)
		}
		for digest, ips := range names {
			if !isDigest(digest) || len(ips) == 0 {
				t.Errorf("%q: %v", digest, ips)
			}
			for _, ip := range ips {
				if !ip.IsValid() {
					t.Errorf("%q: %v", digest, ips)
				}
			}
		}
	})
}
