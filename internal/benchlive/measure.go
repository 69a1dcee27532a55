package main

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
)

// rtt is the round trip of a small packet: the next is sent when the answer has come.
func rtt(l *lab, w io.Writer, runs int) error {
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
	sys, err := newSystem(l)
	if err != nil {
		return err
	}
	defer sys.close()
	for _, c := range []struct{ label, layer, wishes string }{
		{"flow, Ethernet shim, raw", "eth", ""},
		{"flow, UDP shim, raw", "udp", ""},
		{"flow, unicast layer over Ethernet, raw", "net", ""},
		{"flow, Ethernet shim, reliable", "eth", ",data"},
		{"flow, Ethernet shim, raw, encrypted", "eth", ",raw,encrypt"},
	} {
		t.rows = append(t.rows, row{label: c.label, once: func() (float64, error) {
			r, _, err := sys.between(c.layer, c.wishes, active, passive)
			return micros(r.RTT), err
		}})
	}
	for _, layer := range layers {
		t.rows = append(t.rows, row{label: "oping -f, " + titles[layer], once: func() (float64, error) { return sys.oping(layer) }})
	}
	return t.print(w, runs)
}

// titles says what the layers are.
var titles = map[string]string{"eth": "Ethernet shim", "udp": "UDP shim", "net": "unicast layer over Ethernet"}

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
func throughput(l *lab, w io.Writer, runs int) error {
	sys, err := newSystem(l)
	if err != nil {
		return err
	}
	defer sys.close()
	for _, size := range sizes {
		t := table{title: fmt.Sprintf("Packets of %d bytes that arrive in a second", size), unit: "thousand/s"}
		active, passive := []string{"source", fmt.Sprintf("size=%d", size), "ms=500"}, []string{"sink"}
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
		for _, c := range []struct{ label, layer, wishes string }{
			{"flow, Ethernet shim, raw", "eth", ""},
			{"flow, Ethernet shim, reliable", "eth", ",data"},
			{"flow, Ethernet shim, raw, encrypted", "eth", ",raw,encrypt"},
			{"flow, UDP shim, raw", "udp", ""},
			{"flow, UDP shim, reliable", "udp", ",data"},
			{"flow, UDP shim, raw, encrypted", "udp", ",raw,encrypt"},
			{"flow, unicast layer over Ethernet, raw", "net", ""},
			{"flow, unicast layer over Ethernet, reliable", "net", ",data"},
		} {
			t.rows = append(t.rows, row{label: c.label, once: func() (float64, error) {
				_, r, err := sys.between(c.layer, c.wishes, active, passive)
				return rate(r), err
			}})
		}
		t.rows = append(t.rows, iperf3(l, size))
		for _, c := range []struct {
			label, layer, qos string
			encrypt           bool
		}{
			{"operf bi, Ethernet shim, raw", "eth", "raw", false},
			{"operf bi, Ethernet shim, reliable", "eth", "data", false},
			{"operf bi, Ethernet shim, raw, encrypted", "eth", "raw", true},
			{"operf bi, UDP shim, raw", "udp", "raw", false},
			{"operf bi, UDP shim, reliable", "udp", "data", false},
			{"operf bi, UDP shim, raw, encrypted", "udp", "raw", true},
		} {
			t.rows = append(t.rows, row{label: c.label, once: func() (float64, error) {
				return sys.operf(c.layer, c.qos, size, c.encrypt)
			}})
		}
		if err := t.print(w, runs); err != nil {
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

// flows is how fast they are made and what an idle one costs.
func flows(l *lab, w io.Writer, runs int) error {
	if err := allocations(l, w, runs); err != nil {
		return err
	}
	for _, c := range []struct{ layer, wishes, label string }{{"eth", "", "raw"}, {"net", ",data", "reliable"}} {
		if err := memory(l, w, c.layer, c.wishes, c.label, runs); err != nil {
			return err
		}
	}
	return nil
}

func allocations(l *lab, w io.Writer, runs int) error {
	sys, err := newSystem(l)
	if err != nil {
		return err
	}
	defer sys.close()
	speed := table{title: "Flow allocations, one after the other", unit: "flows/s"}
	for _, c := range []struct{ layer, wishes, label string }{
		{"eth", "", "raw"}, {"eth", ",data", "reliable"}, {"udp", "", "raw"}, {"net", "", "raw"},
	} {
		speed.rows = append(speed.rows, row{label: titles[c.layer] + ", " + c.label, once: func() (float64, error) {
			r, _, err := sys.between(c.layer, c.wishes, []string{"allocate", "count=1000", "ms=0"}, []string{"hold"})
			if err != nil {
				return 0, err
			}
			return float64(r.Packets) / r.Elapsed.Seconds(), nil
		}})
	}
	return speed.print(w, runs)
}

// memory is what an idle flow adds to the memory of each of the four processes. The daemons are new for each run: what
// they have had before would leave room in their heaps.
func memory(l *lab, w io.Writer, layer, wishes, label string, runs int) error {
	t := table{title: "Memory of an idle flow, " + titles[layer] + ", " + label, unit: "KiB a flow"}
	var all [4]float64
	for i, where := range []string{"application that asks", "its daemon", "daemon that answers", "its application"} {
		t.rows = append(t.rows, row{label: where, once: func() (v float64, err error) {
			if i == 0 {
				var sys *system
				if sys, err = newSystem(l); err != nil {
					return 0, err
				}
				defer sys.close()
				all, err = sys.idle(layer, wishes)
			}
			return all[i], err
		}})
	}
	t.rows = append(t.rows, row{label: "sum", once: func() (float64, error) { return all[0] + all[1] + all[2] + all[3], nil }})
	return t.print(w, runs)
}
