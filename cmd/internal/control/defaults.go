package control

import (
	"slices"
	"time"

	"ouroboros/core"
)

// How long operations may take (spec 13 §13.10).
const (
	ReplyTime     = 5 * time.Second // those that wait for nothing outside the system
	BootstrapTime = 5 * time.Second
	EnrollTime    = 20 * time.Second
	RegisterTime  = 20 * time.Second
	ConnectTime   = 20 * time.Second // each of the components
)

// Defaults of a bootstrap (spec 13 §13.4).
const (
	DefaultPort      = 3435
	DefaultEtherType = 0xa000
	DefaultAddrSize  = 4
	DefaultEIDSize   = 8
	DefaultMaxTTL    = 60
)

// DefaultBootstrap returns the configuration of a layer of a kind that nothing else is said about. The interface
// or address of a shim is missing from it.
func DefaultBootstrap(k Kind, layer string) BootstrapConfig {
	b := BootstrapConfig{Kind: k, Layer: layer, Hash: core.SHA3_256}
	switch k {
	case core.KindUDP4, core.KindUDP6:
		b.Hash, b.Port = core.MD5, DefaultPort
	case core.KindEthDIX:
		b.EtherType = DefaultEtherType
	case core.KindUnicast:
		b.AddrSize, b.EIDSize, b.MaxTTL = DefaultAddrSize, DefaultEIDSize, DefaultMaxTTL
	}
	return b
}

// qosSpecs are the specs of spec 12 §12.2 in the order of spec 13 §13.4.
var qosSpecs = []struct {
	word string
	spec core.QoS
}{
	{"raw", core.QoSRaw},
	{"best", core.QoSBestEffort},
	{"voice", core.QoSVoice},
	{"video", core.QoSVideo},
	{"data", core.QoSData},
}

// QoSWords returns the words for the predefined QoS specs.
func QoSWords() []string {
	var out []string
	for _, q := range qosSpecs {
		out = append(out, q.word)
	}
	return slices.Clip(out)
}

// QoS returns the spec of a word, "" is raw, and whether there is one.
func QoS(word string) (core.QoS, bool) {
	if word == "" {
		return core.QoSRaw, true
	}
	for _, q := range qosSpecs {
		if q.word == word {
			return q.spec, true
		}
	}
	return core.QoS{}, false
}
