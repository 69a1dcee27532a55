package core

import "time"

// Provider is what a layer offers the broker of its system: an IPCP of any kind.
type Provider interface {
	// Layer describes the layer this IPCP is a member of.
	Layer() LayerInfo
	// Register makes the digest known in the layer; twice is a success without effect.
	Register(h Hash) error
	// Unregister takes it back; of an unknown digest it is a success.
	Unregister(h Hash)
	// Query asks whether the layer knows the digest. done is called once unless canceled.
	Query(h Hash, done func(found bool)) (cancel func())
	// AllocFlow asks for a flow to the digest. done is called once unless canceled. There is no time-out
	// here: the broker cancels.
	AllocFlow(r FlowRequest, done func(Flow, FlowReply, error)) (cancel func())
	// Join joins a broadcast layer; ErrUnsupp elsewhere.
	Join(done func(Flow, error)) (cancel func())
	// OnRequest sets who is told of incoming requests.
	OnRequest(func(in IncomingFlow))
}

// LayerKind is the kind of IPCP, with the numbers of spec 01 §1.4. The broker asks its providers in
// this order.
type LayerKind uint8

// The kinds. Direct exists in the simulator only.
const (
	KindLocal     LayerKind = 0
	KindUnicast   LayerKind = 1
	KindBroadcast LayerKind = 2
	KindEthLLC    LayerKind = 3
	KindEthDIX    LayerKind = 4
	KindUDP4      LayerKind = 5
	KindUDP6      LayerKind = 6
	KindDirect    LayerKind = 100
)

// LayerInfo describes a layer.
type LayerInfo struct {
	Name Name
	Kind LayerKind
	Hash HashAlgo
}

// FlowRequest is a request to a layer. Piggyback is opaque to it (spec 01 §1.3).
type FlowRequest struct {
	Hash      Hash
	QoS       QoS
	Piggyback []byte
}

// FlowReply is what came back with the answer.
type FlowReply struct {
	MPL       time.Duration
	Piggyback []byte
}

// IncomingFlow is a request that arrived in a layer for a digest.
type IncomingFlow struct {
	Hash      Hash
	QoS       QoS
	MPL       time.Duration
	Piggyback []byte
	// Respond answers, once: code 0 accepts and returns the flow; another refuses (its negative
	// travels) and returns nil. It is called then or later.
	Respond func(code Code, piggyback []byte) (Flow, error)
}
