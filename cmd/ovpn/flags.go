package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// linkFlags are the options of the virtual interface.
type linkFlags struct {
	ips  []string
	mask string
	tap  bool
	name string

	addrs []netip.Prefix // of ips and mask
}

func (l *linkFlags) flags(fs *pflag.FlagSet) {
	fs.StringArrayVarP(&l.ips, "ip", "i", nil, "`address` of the interface, IPv4 or IPv6, also with its prefix length (10.7.0.1/24); can be repeated")
	fs.StringVarP(&l.mask, "mask", "m", "", "`mask` of the addresses that have no prefix length: 255.255.255.0 or 24")
	fs.BoolVar(&l.tap, "tap", false, "carry Ethernet frames in place of IP packets")
	fs.StringVar(&l.name, "device", "", "`name` of the interface (default tun0, tap0 or the next that is free)")
}

// check reads the addresses. An Ethernet interface need not have one: it may be part of a bridge.
func (l *linkFlags) check() error {
	if len(l.ips) == 0 && !l.tap {
		return errors.New("no address: give one with -i and -m")
	}
	l.addrs = nil
	for _, s := range l.ips {
		p, err := parsePrefix(s, l.mask)
		if err != nil {
			return err
		}
		l.addrs = append(l.addrs, p)
	}
	return nil
}

// parsePrefix reads an address and the length of its prefix, which stands behind a slash or is that of the mask.
func parsePrefix(s, mask string) (netip.Prefix, error) {
	if strings.Contains(s, "/") {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return p, fmt.Errorf("--ip: %q: accepted is an address with a prefix length, as in 10.7.0.1/24 or fd07::1/64", s)
		}
		return p, nil
	}
	ip, err := netip.ParseAddr(s)
	if err != nil || ip.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("--ip: %q: accepted is an IPv4 or IPv6 address", s)
	}
	if mask == "" {
		return netip.Prefix{}, fmt.Errorf("--ip: %s has no prefix length: write %s/24, or give a mask with -m", s, s)
	}
	bits, err := parseMask(mask)
	if err != nil {
		return netip.Prefix{}, err
	}
	if bits > ip.BitLen() {
		return netip.Prefix{}, fmt.Errorf("--mask: %s: %s has %d bits", mask, s, ip.BitLen())
	}
	if strings.Contains(mask, ".") && ip.Is6() {
		return netip.Prefix{}, fmt.Errorf("--mask: %s: the mask of the IPv6 address %s is a prefix length, as in 64", mask, s)
	}
	return netip.PrefixFrom(ip, bits), nil
}

// parseMask reads a mask, dotted or as a number of bits.
func parseMask(s string) (bits int, err error) {
	if n, err := strconv.ParseUint(s, 10, 8); err == nil && n <= 128 {
		return int(n), nil
	}
	wrong := fmt.Errorf("--mask: %q: accepted is a mask as 255.255.255.0, or a prefix length", s)
	ip, err := netip.ParseAddr(s)
	if err != nil || !ip.Is4() {
		return 0, wrong
	}
	zeros := false
	for _, b := range ip.As4() {
		for i := 7; i >= 0; i-- {
			one := b>>i&1 == 1
			if one && zeros {
				return 0, wrong
			}
			if zeros = !one; one {
				bits++
			}
		}
	}
	return bits, nil
}
