// Package jsonwire is an invoke.Transport that carries messages as JSON over another
// Transport. Its main type is Transport.
//
// Above it messages are in the wire format of protobuf, as everywhere: they are converted
// here, by the schema of the method.
package jsonwire

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
)

// A Transport converts requests to JSON and responses from JSON. Calls of methods whose schema
// the caller does not know, such as reflection itself, go through unchanged. It is safe for
// concurrent use.
type Transport struct {
	inner   invoke.Transport
	maxRecv int
}

// Over returns a Transport over another one, which it closes when it is closed. A message that
// is received may have maxRecv bytes, both as JSON and in protobuf; with 0 only the other
// transport has a limit.
func Over(t invoke.Transport, maxRecv int) *Transport { return &Transport{t, maxRecv} }

// Wire says how a call is carried.
func (t *Transport) Wire(m invoke.Method) invoke.Wire {
	m.Codec = invoke.CodecJSON
	return t.inner.Wire(m)
}

// Open begins a call.
func (t *Transport) Open(ctx context.Context, m invoke.Method, md invoke.Metadata) (invoke.Stream, error) {
	if m.Input == nil || m.Output == nil {
		return t.inner.Open(ctx, m, md)
	}
	m.Codec = invoke.CodecJSON
	ctx, cancel := context.WithCancel(ctx)
	s, err := t.inner.Open(ctx, m, md)
	if err != nil {
		cancel()
		return nil, err
	}
	return &stream{
		Stream: s, ctx: ctx, cancel: cancel, method: m,
		encoder: transcode.NewEncoder(m.Input, transcode.EncodeOptions{Types: m.Types}),
		// Unknown fields belong to a newer schema.
		decoder: transcode.NewDecoder(m.Output,
			transcode.DecodeOptions{Types: m.Types, AllowUnknown: true, MaxSize: cmp.Or(m.MaxRecv, t.maxRecv)}),
	}, nil
}

// Close closes the other transport.
func (t *Transport) Close() error { return t.inner.Close() }

type stream struct {
	invoke.Stream
	ctx     context.Context // of the call
	cancel  context.CancelFunc
	method  invoke.Method
	encoder *transcode.Encoder
	decoder *transcode.Decoder
	sent    []byte // the buffers of each way
	got     []byte
	fault   *invoke.Status // what was wrong with a message that was received
}

// Send sends a message as JSON.
func (s *stream) Send(msg []byte) error {
	json, err := s.encoder.Append(s.sent[:0], msg)
	if err != nil {
		return fmt.Errorf("making JSON of a %s: %w", s.method.Input.FullName(), err)
	}
	s.sent = json
	return s.Stream.Send(json)
}

// Recv returns the next message. A message that cannot be read ends the call, and so does one
// that is being read at the deadline.
func (s *stream) Recv() ([]byte, error) {
	json, err := s.Stream.Recv()
	if err != nil {
		return nil, err
	}
	wire, err := s.decoder.AppendContext(s.ctx, s.got[:0], json)
	if err != nil {
		s.fault = s.unread(err)
		s.cancel()
		return nil, err
	}
	s.got = wire
	return wire, nil
}

// unread is the status of a call one of whose messages was not read because of err.
func (s *stream) unread(err error) *invoke.Status {
	switch {
	case errors.Is(err, transcode.ErrTooLarge):
		return &invoke.Status{
			Code:    codes.ResourceExhausted,
			Message: "the server sent JSON that is a message beyond the limit", Origin: invoke.OriginClient,
			Cause: invoke.ErrTooLarge,
		}
	case err == s.ctx.Err():
		return invoke.EndedHere(err)
	}
	err = fmt.Errorf("the server's JSON is no %s: %w", s.method.Output.FullName(), err)
	return &invoke.Status{Code: codes.Internal, Message: err.Error(), Origin: invoke.OriginClient, Cause: err}
}

// Finish drops what was not received and returns the status and the trailers.
func (s *stream) Finish() (*invoke.Status, invoke.Metadata) {
	defer s.cancel()
	status, trailers := s.Stream.Finish()
	if s.fault != nil {
		status = s.fault
	}
	return status, trailers
}

// HTTP describes the response, if the other transport knows.
func (s *stream) HTTP() (status int, version string) {
	if h, ok := s.Stream.(invoke.HTTPStream); ok {
		return h.HTTP()
	}
	return 0, ""
}
