package frcp

import (
	"ouroboros/core"
	"ouroboros/core/crypt"
	"ouroboros/core/wire"
)

// unlock returns what encrypts the packets of a flow and the flow that takes them; nil for one in clear.
func unlock(env core.Env, f core.Flow, params Params) (*crypt.Packets, core.Security, core.Flow, error) {
	locked, ok := f.(core.SecureFlow)
	if !ok {
		return nil, core.Security{}, f, nil
	}
	below, sec := locked.Unlock()
	p, err := crypt.NewPackets(sec, env.Entropy, crypt.PacketOptions{KeyEpoch: params.KeyEpoch})
	return p, sec, below, err
}

// size takes what is added to each packet off the flow that the user sees.
func (e *Endpoint) size(sec core.Security) {
	if !e.raw {
		e.info.MTU -= wire.FRCPLen
		e.info.Headroom += wire.FRCPLen
	}
	if e.packets != nil {
		e.info.MTU -= e.packets.Front() + e.packets.Back()
		e.info.Headroom += e.packets.Front()
		e.info.Tailroom += e.packets.Back()
		e.info.Cipher, e.info.Peer = sec.Cipher, sec.Peer
	}
	if e.crc {
		e.info.MTU -= crcLen
		e.info.Tailroom += crcLen
	}
}

// headroom returns what the packets of the Conn need in front.
func (e *Endpoint) headroom() int {
	n := e.info.Headroom
	if e.packets != nil {
		n += e.packets.Front()
	}
	return n
}
