package main

import (
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/rpcctl/rpcctl/internal/transcode"
)

// direct is package transcode.
type direct struct {
	types    transcode.Types
	encoders map[protoreflect.MessageDescriptor]*transcode.Encoder
	decoders map[decoderKey]*transcode.Decoder
}

type decoderKey struct {
	md           protoreflect.MessageDescriptor
	allowUnknown bool
}

func newDirect(types transcode.Types) *direct {
	return &direct{
		types:    types,
		encoders: make(map[protoreflect.MessageDescriptor]*transcode.Encoder),
		decoders: make(map[decoderKey]*transcode.Decoder),
	}
}

func (e *direct) toJSON(md protoreflect.MessageDescriptor, wire []byte) ([]byte, error) {
	enc := e.encoders[md]
	if enc == nil {
		enc = transcode.NewEncoder(md, transcode.EncodeOptions{Types: e.types})
		e.encoders[md] = enc
	}
	// The encoder parses and prints in one pass, so protobuf-go decides which of the two has
	// failed, since the runner treats them differently.
	out, err := enc.Append(nil, wire)
	if err != nil && !parses(md, e.types, wire) {
		return nil, parseError{err}
	}
	return out, err
}

func (e *direct) toWire(md protoreflect.MessageDescriptor, text []byte, allowUnknown bool) ([]byte, error) {
	key := decoderKey{md, allowUnknown}
	dec := e.decoders[key]
	if dec == nil {
		dec = transcode.NewDecoder(md, transcode.DecodeOptions{Types: e.types, AllowUnknown: allowUnknown})
		e.decoders[key] = dec
	}
	out, err := dec.Append(nil, text)
	if err != nil {
		return nil, parseError{err}
	}
	return out, nil
}

// rewire goes through JSON. A message with something that JSON cannot carry, an unknown field
// or a MessageSet, is skipped, since rpcctl passes such bytes on unchanged.
func (e *direct) rewire(md protoreflect.MessageDescriptor, wire []byte) ([]byte, error) {
	text, err := e.toJSON(md, wire)
	if err != nil {
		if parses(md, e.types, wire) {
			return nil, errSkipped
		}
		return nil, err
	}
	m := dynamicpb.NewMessage(md)
	if err := (proto.UnmarshalOptions{AllowPartial: true, Resolver: e.types}).Unmarshal(wire, m); err == nil &&
		hasUnknown(m) {
		return nil, errSkipped
	}
	return e.toWire(md, text, false)
}

func parses(md protoreflect.MessageDescriptor, types transcode.Types, wire []byte) bool {
	m := dynamicpb.NewMessage(md)
	return proto.UnmarshalOptions{AllowPartial: true, Resolver: types}.Unmarshal(wire, m) == nil
}

// hasUnknown reports whether a message has an unknown field at any depth.
func hasUnknown(m protoreflect.Message) bool {
	if len(m.GetUnknown()) > 0 {
		return true
	}
	found := false
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap():
			if fd.MapValue().Message() != nil {
				v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
					found = found || hasUnknown(v.Message())
					return !found
				})
			}
		case fd.Message() == nil:
		case fd.IsList():
			for i := range v.List().Len() {
				found = found || hasUnknown(v.List().Get(i).Message())
			}
		default:
			found = hasUnknown(v.Message())
		}
		return !found
	})
	return found
}

// reflective is protobuf-go.
type reflective struct{ types transcode.Types }

func (e reflective) parse(md protoreflect.MessageDescriptor, wire []byte) (proto.Message, error) {
	m := dynamicpb.NewMessage(md)
	if err := (proto.UnmarshalOptions{AllowPartial: true, Resolver: e.types}).Unmarshal(wire, m); err != nil {
		return nil, parseError{err}
	}
	return m, nil
}

func (e reflective) toJSON(md protoreflect.MessageDescriptor, wire []byte) ([]byte, error) {
	m, err := e.parse(md, wire)
	if err != nil {
		return nil, err
	}
	return protojson.MarshalOptions{AllowPartial: true, Resolver: e.types}.Marshal(m)
}

func (e reflective) toWire(md protoreflect.MessageDescriptor, text []byte, allowUnknown bool) ([]byte, error) {
	m := dynamicpb.NewMessage(md)
	err := protojson.UnmarshalOptions{
		AllowPartial: true, DiscardUnknown: allowUnknown,
		Resolver: e.types,
	}.Unmarshal(text, m)
	if err != nil {
		return nil, parseError{err}
	}
	return proto.MarshalOptions{AllowPartial: true}.Marshal(m)
}

func (e reflective) rewire(md protoreflect.MessageDescriptor, wire []byte) ([]byte, error) {
	m, err := e.parse(md, wire)
	if err != nil {
		return nil, err
	}
	return proto.MarshalOptions{AllowPartial: true}.Marshal(m)
}
