// Package skeleton writes requests to fill in: documents with all the fields of a message.
package skeleton

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/builtin"
	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// The bounds of a skeleton: a schema can nest and branch as it likes.
const (
	maxSkeletonDepth = 16
	maxSkeletonSize  = 256 << 10 // bytes; what would be beyond is left out like recursion
)

// Of returns a JSON request to fill in, indented by two spaces, without a
// newline at its end. Every field is named once, by its JSON name; repeated
// fields and maps have one element, enums their first value, a oneof its first
// member, and well-known types a value in their JSON form. A message inside of
// itself is left empty. The result is a valid message as it is.
func Of(md protoreflect.MessageDescriptor) ([]byte, error) {
	if md.IsPlaceholder() {
		return nil, &symbol.DescriptorError{Symbol: string(md.FullName()), Err: errNotDescribed}
	}
	s := &skeleton{inside: map[protoreflect.FullName]int{}}
	s.message(md, 0)
	var out bytes.Buffer
	if err := json.Indent(&out, s.b.Bytes(), "", "  "); err != nil {
		return nil, fmt.Errorf("making a skeleton of %s: %w", md.FullName(), err)
	}
	return out.Bytes(), nil
}

// skeleton is the state of one skeleton.
type skeleton struct {
	b      bytes.Buffer
	inside map[protoreflect.FullName]int // the messages around the current position
}

func (s *skeleton) message(md protoreflect.MessageDescriptor, depth int) {
	if value, ok := wellKnownValue(md.FullName()); ok {
		s.b.WriteString(value)
		return
	}
	if s.cut(md, depth) && !hasRequired(md) {
		s.b.WriteString("{}")
		return
	}
	s.inside[md.FullName()]++
	s.b.WriteByte('{')
	first := true
	for i := range md.Fields().Len() {
		f := md.Fields().Get(i)
		if !s.wanted(f, depth) {
			continue
		}
		if !first {
			s.b.WriteByte(',')
		}
		first = false
		s.key(f)
		s.field(f, depth)
	}
	s.b.WriteByte('}')
	s.inside[md.FullName()]--
}

// cut reports whether the contents of a message are left out.
func (s *skeleton) cut(md protoreflect.MessageDescriptor, depth int) bool {
	return s.inside[md.FullName()] > 0 || depth > maxSkeletonDepth || s.b.Len() > maxSkeletonSize
}

// hasRequired reports whether a message must not be left empty.
func hasRequired(md protoreflect.MessageDescriptor) bool { return md.RequiredNumbers().Len() > 0 }

// wanted reports whether a field is named: of a oneof only one member can be. In a
// message that is cut, only what is required is.
func (s *skeleton) wanted(f protoreflect.FieldDescriptor, depth int) bool {
	md := f.ContainingMessage()
	if s.inside[md.FullName()] > 1 || depth > maxSkeletonDepth || s.b.Len() > maxSkeletonSize {
		// A message that requires itself has no finite value: leave it empty.
		return f.Cardinality() == protoreflect.Required && s.inside[md.FullName()] <= 2 && depth <= 2*maxSkeletonDepth
	}
	if f.Message() != nil && f.Message().IsPlaceholder() || f.Enum() != nil && f.Enum().IsPlaceholder() {
		return false
	}
	o := f.ContainingOneof()
	return o == nil || o.IsSynthetic() || f == firstMember(o)
}

// firstMember returns the member of a oneof that a skeleton shows: the first one
// that is described.
func firstMember(o protoreflect.OneofDescriptor) protoreflect.FieldDescriptor {
	for i := range o.Fields().Len() {
		f := o.Fields().Get(i)
		if f.Message() == nil || !f.Message().IsPlaceholder() {
			return f
		}
	}
	return nil
}

func (s *skeleton) key(f protoreflect.FieldDescriptor) {
	s.quote(f.JSONName())
	s.b.WriteByte(':')
}

func (s *skeleton) quote(text string) {
	quoted, err := json.Marshal(text)
	if err != nil { // strings always have a JSON form
		quoted = []byte(`""`)
	}
	s.b.Write(quoted)
}

