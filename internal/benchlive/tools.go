package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// served runs fn while a tool of this project serves on b.
func (s *system) served(tool string, fn func() (float64, error)) (float64, error) {
	p, err := s.start(1, tool, "-l")
	if err != nil {
		return 0, err
	}
	defer p.stop()
	return fn()
}

// client runs a tool on a and returns the numbers that a pattern finds in its output, and the last word that it
// finds which is none. The server may not be there yet.
func (s *system) client(pattern *regexp.Regexp, tool string, args ...string) (numbers []float64, word string, err error) {
	var p *process
	for range 5 {
		if p, err = s.start(0, tool, args...); err != nil {
			return nil, "", err
		}
		if err = p.end(); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	m := pattern.FindSubmatch(p.out.Bytes())
	if err != nil || m == nil {
		return nil, "", fmt.Errorf("%s %v: %w: %s%s", tool, args, err, p.out.String(), p.err.String())
	}
	for _, x := range m[1:] {
		v, err := strconv.ParseFloat(string(x), 64)
		if err != nil {
			word = string(x)
			continue
		}
		numbers = append(numbers, v)
	}
	return numbers, word, nil
}

var (
	opingRTT = regexp.MustCompile(`rtt min/avg/max/mdev = [0-9.]+/([0-9.]+)/[0-9.]+/[0-9.NaN]+ (ms|µs)`)
	operfGot = regexp.MustCompile(`(\d+) received, .*time: ([0-9.]+) ms`)
)

// oping is the mean round trip that the tool prints, in µs.
func (s *system) oping(layer string) (float64, error) {
	return s.served("oping", func() (float64, error) {
		v, unit, err := s.client(opingRTT, "oping", "-n", "oping-"+layer, "-f", "-Q", "-c", "2000")
		if err != nil {
			return 0, err
		}
		if unit == "ms" {
			v[0] *= 1000
		}
		return v[0], nil
	})
}

// operf is how many thousand packets a second come back from an echo.
func (s *system) operf(layer, qos string, size int, encrypt bool) (float64, error) {
	args := []string{"-n", "operf-" + layer, "-t", "bi", "-f", "-d", "1s", "-s", strconv.Itoa(size), "-q", qos}
	if encrypt {
		args = append(args, "--encrypt")
	}
	return s.served("operf", func() (float64, error) {
		v, _, err := s.client(operfGot, "operf", args...)
		if err != nil {
			return 0, err
		}
		return v[0] / v[1], nil
	})
}

// iperf3 is how many thousand datagrams of a size arrive in a second, sent by iperf3 as fast as it can.
func iperf3(l *lab, size int) row {
	path, missing := have("iperf3")
	return row{label: "iperf3, UDP", skip: missing, once: func() (float64, error) {
		server, err := start(l.b, nil, path, "-s", "-1", "-B", addrB)
		if err != nil {
			return 0, err
		}
		defer server.stop()
		time.Sleep(300 * time.Millisecond)
		out, err := l.a.Command(path, "-c", addrB, "-u", "-b", "0", "-l", strconv.Itoa(size), "-t", "1", "-J").Output()
		if err != nil {
			return 0, fmt.Errorf("iperf3: %w: %s", err, out)
		}
		var r struct {
			End struct {
				Sum struct {
					Packets int     `json:"packets"`
					Lost    int     `json:"lost_packets"`
					Seconds float64 `json:"seconds"`
				} `json:"sum"`
			} `json:"end"`
		}
		if err := json.Unmarshal(out, &r); err != nil {
			return 0, err
		}
		return float64(r.End.Sum.Packets-r.End.Sum.Lost) / r.End.Sum.Seconds / 1000, nil
	}}
}
