package frcp

import (
	"cmp"
	"fmt"
	"testing"

	"ouroboros/core"
	"ouroboros/core/crypt"
)

// BenchmarkEndpoint is a message through two endpoints, acks included, by kind of flow, cipher and size. The payload is real. What encryption costs is the difference; the bare AEAD is in core/crypt.
func BenchmarkEndpoint(b *testing.B) {
	for _, q := range []core.QoS{core.QoSRaw, core.QoSVoice, core.QoSData} {
		for _, cipher := range []uint16{0, 901, 1018} {
			for _, size := range []int{64, 1400} {
				b.Run(fmt.Sprintf("%s/%s/%d", q.Mode(), cmp.Or(crypt.CipherName(cipher), "clear"), size), func(b *testing.B) {
					x := newBench(b, q, Params{})
					ends, _ := x.join(cipher, quietUser{}, quietUser{})
					b.SetBytes(int64(size))
					b.ReportAllocs()
					for b.Loop() {
						x.now += 1000
						if err := ends[0].Write(x.pool.Get(64, size)); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
