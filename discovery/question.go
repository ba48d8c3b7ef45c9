package discovery

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
	"github.com/rpcctl/rpcctl/discovery/internal/timelimit"
	"github.com/rpcctl/rpcctl/invoke"
)

// A question is one request of the reflection service.
type question struct {
	req   request
	about string // the symbol or path
	text  string // for people
	// named is set for questions about a name: that there is no such name is an answer to
	// them.
	named bool
}

func listQuestion() question {
	return question{
		text: "list of services",
		req:  request{kind: askList, name: "*"},
	}
}

func symbolQuestion(name protoreflect.FullName) question {
	return question{
		about: string(name), text: fmt.Sprintf("file of symbol %q", name), named: true,
		req: request{kind: askSymbol, name: string(name)},
	}
}

func pathQuestion(path string) question {
	return question{
		about: path, text: fmt.Sprintf("file %q", path), named: true,
		req: request{kind: askFile, name: path},
	}
}

func extensionNumbersQuestion(message protoreflect.FullName) question {
	return question{
		about: string(message), text: fmt.Sprintf("extensions of %q", message), named: true,
		req: request{kind: askNumbers, name: string(message)},
	}
}

func extensionQuestion(message protoreflect.FullName, number int32) question {
	return question{
		about: string(message), text: fmt.Sprintf("file of extension %d of %q", number, message), named: true,
		req: request{kind: askExtension, name: string(message), number: number},
	}
}

// key identifies a question, among others and in the answers that name theirs.
func key(r request) string {
	switch r.kind {
	case askSymbol:
		return "symbol " + r.name
	case askFile:
		return "file " + r.name
	case askNumbers:
		return "numbers " + r.name
	case askExtension:
		return fmt.Sprintf("extension %d %s", r.number, r.name)
	case askList:
		return "list"
	default:
		return ""
	}
}

// read turns a response into what ask returns: an answer of the right kind, or an error.
func (q question) read(a *answer) (*answer, error) {
	if a.kind == gotError {
		return nil, q.refused(a)
	}
	want := gotFiles
	switch q.req.kind {
	case askList:
		want = gotList
	case askNumbers:
		want = gotNumbers
	}
	if a.kind != want {
		return nil, &answeredError{q.failed(clientStatus(codes.Internal, "the server answered another question", nil))}
	}
	return a, nil
}

// refused is the error for an error response. A code out of range is kept as it
// came.
func (q question) refused(a *answer) error {
	code := codes.Code(uint32(a.code))
	if q.named && code == codes.NotFound {
		return q.missing()
	}
	if code == codes.OK {
		code = codes.Unknown
	}
	return &answeredError{q.failed(&invoke.Status{Code: code, Message: a.message, Origin: invoke.OriginServer})}
}

// missing is the error for a name that the server does not have.
func (q question) missing() error {
	return &symbol.UnknownError{Kind: symbol.KindSymbol, Name: q.about}
}

func (q question) failed(s *invoke.Status) *ReflectionError {
	return &ReflectionError{Question: q.text, Status: s}
}

// An answeredError is a *ReflectionError that came as an answer: the stream goes on.
type answeredError struct{ err *ReflectionError }

func (e *answeredError) Error() string { return e.err.Error() }
func (e *answeredError) Unwrap() error { return e.err }

func clientStatus(code codes.Code, message string, cause error) *invoke.Status {
	return &invoke.Status{Code: code, Message: message, Origin: invoke.OriginClient, Cause: cause}
}

// contextError is the error for a wait that the caller's context ended, or the
// limit of a whole lookup.
func contextError(ctx context.Context, what string) error {
	status := clientStatus(codes.Canceled, "cancelled while waiting for a reflection answer", ctx.Err())
	switch {
	case errors.Is(context.Cause(ctx), timelimit.ErrSlow):
		status.Code, status.Message = codes.Unavailable, "the server takes too long to answer all that one lookup needs"
		status.Cause = context.DeadlineExceeded
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		status = invoke.DeadlinePassed("waiting for a reflection answer", ctx.Err())
	}
	return &ReflectionError{Question: what, Status: status}
}
