package testserver

import (
	"fmt"
	"sync"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// registerJSON lets calls of application/grpc+json in. grpc-go has one list of
// codecs for the process and wants it complete before it is used: so with the first
// server, and not when the process starts.
var registerJSON = sync.OnceFunc(func() { encoding.RegisterCodecV2(jsonCodec{}) })

// jsonCodec is the JSON mapping of protobuf.
type jsonCodec struct{}

func (jsonCodec) Name() string { return "json" }

func (jsonCodec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is no protobuf message", v)
	}
	b, err := protojson.Marshal(m)
	return mem.BufferSlice{mem.SliceBuffer(b)}, err
}

func (jsonCodec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is no protobuf message", v)
	}
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data.Materialize(), m)
}
