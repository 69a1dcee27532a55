// Package crypt holds the primitives behind the security of flows (spec 11): the algorithms that a configuration
// can name, key agreement and key derivation for the handshake of package oap, certificates and signatures, and
// the encryption of packets.
//
// The algorithms themselves are those of the standard library and of x/crypto. All randomness comes from the
// entropy that the caller passes, so that a simulated run repeats bit for bit (ADR 0024).
package crypt
