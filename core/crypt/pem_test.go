package crypt

import (
	"encoding/pem"
	"testing"
)

func pemOf(t testing.TB, kind, hex string) []byte {
	t.Helper()
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: unhex(t, hex)})
}
