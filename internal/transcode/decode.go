package transcode

import (
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// DecodeOptions say what JSON is taken.
type DecodeOptions struct {
	Types        Types            // nil: nothing resolves
	Lenient      bool             // also what a person types; false: the protobuf JSON mapping and no more
	AllowUnknown bool             // skip unknown fields and enum value names
	Now          func() time.Time // for "now" in lenient mode; nil: time.Now
}

// A Decoder turns JSON into the wire bytes of one message type. It is safe for concurrent use.
type Decoder struct {
	md protoreflect.MessageDescriptor
	o  DecodeOptions
}

// NewDecoder returns a decoder for messages of type md.
func NewDecoder(md protoreflect.MessageDescriptor, o DecodeOptions) *Decoder {
	if o.Types == nil {
		o.Types = new(protoregistry.Types)
	}
	return &Decoder{md, o}
}

// Append appends the wire form of exactly one JSON document (white space and, if lenient,
// comments around it) to dst. On error, which is an [*Error], what it returns is dst as
// it was.
func (d *Decoder) Append(dst, json []byte) ([]byte, error) {
	m := dynamicpb.NewMessage(d.md)
	err := protojson.UnmarshalOptions{AllowPartial: true, DiscardUnknown: d.o.AllowUnknown, Resolver: d.o.Types}.Unmarshal(json, m)
	if err != nil {
		return dst, &Error{Faults: []Fault{{Line: 1, Column: 1, Problem: err.Error()}}}
	}
	b, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.MarshalAppend(dst, m)
	if err != nil {
		return dst, &Error{Faults: []Fault{{Line: 1, Column: 1, Problem: err.Error()}}}
	}
	return b, nil
}
