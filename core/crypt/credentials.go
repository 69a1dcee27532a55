package crypt

import "crypto"

// Credentials are a certificate and its private key.
type Credentials struct {
	der []byte
	key crypto.Signer
}

// Roots is the store of certificates that peers are judged by.
type Roots struct{}

// StaticPublic is the lasting public key of a server, for KEMClient.
type StaticPublic struct{ kex Kex }

// StaticKey is the private half of it.
type StaticKey struct{ kex Kex }
