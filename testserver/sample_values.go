package testserver

import (
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// scalar makes the i-th value (0 or 1) of a field that is no message. The two
// differ wherever the kind has two values.
func (f filler) scalar(field protoreflect.FieldDescriptor, i int) protoreflect.Value {
	switch f.filling {
	case demov1.SampleRequest_FILLING_ZERO:
		return zero(field, i)
	case demov1.SampleRequest_FILLING_EXTREME:
		return extreme(field, i)
	case demov1.SampleRequest_FILLING_CONTROL:
		if field.Kind() == protoreflect.StringKind {
			return protoreflect.ValueOfString(control(int(field.Number()) + i))
		}
	}
	return plain(field, i)
}

// plain values carry the number of their field, which makes mix-ups visible.
func plain(field protoreflect.FieldDescriptor, i int) protoreflect.Value {
	n := int64(field.Number())*10 + int64(i)
	switch field.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(fmt.Sprintf("text %d", n))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(fmt.Appendf(nil, "bytes %d", n))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(i == 0)
	case protoreflect.EnumKind:
		values := field.Enum().Values()
		return protoreflect.ValueOfEnum(values.Get((i + 1) % values.Len()).Number())
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return number(field, n, float64(n)+0.25)
	default:
		return number(field, n, 0)
	}
}

// zero values are what an absent field would be. The second key of a map cannot
// be, or there would be one entry only.
func zero(field protoreflect.FieldDescriptor, i int) protoreflect.Value {
	if entry := field.ContainingMessage(); entry.IsMapEntry() && field.Number() == 1 && i > 0 {
		return plain(field, 0)
	}
	switch field.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString("")
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte{})
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(false)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(0)
	default:
		return number(field, 0, 0)
	}
}

// extreme values are the least (i = 0) and the greatest of their kind. NaN and infinities are
// in lists, where a comparison meets them.
func extreme(field protoreflect.FieldDescriptor, i int) protoreflect.Value {
	least := i == 0
	switch field.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString([...]string{"\U0010FFFF", "👨‍👩‍👧 é \u00e9 日本"}[i])
	case protoreflect.BytesKind:
		all := make([]byte, 256)
		for b := range all {
			all[b] = byte(b)
		}
		return protoreflect.ValueOfBytes([...][]byte{all, {0xff}}[i])
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(!least)
	case protoreflect.EnumKind:
		values := field.Enum().Values()
		return protoreflect.ValueOfEnum(values.Get([...]int{values.Len() - 1, 0}[i]).Number())
	case protoreflect.FloatKind:
		if field.IsList() {
			return protoreflect.ValueOfFloat32([...]float32{float32(math.Inf(-1)), float32(math.NaN())}[i])
		}
		return protoreflect.ValueOfFloat32([...]float32{math.SmallestNonzeroFloat32, math.MaxFloat32}[i])
	case protoreflect.DoubleKind:
		if field.IsList() {
			return protoreflect.ValueOfFloat64([...]float64{math.Inf(1), math.NaN()}[i])
		}
		return protoreflect.ValueOfFloat64([...]float64{-math.MaxFloat64, math.Inf(-1)}[i])
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32([...]uint32{math.MaxUint32, 0}[i])
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64([...]uint64{math.MaxUint64, 0}[i])
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32([...]int32{math.MinInt32, math.MaxInt32}[i])
	default:
		return protoreflect.ValueOfInt64([...]int64{math.MinInt64, math.MaxInt64}[i])
	}
}

// control texts have an effect on a terminal that prints them as they are.
func control(i int) string {
	texts := [...]string{
		"\x1b[31mred\x1b[0m \x1b]0;title\x07",
		"\x1b[2J\x1b[H cleared",
		"nul \x00 bell \x07 backspace \b\b delete \x7f",
		"carriage\rreturn, line\nfeed, tab\t, form\ffeed",
		"C1: \u009b31m \u0085 \u009d0;title\u009c",
		"bidi: \u202egnp.exe \u2066isolated\u2069 \u200fmark",
		"width: a\u200bb\u200d \ufeffc \u2028line \u2029paragraph",
	}
	return texts[i%len(texts)]
}

// number makes a value of a field of a numeric kind.
func number(field protoreflect.FieldDescriptor, n int64, x float64) protoreflect.Value {
	switch field.Kind() {
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(float32(x))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(x)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(n))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(uint64(n))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(n))
	default:
		return protoreflect.ValueOfInt64(n)
	}
}

// wellKnown makes a value of the types that have a JSON form of their own and
// whose fields cannot be filled one by one. It is nil for other types.
func (f filler) wellKnown(name protoreflect.FullName, i int) (proto.Message, error) {
	if f.filling == demov1.SampleRequest_FILLING_ZERO {
		if name == "google.protobuf.Value" {
			// The one type whose empty message has no JSON form.
			return structpb.NewNullValue(), nil
		}
		return nil, nil
	}
	extreme := f.filling == demov1.SampleRequest_FILLING_EXTREME
	text := "text"
	if f.filling == demov1.SampleRequest_FILLING_CONTROL {
		text = control(i)
	}
	switch name {
	case "google.protobuf.Timestamp":
		if extreme {
			return timestamppb.New([...]time.Time{
				time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
			}[i]), nil
		}
		return timestamppb.New(time.Date(2026, 1, 2, 3, 4, 5+i, 6_000_000, time.UTC)), nil
	case "google.protobuf.Duration":
		if extreme {
			// Ten thousand years, which is more than a time.Duration can hold.
			return [...]*durationpb.Duration{
				{Seconds: -315_576_000_000, Nanos: -999_999_999}, {Seconds: 315_576_000_000, Nanos: 999_999_999},
			}[i], nil
		}
		return durationpb.New(time.Duration(i+1) * 1500 * time.Millisecond), nil
	case "google.protobuf.FieldMask":
		return &fieldmaskpb.FieldMask{Paths: []string{"int32_value", "nested_value.deep.level"}}, nil
	case "google.protobuf.Any":
		return anypb.New(&demov1.Everything_Nested{Id: int32(i + 1), Name: text})
	case "google.protobuf.Struct":
		return structpb.NewStruct(jsonObject(text))
	case "google.protobuf.Value":
		return structpb.NewValue([...]any{jsonObject(text), nil}[i])
	case "google.protobuf.ListValue":
		return structpb.NewList([]any{1.5, text, nil, true, []any{}, map[string]any{}})
	}
	return nil, nil
}

// jsonObject has a member of every kind that JSON knows.
func jsonObject(text string) map[string]any {
	return map[string]any{
		"null": nil, "bool": true, "number": 1.5, "string": text,
		"list": []any{1.0, "two", nil}, "object": map[string]any{text: "value"},
	}
}
