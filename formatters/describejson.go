package formatters

import (
	"encoding/json"
	"io"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/invoke"
)

// The JSON of a symbol. Fields that do not apply are left out; more may be added.
type (
	symbolJSON struct {
		Name       string          `json:"name"` // in full
		Kind       string          `json:"kind"` // service, method, message, field, oneof, enum, value, extension
		File       string          `json:"file,omitempty"`
		Package    string          `json:"package,omitempty"`
		Comment    string          `json:"comment,omitempty"`
		Deprecated bool            `json:"deprecated,omitempty"`
		Options    json.RawMessage `json:"options,omitempty"`
		*methodJSON
		*fieldJSON
		Number  *int32       `json:"number,omitempty"`  // of a field or value
		Extends string       `json:"extends,omitempty"` // the message
		Methods []symbolJSON `json:"methods,omitempty"`
		Fields  []symbolJSON `json:"fields,omitempty"`
		Oneofs  []symbolJSON `json:"oneofs,omitempty"`
		Members []string     `json:"members,omitempty"` // names of fields of a oneof
		Values  []symbolJSON `json:"values,omitempty"`
		Nested  []symbolJSON `json:"nested,omitempty"` // messages, enums and extensions inside of a message
	}
	methodJSON struct {
		StreamKind      string `json:"streams"` // unary, client-stream, server-stream, bidi
		Request         string `json:"request"`
		Response        string `json:"response"`
		ClientStreaming bool   `json:"clientStreaming"`
		ServerStreaming bool   `json:"serverStreaming"`
	}
	fieldJSON struct {
		JSONName    string `json:"jsonName,omitempty"`
		Type        string `json:"type"`               // string, int32, …, message, enum, group, map
		TypeName    string `json:"typeName,omitempty"` // of a message or enum; of a map's values
		MapKey      string `json:"mapKey,omitempty"`   // the type of a map's keys
		MapValue    string `json:"mapValue,omitempty"`
		Cardinality string `json:"cardinality"` // optional, required, repeated
		Presence    bool   `json:"presence"`    // whether unset differs from the default
		Oneof       string `json:"oneof,omitempty"`
		Default     string `json:"default,omitempty"`
	}
)

// WriteDescriptorJSON writes what a symbol is as JSON, for programs.
func WriteDescriptorJSON(w io.Writer, d protoreflect.Descriptor, o Options) error {
	j := describer{types: o.Types}
	v := j.symbol(d)
	v.File, v.Package = d.ParentFile().Path(), string(d.ParentFile().Package())
	return WriteJSON(w, v)
}

// A describer makes the JSON of symbols.
type describer struct{ types invoke.Types }

// symbol returns what a symbol is, with all that is in it.
func (j describer) symbol(d protoreflect.Descriptor) symbolJSON {
	v := symbolJSON{Name: string(d.FullName()), Kind: symbolKind(d), Deprecated: Deprecated(d), Options: j.options(d)}
	v.Comment = comments(d)
	switch d := d.(type) {
	case protoreflect.ServiceDescriptor:
		for i := range d.Methods().Len() {
			v.Methods = append(v.Methods, j.symbol(d.Methods().Get(i)))
		}
	case protoreflect.MethodDescriptor:
		v.methodJSON = &methodJSON{
			StreamKind: invoke.StreamKind(d), Request: string(d.Input().FullName()), Response: string(
				d.Output().FullName()),
			ClientStreaming: d.IsStreamingClient(), ServerStreaming: d.IsStreamingServer(),
		}
	case protoreflect.MessageDescriptor:
		j.message(&v, d)
	case protoreflect.FieldDescriptor:
		v.fieldJSON = describeField(d)
		number := int32(d.Number())
		v.Number = &number
		if d.IsExtension() {
			v.Extends = string(d.ContainingMessage().FullName())
		}
	case protoreflect.OneofDescriptor:
		for i := range d.Fields().Len() {
			v.Members = append(v.Members, string(d.Fields().Get(i).Name()))
		}
	case protoreflect.EnumDescriptor:
		for i := range d.Values().Len() {
			v.Values = append(v.Values, j.symbol(d.Values().Get(i)))
		}
	case protoreflect.EnumValueDescriptor:
		number := int32(d.Number())
		v.Number = &number
	}
	return v
}

