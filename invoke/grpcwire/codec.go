package grpcwire

import (
	"fmt"
	"strings"

	"google.golang.org/grpc/mem"

	"github.com/rpcctl/rpcctl/invoke"
)

// codec hands messages over as bytes: a []byte to send, a *[]byte to receive into. Its name is
// the subtype in the content type, behind application/grpc: none for protobuf's wire format.
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

// accepts reports whether a response of a content type is in this codec. A response that is
// not gRPC is left to grpc-go, which refuses it.
func (c codec) accepts(contentType string) bool {
	subtype, ok := strings.CutPrefix(contentType, "application/grpc")
	if !ok {
		return true
	}
	subtype, _, _ = strings.Cut(subtype, ";")
	subtype = strings.TrimLeft(subtype, "+")
	return subtype == c.name || c.name == "" && subtype == invoke.CodecProto
}

// pooled is the least size in bytes of a buffer that goes back to grpc-go's pool.
const pooled = 1<<10 + 1

// Marshal copies, because the transport may keep the message after Send.
func (codec) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("message of type %T, want []byte", v)
	}
	pool := mem.DefaultBufferPool()
	buf := pool.Get(max(len(b), pooled))
	*buf = append((*buf)[:0], b...)
	return mem.BufferSlice{mem.NewBuffer(buf, pool)}, nil
}

// received is where messages are received: it is reused, since a message is valid until the
// next one.
type received struct {
	wire []byte
	held mem.Buffer // the buffer that wire is a part of; nil: it is our own
	own  []byte
}

// Unmarshal uses a message that came in one piece without a copy, and joins the pieces of
// another. The piece goes back to its pool with the next message; the last one is left to the
// garbage collector, since nobody says when it is no longer used.
func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	r, ok := v.(*received)
	if !ok {
		return fmt.Errorf("message into %T, want *received", v)
	}
	if r.held != nil {
		r.held.Free()
		r.held = nil
	}
	if len(data) == 1 {
		r.held = data[0]
		r.held.Ref()
		r.wire = r.held.ReadOnlyData()
		return nil
	}
	n := data.Len()
	if cap(r.own) < n {
		r.own = make([]byte, n)
	}
	r.wire = r.own[:n]
	data.CopyTo(r.wire)
	return nil
}
