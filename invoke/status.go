package invoke

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/anypb"
)

// An Origin says who decided how a call ended.
type Origin string

// The origins of a status.
const (
	OriginServer    Origin = "server"    // the peer sent it
	OriginClient    Origin = "client"    // made here: a deadline, a cancellation, a protocol error, a limit
	OriginTransport Origin = "transport" // there was no connection
)

// A Status is how a call ended.
type Status struct {
	Code    codes.Code // as sent, beyond 16 too
	Message string     // as sent: percent-decoded, with no prefix; "" when there is none
	Details []*anypb.Any
	Origin  Origin
	Cause   error // what went wrong here, typed, when Origin is not the server; may be nil
}

// DeadlinePassed is the status of a call, or of what comes before it, that met its deadline.
// during says in what, such as "connecting"; it may be "".
func DeadlinePassed(during string, cause error) *Status {
	message := "the deadline has passed"
	if during != "" {
		message += " while " + during
	}
	return &Status{Code: codes.DeadlineExceeded, Message: message, Origin: OriginClient, Cause: cause}
}

// EndedHere is the status of a call that ended because its context did. cause is the context's
// error.
func EndedHere(cause error) *Status {
	if errors.Is(cause, context.DeadlineExceeded) {
		return DeadlinePassed("", cause)
	}
	return &Status{Code: codes.Canceled, Message: "the call was cancelled here", Origin: OriginClient, Cause: cause}
}

// ErrHTTPVersion is the cause of a status for which the server refused the version of
// HTTP: many do so with calls that stream both ways over HTTP/1.1 (RFC 9110, section
// 15.6.6).
var ErrHTTPVersion = errors.New("the server refuses the version of HTTP")

// ErrTooLarge is wrapped by the cause of a status that was made here because a message is
// beyond the limit for receiving.
var ErrTooLarge = errors.New("the message is beyond the limit")

// A LimitError is a part of a response, other than a message, that is larger than rpcctl
// accepts. It is the cause of a status that was made here, or of a status of the server whose
// rest is missing.
type LimitError struct {
	Part  string // such as headers or trailers
	Limit int64  // bytes
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("the server's %s: more than the %d bytes that rpcctl takes", e.Part, e.Limit)
}

// DecodeMessage reads a status message in the form in which it is sent
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Percent-Encoded). Text that
// is no escape stays as it is.
func DecodeMessage(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b, i = append(b, byte(n)), i+2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

// Err returns nil for OK and a *StatusError for everything else.
func (s *Status) Err() error {
	if s == nil || s.Code == codes.OK {
		return nil
	}
	return &StatusError{Status: s}
}

// A StatusError is a call that ended in a status other than OK.
type StatusError struct{ Status *Status }

func (e *StatusError) Error() string {
	s := fmt.Sprintf("%s (%d)", CodeName(e.Status.Code), e.Status.Code)
	if e.Status.Message != "" {
		s += ": " + e.Status.Message
	}
	return s
}

// StatusOf returns the status in an error of Transport.Open.
func StatusOf(err error) *Status {
	var se *StatusError
	if errors.As(err, &se) {
		return se.Status
	}
	return &Status{Code: codes.Unavailable, Message: err.Error(), Origin: OriginTransport, Cause: err}
}

// Unwrap returns the cause of a status that was made here.
func (e *StatusError) Unwrap() error { return e.Status.Cause }

// codeNames are the names of the gRPC status codes, by number
// (https://github.com/grpc/grpc/blob/master/doc/statuscodes.md).
var codeNames = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
	"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

// CodeName returns the gRPC name of a code in capitals, or CODE_n for a number
// that has none.
func CodeName(c codes.Code) string {
	if int64(c) < int64(len(codeNames)) {
		return codeNames[c]
	}
	return "CODE_" + strconv.FormatUint(uint64(c), 10)
}
