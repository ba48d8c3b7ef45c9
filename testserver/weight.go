package testserver

import (
	"bytes"
	"context"
	"io"
	"reflect"

	connectrpc "connectrpc.com/connect/v2"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// About how much the parts of a message take in memory, in bytes: a message of three bytes can
// take two thousand.
const (
	heavyField   = 24   // a string or bytes, without its content, or a number that is not packed
	heavyEntry   = 128  // of a map
	heavyElement = 8    // a number of a packed list, which may be one byte each
	heavyObject  = 2048 // of JSON
	maxNesting   = 10_000
)

// A weigher is a codec that counts what a message will take before it makes it.
type weigher struct {
	connectrpc.Codec
	weigh func(m proto.Message, b []byte) int64
}

// UnmarshalRead reads a message.
func (w weigher) UnmarshalRead(ctx context.Context, src io.Reader, msg any) error {
	whole, ok := src.(*bytes.Buffer) // before the library reads it
	if !ok {
		whole = new(bytes.Buffer)
		if _, err := whole.ReadFrom(src); err != nil {
			return err
		}
	}
	i, counted := ctx.Value(intakeKey{}).(*intake)
	if m, ok := msg.(proto.Message); ok && counted && !i.weighs(w.weigh(m, whole.Bytes())) {
		return connectrpc.NewError(connectrpc.CodeResourceExhausted, fullText)
	}
	return w.Codec.UnmarshalRead(ctx, whole, msg)
}

// weighJSON returns about how much a message in JSON takes.
func weighJSON(_ proto.Message, b []byte) int64 {
	return int64(len(b) + heavyObject*bytes.Count(b, []byte("{")) + heavyField*bytes.Count(b, []byte(",")))
}

// weighWire returns about how much a message takes.
func weighWire(m proto.Message, b []byte) int64 {
	n, _ := scales{}.weigh(m.ProtoReflect().Descriptor(), b, maxNesting)
	return n
}

// scales has what messages without content take.
type scales map[protoreflect.FullName]int64

func (s scales) empty(d protoreflect.MessageDescriptor) int64 {
	n, ok := s[d.FullName()]
	if !ok {
		n = heavyEntry
		if t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName()); err == nil {
			n += int64(reflect.TypeOf(t.Zero().Interface()).Elem().Size())
		}
		if d.IsMapEntry() && d.Fields().ByNumber(2).Message() != nil {
			n += s.empty(d.Fields().ByNumber(2).Message()) // which is made even where it is left out
		}
		s[d.FullName()] = n
	}
	return n
}

// weigh weighs the fields up to the end of a group, and returns what is behind it. The
// descriptor is nil when the type is not known. A part that cannot be read is not weighed,
// since decoding will fail.
func (s scales) weigh(d protoreflect.MessageDescriptor, b []byte, depth int) (n int64, rest []byte) {
	n = int64(len(b))
	if d != nil {
		n += s.empty(d)
	}
	for len(b) > 0 && depth > 0 {
		number, kind, k := protowire.ConsumeTag(b)
		if k < 0 || kind == protowire.EndGroupType {
			return n, b[max(k, 0):]
		}
		b = b[k:]
		n += heavyField
		var field protoreflect.FieldDescriptor
		if d != nil {
			field = d.Fields().ByNumber(number)
		}
		var inner protoreflect.MessageDescriptor
		if field != nil {
			inner = field.Message()
		}
		if kind == protowire.StartGroupType {
			var group int64
			group, b = s.weigh(inner, b, depth-1)
			n += group
			continue
		}
		if k = protowire.ConsumeFieldValue(number, kind, b); k < 0 {
			return n, nil
		}
		if value, _ := protowire.ConsumeBytes(b); kind == protowire.BytesType && inner != nil {
			message, _ := s.weigh(inner, value, depth-1)
			n += message
		} else if kind == protowire.BytesType && field != nil && field.IsPacked() {
			n += heavyElement * int64(len(value))
		}
		b = b[k:]
	}
	return n, b
}
