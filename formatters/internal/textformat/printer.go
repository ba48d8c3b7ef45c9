// Package textformat prints messages in the protobuf text format.
//
// The library's own prototext is not used: its spaces vary on purpose, it has all of the text in
// memory, no colours, and prints characters that turn text around as they are.
package textformat

import (
	"cmp"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/internal/palette"
	"github.com/rpcctl/rpcctl/invoke"
)

const (
	// maxIndent is the depth from which indentation grows no more, so that the text of a
	// small message that nests deep is not large.
	maxIndent = 50
	// maxAny is how many Any inside one another are printed as messages. Each is decoded by
	// itself, so no decoder bounds them.
	maxAny = 32
)

// Options say how messages are printed.
type Options struct {
	Types        invoke.Types // resolves the types of Any and of extensions
	Colors       *palette.Palette
	EmitDefaults bool // also fields that have their default value
	EnumNumbers  bool // enum values as numbers, not as names
	// Spill writes the text of a large message that is there so far, and returns what is to be
	// appended to. Nil keeps all of the text.
	Spill func(b []byte) []byte
}

// Append appends a message in the protobuf text format
// (https://protobuf.dev/reference/protobuf/textformat-spec/), always in the same form: one field
// a line, fields in the order of their declaration, and one space after the colon. Fields that
// the schema does not have are comments.
func Append(b []byte, m protoreflect.Message, o *Options) []byte {
	p := printer{o: o, b: b}
	p.message(m, 0, 0)
	return p.b
}

// A printer is the state of printing one message.
type printer struct {
	o    *Options
	b    []byte
	open bool // a brace was opened and nothing stands in it yet
}

// message appends the fields of a message, each with a line feed.
func (p *printer) message(m protoreflect.Message, depth, anys int) {
	if p.any(m, depth, anys) {
		return
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		if fd := fields.Get(i); m.Has(fd) || p.o.EmitDefaults && !fd.HasPresence() && !fd.IsList() && !fd.IsMap() {
			p.field(fd, m.Get(fd), depth, anys)
		}
	}
	var extensions []protoreflect.FieldDescriptor
	m.Range(func(fd protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if fd.IsExtension() {
			extensions = append(extensions, fd)
		}
		return true
	})
	slices.SortFunc(extensions,
		func(a, b protoreflect.FieldDescriptor) int { return cmp.Compare(a.Number(), b.Number()) })
	for _, fd := range extensions {
		p.field(fd, m.Get(fd), depth, anys)
	}
	p.unknown(m.GetUnknown(), depth)
}

// any appends an Any as the message in it, if its type is known and the type URL
// can stand in brackets.
func (p *printer) any(m protoreflect.Message, depth, anys int) bool {
	fields := m.Descriptor().Fields()
	urlField, valueField := fields.ByNumber(1), fields.ByNumber(2)
	if m.Descriptor().FullName() != "google.protobuf.Any" || urlField == nil || valueField == nil {
		return false
	}
	if anys >= maxAny || len(m.GetUnknown()) > 0 {
		return false
	}
	if urlField.Kind() != protoreflect.StringKind || valueField.Kind() != protoreflect.BytesKind {
		return false
	}
	url := m.Get(urlField).String()
	if !plainURL(url) {
		return false
	}
	t, err := p.o.Types.FindMessageByURL(url)
	if err != nil {
		return false
	}
	inner := t.New()
	u := proto.UnmarshalOptions{AllowPartial: true, Resolver: p.o.Types}
	if invoke.Unmarshal(u, m.Get(valueField).Bytes(), inner.Interface()) != nil {
		return false
	}
	p.name("["+url+"]", depth)
	p.nested(inner, depth, anys+1)
	return true
}

// plainURL reports whether a type URL needs no quoting: a host, a slash and a name.
func plainURL(url string) bool {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./"
	slash := strings.LastIndexByte(url, '/')
	return slash >= 0 && strings.Trim(url, plain) == "" && protoreflect.FullName(url[slash+1:]).IsValid()
}

// field appends every value of a field.
func (p *printer) field(fd protoreflect.FieldDescriptor, v protoreflect.Value, depth, anys int) {
	name := fd.TextName()
	switch {
	case fd.IsMap():
		p.entries(fd, v.Map(), depth, anys)
	case fd.IsList():
		for i := range v.List().Len() {
			p.value(name, fd, v.List().Get(i), depth, anys)
		}
	default:
		p.value(name, fd, v, depth, anys)
	}
}

// entries appends the entries of a map in the order of their keys.
func (p *printer) entries(fd protoreflect.FieldDescriptor, m protoreflect.Map, depth, anys int) {
	var keys []protoreflect.MapKey
	m.Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
		keys = append(keys, k)
		return true
	})
	slices.SortFunc(keys, func(a, b protoreflect.MapKey) int { return compareKeys(a.Interface(), b.Interface()) })
	for _, k := range keys {
		p.name(fd.TextName(), depth)
		p.begin()
		p.value("key", fd.MapKey(), k.Value(), depth+1, anys)
		p.value("value", fd.MapValue(), m.Get(k), depth+1, anys)
		p.end(depth)
	}
}

// compareKeys compares two keys of one map.
func compareKeys(a, b any) int {
	switch a := a.(type) {
	case string:
		return cmp.Compare(a, b.(string))
	case bool:
		if a == b.(bool) {
			return 0
		} else if a {
			return 1
		}
		return -1
	case int32:
		return cmp.Compare(a, b.(int32))
	case int64:
		return cmp.Compare(a, b.(int64))
	case uint32:
		return cmp.Compare(a, b.(uint32))
	case uint64:
		return cmp.Compare(a, b.(uint64))
	}
	return 0
}

// value appends one value with its name and a line feed.
func (p *printer) value(name string, fd protoreflect.FieldDescriptor, v protoreflect.Value, depth, anys int) {
	p.name(name, depth)
	if fd.Message() != nil {
		p.nested(v.Message(), depth, anys)
		return
	}
	p.scalar(fd, v)
	p.b = append(p.b, '\n')
}

// nested appends a message in braces and a line feed.
func (p *printer) nested(m protoreflect.Message, depth, anys int) {
	p.begin()
	p.message(m, depth+1, anys)
	p.end(depth)
}

func (p *printer) begin() {
	p.b = append(p.b, '{')
	p.open = true
}

func (p *printer) end(depth int) {
	if !p.open {
		p.indent(depth)
	}
	p.open = false
	p.b = append(p.b, "}\n"...)
}

// name begins the line of a field.
func (p *printer) name(name string, depth int) {
	if p.o.Spill != nil && len(p.b) >= batch.FlushSize {
		p.b = p.o.Spill(p.b)
	}
	if p.open {
		p.b = append(p.b, '\n')
		p.open = false
	}
	p.indent(depth)
	p.b = append(p.o.Colors.Append(p.b, palette.Key, name), ": "...)
}

func (p *printer) indent(depth int) {
	for range min(depth, maxIndent) {
		p.b = append(p.b, "  "...)
	}
}
