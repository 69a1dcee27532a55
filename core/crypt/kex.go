package crypt

// Kex is a key exchange: its NID (spec 11 §11.11), which never travels; 0 is none.
type Kex uint16

// The key exchanges that can be had.
const (
	P256           Kex = 415
	P384           Kex = 715
	P521           Kex = 716
	X25519         Kex = 1034
	MLKEM768       Kex = 1455
	MLKEM1024      Kex = 1456
	X25519MLKEM768 Kex = 2053
)

// Those that the prototype knows and that cannot be had here: neither the standard library nor x/crypto has
// them. They keep their place in the ranking.
const (
	X448          Kex = 1035
	FFDHE2048     Kex = 1126
	FFDHE3072     Kex = 1127
	FFDHE4096     Kex = 1128
	MLKEM512      Kex = 1454
	X448MLKEM1024 Kex = 2054
)

// KEMMode says who encapsulates when the key exchange is a KEM.
type KEMMode uint8

const (
	// KEMServer has the server encapsulate to a fresh key of the client.
	KEMServer KEMMode = 0
	// KEMClient has the client encapsulate to the static key of the server, which it must know beforehand.
	KEMClient KEMMode = 1
)

// String returns the value in configurations.
func (m KEMMode) String() string {
	if m == KEMClient {
		return "client"
	}
	return "server"
}

type kexInfo struct {
	kex  Kex
	name string
	kem  bool
	have bool
}

// kexes returns all key exchanges, the weakest first: the position + 1 is the rank of spec 11 §11.11.
func kexes() []kexInfo {
	return []kexInfo{
		{FFDHE2048, "ffdhe2048", false, false},
		{P256, "prime256v1", false, true},
		{X25519, "X25519", false, true},
		{FFDHE3072, "ffdhe3072", false, false},
		{P384, "secp384r1", false, true},
		{FFDHE4096, "ffdhe4096", false, false},
		{X448, "X448", false, false},
		{P521, "secp521r1", false, true},
		{MLKEM512, "ML-KEM-512", true, false},
		{MLKEM768, "ML-KEM-768", true, true},
		{MLKEM1024, "ML-KEM-1024", true, true},
		{X25519MLKEM768, "X25519MLKEM768", true, true},
		{X448MLKEM1024, "X448MLKEM1024", true, false},
	}
}

func (k Kex) info() (info kexInfo, rank int) {
	for i, x := range kexes() {
		if x.kex == k {
			return x, i + 1
		}
	}
	return kexInfo{}, -1
}

// Kexes returns the key exchanges that can be had, the weakest first.
func Kexes() []Kex {
	var have []Kex
	for _, x := range kexes() {
		if x.have {
			have = append(have, x.kex)
		}
	}
	return have
}

// Rank returns how strong k counts in a negotiation: 0 for none, -1 for an unknown one.
func (k Kex) Rank() int {
	if k == 0 {
		return 0
	}
	_, r := k.info()
	return r
}

// String returns the name of k in configurations, "none" for 0, "" for an unknown one.
func (k Kex) String() string {
	if k == 0 {
		return none
	}
	info, _ := k.info()
	return info.name
}

// KEM reports whether k is a key encapsulation mechanism, hybrid or not.
func (k Kex) KEM() bool {
	info, _ := k.info()
	return info.kem
}

// Hybrid reports whether k combines a KEM with a curve: its keys travel raw.
func (k Kex) Hybrid() bool { return k == X25519MLKEM768 || k == X448MLKEM1024 }

// Available reports whether k can be had.
func (k Kex) Available() bool {
	info, _ := k.info()
	return info.have
}

// KexByName returns the key exchange of that name; ok is false for an unknown name. Names are case sensitive.
func KexByName(name string) (k Kex, ok bool) {
	for _, x := range kexes() {
		if x.name == name {
			return x.kex, true
		}
	}
	return 0, false
}
