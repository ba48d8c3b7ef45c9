package httpwire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/invoke"
)

// Flags of frames.
const (
	flagCompressed = 0x01
	flagEndStream  = 0x02 // of Connect (https://connectrpc.com/docs/protocol#streaming-response)
	flagTrailers   = 0x80 // of gRPC-Web (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md)
)

// A framedBody is the body of a stream's response. It takes the messages out and stores them
// for the caller; the library sees empty ones. It also reads how the server ended the call, of
// which it leaves only the form to the library.
//
// A message has a prefix of five bytes, its flags and its size (gRPC-Web and Connect have that
// of https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
type framedBody struct {
	io.Closer
	r        *bufio.Reader
	ex       *exchange
	expander expander
	named    bool // the response names its compression
	limit    int64

	out       [5]byte // for the library
	remaining []byte  // of out
	ended     bool    // the last frame was read: what follows is ignored
	err       error
}

func newFramedBody(body io.ReadCloser, ex *exchange, x expander, limit int) *framedBody {
	return &framedBody{
		Closer: body, r: bufio.NewReader(body), ex: ex, expander: x, named: x.coding != nil,
		limit: int64(limit),
	}
}

// Read hands frames to the library.
func (b *framedBody) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(b.remaining) == 0 {
		switch {
		case b.err != nil:
			return 0, b.err
		case b.ended:
			return b.r.Read(p)
		}
		if b.err = b.frame(); b.err != nil && b.err != io.EOF {
			b.ex.fail(b.err)
		}
	}
	n := copy(p, b.remaining)
	b.remaining = b.remaining[n:]
	return n, nil
}

// frame reads one frame and prepares what the library gets of it.
func (b *framedBody) frame() error {
	var prefix [5]byte
	if _, err := io.ReadFull(b.r, prefix[:]); err != nil {
		return err
	}
	size := int64(binary.BigEndian.Uint32(prefix[1:]))
	flags := prefix[0]
	whole := &io.LimitedReader{R: b.r, N: size}
	x := b.expander
	switch {
	case flags&flagCompressed != 0 && !b.named: // even when it is empty
		return errUnnamedCoding
	case flags&flagCompressed == 0, size == 0:
		x = expander{}
	}
	b.out = [5]byte{flags &^ flagCompressed}
	b.remaining = b.out[:]
	var err error
	switch flags &^ flagCompressed {
	case 0:
		if size > b.limit {
			b.remaining = nil
			return &tooLarge{size: size, limit: b.limit}
		}
		in := b.ex.in
		in.wire, err = x.expand(in.wire, whole, size, b.limit)
	case flagEndStream:
		b.ended, err = true, b.endStream(x, whole)
	case flagTrailers:
		b.ended, err = true, b.trailers(x, whole)
	default: // which the library refuses
		return nil
	}
	if err == nil && whole.N > 0 {
		err = fmt.Errorf("%d bytes of %d are missing: %w", whole.N, size, io.ErrUnexpectedEOF)
	}
	if err != nil {
		b.remaining = nil
	}
	return err
}

// errUnnamedCoding is the fault of a server that compresses without naming the coding.
var errUnnamedCoding = errors.New("the server sent a compressed message, and does not say how it is compressed")

// A messageBody is the body of a unary response in Connect. It stores the message for the
// caller; the library sees an empty body.
type messageBody struct {
	io.ReadCloser
	ex       *exchange
	expander expander
	limit    int64
	err      error
}

// Read reads all of the message.
func (b *messageBody) Read([]byte) (int, error) {
	if b.err == nil {
		in := b.ex.in
		if in.wire, b.err = b.expander.expand(in.wire, b.ReadCloser, b.ex.size, b.limit); b.err != nil {
			b.ex.fail(b.err)
		} else {
			b.err = io.EOF
		}
	}
	return 0, b.err
}

// fail ends the call with the fault of a response, if it is known. Errors of the connection
// are left to the library.
func (e *exchange) fail(err error) {
	var (
		large  *tooLarge
		coding *codingError
	)
	switch {
	case errors.As(err, &large):
		e.end(&invoke.Status{
			Code: codes.ResourceExhausted, Message: large.Error(), Origin: invoke.OriginClient,
			Cause: large,
		})
	case errors.As(err, &coding):
		e.end(&invoke.Status{Code: codes.Internal, Message: coding.Error(), Origin: invoke.OriginClient, Cause: coding})
	case err == errUnnamedCoding, err == errEndNoJSON, err == errEndNoObject:
		e.end(&invoke.Status{Code: codes.Internal, Message: err.Error(), Origin: invoke.OriginClient, Cause: err})
	}
}

// end notes how the call has ended. The first note counts.
func (e *exchange) end(s *invoke.Status) { e.ending.CompareAndSwap(nil, s) }
