package pkt

import "testing"

// BenchmarkPushPull is what one hop does to a packet: three headers off, three headers on.
func BenchmarkPushPull(b *testing.B) {
	p := NewPool().GetPhantom(64, 40, 1000)
	b.ReportAllocs()
	for b.Loop() {
		for range 3 {
			p.Pull(15)[0]++
		}
		for range 3 {
			p.Push(15)[0]++
		}
	}
}

// BenchmarkGetRelease is the life of a small packet with a phantom payload.
func BenchmarkGetRelease(b *testing.B) {
	pool := NewPool()
	b.ReportAllocs()
	for b.Loop() {
		p := pool.GetPhantom(64, 32, 1000)
		p.Push(15)
		p.Release()
	}
}

// BenchmarkCloneLarge is a private copy of a packet that is stored in full.
func BenchmarkCloneLarge(b *testing.B) {
	p := NewPool().Get(64, 1400)
	b.ReportAllocs()
	for b.Loop() {
		p.Clone().Release()
	}
}
