package httpwire

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"

	connectrpc "connectrpc.com/connect/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
)

// statusOf reads the error that ended a call.
func (s *stream) statusOf(err error) *invoke.Status {
	ending := s.ex.ending.Load()
	var ce *connectrpc.Error
	switch {
	case ending != nil && (ending.Origin != invoke.OriginServer || !s.echoed(ending.Code)):
		return ending
	case errors.As(err, &ce) && ce.IsRemote() && !s.echoed(codes.Code(ce.Code())):
		return &invoke.Status{
			Code: codes.Code(ce.Code()), Message: ce.Message(), Details: details(ce), Origin: invoke.OriginServer,
		}
	case err == nil || errors.Is(err, io.EOF) && s.hasResponse():
		return &invoke.Status{Origin: invoke.OriginServer}
	case errors.Is(s.ctx.Err(), context.DeadlineExceeded), ce != nil && ce.Code() == connectrpc.CodeDeadlineExceeded:
		// The server's reset may come before our own clock says so.
		return invoke.EndedHere(context.DeadlineExceeded)
	case s.ctx.Err() != nil:
		return invoke.EndedHere(s.ctx.Err())
	}
	st := &invoke.Status{Code: codes.Unknown, Message: err.Error(), Origin: invoke.OriginClient, Cause: err}
	if ce != nil {
		st.Code, st.Message = codes.Code(ce.Code()), ce.Message()
	}
	s.explain(st, err)
	return st
}

// explain corrects the status of a call that the server has not ended: what the library says
// of the connection is sometimes wrong, and not all of it.
func (s *stream) explain(st *invoke.Status, err error) {
	var fault *connect.Error
	switch {
	case errors.As(s.ex.failure(), &fault): // the library drops part of it
		st.Code, st.Message, st.Origin, st.Cause = codes.Unavailable, fault.Error(), invoke.OriginTransport, fault
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE): // the library takes it for the client's end
		st.Code, st.Message, st.Origin = codes.Unavailable, "the server closed the connection", invoke.OriginTransport
	case strings.Contains(err.Error(), "readLoopPeekFailLocked: %!w(<nil>)"): // the text of net/http in Go 1.26
		st.Code, st.Message, st.Origin = codes.Unavailable, "the server spoke before it was asked",
			invoke.OriginTransport
	case s.hasResponse() && s.ex.status == http.StatusHTTPVersionNotSupported:
		st.Cause = invoke.ErrHTTPVersion
	case headersBeyond(err.Error()):
		beyond := &invoke.LimitError{Part: "headers", Limit: invoke.MaxHeaders}
		st.Code, st.Message, st.Cause = codes.ResourceExhausted, beyond.Error(), beyond
	case strings.Contains(err.Error(), "connection error: COMPRESSION_ERROR"):
		// net/http says no more of a field that is longer than the limit for all fields.
		beyond := &invoke.LimitError{Part: "headers", Limit: invoke.MaxHeaders}
		st.Code, st.Message, st.Cause = codes.ResourceExhausted,
			beyond.Error()+", or they are compressed wrongly (COMPRESSION_ERROR)", beyond
	case brokenOff(st, err.Error()):
		if st.Code == codes.Unavailable {
			st.Origin = invoke.OriginTransport
		}
	// a proxy says so, or nobody
	case st.Code == codes.Unavailable && (!s.hasResponse() || s.ex.status != http.StatusOK):
		st.Origin = invoke.OriginTransport
	}
}

// echoed reports whether a server's error follows from our own cancelling of the call. The
// server sees a request that breaks off, and may say so before the call has ended here.
func (s *stream) echoed(c codes.Code) bool {
	switch c {
	case codes.Canceled, codes.Unknown, codes.Internal, codes.InvalidArgument:
		return errors.Is(s.ctx.Err(), context.Canceled)
	}
	return false
}

// headersBeyond recognises the texts of net/http and quic-go for headers beyond the limit, for
// which they have no types.
func headersBeyond(text string) bool {
	for _, words := range []string{
		"server response headers exceeded ",
		"response header list larger than advertised limit", "HEADERS frame too large",
	} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

// details returns the details of an error as Any messages.
func details(e *connectrpc.Error) []*anypb.Any {
	var all []*anypb.Any
	for _, d := range e.Details() {
		all = append(all, &anypb.Any{TypeUrl: "type.googleapis.com/" + d.Type, Value: d.Value})
	}
	return all
}
