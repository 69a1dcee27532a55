package host

import (
	"bytes"
	"io"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	maxHosts      = 1 << 20 // bytes of a hosts file that are read
	maxHostsNames = 65536   // digests that are kept of it
)

// hostsFile is a hosts file of which the digests are kept. Any goroutine may use it.
type hostsFile struct {
	path string

	mu    sync.Mutex
	stamp hostsStamp
	names map[string][]netip.Addr
}

// hostsStamp tells a changed file.
type hostsStamp struct {
	time time.Time
	size int64
}

// find returns the first address of a digest that fits, the zero Addr when there is none. bad is the number
// of wrong lines, when the file was read. What was read last stays when the file cannot be read.
func (h *hostsFile) find(digest string, fits func(netip.Addr) bool) (a netip.Addr, bad uint64, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	bad, err = h.refresh()
	for _, ip := range h.names[digest] {
		if fits(ip) {
			return ip.Unmap(), bad, err
		}
	}
	return a, bad, err
}

// refresh reads the file if it has changed.
func (h *hostsFile) refresh() (bad uint64, err error) {
	info, err := os.Stat(h.path)
	if os.IsNotExist(err) {
		h.names, h.stamp = nil, hostsStamp{}
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	stamp := hostsStamp{info.ModTime(), info.Size()}
	if stamp == h.stamp {
		return 0, nil
	}
	text, err := readAtMost(h.path, maxHosts)
	if err != nil {
		return 0, err
	}
	if time.Since(stamp.time) < time.Second {
		stamp = hostsStamp{} // it may change again within what its time resolves
	}
	h.stamp = stamp
	h.names, bad = parseHosts(text)
	return bad, nil
}

// readAtMost returns the first n bytes of a file.
func readAtMost(path string, n int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	return io.ReadAll(io.LimitReader(f, n))
}

// parseHosts returns the addresses of digests, in the order of the file, and the number of lines that begin
// with no address.
func parseHosts(text []byte) (names map[string][]netip.Addr, bad uint64) {
	names = map[string][]netip.Addr{}
	for line := range bytes.Lines(text) {
		line, _, _ = bytes.Cut(line, []byte("#"))
		words := strings.Fields(string(line))
		if len(words) == 0 {
			continue
		}
		ip, err := netip.ParseAddr(words[0])
		if err != nil {
			bad++
			continue
		}
		for _, word := range words[1:] {
			// Names in hosts files have no case.
			if word = strings.ToLower(word); isDigest(word) && (len(names) < maxHostsNames || names[word] != nil) {
				names[word] = append(names[word], ip)
			}
		}
	}
	return names, bad
}
