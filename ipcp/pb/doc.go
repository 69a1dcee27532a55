// Package pb holds the messages that IPCPs exchange in Protocol Buffers (spec 05 and 07). The Go code is
// made from the .proto files by `make generate`.
package pb

//go:generate protoc --go_out=. --go_opt=paths=source_relative cep.proto config.proto dht.proto enroll.proto
