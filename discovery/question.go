package discovery

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/invoke"
)

// A question is one request of the reflection service.
type question struct {
	req   *reflectpb.ServerReflectionRequest
	about string // the symbol or path
	text  string // for people
	// named: that there is no such name is an answer to it.
	named bool
}

func listQuestion() question {
	return question{
		text: "list of services",
		req: &reflectpb.ServerReflectionRequest{
			MessageRequest: &reflectpb.ServerReflectionRequest_ListServices{ListServices: "*"},
		},
	}
}

func symbolQuestion(name protoreflect.FullName) question {
	return question{
		about: string(name), text: fmt.Sprintf("file of symbol %q", name), named: true,
		req: &reflectpb.ServerReflectionRequest{
			MessageRequest: &reflectpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: string(name)},
		},
	}
}

func pathQuestion(path string) question {
	return question{
		about: path, text: fmt.Sprintf("file %q", path), named: true,
		req: &reflectpb.ServerReflectionRequest{
			MessageRequest: &reflectpb.ServerReflectionRequest_FileByFilename{FileByFilename: path},
		},
	}
}

func extensionNumbersQuestion(message protoreflect.FullName) question {
	return question{
		about: string(message), text: fmt.Sprintf("extensions of %q", message), named: true,
		req: &reflectpb.ServerReflectionRequest{
			MessageRequest: &reflectpb.ServerReflectionRequest_AllExtensionNumbersOfType{AllExtensionNumbersOfType: string(message)},
		},
	}
}

func extensionQuestion(message protoreflect.FullName, number int32) question {
	return question{
		about: string(message), text: fmt.Sprintf("file of extension %d of %q", number, message), named: true,
		req: &reflectpb.ServerReflectionRequest{
			MessageRequest: &reflectpb.ServerReflectionRequest_FileContainingExtension{
				FileContainingExtension: &reflectpb.ExtensionRequest{ContainingType: string(message), ExtensionNumber: number},
			},
		},
	}
}

// key tells one question from another, and an answer that names its question from
// one to another.
func key(req *reflectpb.ServerReflectionRequest) string {
	switch r := req.GetMessageRequest().(type) {
	case *reflectpb.ServerReflectionRequest_FileContainingSymbol:
		return "symbol " + r.FileContainingSymbol
	case *reflectpb.ServerReflectionRequest_FileByFilename:
		return "file " + r.FileByFilename
	case *reflectpb.ServerReflectionRequest_AllExtensionNumbersOfType:
		return "numbers " + r.AllExtensionNumbersOfType
	case *reflectpb.ServerReflectionRequest_FileContainingExtension:
		x := r.FileContainingExtension
		return fmt.Sprintf("extension %d %s", x.GetExtensionNumber(), x.GetContainingType())
	case *reflectpb.ServerReflectionRequest_ListServices:
		return "list"
	default:
		return ""
	}
}

// read turns a response into what ask returns: an answer of the right kind, or
// the error that stands in its place.
func (q question) read(a *reflectpb.ServerReflectionResponse) (*reflectpb.ServerReflectionResponse, error) {
	if e := a.GetErrorResponse(); e != nil {
		return nil, q.refused(e)
	}
	fits := false
	switch q.req.MessageRequest.(type) {
	case *reflectpb.ServerReflectionRequest_ListServices:
		fits = a.GetListServicesResponse() != nil
	case *reflectpb.ServerReflectionRequest_AllExtensionNumbersOfType:
		fits = a.GetAllExtensionNumbersResponse() != nil
	default:
		fits = a.GetFileDescriptorResponse() != nil
	}
	if !fits {
		return nil, &answeredError{q.failed(clientStatus(codes.Internal, "the server answered another question", nil))}
	}
	return a, nil
}

// refused is the error for an error response. A code out of range is kept as it
// came.
func (q question) refused(e *reflectpb.ErrorResponse) error {
	code := codes.Code(uint32(e.GetErrorCode()))
	if q.named && code == codes.NotFound {
		return q.missing()
	}
	if code == codes.OK {
		code = codes.Unknown
	}
	return &answeredError{q.failed(&invoke.Status{Code: code, Message: e.GetErrorMessage(), Origin: invoke.OriginServer})}
}

// missing is the error for a name that the server does not have.
func (q question) missing() error { return &UnknownError{Kind: KindSymbol, Name: q.about} }

func (q question) failed(s *invoke.Status) *ReflectionError {
	return &ReflectionError{Question: q.text, Status: s}
}

// An answeredError is a *ReflectionError of a stream that goes on.
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
	case errors.Is(context.Cause(ctx), errSlow):
		status.Code, status.Message = codes.Unavailable, "the server takes too long to answer all that one lookup needs"
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		status.Code, status.Message = codes.DeadlineExceeded, "the deadline passed while waiting for a reflection answer"
	}
	return &ReflectionError{Question: what, Status: status}
}
