package crypt

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// The format of enc.conf: what is taken, what is ignored and what is refused.
func TestEncConf_11_8(t *testing.T) {
	datadriven.RunTest(t, "testdata/encconf.txt", func(t *testing.T, d *datadriven.TestData) string {
		text := d.Input
		if d.HasArg("empty") {
			text = ""
		}
		c, err := ParseConfig("enc.conf", []byte(text))
		switch {
		case err != nil:
			return "error: " + err.Error() + "\n"
		case c == nil:
			return "no encryption\n"
		}
		peer := ""
		if c.RequirePeer {
			peer = " peer=required"
		}
		var b strings.Builder
		fmt.Fprintf(&b, "kex=%s cipher=%s kdf=%s digest=%s kem_mode=%s%s\n",
			c.Kex, CipherName(c.Cipher), DigestName(c.KDF), DigestName(c.Digest), c.KEMMode, peer)
		for _, w := range c.Warnings {
			fmt.Fprintf(&b, "warning: %s\n", w)
		}
		return b.String()
	})
}

func TestEncConfLinesAreBounded_11_8(t *testing.T) {
	long := "#" + strings.Repeat("x", maxLine-1)
	if _, err := ParseConfig("enc.conf", []byte("kex=X25519\n"+long+"\r\n")); err != nil {
		t.Error(err)
	}
	_, err := ParseConfig("enc.conf", []byte("kex=X25519\n"+long+"x\n"))
	if err == nil || !strings.Contains(err.Error(), "enc.conf:2: line of 256 bytes, accepted are 255") {
		t.Error(err)
	}
}

// Every value that a refusal lists as accepted is accepted, and every name in the tables is listed or refused.
func TestEncConfAcceptsWhatItLists_11_11(t *testing.T) {
	for _, key := range []string{"kex", "cipher", "kdf", "digest", "kem_mode", "peer"} {
		_, err := ParseConfig("f", []byte(key+"=?"))
		if err == nil {
			t.Fatalf("%s=? is accepted", key)
		}
		_, list, _ := strings.Cut(err.Error(), "accepted are ")
		values := strings.Split(list, ", ")
		for _, v := range values {
			if _, err := ParseConfig("f", []byte(key+" = "+v)); err != nil {
				t.Error(err)
			}
		}
		if want := map[string]int{"kex": 7, "cipher": 7, "kdf": 8, "digest": 8, "kem_mode": 2, "peer": 2}[key]; len(values) != want {
			t.Errorf("%s: %d values", key, len(values))
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	for _, s := range []string{"", "none", "kex=X25519\ncipher = aes-128-ctr\n", "# x\nkem_mode=client\nfoo=bar\nfoo", "kex=X448"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseConfig("enc.conf", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "enc.conf:") || c != nil {
				t.Errorf("%v", err)
			}
			return
		}
		// What is accepted can be had.
		if c != nil && (!c.Kex.Available() || CipherRank(c.Cipher) <= 0 || DigestRank(c.KDF) <= 0 || DigestRank(c.Digest) <= 0) {
			t.Errorf("%+v", c)
		}
	})
}
