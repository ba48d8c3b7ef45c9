package testserver

import (
	"context"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// sampleCost is what a level of a nested sample takes, in bytes, with what makes JSON of it.
const sampleCost = 2 << 10

func (l *lab) Sample(ctx context.Context, r *demov1.SampleRequest) (*demov1.Everything, error) {
	var f faults
	f.within("depth", int64(r.GetDepth()), 0, maxDepth)
	if r.GetFilling().Descriptor().Values().ByNumber(r.GetFilling().Number()) == nil {
		f.add("filling", "must be one of the enum, not %d", r.GetFilling())
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	if err := l.calls.charge(ctx, sampleCost*int64(r.GetDepth())); err != nil {
		return nil, err
	}
	return sample(r.GetFilling(), int(r.GetDepth()))
}

// sample fills every field. The recursive ones hold as many levels as depth asks for, and
// little else, so that a deep message stays readable.
func sample(filling demov1.SampleRequest_Filling, depth int) (*demov1.Everything, error) {
	m := &demov1.Everything{}
	if err := (filler{filling}).message(m.ProtoReflect()); err != nil {
		return nil, err
	}
	leaf := func() *demov1.Everything { return &demov1.Everything{StringValue: "inner"} }
	m.Child, m.Children = leaf(), []*demov1.Everything{leaf(), leaf()}
	m.MapStringEverything = map[string]*demov1.Everything{"key": leaf()}
	for level := depth; level > 0; level-- {
		m.Child = &demov1.Everything{Int32Value: int32(level), Child: m.Child}
	}
	switch filling {
	case demov1.SampleRequest_FILLING_UNKNOWN:
		addUnknown(m)
	case demov1.SampleRequest_FILLING_NOT_UTF8:
		// It is set as an unknown field, since the library would refuse to send it as a
		// string. A reader finds the number of string_value.
		m.StringValue = ""
		m.ProtoReflect().SetUnknown(protowire.AppendString(protowire.AppendTag(nil, 14, protowire.BytesType),
			"not \xff UTF-8"))
	}
	return m, nil
}

// addUnknown adds a field of each wire type that the schema does not have, and
// enum numbers without a name.
func addUnknown(m *demov1.Everything) {
	m.EnumValue = 99
	m.RepeatedEnum = append(m.RepeatedEnum, -7)
	m.MapFixed64Enum[99] = 99
	var b []byte
	b = protowire.AppendVarint(protowire.AppendTag(b, 201, protowire.VarintType), 150)
	b = protowire.AppendFixed32(protowire.AppendTag(b, 202, protowire.Fixed32Type), math.Float32bits(1.5))
	b = protowire.AppendFixed64(protowire.AppendTag(b, 203, protowire.Fixed64Type), 1<<40)
	b = protowire.AppendString(protowire.AppendTag(b, 204, protowire.BytesType), "from the future")
	b = protowire.AppendTag(b, 205, protowire.StartGroupType)
	b = protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), 1)
	b = protowire.AppendTag(b, 205, protowire.EndGroupType)
	m.ProtoReflect().SetUnknown(b)
	m.NestedValue.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType),
		1))
}

// filler gives fields values by their kind.
type filler struct{ filling demov1.SampleRequest_Filling }

// message fills the fields of m and of the messages in it.
func (f filler) message(m protoreflect.Message) error {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		oneof := field.ContainingOneof()
		switch {
		case holds(field, m.Descriptor().FullName()):
			// This is left out, since the message would have no end.
		case oneof != nil && !oneof.IsSynthetic() && oneof.Fields().Get(1) != field:
			// Only one of them can be set: it is the second, a text.
		default:
			if err := f.field(m, field); err != nil {
				return err
			}
		}
	}
	return nil
}

// holds reports whether the values of a field are messages of the given name.
func holds(field protoreflect.FieldDescriptor, name protoreflect.FullName) bool {
	if field.IsMap() {
		field = field.MapValue()
	}
	return field.Message() != nil && field.Message().FullName() == name
}

func (f filler) field(m protoreflect.Message, field protoreflect.FieldDescriptor) error {
	switch {
	case field.IsList():
		list := m.Mutable(field).List()
		for i := range 2 {
			v, err := f.value(field, list.NewElement, i)
			if err != nil {
				return err
			}
			list.Append(v)
		}
	case field.IsMap():
		entries := m.Mutable(field).Map()
		for i := range 2 {
			v, err := f.value(field.MapValue(), entries.NewValue, i)
			if err != nil {
				return err
			}
			entries.Set(f.scalar(field.MapKey(), i).MapKey(), v)
		}
	default:
		v, err := f.value(field, func() protoreflect.Value { return m.NewField(field) }, 0)
		if err != nil {
			return err
		}
		m.Set(field, v)
	}
	return nil
}

// value makes the i-th value of a field. With the filling empty, it is an empty message.
func (f filler) value(
	field protoreflect.FieldDescriptor, empty func() protoreflect.Value, i int,
) (protoreflect.Value, error) {
	if field.Message() == nil {
		return f.scalar(field, i), nil
	}
	v := empty()
	known, err := f.wellKnown(field.Message().FullName(), i)
	switch {
	case err != nil:
		return protoreflect.Value{}, err
	case known != nil:
		proto.Merge(v.Message().Interface(), known)
		return v, nil
	case f.filling == demov1.SampleRequest_FILLING_ZERO:
		return v, nil
	default:
		return v, f.message(v.Message())
	}
}
