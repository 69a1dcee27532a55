package interop

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
)

// replays says of each capture how far it is replayed: "both" with our node in the place of either side ("four": of either
// side of two conversations), "no" if it is parsed only.
var replays = []struct{ capture, roles, note string }{
	{"01-enroll-connect-eth", "both", ""},
	{"01-enroll-connect-udp", "both", ""},
	{"02-register-query-eth", "both", "ours asks the layer below as soon as the directory says that it does not know the name; the prototype after 200 ms"},
	{"02-register-query-udp", "both", "likewise"},
	{"03-flow-raw-eth", "both", ""},
	{"04-flow-best-eth", "both", "the prototype's client has read one reply of three, its defect; ours gets all"},
	{"04-flow-best-udp", "both", ""},
	{"05-flow-data-eth", "both", "the prototype sends again what has arrived, because it reads acks late, its defect; ours takes each message once"},
	{"05-flow-data-udp", "both", ""},
	{"06-flow-video-eth", "both", ""},
	{"06-flow-voice-eth", "both", ""},
	{"07-data-bulk-eth", "no", "parsed only: the receiving program died at once, and testdata has a selection"},
	{"07-data-bulk-udp", "no", "parsed only: an ack before data has poisoned the flow (10 §10.19 D1, D2), and testdata has a selection"},
	{"08-keepalive-eth", "both", "the last message is not held to arrive: ours has given up a peer that was silent for 4 s"},
	{"09-flow-encrypted-p256-aes256gcm-eth", "both", "up to the keys: the private ones of the capture are not known, so that the puppet's packets are dropped; those of ours have its lengths"},
	{"10-flow-encrypted-data-x25519-chacha-eth", "both", "likewise"},
	{"10-flow-encrypted-data-x25519-chacha-udp", "both", "likewise"},
	{"11-flow-raw-size-eth", "both", ""},
	{"11-flow-raw-size-udp", "both", "without the IP fragments, which belong to the kernel: whole datagrams"},
	{"12-broadcast-eth", "both", "without the tree protocol (`Trust`): the prototype has no such component, and ours would ask for it first"},
	{"12-broadcast-udp", "both", "likewise"},
	{"13-disconnect-reconnect-eth", "both", ""},
	{"13-disconnect-reconnect-udp", "both", ""},
	{"20-data-loss10-eth", "both", ""},
	{"20-data-loss10-udp", "no", "parsed only: the middle of the conversation was not kept"},
	{"21-raw-loss10-eth", "both", ""},
	{"30-line3-link12-eth", "both", "ours is the first node, or the one in the middle; up to where the prototype loses the way to the third (04 D12)"},
	{"30-line3-link23-eth", "both", "ours is the third node, or the one in the middle, on both links at a time; likewise"},
	{"layer-eth-dix-unicast-2nodes", "both", ""},
	{"layer-eth-llc-udp4-oping", "four", "flows of the shims themselves, both sides of each; without the lookups in the layer above"},
}

// replayed are the captures that have been replayed, with the sides that ours was.
var replayed = map[string][]string{}

// TestMain holds the table of replays to what was replayed.
func TestMain(m *testing.M) {
	code := m.Run()
	if f := flag.Lookup("test.run"); code == 0 && f.Value.String() == "" {
		for _, r := range replays {
			if got, want := len(replayed[r.capture]), map[string]int{"no": 0, "both": 2, "four": 4}[r.roles]; got != want {
				fmt.Printf("%s was replayed in %d roles, the table says %s\n", r.capture, got, r.roles)
				code = 1
			}
		}
	}
	os.Exit(code)
}

// note notes that a capture is replayed with our node in the place of one side.
func note(capture, ours string) {
	if !slices.Contains(replayed[capture], ours) {
		replayed[capture] = append(replayed[capture], ours)
	}
}

// docs/interop.md says of every capture how far it is replayed.
func TestTableOfReplays(t *testing.T) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "| capture | replayed | |\n|---|---|---|\n")
	all := captures(t)
	for _, r := range replays {
		i := slices.Index(all, r.capture)
		if i < 0 {
			t.Errorf("there is no capture %s", r.capture)
			continue
		}
		all = slices.Delete(all, i, i+1)
		word := map[string]string{"both": "both sides", "no": "no", "four": "both sides"}[r.roles]
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.capture, word, r.note)
	}
	if len(all) > 0 {
		t.Errorf("the table does not say of %v whether they are replayed", all)
	}
	section(t, "replays", b.String())
}
