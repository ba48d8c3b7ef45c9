// Package grpcwire is an invoke.Transport on grpc-go: gRPC over HTTP/2, with
// name resolution, TLS and compression. Messages pass as bytes, through a codec
// that neither encodes nor decodes.
package grpcwire
