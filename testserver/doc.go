// Package testserver is a demo server worth exploring, and the fixture that every test calls.
// Its main type is [Server].
//
// It speaks gRPC, gRPC-Web and Connect and serves the schema under proto/: a greeter, a small
// shop that keeps orders in memory, a warehouse that is closed, and a laboratory whose methods
// do one odd thing each. It also has grpc.health.v1 and server reflection, of which either
// version can be left out.
//
// Everything is bounded: delays, counts, sizes, and what the shop remembers. Handlers stop
// when their client does.
package testserver

//go:generate go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
//go:generate go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
//go:generate go run protogen.go
