package crypt

import "ouroboros/core/wire"

// NIDs of the ciphers (spec 11 §11.11).
const (
	AES128GCM        uint16 = 895
	AES192GCM        uint16 = 898
	AES256GCM        uint16 = 901
	AES128CTR        uint16 = 904
	AES192CTR        uint16 = 905
	AES256CTR        uint16 = 906
	ChaCha20Poly1305 uint16 = 1018
)

// Ciphers returns the NIDs of all ciphers, the weakest first: the position + 1 is the rank of spec 11 §11.11.
func Ciphers() []uint16 {
	return []uint16{AES128CTR, AES192CTR, AES256CTR, AES128GCM, AES192GCM, AES256GCM, ChaCha20Poly1305}
}

// CipherRank returns how strong a cipher counts in a negotiation: 0 for none, -1 for an unknown one.
func CipherRank(nid uint16) int { return rank(Ciphers(), nid) }

// CipherName returns the name of a cipher in configurations, "none" for 0, "" for an unknown one.
func CipherName(nid uint16) string {
	if nid == 0 {
		return none
	}
	return wire.OAPCipherName(nid)
}

// CipherByName returns the NID of a cipher; ok is false for an unknown name. Names are case sensitive.
func CipherByName(name string) (nid uint16, ok bool) { return byName(Ciphers(), CipherName, name) }

const none = "none"

func rank(order []uint16, nid uint16) int {
	if nid == 0 {
		return 0
	}
	for i, n := range order {
		if n == nid {
			return i + 1
		}
	}
	return -1
}

func byName(order []uint16, name func(uint16) string, want string) (uint16, bool) {
	for _, n := range order {
		if name(n) == want {
			return n, true
		}
	}
	return 0, false
}
