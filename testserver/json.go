package testserver

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	connectrpc "connectrpc.com/connect/v2"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// registerJSON allows calls of application/grpc+json. grpc-go has one list of codecs for the
// process, which must be complete before it is used: so this runs with the first server, and
// not when the process starts.
var registerJSON = sync.OnceFunc(func() { encoding.RegisterCodecV2(jsonCodec{}) })

// jsonTurns bounds how many goroutines convert messages from or to JSON at the same time.
var jsonTurns = make(chan struct{}, 4)

// takeTurn waits for a turn, and returns what ends it.
func takeTurn() func() {
	jsonTurns <- struct{}{}
	return func() { <-jsonTurns }
}

// webJSON is JSON for the protocols of the web.
type webJSON struct{ connectrpc.Codec }

// MarshalWrite writes a message, which the library keeps until it is whole.
func (c webJSON) MarshalWrite(ctx context.Context, dst io.Writer, msg any) error {
	defer takeTurn()()
	if err := ctx.Err(); err != nil { // nobody waits for it
		return err
	}
	return c.Codec.MarshalWrite(ctx, dst, msg)
}

// UnmarshalRead reads a complete message.
func (c webJSON) UnmarshalRead(ctx context.Context, src io.Reader, msg any) error {
	b, err := io.ReadAll(src)
	if err != nil {
		return err
	}
	if err := checkAny(b); err != nil {
		return err
	}
	defer takeTurn()()
	return c.Codec.UnmarshalRead(ctx, bytes.NewReader(b), msg)
}

// jsonCodec is the JSON mapping of protobuf.
type jsonCodec struct{}

func (jsonCodec) Name() string { return "json" }

func (jsonCodec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is no protobuf message", v)
	}
	defer takeTurn()()
	size := proto.Size(m) // base64 makes a third more of it
	b, err := protojson.MarshalOptions{}.MarshalAppend(make([]byte, 0, size+size/3+128), m)
	return mem.BufferSlice{mem.SliceBuffer(b)}, err
}

func (jsonCodec) Unmarshal(data mem.BufferSlice, v any) error {
	b := data.Materialize()
	if u, ok := v.(*undecoded); ok {
		u.json = b
		return nil
	}
	m, ok := v.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is no protobuf message", v)
	}
	return readJSON(b, m)
}
