// Package pb holds the messages of the management protocol between the daemon and its tools. The Go code is
// made from the .proto file by `make generate`.
package pb

//go:generate protoc --go_out=. --go_opt=paths=source_relative control.proto
