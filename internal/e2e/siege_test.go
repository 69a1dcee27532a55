package e2e

import (
	"crypto/md5"
	"crypto/sha3"
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"ouroboros/core/wire"
	"ouroboros/internal/inject"
)

// Addresses of the siege.
const (
	ipGood, ipBad = "10.9.0.1", "10.9.0.2"
	ipStranger    = "10.9.0.3"
)

// siege is two systems with a shim of one kind, and somebody on the wire between them who sends what no honest
// program would. The attacker uses the device of the first system, so that what it sends comes from there, or from
// whom it claims to be.
type siege struct {
	*lab
	kind   string
	raw    *inject.Device
	socket *inject.Datagrams
	victim [6]byte // MAC of the second system
	daemon *process
}

// besiege makes the lab. oping is served on the second system.
func besiege(t *testing.T, kind string) *siege {
	t.Helper()
	s := &siege{lab: newLab(t, "n1", "n2"), kind: kind}
	s.wire("n1", "v12", "n2", "v21")
	s.node("n1").addr("v12", ipGood+"/24")
	s.node("n1").addr("v12", ipStranger+"/24")
	s.node("n2").addr("v21", ipBad+"/24")
	at1, at2 := "dev v12", "dev v21"
	if kind == "udp4" {
		hosts := " hosts " + s.hosts(ipBad, "oping")
		at1, at2 = "ip "+ipGood+hosts, "ip "+ipBad+hosts
	}
	s.daemon = s.node("n2").start("irmd --stdout")
	s.run(`
		n1: irmd --stdout &
		n1: irm ipcp bootstrap type ` + kind + ` name shim layer low ` + at1 + `
		n2: irm ipcp bootstrap type ` + kind + ` name shim layer low ` + at2 + `
		n2: irm bind program oping name oping ; irm name register oping layer low
	`)
	s.node("n2").start("oping --listen").await("started")
	s.reachable("n1", "oping")
	s.arm(t)
	return s
}

