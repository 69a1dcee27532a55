package fleet

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"ouroboros/scenarios/experiment"
	"ouroboros/scenarios/measure"
)

// protocol is the version of the messages between coordinator and agent. Both ends are of one executable, so
// that it only catches what is no agent at all.
const protocol = 1

// maxFrame bounds a message in bytes.
const maxFrame = 256 << 20

// message is what coordinator and agent send each other: one of its parts.
type message struct {
	Protocol int `json:"protocol"`
	// From the agent.
	Hello    *hello         `json:"hello,omitempty"`
	Clock    *clockReading  `json:"clock,omitempty"` // and the question for it from the coordinator
	Prepared bool           `json:"prepared,omitempty"`
	Started  bool           `json:"started,omitempty"`
	Piece    *measure.Piece `json:"piece,omitempty"`
	Killed   bool           `json:"killed,omitempty"` // the piece is the last of this life
	Late     *late          `json:"late,omitempty"`
	Left     *left          `json:"left,omitempty"`
	Error    string         `json:"error,omitempty"`
	// From the coordinator.
	Prepare *prepare `json:"prepare,omitempty"`
	Start   *start   `json:"start,omitempty"`
	Stop    bool     `json:"stop,omitempty"`  // end now, with what there is
	Count   bool     `json:"count,omitempty"` // tell what has come late
	Close   bool     `json:"close,omitempty"`
	// Either way.
	News []experiment.News `json:"news,omitempty"`
}

// hello is the first message of an agent.
type hello struct {
	Version string `json:"version"` // identity of the executable
	PID     int    `json:"pid"`
}

// clockReading is what the wall clock of a system shows, in unix ns.
type clockReading struct {
	Wall int64 `json:"wall"`
}

// prepare tells an agent what it is to be part of.
type prepare struct {
	Scenario []byte          `json:"scenario"` // the file, with all that was set
	File     []byte          `json:"file"`     // the topology file, if it names one
	Seed     uint64          `json:"seed"`
	Node     string          `json:"node"`
	Role     experiment.Role `json:"role"`
	// Socket is that of the node, a path at which its layers serve its applications.
	Socket string          `json:"socket"`
	Ports  map[string]Port `json:"ports"` // of the node, by wire
	// Ahead is what the wall clock of the coordinator is ahead of the agent's, in ns.
	Ahead int64 `json:"ahead"`
}

// start has the agent begin. Time 0 is at Epoch by the coordinator's wall clock, in unix ns.
type start struct {
	Epoch int64             `json:"epoch"`
	News  []experiment.News `json:"news"`
}

// late is how many messages the receivers of a node have had by now, by the ID of the flow.
type late struct {
	Delivered map[int]uint64 `json:"delivered"`
}

// left is what an agent says in the end.
type left struct {
	Buffers  int      `json:"buffers"`  // not returned
	LateP99  int64    `json:"late_p99"` // of its timers, in ns
	LateMax  int64    `json:"late_max"`
	CPU      float64  `json:"cpu"`      // seconds of processor time, in the time of the run
	Priority string   `json:"priority"` // that the agent ran at
	Began    int64    `json:"began"`    // when the part was there, in ns after time 0
	Notes    []string `json:"notes,omitempty"`
}

// channel carries messages: each a length of four bytes, big-endian, and as many bytes of JSON. Send may be called
// from any goroutine.
type channel struct {
	in  *bufio.Reader
	mu  sync.Mutex
	out io.Writer
}

func newChannel(in io.Reader, out io.Writer) *channel {
	return &channel{in: bufio.NewReaderSize(in, 1<<16), out: out}
}

// send writes a message.
func (c *channel) send(m message) error {
	m.Protocol = protocol
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if len(data) > maxFrame {
		return fmt.Errorf("a message of %d bytes; accepted are %d", len(data), maxFrame)
	}
	frame := append(binary.BigEndian.AppendUint32(make([]byte, 0, len(data)+4), uint32(len(data))), data...)
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err = c.out.Write(frame)
	return err
}

// receive reads a message. io.EOF is the end of the other side between two messages.
func (c *channel) receive() (m message, err error) {
	var head [4]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return m, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxFrame {
		return m, fmt.Errorf("a message of %d bytes; accepted are %d: the other side is no agent of this program", n, maxFrame)
	}
	// What the length promises is not trusted with memory before it comes.
	data, err := io.ReadAll(io.LimitReader(c.in, int64(n)))
	if err != nil {
		return m, err
	}
	if len(data) < int(n) {
		return m, io.ErrUnexpectedEOF
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("a message that is none: %w", err)
	}
	if m.Protocol != protocol {
		return m, fmt.Errorf("a message of protocol %d; accepted is %d", m.Protocol, protocol)
	}
	return m, nil
}
