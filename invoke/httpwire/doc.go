// Package httpwire is an invoke.Transport for Connect and gRPC-Web, over HTTP/1.1, HTTP/2 with
// and without TLS, and HTTP/3. Its main type is Transport.
//
// The protocols are those of connectrpc.com/connect/v2, which gets messages as bytes.
// Connections are made here, one at a time and through invoke/connect, so that a failure has a
// cause, and no request is sent twice: net/http's own pool repeats some requests by itself.
package httpwire
