package transcode

import (
	"bytes"
	"encoding/json"
	"io"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// EncodeOptions say how the JSON is to look. The zero value gives compact JSON as the
// protobuf JSON mapping has it.
type EncodeOptions struct {
	Types        Types  // nil: nothing resolves
	Indent       string // "": one line, as in {"a":1}; else pretty, as in "  "
	EmitDefaults bool   // also fields without presence that have their default
	ProtoNames   bool   // field names as in the .proto file, not in lowerCamelCase
	Int64Numbers bool   // 64-bit integers as numbers, not as strings
	EnumNumbers  bool   // enum values as numbers, not as names
}

// An Encoder turns wire bytes of one message type into JSON. It is safe for concurrent use.
type Encoder struct {
	md protoreflect.MessageDescriptor
	o  EncodeOptions
}

// NewEncoder returns an encoder for messages of type md.
func NewEncoder(md protoreflect.MessageDescriptor, o EncodeOptions) *Encoder {
	if o.Types == nil {
		o.Types = new(protoregistry.Types)
	}
	return &Encoder{md, o}
}

// Append appends the JSON of the message wire to dst, with no newline after it. On
// error, which is a [*WireError], what it returns is dst as it was.
func (e *Encoder) Append(dst, wire []byte) ([]byte, error) {
	m := dynamicpb.NewMessage(e.md)
	if err := (proto.UnmarshalOptions{AllowPartial: true, Resolver: e.o.Types}).Unmarshal(wire, m); err != nil {
		return dst, &WireError{Problem: err.Error()}
	}
	b, err := protojson.MarshalOptions{
		AllowPartial: true, Resolver: e.o.Types, UseProtoNames: e.o.ProtoNames,
		UseEnumNumbers: e.o.EnumNumbers, EmitDefaultValues: e.o.EmitDefaults,
	}.Marshal(m)
	if err != nil {
		return dst, &WireError{Problem: err.Error()}
	}
	buf := bytes.NewBuffer(dst)
	if e.o.Indent != "" {
		err = json.Indent(buf, b, "", e.o.Indent)
	} else {
		err = json.Compact(buf, b)
	}
	if err != nil {
		return dst, err
	}
	return buf.Bytes(), nil
}

// Write writes the JSON of the message wire to w in pieces of about 64 KiB, with no
// newline after it, so that the JSON of a large message is never whole in memory. When
// the message is faulty the error is a [*WireError] and some of it may have been written;
// other errors are w's own.
func (e *Encoder) Write(w io.Writer, wire []byte) error {
	b, err := e.Append(nil, wire)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}
