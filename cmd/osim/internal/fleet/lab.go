package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
	sshagent "golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"ouroboros/scenarios"
	"ouroboros/topologies"
)

// Lab is a site of machines that are reached over SSH. To each the executable of this program is copied, under a
// name that holds its checksum, and removed in the end.
type Lab struct {
	hosts *Hosts
	ports map[[2]string]Port
	sum   string // of the executable: SHA-256 in hexadecimal
	file  string // its name on the machines

	mu      sync.Mutex
	clients map[string]*ssh.Client
}

// dialing is how long a machine may take to answer.
const dialing = 10 * time.Second

// NewLab connects to all machines that the scenario needs, and brings the executable to them.
func NewLab(sc *scenarios.Scenario, g *topologies.Graph, hosts *Hosts) (*Lab, error) {
	ports, err := hosts.ports(sc, g)
	if err != nil {
		return nil, err
	}
	l := &Lab{hosts: hosts, ports: ports, clients: map[string]*ssh.Client{}}
	if err := l.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("mode lab: %w", err), l.Close())
	}
	return l, nil
}

func (l *Lab) open() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	data, err := os.ReadFile(self)
	if err != nil {
		return err
	}
	h := sha256.Sum256(data)
	l.sum = hex.EncodeToString(h[:])
	l.file = fmt.Sprintf(".cache/ouroboros/osim-%s-%d", l.sum[:16], os.Getpid())
	for _, host := range l.hosts.Hosts {
		c, err := l.connect(host)
		if err != nil {
			return fmt.Errorf("%s:%d: host %s: %w", l.hosts.File, host.line, host.Name, err)
		}
		l.clients[host.Name] = c
		if err := l.bring(c, data); err != nil {
			return fmt.Errorf("host %s: %w", host.Name, err)
		}
	}
	return nil
}

// connect opens the connection to a machine whose key is known.
func (l *Lab) connect(h Host) (*ssh.Client, error) {
	check, err := knownhosts.New(l.hosts.Known)
	if err != nil {
		return nil, fmt.Errorf("known_hosts: %w; make it with ssh-keyscan and compare the keys", err)
	}
	auth, done, err := credentials(h)
	if err != nil {
		return nil, err
	}
	defer done()
	cfg := &ssh.ClientConfig{User: h.User, Auth: []ssh.AuthMethod{auth}, HostKeyCallback: check, Timeout: dialing}
	dial := l.hosts.dial
	if dial == nil {
		dial = func(h Host) (net.Conn, error) { return net.DialTimeout("tcp", h.Address, dialing) }
	}
	raw, err := dial(h)
	if err != nil {
		return nil, err
	}
	_ = raw.SetDeadline(time.Now().Add(dialing))
	conn, chans, reqs, err := ssh.NewClientConn(raw, h.Address, cfg)
	if err != nil {
		raw.Close()
		var key *knownhosts.KeyError
		if errors.As(err, &key) && len(key.Want) == 0 {
			return nil, fmt.Errorf("its key is not in %s; add it with ssh-keyscan and compare it", l.hosts.Known)
		}
		return nil, err
	}
	_ = raw.SetDeadline(time.Time{})
	return ssh.NewClient(conn, chans, reqs), nil
}

// credentials are the private key of a host entry, or those that the SSH agent has. done is called after the
// handshake.
func credentials(h Host) (auth ssh.AuthMethod, done func(), err error) {
	if h.Key != "" {
		data, err := os.ReadFile(h.Key)
		if err != nil {
			return nil, nil, err
		}
		s, err := ssh.ParsePrivateKey(data)
		if err != nil {
			return nil, nil, fmt.Errorf("key %s: %w", h.Key, err)
		}
		return ssh.PublicKeys(s), func() {}, nil
	}
	socket := os.Getenv("SSH_AUTH_SOCK")
	if socket == "" {
		return nil, nil, errors.New("there is neither a key in the file of hosts nor an SSH agent (SSH_AUTH_SOCK)")
	}
	c, err := net.Dial("unix", socket)
	if err != nil {
		return nil, nil, fmt.Errorf("SSH agent: %w", err)
	}
	return ssh.PublicKeysCallback(sshagent.NewClient(c).Signers), func() { c.Close() }, nil
}

// run runs a command of the shell on a machine.
func run(c *ssh.Client, in io.Reader, command string) (string, error) {
	s, err := c.NewSession()
	if err != nil {
		return "", err
	}
	defer s.Close()
	var stderr tail
	s.Stdin, s.Stderr = in, &stderr
	out, err := s.Output(command)
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", command, err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(out)), nil
}

