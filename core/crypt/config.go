package crypt

// Config is the enc.conf of a name in one role (spec 11 §11.8). It is not written after it was made, and can be
// shared.
type Config struct {
	Kex     Kex    // 0 at a server: whatever the client brings
	Cipher  uint16 // NIDs, of Cipher, KDF and Digest; none of them 0
	KDF     uint16
	Digest  uint16 // for signatures and the hash of the request
	KEMMode KEMMode
	// RequirePeer refuses peers without a certificate: the key peer, required or optional, which the prototype
	// does not know (decision 9).
	RequirePeer bool
	// Warnings says which lines of the file mean nothing.
	Warnings []string
}

// DefaultConfig returns what encrypts a flow when its user asks for encryption and nothing is configured.
func DefaultConfig() *Config {
	return &Config{Kex: X25519, Cipher: AES256GCM, KDF: SHA256, Digest: SHA256}
}
