package host

import (
	"errors"
	"fmt"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// packetFilter is the filter in the kernel: frames without a VLAN tag, for this station or everybody, of
// the EtherType or, when that is 0, with a length field (spec 01 §4.2.2). What others send or receive on
// the interface never becomes a copy.
func packetFilter(etherType uint16) ([]bpf.RawInstruction, error) {
	const (
		typeOffset = 12
		maxLength  = 0x5FF // the largest value that is a length and no type
		drop       = 6     // number of the instruction that drops
	)
	ours := bpf.Instruction(bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(etherType), SkipTrue: 1})
	if etherType == 0 {
		ours = bpf.JumpIf{Cond: bpf.JumpLessOrEqual, Val: maxLength, SkipTrue: 1}
	}
	return bpf.Assemble([]bpf.Instruction{
		0:    bpf.LoadExtension{Num: bpf.ExtVLANTagPresent},
		1:    bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0, SkipTrue: drop - 2},
		2:    bpf.LoadExtension{Num: bpf.ExtType},
		3:    bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: unix.PACKET_BROADCAST, SkipTrue: drop - 4},
		4:    bpf.LoadAbsolute{Off: typeOffset, Size: 2},
		5:    ours,
		drop: bpf.RetConstant{Val: 0},
		7:    bpf.RetConstant{Val: 1 << 18}, // whole frames
	})
}

// openPacketSocket makes a packet socket for whole frames that receives nothing yet.
func openPacketSocket(etherType uint16) (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if errors.Is(err, unix.EPERM) {
		return -1, fmt.Errorf("packet socket: %w: sending and receiving Ethernet frames needs the capability CAP_NET_RAW "+
			"(run as root, \"setcap cap_net_raw+ep PROGRAM\", or AmbientCapabilities=CAP_NET_RAW of a systemd unit)", err)
	}
	if err != nil {
		return -1, fmt.Errorf("packet socket: %w", err)
	}
	if err := attachFilter(fd, etherType); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	// Frames that go out need not be looked at. Old kernels do not know the option; there the filter drops them.
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil && !errors.Is(err, unix.ENOPROTOOPT) {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("packet socket: ignore outgoing frames: %w", err)
	}
	return fd, nil
}

func attachFilter(fd int, etherType uint16) error {
	raw, err := packetFilter(etherType)
	if err != nil {
		return fmt.Errorf("packet filter: %w", err)
	}
	prog := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		prog[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	err = unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]})
	if err != nil {
		return fmt.Errorf("packet filter: %w", err)
	}
	return nil
}

// bindPacketSocket has the socket send to and receive from the interface, also a second time when the
// interface has got another number. It receives the frames of one kind of protocol.
func bindPacketSocket(fd, index int, etherType uint16) error {
	protocol := etherType
	if protocol == 0 {
		protocol = unix.ETH_P_802_2
	}
	err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol<<8 | protocol>>8, Ifindex: index})
	if err != nil {
		return fmt.Errorf("bind packet socket: %w", err)
	}
	return nil
}

// socketError fetches the error that waits on a socket.
func socketError(fd int) error {
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return err
	}
	if n != 0 {
		return unix.Errno(n)
	}
	return nil
}