// arm opens the sockets of the attacker.
func (s *siege) arm(t *testing.T) {
	t.Helper()
	var err error
	if s.raw, err = inject.Open(s.node("n1").ns, "v12"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.raw.Close() })
	to := netip.AddrPortFrom(netip.MustParseAddr(ipBad), wire.UDPPort)
	if s.socket, err = inject.Dial(s.node("n1").ns, netip.MustParseAddr(ipStranger), to); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.socket.Close() })
	err = s.node("n2").ns.Do(func() error {
		dev, err := net.InterfaceByName("v21")
		if err == nil {
			copy(s.victim[:], dev.HardwareAddr)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// management sends a payload to the victim as a management message of its kind of shim.
func (s *siege) management(payload []byte) {
	s.t.Helper()
	s.send(0, len(payload), payload)
}

// send sends a payload to an endpoint of the victim; length is what the length field of the frame says, on Ethernet.
func (s *siege) send(eid uint32, length int, payload []byte) {
	s.t.Helper()
	var err error
	switch s.kind {
	case "eth-dix":
		err = s.raw.Send(inject.DIX(s.victim, s.raw.MAC, wire.DIXEtherType, uint16(eid), length, payload))
	case "eth-llc":
		sap := byte(0x80) // management
		if eid != 0 {
			sap = byte(eid)
		}
		err = s.raw.Send(inject.LLC(s.victim, s.raw.MAC, length+3, sap, sap, payload))
	case "udp4":
		b := make([]byte, wire.UDPHeaderLen, wire.UDPHeaderLen+len(payload))
		wire.PutUDPEID(b, eid)
		err = s.socket.Send(append(b, payload...))
	}
	if err != nil {
		s.t.Errorf("the attacker cannot send %d bytes: %v", len(payload), err)
	}
}

// digest is that of a name as this kind of shim uses it.
func (s *siege) digest(name string) []byte {
	if s.kind == "udp4" {
		d := md5.Sum([]byte(name))
		return d[:]
	}
	d := sha3.Sum256([]byte(name))
	return d[:]
}

// request makes a request for a flow to a name, with a piggyback that is no handshake.
func (s *siege) request(digest []byte, eid uint32, piggyback []byte) []byte {
	switch s.kind {
	case "eth-dix":
		m := wire.DIXMessage{Code: wire.DIXFlowRequest, SEID: uint16(eid), Timeout: 120000, Digest: digest, Piggyback: piggyback}
		b := make([]byte, m.Len())
		m.Put(b)
		return b
	case "eth-llc":
		m := wire.LLCMessage{Code: wire.DIXFlowRequest, SSAP: uint8(2 + eid%62), Timeout: 120000, Digest: digest, Piggyback: piggyback}
		b := make([]byte, m.Len())
		m.Put(b)
		return b
	}
	m := wire.UDPMessage{Code: wire.UDPFlowRequest, SEID: eid, Timeout: 120000, Digest: digest, Piggyback: piggyback}
	b := make([]byte, m.Len())
	m.Put(b)
	return b[wire.UDPHeaderLen:] // send puts the EID in front
}

// reply makes an answer to a request that nobody has made.
func (s *siege) reply(eid uint32) []byte {
	switch s.kind {
	case "eth-dix":
		m := wire.DIXMessage{Code: wire.DIXFlowReply, SEID: 77, DEID: uint16(eid)}
		b := make([]byte, m.Len())
		m.Put(b)
		return b
	case "eth-llc":
		m := wire.LLCMessage{Code: wire.DIXFlowReply, SSAP: 77, DSAP: uint8(eid)}
		b := make([]byte, m.Len())
		m.Put(b)
		return b
	}
	m := wire.UDPMessage{Code: wire.UDPFlowReply, SEID: eid, DEID: 77}
	b := make([]byte, m.Len())
	m.Put(b)
	return b[wire.UDPHeaderLen:]
}

// Growth of the victim that is no leak: what the runtime and the pool keep at hand.
const (
	spareMemory = 64 << 20 // bytes
	spareFiles  = 4
)

// endure runs an attack while a reliable flow carries traffic beside it, which must not notice: all its packets come
// back. Afterwards the victim serves as before, its memory and files have not grown, and it has counted what it
// dropped: at least so many packets.
func (s *siege) endure(t *testing.T, attack func(), drops int) {
	t.Helper()
	memory, files := usage(t, s.daemon)
	before := s.dropped()
	beside := s.node("n1").start("oping -n oping -q data -i 10 -c 60")
	beside.await("seq=1 ")
	attack()
	if err := beside.wait(); err != nil {
		t.Errorf("the traffic beside it has ended: %v", err)
	}
	pinged(t, beside.out.String(), "oping", 60)
	pinged(t, s.node("n1").sh("oping -n oping -c 3 -i 10"), "oping", 3)
	if got := s.dropped() - before; got < drops {
		t.Errorf("%d packets are counted as dropped, want at least %d\n%s", got, drops, s.node("n2").sh("irm rib shim"))
	}
	nowMemory, nowFiles := usage(t, s.daemon)
	if nowMemory > memory+spareMemory || nowFiles > files+spareFiles {
		t.Errorf("the daemon has grown from %d to %d MiB, from %d to %d files", memory>>20, nowMemory>>20, files, nowFiles)
	}
}

var dropLine = regexp.MustCompile(`(?m)(?:Dropped|dropped)[^:]*:\s+(\d+)$`)

// dropped is how many packets the shim of the victim and its link have counted as dropped so far.
func (s *siege) dropped() int {
	s.t.Helper()
	sum := 0
	for _, m := range dropLine.FindAllStringSubmatch(s.node("n2").sh("irm rib shim"), -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			s.t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// usage returns how much memory a process has in use and how many files it has open.
func usage(t *testing.T, p *process) (memory, files int) {
	t.Helper()
	pid := p.cmd.Process.Pid
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			if _, err := fmt.Sscan(rest, &memory); err != nil {
				t.Fatal(err)
			}
		}
	}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	return memory << 10, len(fds)
}
