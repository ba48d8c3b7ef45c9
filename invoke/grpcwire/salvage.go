package grpcwire

import (
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/invoke"
)

// salvage puts the status that a server sent in the place of one that grpc-go made because
// of something else in the same block of fields: more of them than the limit, or one that
// is not base64. A block can be matched to a call only if that call was alone on the
// connection; else only the limit is named.
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

// code is the code that a block has. It is false for one without.
func (e *ending) code() (codes.Code, bool) {
	if e == nil || !e.hasStatus {
		return 0, false
	}
	n, err := strconv.ParseUint(e.status, 10, 32)
	return codes.Code(n), err == nil
}
