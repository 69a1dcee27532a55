package host

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// packetRing is the receive ring of a packet socket (TPACKET_V2): memory that the kernel writes frames into
// and the actor reads them from, without a system call. The two pass the slots to each other in turn.
//
//	block 0                              block 1
//	+--------+--------+-----+--------+--+--------+-----
//	| slot 0 | slot 1 | ... | slot k |xx| slot   | ...     xx: too short for a slot
//	+--------+--------+-----+--------+--+--------+-----
//	slot: | status, lengths, VLAN | address of the sender | pad | frame ... |
type packetRing struct {
	mem   []byte
	slots []*unix.Tpacket2Hdr
	room  int // bytes of the largest frame that a slot holds
	next  int // slot that is filled next
}

const (
	ringBlock  = 64 << 10 // bytes that the kernel allocates at once, where frames are not larger
	ringAhead  = 96       // bytes in a slot before the payload, at most: header, address, Ethernet header
	cacheLine  = 64
	ringFrames = 1024 // slots of a ring, unless it would grow beyond ringBytes
	ringBytes  = 16 << 20
	minFrame   = 256 // bytes of frame that every slot has room for
)

// newPacketRing gives the socket a ring for frames with up to mtu bytes behind the Ethernet header.
func newPacketRing(fd, mtu int) (*packetRing, error) {
	slot := roundUp(max(mtu, minFrame)+ringAhead, cacheLine)
	block := max(ringBlock, roundUp(slot, unix.Getpagesize()))
	per := block / slot
	blocks := max(2, min(ringFrames, ringBytes/slot)/per)
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V2); err != nil {
		return nil, fmt.Errorf("packet ring: version: %w", err)
	}
	req := unix.TpacketReq{
		Block_size: uint32(block), Block_nr: uint32(blocks),
		Frame_size: uint32(slot), Frame_nr: uint32(blocks * per),
	}
	if err := unix.SetsockoptTpacketReq(fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return nil, fmt.Errorf("packet ring of %d blocks of %d bytes: %w", blocks, block, err)
	}
	mem, err := unix.Mmap(fd, 0, block*blocks, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("packet ring of %d bytes: %w", block*blocks, err)
	}
	r := &packetRing{mem: mem, room: slot - ringAhead + etherHeader, slots: make([]*unix.Tpacket2Hdr, 0, blocks*per)}
	for b := range blocks {
		for s := range per {
			r.slots = append(r.slots, (*unix.Tpacket2Hdr)(unsafe.Pointer(&mem[b*block+s*slot])))
		}
	}
	return r, nil
}

// remove takes the ring from the socket, so that it can get another.
func (r *packetRing) remove(fd int) error {
	if err := r.close(); err != nil {
		return err
	}
	if err := unix.SetsockoptTpacketReq(fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &unix.TpacketReq{}); err != nil {
		return fmt.Errorf("packet ring: remove: %w", err)
	}
	return nil
}

func (r *packetRing) close() error {
	r.slots = nil
	return unix.Munmap(r.mem)
}

// peek returns the slot that the kernel has filled next, or nil.
func (r *packetRing) peek() *unix.Tpacket2Hdr {
	h := r.slots[r.next]
	if atomic.LoadUint32(&h.Status)&unix.TP_STATUS_USER == 0 {
		return nil
	}
	return h
}

// frame returns the bytes of a filled slot, which belong to it.
func (r *packetRing) frame(h *unix.Tpacket2Hdr) []byte {
	n := min(int(h.Snaplen), r.room) // the kernel keeps within the slot by itself
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(h), h.Mac)), n)
}

// pass gives the slot that peek has returned back to the kernel.
func (r *packetRing) pass(h *unix.Tpacket2Hdr) {
	atomic.StoreUint32(&h.Status, unix.TP_STATUS_KERNEL)
	if r.next++; r.next == len(r.slots) {
		r.next = 0
	}
}

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }
