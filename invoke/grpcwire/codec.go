package grpcwire

import (
	"fmt"

	"google.golang.org/grpc/mem"
)

// codec hands messages over as bytes: a []byte to send, a *[]byte to receive
// into. It has no name, so that the content type is plain application/grpc.
type codec struct{}

func (codec) Name() string { return "" }

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
