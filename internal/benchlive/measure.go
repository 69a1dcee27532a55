package main

import (
	"fmt"
	"regexp"
	"strconv"
)

// rtt is the round trip of a small packet: the next is sent when the answer has come.
func rtt(l *lab, runs int) error {
	active, passive := []string{"ping", "size=64", "count=2000"}, []string{"echo"}
	t := table{title: "Round trip of 64 bytes", unit: "µs"}
	t.rows = append(t.rows, icmp(l))
	for _, m := range []medium{ethernet, overUDP} {
		t.rows = append(t.rows, row{label: fmt.Sprintf("bare echo, %v", m), once: func() (float64, error) {
			r, _, err := l.bare(m, active, passive)
			return micros(r.RTT), err
		}})
	}
	for _, m := range []medium{ethernet, overUDP} {
		t.ratios = append(t.ratios, len(t.rows))
		t.rows = append(t.rows, row{label: fmt.Sprintf("bare chain, %v", m), once: func() (float64, error) {
			r, _, err := l.floor(m, active, passive)
			return micros(r.RTT), err
		}})
	}
	return t.print(runs)
}

var pingRTT = regexp.MustCompile(`= [0-9.]+/([0-9.]+)/`)

// icmp is the kernel's own echo, by the ping of the system.
func icmp(l *lab) row {
	path, missing := have("ping")
	return row{label: "ICMP ping", skip: missing, once: func() (float64, error) {
		out, err := l.a.Command(path, "-q", "-f", "-c", "2000", "-s", "56", addrB).Output()
		if err != nil {
			return 0, err
		}
		m := pingRTT.FindSubmatch(out)
		if m == nil {
			return 0, fmt.Errorf("ping printed %q", out)
		}
		ms, err := strconv.ParseFloat(string(m[1]), 64)
		return ms * 1000, err
	}}
}

var sizes = []int{64, 1000, 1400}

// throughput is what arrives of packets that are sent as fast as the sender can.
func throughput(l *lab, runs int) error {
	for _, size := range sizes {
		t := table{title: fmt.Sprintf("Packets of %d bytes that arrive in a second", size), unit: "thousand/s"}
		active, passive := []string{"source", fmt.Sprintf("size=%d", size), "ms=1000"}, []string{"sink"}
		for _, m := range []medium{ethernet, overUDP} {
			t.rows = append(t.rows, row{label: fmt.Sprintf("bare sender, %v", m), once: func() (float64, error) {
				_, r, err := l.bare(m, active, passive)
				return rate(r), err
			}})
		}
		for _, m := range []medium{ethernet, overUDP} {
			t.ratios = append(t.ratios, len(t.rows))
			t.rows = append(t.rows, row{label: fmt.Sprintf("bare chain, %v", m), once: func() (float64, error) {
				_, r, err := l.floor(m, active, passive)
				return rate(r), err
			}})
		}
		if err := t.print(runs); err != nil {
			return err
		}
	}
	return nil
}

// rate is in thousand packets a second.
func rate(r report) float64 {
	if r.Elapsed == 0 {
		return 0
	}
	return float64(r.Packets) / r.Elapsed.Seconds() / 1000
}
