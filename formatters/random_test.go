package formatters

import (
	"math"
	"math/rand/v2"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/rpcctl/rpcctl/invoke"
)

// random makes messages of any type, with values that are hard to print.
type random struct {
	*rand.Rand
	inAny []protoreflect.MessageDescriptor // what an Any may hold
}

func newRandom(seed uint64, inAny ...protoreflect.MessageDescriptor) *random {
	return &random{rand.New(rand.NewPCG(seed, 1)), inAny}
}

// message makes an encoded message.
func (r *random) message(md protoreflect.MessageDescriptor) *invoke.Message {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(r.value(md, 0).Interface())
	if err != nil {
		panic(err)
	}
	return &invoke.Message{Desc: md, Wire: b}
}

func (r *random) value(md protoreflect.MessageDescriptor, depth int) protoreflect.Message {
	m := dynamicpb.NewMessage(md)
	fields := md.Fields()
	set := func(name protoreflect.Name, v any) { m.Set(fields.ByName(name), protoreflect.ValueOf(v)) }
	switch md.FullName() {
	case "google.protobuf.Timestamp":
		set("seconds", r.Int64N(4e9)-1e9)
		set("nanos", r.Int32N(1e9))
		return m
	case "google.protobuf.Duration":
		seconds := r.Int64N(2e6) - 1e6
		set("seconds", seconds)
		if seconds < 0 {
			set("nanos", -r.Int32N(1e9))
		} else {
			set("nanos", r.Int32N(1e9))
		}
		return m
	case "google.protobuf.FieldMask":
		m.Mutable(fields.ByName("paths")).List().Append(protoreflect.ValueOf("a_b.c"))
		return m
	case "google.protobuf.Any":
		inner := r.inAny[r.IntN(len(r.inAny))]
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(r.value(inner, depth+1).Interface())
		if err != nil {
			panic(err)
		}
		set("type_url", "type.googleapis.com/"+string(inner.FullName()))
		set("value", b)
		return m
	case "google.protobuf.Value":
		kinds := md.Oneofs().Get(0).Fields()
		fd := kinds.Get(r.IntN(kinds.Len()))
		if depth > 4 && fd.Message() != nil {
			fd = fields.ByName("bool_value")
		}
		if fd.Kind() == protoreflect.DoubleKind {
			set("number_value", r.finite())
		} else {
			r.set(m, fd, depth)
		}
		return m
	}
	for i := range fields.Len() {
		fd := fields.Get(i)
		chance := 0.4
		if depth > 1 {
			chance = 0.1
		}
		if r.Float64() < chance && (depth < 5 || fd.Message() == nil) {
			r.set(m, fd, depth)
		}
	}
	return m
}

func (r *random) set(m protoreflect.Message, fd protoreflect.FieldDescriptor, depth int) {
	switch {
	case fd.IsMap():
		for range r.IntN(4) {
			m.Mutable(fd).Map().Set(r.scalar(fd.MapKey(), depth).MapKey(), r.scalar(fd.MapValue(), depth))
		}
	case fd.IsList():
		for range r.IntN(4) {
			m.Mutable(fd).List().Append(r.scalar(fd, depth))
		}
	default:
		m.Set(fd, r.scalar(fd, depth))
	}
}

func (r *random) scalar(fd protoreflect.FieldDescriptor, depth int) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOf(r.IntN(2) == 0)
	case protoreflect.EnumKind:
		if fd.Enum().FullName() == "google.protobuf.NullValue" {
			return protoreflect.ValueOf(protoreflect.EnumNumber(0))
		}
		return protoreflect.ValueOf(protoreflect.EnumNumber(r.IntN(5)))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOf(int32(r.Uint32()))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOf(r.Uint32())
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOf(int64(r.Uint64() >> r.IntN(64)))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOf(r.Uint64())
	case protoreflect.FloatKind:
		return protoreflect.ValueOf(float32(r.finite()))
	case protoreflect.DoubleKind:
		if r.IntN(8) == 0 {
			return protoreflect.ValueOf(math.Inf(r.IntN(2)*2 - 1))
		}
		return protoreflect.ValueOf(r.finite())
	case protoreflect.StringKind:
		return protoreflect.ValueOf(r.text())
	case protoreflect.BytesKind:
		b := make([]byte, r.IntN(6))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return protoreflect.ValueOf(b)
	}
	return protoreflect.ValueOf(r.value(fd.Message(), depth+1))
}

func (r *random) finite() float64 {
	switch r.IntN(4) {
	case 0:
		return float64(r.IntN(100))
	case 1:
		return -r.Float64()
	case 2:
		return math.Copysign(0, -1)
	}
	return r.NormFloat64() * math.Pow(10, float64(r.IntN(70)-35))
}

// text makes a string that some format may take for something else.
func (r *random) text() string {
	words := []string{
		"", "soup", "true", "No", "null", "~", "1", "-0.5", "0x1F", "1e3", ".inf", "2026-11-22", "12:30:45", "a: b", "a #b", "- a", "? a", "{a}", "[a]",
		"& a", "*a", "!a", "|", ">", "%a", "@a", "`a`", "'a'", "\"a\"", "\\", " a ", "\t", "a\nb\n", "\n", "\r\n", "---", "...", "<<", "=", "yes", "é☃😀",
		"\x1b[2J", "\u009b", "\u202e", "\u2028", "\ufeff", "\x00", "\x7f", "a,b", "a/b.c-d", "a b", strings.Repeat("long ", 300), "\u0085", "\ufffd", "\U000e0001",
	}
	s := words[r.IntN(len(words))]
	if r.IntN(4) == 0 {
		s += words[r.IntN(len(words))]
	}
	return s
}