// message adds what is in a message.
func (j describer) message(v *symbolJSON, d protoreflect.MessageDescriptor) {
	for i := range d.Fields().Len() {
		v.Fields = append(v.Fields, j.symbol(d.Fields().Get(i)))
	}
	for i := range d.Oneofs().Len() {
		if o := d.Oneofs().Get(i); !o.IsSynthetic() {
			v.Oneofs = append(v.Oneofs, j.symbol(o))
		}
	}
	for i := range d.Messages().Len() {
		if m := d.Messages().Get(i); !m.IsMapEntry() {
			v.Nested = append(v.Nested, j.symbol(m))
		}
	}
	for i := range d.Enums().Len() {
		v.Nested = append(v.Nested, j.symbol(d.Enums().Get(i)))
	}
	for i := range d.Extensions().Len() {
		v.Nested = append(v.Nested, j.symbol(d.Extensions().Get(i)))
	}
}

// describeField returns what a field is.
func describeField(f protoreflect.FieldDescriptor) *fieldJSON {
	v := &fieldJSON{
		JSONName: f.JSONName(), Type: f.Kind().String(), Cardinality: f.Cardinality().String(),
		Presence: f.HasPresence(),
	}
	of := f
	if f.IsMap() {
		v.Type, v.MapKey, v.MapValue, of = "map", f.MapKey().Kind().String(), f.MapValue().Kind().String(), f.MapValue()
	}
	switch {
	case of.Message() != nil:
		v.TypeName = string(of.Message().FullName())
	case of.Enum() != nil:
		v.TypeName = string(of.Enum().FullName())
	}
	if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() {
		v.Oneof = string(o.Name())
	}
	if f.HasDefault() {
		v.Default = f.Default().String()
		if e := f.DefaultEnumValue(); e != nil {
			v.Default = string(e.Name())
		}
	}
	return v
}

// symbolKind returns the kind of a symbol for programs.
func symbolKind(d protoreflect.Descriptor) string {
	if _, ok := d.(protoreflect.EnumValueDescriptor); ok {
		return "value"
	}
	_, kind, _ := strings.Cut(kindOf(d), " ")
	return kind
}

// Deprecated reports whether a symbol is marked as deprecated.
func Deprecated(d protoreflect.Descriptor) bool {
	o, ok := d.Options().(interface{ GetDeprecated() bool })
	return ok && o.GetDeprecated()
}

// comments returns the comments before and after a symbol.
func comments(d protoreflect.Descriptor) string {
	location := d.ParentFile().SourceLocations().ByDescriptor(d)
	text := location.LeadingComments + location.TrailingComments
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(l, " ")
	}
	return strings.Join(lines, "\n")
}

// options returns the options of a symbol in their JSON form, custom ones by name as
// far as they are known.
func (j describer) options(d protoreflect.Descriptor) json.RawMessage {
	m := d.Options()
	if m == nil || !m.ProtoReflect().IsValid() {
		return nil
	}
	raw, err := proto.MarshalOptions{AllowPartial: true}.Marshal(m)
	if err != nil || len(raw) == 0 {
		return nil
	}
	known := m.ProtoReflect().New().Interface()
	u, p := proto.UnmarshalOptions{AllowPartial: true}, protojson.MarshalOptions{
		AllowPartial:  true,
		UseProtoNames: true,
	}
	if j.types != nil {
		u.Resolver, p.Resolver = j.types, j.types
	}
	if err := u.Unmarshal(raw, known); err != nil {
		return nil
	}
	text, err := p.Marshal(known)
	if err != nil || string(text) == "{}" {
		return nil
	}
	return text
}
