package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrOAP is wrapped by every error of ParseOAP.
var ErrOAP = errors.New("invalid OAP message")

// Sizes and masks of an OAP message (spec 11 §11.2).
const (
	OAPHeaderLen  = 36
	OAPIDLen      = 16
	OAPKexRaw     = 0x8000 // F: the key is raw, not SubjectPublicKeyInfo
	OAPKexClient  = 0x4000 // R: the client encapsulates
	OAPKexLenMask = 0x3FFF
)

// OAP is an allocation handshake message (spec 11 §11.2), all integers big-endian:
//
//	offset size field              offset size field
//	0      16   id                 32     2    kex_len (bit 15 F, bit 14 R)
//	16     8    timestamp, ns      34     2    data_len
//	24     2    cipher_nid         36          certificate
//	26     2    kdf_nid            …           kex
//	28     2    md_nid             …           data
//	30     2    crt_len            …      H    request hash (response only)
//	                               …           signature (with a certificate only)
//
// The slices are views of the parsed bytes.
type OAP struct {
	ID          [OAPIDLen]byte
	Timestamp   uint64 // ns since 1970-01-01 UTC
	Cipher      uint16 // NIDs; 0 = none
	KDF         uint16
	Digest      uint16
	KexFlags    uint16 // OAPKexRaw, OAPKexClient
	Certificate []byte
	Kex         []byte
	Data        []byte
	RequestHash []byte
	Signature   []byte
}

// Len returns the length in bytes of the message.
func (m *OAP) Len() int {
	return OAPHeaderLen + len(m.Certificate) + len(m.Kex) + len(m.Data) + len(m.RequestHash) + len(m.Signature)
}

// Append appends the message to b. The fields must fit their lengths: certificate and data 65535
// bytes, kex 16383.
func (m *OAP) Append(b []byte) []byte {
	b = append(b, m.ID[:]...)
	b = binary.BigEndian.AppendUint64(b, m.Timestamp)
	for _, v := range [...]uint16{
		m.Cipher, m.KDF, m.Digest, uint16(len(m.Certificate)),
		uint16(len(m.Kex))&OAPKexLenMask | m.KexFlags, uint16(len(m.Data)),
	} {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	for _, part := range [...][]byte{m.Certificate, m.Kex, m.Data, m.RequestHash, m.Signature} {
		b = append(b, part...)
	}
	return b
}

// ParseOAP reads a message. hashLen is the length of the request hash that it must carry: 0 for a
// request. The errors are the decode failures of spec 11 §11.2.
func ParseOAP(b []byte, hashLen int) (OAP, error) {
	if len(b) < OAPHeaderLen {
		return OAP{}, fmt.Errorf("%w: %d bytes, the header has %d", ErrOAP, len(b), OAPHeaderLen)
	}
	kex := binary.BigEndian.Uint16(b[32:])
	m := OAP{
		ID:        [OAPIDLen]byte(b),
		Timestamp: binary.BigEndian.Uint64(b[16:]),
		Cipher:    binary.BigEndian.Uint16(b[24:]),
		KDF:       binary.BigEndian.Uint16(b[26:]),
		Digest:    binary.BigEndian.Uint16(b[28:]),
		KexFlags:  kex &^ OAPKexLenMask,
	}
	if m.Cipher != 0 && OAPCipherName(m.Cipher) == "" {
		return m, fmt.Errorf("%w: unknown cipher %d", ErrOAP, m.Cipher)
	}
	if m.KDF != 0 && OAPDigestName(m.KDF) == "" {
		return m, fmt.Errorf("%w: unknown kdf %d", ErrOAP, m.KDF)
	}
	if m.Digest != 0 && OAPDigestName(m.Digest) == "" {
		return m, fmt.Errorf("%w: unknown digest %d", ErrOAP, m.Digest)
	}
	crt, data := int(binary.BigEndian.Uint16(b[30:])), int(binary.BigEndian.Uint16(b[34:]))
	klen := int(kex & OAPKexLenMask)
	if need := OAPHeaderLen + crt + klen + data + hashLen; len(b) < need {
		return m, fmt.Errorf("%w: %d bytes, its fields have %d", ErrOAP, len(b), need)
	} else if crt == 0 && len(b) > need {
		return m, fmt.Errorf("%w: %d bytes behind an unsigned message", ErrOAP, len(b)-need)
	}
	rest := b[OAPHeaderLen:]
	take := func(n int) (part []byte) {
		part, rest = rest[:n:n], rest[n:]
		return part
	}
	m.Certificate, m.Kex, m.Data, m.RequestHash = take(crt), take(klen), take(data), take(hashLen)
	m.Signature = rest
	return m, nil
}

// OAPCipherName returns the name of a cipher NID as configurations use it (spec 11 §11.11), "" for an
// unknown one.
func OAPCipherName(nid uint16) string {
	switch nid {
	case 895:
		return "aes-128-gcm"
	case 898:
		return "aes-192-gcm"
	case 901:
		return "aes-256-gcm"
	case 904:
		return "aes-128-ctr"
	case 905:
		return "aes-192-ctr"
	case 906:
		return "aes-256-ctr"
	case 1018:
		return "chacha20-poly1305"
	}
	return ""
}

// OAPDigestName returns the name of a digest or KDF NID (spec 11 §11.11), "" for an unknown one.
func OAPDigestName(nid uint16) string {
	switch nid {
	case 672:
		return "sha256"
	case 673:
		return "sha384"
	case 674:
		return "sha512"
	case 1056:
		return "blake2b512"
	case 1057:
		return "blake2s256"
	case 1096:
		return "sha3-256"
	case 1097:
		return "sha3-384"
	case 1098:
		return "sha3-512"
	}
	return ""
}
