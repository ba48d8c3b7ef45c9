package grpcwire

import (
	"fmt"
	"strings"

	"github.com/rpcctl/rpcctl/invoke"
	"google.golang.org/grpc/mem"
)

// codec hands messages over as bytes: a []byte to send, a *[]byte to receive
// into. Its name is what the content type says after application/grpc: nothing for
// protobuf's wire format.
type codec struct{ name string }

// codecOf is the codec for a method.
func codecOf(m invoke.Method) codec {
	if m.Codec == invoke.CodecProto {
		return codec{}
	}
	return codec{m.Codec}
}

// Name returns the subtype of the content type.
func (c codec) Name() string { return c.name }

// accepts tells whether a response of a content type is in this codec. What is not
// gRPC at all is for grpc-go to refuse.
func (c codec) accepts(contentType string) bool {
	subtype, ok := strings.CutPrefix(contentType, "application/grpc")
	if !ok {
		return true
	}
	subtype, _, _ = strings.Cut(subtype, ";")
	subtype = strings.TrimLeft(subtype, "+")
	return subtype == c.name || c.name == "" && subtype == invoke.CodecProto
}

// Marshal copies, because the wire may hold on to the message after it was sent.
func (codec) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("message of type %T, want []byte", v)
	}
	return mem.BufferSlice{mem.Copy(b, mem.DefaultBufferPool())}, nil
}

// Unmarshal copies into the buffer that v points to, growing it when it is too
// small: data goes back to a pool.
func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	p, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("message into %T, want *[]byte", v)
	}
	n := data.Len()
	if cap(*p) < n {
		*p = make([]byte, n)
	}
	*p = (*p)[:n]
	data.CopyTo(*p)
	return nil
}
