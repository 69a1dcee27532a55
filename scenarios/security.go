package scenarios

// SecurityRule says how the systems that a pattern names secure their flows (spec 11 §11.8, decision 9). The
// last rule that names a system counts.
type SecurityRule struct {
	Name  string   `mapstructure:"name"`  // for --set; optional
	Nodes Patterns `mapstructure:"nodes"` // default all
	// Force encrypts every flow of these systems, those between the members of layers included, whatever is
	// asked for. A flow that cannot be encrypted then fails.
	Force bool `mapstructure:"force"`
	// The algorithms; what a workload that asks to be encrypted gets too.
	Kex    string `mapstructure:"kex" enum:"X25519|prime256v1|secp384r1|secp521r1|ML-KEM-768|ML-KEM-1024|X25519MLKEM768"`                  // default X25519
	Cipher string `mapstructure:"cipher" enum:"aes-128-gcm|aes-192-gcm|aes-256-gcm|chacha20-poly1305|aes-128-ctr|aes-192-ctr|aes-256-ctr"` // default aes-256-gcm
	KDF    string `mapstructure:"kdf" enum:"sha256|sha384|sha512|sha3-256|sha3-384|sha3-512|blake2b512|blake2s256"`                        // default sha256
	Digest string `mapstructure:"digest" enum:"sha256|sha384|sha512|sha3-256|sha3-384|sha3-512|blake2b512|blake2s256"`                     // default sha256
	// Certificates gives these systems a certificate for each name that they serve, and one of their own, all
	// issued by one authority that every system trusts.
	Certificates string `mapstructure:"certificates" enum:"none|ed25519|ecdsa-p256|ecdsa-p384"` // default none
	// RequirePeer refuses flows whose other end shows no certificate.
	RequirePeer bool `mapstructure:"require_peer"`
}

// setDefaults fills in what the file leaves open.
func (r *SecurityRule) setDefaults() {
	if r.Nodes == nil {
		r.Nodes = Patterns{All}
	}
	fill(&r.Kex, "X25519")
	fill(&r.Cipher, "aes-256-gcm")
	fill(&r.KDF, "sha256")
	fill(&r.Digest, "sha256")
	fill(&r.Certificates, "none")
}

// SecurityOf returns the rule that counts for a node, nil if none does.
func (s *Scenario) SecurityOf(node string) *SecurityRule {
	for i := len(s.Security) - 1; i >= 0; i-- {
		if len(s.Security[i].Nodes.Select([]string{node})) > 0 {
			return &s.Security[i]
		}
	}
	return nil
}

// security checks one rule.
func (c *checker) security(r *SecurityRule, p string) {
	c.label(p+".name", r.Name)
	if c.has(p + ".nodes") {
		names, known := c.nodeNames()
		c.patterns(p+".nodes", r.Nodes, "node", names, known)
	}
	if r.RequirePeer && c.certificates() == 0 {
		c.fail(p+".require_peer", "no rule gives any system certificates, so no flow would come about; accepted is it beside certificates")
	}
}

// certificates counts the rules that give certificates.
func (c *checker) certificates() (n int) {
	for i := range c.s.Security {
		if v := c.s.Security[i].Certificates; v != "" && v != "none" {
			n++
		}
	}
	return n
}
