package invoke

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Types resolves the messages inside an Any and the extensions of a message.
type Types interface {
	protoregistry.MessageTypeResolver
	protoregistry.ExtensionTypeResolver
}

// A Message is one protobuf message as it is sent. Counting or copying messages does not
// decode them.
type Message struct {
	Desc  protoreflect.MessageDescriptor
	Wire  []byte // the encoded message, uncompressed
	Types Types  // resolves extensions while decoding; may be nil

	decoded proto.Message
}

// Decode returns the message as a value. It parses at most once; the value
// belongs to the Message.
func (m *Message) Decode() (proto.Message, error) {
	if m.decoded != nil {
		return m.decoded, nil
	}
	d := dynamicpb.NewMessage(m.Desc)
	o := proto.UnmarshalOptions{AllowPartial: true}
	if m.Types != nil {
		o.Resolver = m.Types
	}
	if err := Unmarshal(o, m.Wire, d); err != nil {
		return nil, err
	}
	m.decoded = d
	return d, nil
}

// Unmarshal parses a message that may come from anybody. protobuf-go v1.36.12 panics on a map
// entry that has its key twice, the second time with another wire type: here that is an error,
// as for all bytes that are not a message of the type.
func Unmarshal(o proto.UnmarshalOptions, wire []byte, m proto.Message) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("proto: %v", cause)
		}
	}()
	return o.Unmarshal(wire, m)
}

// Clone returns a copy that its caller owns.
func (m *Message) Clone() *Message {
	return &Message{Desc: m.Desc, Wire: slices.Clone(m.Wire), Types: m.Types}
}