func (s *skeleton) field(f protoreflect.FieldDescriptor, depth int) {
	switch {
	case f.IsMap():
		s.b.WriteByte('{')
		// A map of messages that are cut would only show a key.
		if v := f.MapValue(); v.Message() == nil || !s.cut(v.Message(), depth+1) || hasRequired(v.Message()) {
			s.quote(mapKey(f.MapKey().Kind()))
			s.b.WriteByte(':')
			s.value(v, depth)
		}
		s.b.WriteByte('}')
	case f.IsList():
		s.b.WriteByte('[')
		if f.Message() == nil || !s.cut(f.Message(), depth+1) {
			s.value(f, depth)
		}
		s.b.WriteByte(']')
	default:
		s.value(f, depth)
	}
}

func mapKey(k protoreflect.Kind) string {
	switch k {
	case protoreflect.StringKind:
		return "key"
	case protoreflect.BoolKind:
		return "true"
	default:
		return "0"
	}
}

func (s *skeleton) value(f protoreflect.FieldDescriptor, depth int) {
	switch f.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		s.message(f.Message(), depth+1)
	case protoreflect.EnumKind:
		s.enum(f)
	case protoreflect.StringKind, protoreflect.BytesKind:
		s.text(f)
	case protoreflect.BoolKind:
		s.b.WriteString(strconv.FormatBool(f.HasDefault() && f.Default().Bool()))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind,
		protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		s.quote(number(f)) // JSON numbers do not hold 64 bits
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		s.float(f)
	default:
		s.b.WriteString(number(f))
	}
}

func number(f protoreflect.FieldDescriptor) string {
	if f.HasDefault() && !f.IsList() {
		return f.Default().String()
	}
	return "0"
}

// float shows a default in the form that JSON has for it: infinities and NaN are
// text.
func (s *skeleton) float(f protoreflect.FieldDescriptor) {
	text := number(f)
	switch text {
	case "+Inf":
		text = `"Infinity"`
	case "-Inf":
		text = `"-Infinity"`
	case "NaN":
		text = `"NaN"`
	}
	s.b.WriteString(text)
}

func (s *skeleton) text(f protoreflect.FieldDescriptor) {
	if f.Kind() == protoreflect.StringKind && f.HasDefault() && symbol.Printable(f.Default().String()) {
		s.quote(f.Default().String())
		return
	}
	s.b.WriteString(`""`)
}

func (s *skeleton) enum(f protoreflect.FieldDescriptor) {
	switch {
	case f.Enum().FullName() == "google.protobuf.NullValue":
		s.b.WriteString("null")
	case f.HasDefault() && f.DefaultEnumValue() != nil:
		s.quote(string(f.DefaultEnumValue().Name()))
	case f.Enum().Values().Len() == 0:
		s.b.WriteByte('0')
	default:
		s.quote(string(f.Enum().Values().Get(0).Name()))
	}
}

// wellKnownValue returns a value of a type that has a JSON form of its own
// (https://protobuf.dev/programming-guides/json/).
func wellKnownValue(name protoreflect.FullName) (string, bool) {
	short, ok := strings.CutPrefix(string(name), builtin.WellKnownPackage+".")
	if !ok {
		return "", false
	}
	switch short {
	case "Timestamp":
		return `"2006-01-02T15:04:05Z"`, true
	case "Duration":
		return `"1s"`, true
	case "FieldMask":
		return `""`, true
	case "Struct":
		return `{"key":"value"}`, true
	case "Value":
		return `"value"`, true
	case "ListValue":
		return `["value"]`, true
	case "Any":
		return `{"@type":"type.googleapis.com/google.protobuf.Empty","value":{}}`, true
	case "BoolValue":
		return "false", true
	case "StringValue", "BytesValue":
		return `""`, true
	case "Int64Value", "UInt64Value":
		return `"0"`, true
	case "DoubleValue", "FloatValue", "Int32Value", "UInt32Value":
		return "0", true
	default:
		return "", false
	}
}

var errNotDescribed = errors.New("it is not there")
