package grpcwire

import (
	"strings"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
)

// notGRPC recognises grpc-go's text for a response that is HTTP and not gRPC, and says so in
// the status.
func notGRPC(s *invoke.Status, address string) {
	const (
		badStatus = "unexpected HTTP status code received from server: "
		badType   = "transport: received unexpected content-type "
		noType    = "malformed header: missing HTTP content-type"
	)
	text, data, _ := strings.Cut(s.Message, "\ndata: ")
	httpStatus, rest, hasStatus := "", text, false
	if after, ok := strings.CutPrefix(text, badStatus); ok {
		httpStatus, rest, hasStatus = cutLast(after)
	}
	contentType, hasType := strings.CutPrefix(rest, badType)
	if !hasType && rest != noType || !hasStatus {
		return
	}
	e := &connect.Error{Kind: connect.NotGRPC, Address: address, Err: s.Cause, Detail: "HTTP status " + httpStatus}
	if hasType {
		e.Detail += ", " + strings.Trim(contentType, `"`)
	}
	// A server that asks for a client certificate after the handshake says one of these.
	switch {
	case strings.Contains(data, "No required SSL certificate was sent"):
		e.Kind = connect.ClientCert
	case strings.Contains(data, "The SSL certificate error"):
		e.Kind = connect.ClientCertBad
	}
	s.Message, s.Cause, s.Origin = e.Error(), e, invoke.OriginTransport
}

// cutLast splits "404 (Not Found); the rest".
func cutLast(s string) (status, rest string, ok bool) {
	status, rest, ok = strings.Cut(s, "; ")
	code, words, _ := strings.Cut(status, " ")
	if words = strings.Trim(words, "()"); words != "" {
		code += " " + words
	}
	return code, rest, ok
}
