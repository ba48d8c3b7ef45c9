package grpcwire

import (
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/invoke"
)

// salvage restores the status that a server sent, when grpc-go replaced it because of
// something else in the same block of fields: more fields than the limit, or one that is not
// base64. A block can be matched to a call only if that was the only call on the connection;
// otherwise the status names only the limit.
func salvage(s *invoke.Status, e *endings, alone bool) {
	const (
		tooLong   = "peer header list size exceeded limit"
		malformed = "transport: malformed "
		broken    = "error reading from server: connection error: "
	)
	var block *ending
	var beyond error
	switch {
	case s.Message == tooLong:
		beyond = &invoke.LimitError{Part: "headers or trailers", Limit: invoke.MaxHeaders}
		if alone {
			block = e.last()
		}
	case strings.Contains(s.Message, broken) && e.cut() != nil:
		beyond = &invoke.LimitError{Part: "headers or trailers", Limit: invoke.MaxHeaders}
		if alone {
			block = e.cut()
		}
	case strings.HasPrefix(s.Message, malformed) && alone:
		block = e.last()
	default:
		return
	}
	if code, ok := block.code(); ok && code != codes.OK {
		s.Code, s.Message, s.Origin, s.Cause = code, invoke.DecodeMessage(block.message), invoke.OriginServer, beyond
	} else if beyond != nil {
		s.Code, s.Message, s.Origin, s.Cause = codes.ResourceExhausted, beyond.Error(), invoke.OriginClient, beyond
	}
}

// code returns the code in a block. ok is false for a block without one.
func (e *ending) code() (codes.Code, bool) {
	if e == nil || !e.hasStatus {
		return 0, false
	}
	n, err := strconv.ParseUint(e.status, 10, 32)
	return codes.Code(n), err == nil
}
