package main

import (
	"net/netip"
	"strings"
	"testing"
)

// An address has its prefix length behind a slash, or that of the mask; what is wrong is said with the option.
func TestAddresses_14_8(t *testing.T) {
	for _, c := range []struct {
		ip, mask, want string
	}{
		{"10.7.0.1", "255.255.255.0", "10.7.0.1/24"},
		{"10.7.0.1", "24", "10.7.0.1/24"},
		{"10.7.0.1", "255.255.255.255", "10.7.0.1/32"},
		{"10.7.0.1", "0.0.0.0", "10.7.0.1/0"},
		{"10.7.0.1/30", "255.255.255.0", "10.7.0.1/30"},
		{"fd07::1/64", "255.255.255.0", "fd07::1/64"},
		{"fd07::1", "64", "fd07::1/64"},
		{"10.7.0.1", "", "no prefix length"},
		{"10.7.0", "24", "an IPv4 or IPv6 address"},
		{"10.7.0.1/33", "", "with a prefix length"},
		{"fe80::1%eth0", "64", "an IPv4 or IPv6 address"},
		{"10.7.0.1", "255.0.255.0", "accepted is a mask"},
		{"10.7.0.1", "::1", "accepted is a mask"},
		{"10.7.0.1", "33", "10.7.0.1 has 32 bits"},
		{"10.7.0.1", "200", "accepted is a mask"},
		{"10.7.0.1", "-1", "accepted is a mask"},
		{"fd07::1", "255.255.255.0", "is a prefix length"},
	} {
		p, err := parsePrefix(c.ip, c.mask)
		if got := p.String(); err == nil && got == c.want || err != nil && strings.Contains(err.Error(), c.want) {
			continue
		}
		t.Errorf("-i %s -m %s: %v, %v; want %s", c.ip, c.mask, p, err, c.want)
	}
}

func FuzzPrefix(f *testing.F) {
	f.Add("10.7.0.1", "255.255.255.0")
	f.Add("fd07::1/64", "")
	f.Fuzz(func(t *testing.T, ip, mask string) {
		p, err := parsePrefix(ip, mask)
		if err == nil && (!p.IsValid() || p.Addr().Zone() != "") {
			t.Errorf("%q, %q: %v", ip, mask, p)
		}
		if err == nil {
			if again, err := netip.ParsePrefix(p.String()); err != nil || again != p {
				t.Errorf("%v is not read back: %v, %v", p, again, err)
			}
		}
	})
}
