package main

import "fmt"

// medium is what joins the two daemons.
type medium uint8

const (
	ethernet medium = iota
	overUDP
)

func (m medium) String() string { return [...]string{"Ethernet", "UDP"}[m] }

// ends returns the words for open of the medium at both ends; each call uses other ports.
func (l *lab) ends(m medium) (a, b string) {
	if m == ethernet {
		return "packet:" + devA + ">" + l.macB, "packet:" + devB + ">" + l.macA
	}
	l.count++
	pa, pb := fmt.Sprintf("%s:%d", addrA, 20000+l.count), fmt.Sprintf("%s:%d", addrB, 20000+l.count)
	return "udp:" + pa + ">" + pb, "udp:" + pb + ">" + pa
}

// bare measures two bare programs: what the kernel and Go cost.
func (l *lab) bare(m medium, active, passive []string) (report, report, error) {
	a, b := l.ends(m)
	return l.pair(a, b, active, passive)
}

// pair runs a passive role in b and an active one in a, and returns the reports of both. A passive role that
// reports nothing is stopped.
func (l *lab) pair(a, b string, active, passive []string) (first, second report, err error) {
	p, err := l.role(l.b, append([]string{passive[0], b}, passive[1:]...)...)
	if err != nil {
		return first, second, err
	}
	q, err := l.role(l.a, append([]string{active[0], a}, active[1:]...)...)
	if err != nil {
		p.stop()
		return first, second, err
	}
	first, err = q.report()
	if passive[0] == "echo" || err != nil {
		p.stop()
		return first, second, err
	}
	second, err = p.report()
	return first, second, err
}

// floor measures the chain of four bare programs.
func (l *lab) floor(m medium, active, passive []string) (report, report, error) {
	a, b := l.ends(m)
	sa, sb := l.fresh("a"), l.fresh("b")
	ra, err := l.role(l.a, "relay", "accept:"+sa, a)
	if err != nil {
		return report{}, report{}, err
	}
	defer ra.stop()
	rb, err := l.role(l.b, "relay", "accept:"+sb, b)
	if err != nil {
		return report{}, report{}, err
	}
	defer rb.stop()
	return l.pair("connect:"+sa, "connect:"+sb, active, passive)
}