// machines are the names that uname has for the architectures of Go.
var machines = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

// bring copies the executable to a machine. What has arrived is what was sent.
func (l *Lab) bring(c *ssh.Client, data []byte) error {
	system, err := run(c, nil, "uname -sm")
	if err != nil {
		return err
	}
	if want := "Linux " + machines[runtime.GOARCH]; system != want {
		return fmt.Errorf("it is %s; accepted is %s, for which this program is", system, want)
	}
	_, err = run(c, strings.NewReader(string(data)), "umask 077 && mkdir -p .cache/ouroboros && cat > "+l.file+" && chmod 700 "+l.file)
	if err != nil {
		return err
	}
	sum, err := run(c, nil, "sha256sum "+l.file)
	if err != nil {
		return err
	}
	if got, _, _ := strings.Cut(sum, " "); got != l.sum {
		return fmt.Errorf("the executable has arrived with checksum %s; it left with %s", got, l.sum)
	}
	return nil
}

// Start starts the agent of a node on its machine.
func (l *Lab) Start(node string) (Process, error) {
	name := ""
	for _, n := range l.hosts.Nodes {
		if n.Node == node {
			name = n.Host
		}
	}
	l.mu.Lock()
	c := l.clients[name]
	l.mu.Unlock()
	if c == nil {
		return nil, errors.New("it runs on no host")
	}
	s, err := c.NewSession()
	if err != nil {
		return nil, fmt.Errorf("host %s: %w", name, err)
	}
	p := &remote{client: c, session: s}
	s.Stderr = &p.stderr
	if p.in, err = s.StdinPipe(); err != nil {
		return nil, err
	}
	if p.Reader, err = s.StdoutPipe(); err != nil {
		return nil, err
	}
	// The number of the process comes first: to kill it there must be no race with its own first message.
	if err := s.Start("echo $$ && exec ./" + l.file + " " + AgentCommand); err != nil {
		return nil, fmt.Errorf("host %s: %w", name, err)
	}
	if p.pid, err = readLine(p.Reader); err != nil {
		p.Kill()
		return nil, fmt.Errorf("host %s: %w", name, err)
	}
	p.watch(s.Wait)
	return p, nil
}

// readLine reads a short line of digits and nothing behind it.
func readLine(r io.Reader) (string, error) {
	var out []byte
	var b [1]byte
	for len(out) < 20 {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return "", errEnded
		}
		if b[0] == '\n' {
			return string(out), nil
		}
		if b[0] < '0' || b[0] > '9' {
			return "", fmt.Errorf("the shell of the machine writes %q before the agent starts; accepted is nothing", append(out, b[0]))
		}
		out = append(out, b[0])
	}
	return "", errors.New("the shell of the machine writes something before the agent starts; accepted is nothing")
}

// remote is an agent on another machine.
type remote struct {
	running
	client  *ssh.Client
	session *ssh.Session
	pid     string
}

// Kill ends the agent at once.
func (p *remote) Kill() {
	if p.pid != "" {
		_, _ = run(p.client, nil, "kill -9 "+p.pid)
	}
	p.session.Close()
}

// Port returns where a node is joined to a wire.
func (l *Lab) Port(wire, node string) Port { return l.ports[[2]string{wire, node}] }

// Socket returns the path at which the layers of a node serve its applications, on its machine.
func (l *Lab) Socket(node string) string {
	for i, n := range l.hosts.Nodes {
		if n.Node == node {
			return fmt.Sprintf("%s-%d.sock", l.file, i)
		}
	}
	return ""
}

// SameClock is false: machines have their own.
func (l *Lab) SameClock() bool { return false }

// Notes says how the links are made.
func (l *Lab) Notes() []string {
	return []string{fmt.Sprintf("every node is two processes, its layers and its applications, on one of %d machines; rate, delay and loss of the scenario are added to what the links between them have by themselves", len(l.hosts.Hosts))}
}

// Close removes the executable from the machines and ends the connections.
func (l *Lab) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all error
	for name, c := range l.clients {
		if _, err := run(c, nil, "rm -f "+l.file+" "+l.file+"-*.sock"); err != nil {
			all = errors.Join(all, fmt.Errorf("host %s: %w", name, err))
		}
		c.Close()
	}
	l.clients = map[string]*ssh.Client{}
	return all
}
