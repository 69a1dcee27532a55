package crypt

import (
	"fmt"
	"strings"
)

// maxLine is the length in bytes of the longest line of an enc.conf.
const maxLine = 255

// ParseConfig reads an enc.conf (spec 11 §11.8); file is its name in errors. It returns nil when a line `none`
// switches encryption off. An error names file, line, key, value and the values that are accepted; what the
// format ignores (unknown keys, lines without =) is in the Warnings. An empty file is a configuration:
// prime256v1, aes-256-gcm, sha256.
func ParseConfig(file string, text []byte) (*Config, error) {
	c := &Config{Kex: P256, Cipher: AES256GCM, KDF: SHA256, Digest: SHA256}
	off := false
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimRight(line, "\r\n")
		at := fmt.Sprintf("%s:%d", file, n)
		if len(line) > maxLine {
			return nil, fmt.Errorf("%s: line of %d bytes, accepted are %d", at, len(line), maxLine)
		}
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		key, value, found := strings.Cut(line, "=")
		switch key, value = strings.TrimSpace(key), strings.TrimSpace(value); {
		case !found && key == none:
			off = true
		case !found:
			c.Warnings = append(c.Warnings, fmt.Sprintf("%s: no key=value in %q", at, line))
		default:
			if err := c.set(at, key, value); err != nil {
				return nil, err
			}
		}
	}
	switch {
	case off && c.RequirePeer:
		return nil, fmt.Errorf("%s: none switches off what peer=required demands, accepted is one of the two", file)
	case off:
		return nil, nil
	}
	return c, nil
}

// set takes one key of the file over.
func (c *Config) set(at, key, value string) error {
	ok := true
	var accepted []string
	switch key {
	case "kex":
		c.Kex, ok = KexByName(value)
		accepted = names(Kexes(), Kex.String)
		if ok && !c.Kex.Available() {
			return fmt.Errorf("%s: kex %s cannot be had here, accepted are %s", at, value, strings.Join(accepted, ", "))
		}
	case "cipher":
		c.Cipher, ok = CipherByName(value)
		accepted = names(Ciphers(), CipherName)
	case "kdf":
		c.KDF, ok = DigestByName(value)
		accepted = names(Digests(), DigestName)
	case "digest":
		c.Digest, ok = DigestByName(value)
		accepted = names(Digests(), DigestName)
	case "kem_mode":
		accepted = []string{KEMServer.String(), KEMClient.String()}
		ok = value == accepted[0] || value == accepted[1]
		c.KEMMode = KEMServer
		if value == accepted[1] {
			c.KEMMode = KEMClient
		}
	case "peer": // ours; the prototype ignores it
		accepted = []string{"optional", "required"}
		ok = value == accepted[0] || value == accepted[1]
		c.RequirePeer = value == accepted[1]
	default:
		c.Warnings = append(c.Warnings, fmt.Sprintf("%s: unknown key %q", at, key))
	}
	if !ok {
		return fmt.Errorf("%s: %s %q is unknown, accepted are %s", at, key, value, strings.Join(accepted, ", "))
	}
	return nil
}

func names[T any](of []T, name func(T) string) []string {
	s := make([]string, len(of))
	for i, v := range of {
		s[i] = name(v)
	}
	return s
}
