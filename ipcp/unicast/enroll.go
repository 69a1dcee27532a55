package unicast

import (
	"fmt"

	"ouroboros/core"
	"ouroboros/ipcp"
	"ouroboros/ipcp/pb"
)

// Enroll makes this IPCP a member of a layer by what the IPCP of the name dst, or any that serves the name
// of its layer, says of it over a flow of the layer lower (empty: any). index is its number in the layer
// for address policies that count. What is lost is tried again within 20 s. done is told the result once,
// not on the stack of Enroll, unless the operation is canceled before; after a failure the IPCP is in state
// boot again. It fails with core.ErrIPCPState unless the IPCP is in state boot; a configuration that cannot
// be used is an ipcp.ErrConfig that says what and why.
func (i *IPCP) Enroll(dst, lower core.Name, index int, done func(error)) (cancel func()) {
	adopt := func(c *pb.Config) error { return i.adopt(c, index) }
	return i.applicant.Enroll(ipcp.Peer{Name: dst, Lower: lower}, adopt, done)
}

// adopt takes over what the member says of the layer.
func (i *IPCP) adopt(c *pb.Config, index int) error {
	l, peer, err := i.cfg.Catalog.decode(c)
	if err == nil {
		err = i.start(l, index, peer)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ipcp.ErrConfig, err)
	}
	i.enter(peer)
	return nil
}
