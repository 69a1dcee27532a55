package broadcast

import (
	"fmt"

	"ouroboros/core"
	"ouroboros/ipcp"
	"ouroboros/ipcp/pb"
)

// Enroll makes this IPCP a member of a layer by what the IPCP of the name dst, or any that serves the name
// of its layer, says of it over a flow of the layer lower (empty: any). What is lost is tried again within
// 20 s. done is told the result once, not on the stack of Enroll, unless the operation is canceled before;
// after a failure the IPCP is in state boot again. It fails with core.ErrIPCPState unless the IPCP is in
// state boot, and with ipcp.ErrConfig when the layer is of another kind.
func (i *IPCP) Enroll(dst, lower core.Name, done func(error)) (cancel func()) {
	return i.applicant.Enroll(ipcp.Peer{Name: dst, Lower: lower}, i.adopt, done)
}

// adopt takes over what the member says of the layer: its name. There is nothing else.
func (i *IPCP) adopt(c *pb.Config) error {
	info, err := ipcp.CheckConfig(c, core.KindBroadcast)
	if err == nil && info.Hash != core.SHA3_256 {
		err = fmt.Errorf("%w: hash algorithm %d, a broadcast layer has %d", ipcp.ErrConfig, info.Hash, core.SHA3_256)
	}
	if err != nil {
		return err
	}
	i.enter(info.Name)
	return nil
}
