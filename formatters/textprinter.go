package formatters

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/internal/palette"
	"github.com/rpcctl/rpcctl/invoke"
)

const (
	// maxTextIndent is the depth from which indentation grows no more, so that the
	// text of a small message that nests deep is not large.
	maxTextIndent = 50
	// maxAny is how many Any inside one another are opened. Each is decoded apart,
	// so no decoder bounds them.
	maxAny = 32
)

// A textPrinter appends messages in the protobuf text format
// (https://protobuf.dev/reference/protobuf/textformat-spec/), always in the same
// form: one field a line, fields in the order of their declaration, and one space
// after the colon. Fields that the schema does not know are comments.
type textPrinter struct {
	types  invoke.Types
	o      *Options
	colors *palette.Palette
	b      []byte
	open   bool // a brace was opened and nothing stands in it yet
	// spill takes what is there when it has become large, and returns what is to
	// be appended to; nil: everything is kept.
	spill func(b []byte) []byte
}

// message appends the fields of a message, each with a line feed.
func (p *textPrinter) message(m protoreflect.Message, depth, anys int) {
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
	slices.SortFunc(extensions, func(a, b protoreflect.FieldDescriptor) int { return cmp.Compare(a.Number(), b.Number()) })
	for _, fd := range extensions {
		p.field(fd, m.Get(fd), depth, anys)
	}
	p.unknown(m.GetUnknown(), depth)
}

// any appends an Any as the message in it, if its type is known and the type URL
// can stand in brackets.
func (p *textPrinter) any(m protoreflect.Message, depth, anys int) bool {
	fields := m.Descriptor().Fields()
	urlField, valueField := fields.ByNumber(1), fields.ByNumber(2)
	if m.Descriptor().FullName() != "google.protobuf.Any" || urlField == nil || valueField == nil || anys >= maxAny || len(m.GetUnknown()) > 0 {
		return false
	}
	if urlField.Kind() != protoreflect.StringKind || valueField.Kind() != protoreflect.BytesKind {
		return false
	}
	url := m.Get(urlField).String()
	if !plainURL(url) {
		return false
	}
	t, err := p.types.FindMessageByURL(url)
	if err != nil {
		return false
	}
	inner := t.New()
	if invoke.Unmarshal(proto.UnmarshalOptions{AllowPartial: true, Resolver: p.types}, m.Get(valueField).Bytes(), inner.Interface()) != nil {
		return false
	}
	p.name("["+url+"]", depth)
	p.nested(inner, depth, anys+1)
	return true
}

// plainURL tells whether a type URL needs no quoting: a host, a slash and a name.
func plainURL(url string) bool {
	slash := false
	for i := range len(url) {
		slash = slash || url[i] == '/'
		if c := url[i]; !wordByte(c) && c != '.' && c != '/' && c != '-' {
			return false
		}
	}
	return slash && typeName(url).IsValid()
}

// field appends every value of a field.
func (p *textPrinter) field(fd protoreflect.FieldDescriptor, v protoreflect.Value, depth, anys int) {
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
func (p *textPrinter) entries(fd protoreflect.FieldDescriptor, m protoreflect.Map, depth, anys int) {
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
func (p *textPrinter) value(name string, fd protoreflect.FieldDescriptor, v protoreflect.Value, depth, anys int) {
	p.name(name, depth)
	if fd.Message() != nil {
		p.nested(v.Message(), depth, anys)
		return
	}
	p.scalar(fd, v)
	p.b = append(p.b, '\n')
}

// nested appends a message in braces and a line feed.
func (p *textPrinter) nested(m protoreflect.Message, depth, anys int) {
	p.begin()
	p.message(m, depth+1, anys)
	p.end(depth)
}

func (p *textPrinter) begin() {
	p.b = append(p.b, '{')
	p.open = true
}

func (p *textPrinter) end(depth int) {
	if !p.open {
		p.indent(depth)
	}
	p.open = false
	p.b = append(p.b, "}\n"...)
}

// name begins the line of a field.
func (p *textPrinter) name(name string, depth int) {
	if p.spill != nil && len(p.b) >= batch.FlushSize {
		p.b = p.spill(p.b)
	}
	if p.open {
		p.b = append(p.b, '\n')
		p.open = false
	}
	p.indent(depth)
	p.b = append(p.colors.Append(p.b, palette.Key, name), ": "...)
}

func (p *textPrinter) indent(depth int) {
	for range min(depth, maxTextIndent) {
		p.b = append(p.b, "  "...)
	}
}

// scalar appends a value that is not a message.
func (p *textPrinter) scalar(fd protoreflect.FieldDescriptor, v protoreflect.Value) {
	role := palette.Number
	switch fd.Kind() {
	case protoreflect.StringKind, protoreflect.BytesKind:
		role = palette.String
	case protoreflect.BoolKind, protoreflect.EnumKind:
		role = palette.Word
	}
	p.b = append(p.b, p.colors.Begin(role)...)
	defer func() { p.b = append(p.b, p.colors.End()...) }()
	switch fd.Kind() {
	case protoreflect.StringKind:
		text(p, v.String(), appendTextString)
	case protoreflect.BytesKind:
		text(p, v.Bytes(), appendTextBytes)
	case protoreflect.BoolKind:
		p.b = strconv.AppendBool(p.b, v.Bool())
	case protoreflect.EnumKind:
		if ev := fd.Enum().Values().ByNumber(v.Enum()); ev != nil && !p.o.EnumNumbers {
			p.b = append(p.b, ev.Name()...)
		} else {
			p.b = strconv.AppendInt(p.b, int64(v.Enum()), 10)
		}
	case protoreflect.FloatKind:
		p.b = appendTextFloat(p.b, v.Float(), 32)
	case protoreflect.DoubleKind:
		p.b = appendTextFloat(p.b, v.Float(), 64)
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
		p.b = strconv.AppendUint(p.b, v.Uint(), 10)
	default:
		p.b = strconv.AppendInt(p.b, v.Int(), 10)
	}
}

// text appends a string or bytes, the pieces of a long one apart: quoted, it may take four
// times its size.
func text[T string | []byte](p *textPrinter, s T, quote func(dst []byte, s T) []byte) {
	first := true
	piece := func(s T) {
		begin := len(p.b)
		p.b = quote(p.b, s)
		if !first { // a quotation mark stands before the first alone
			p.b = append(p.b[:begin], p.b[begin+1:]...)
		}
		first = false
	}
	for p.spill != nil && len(s) > batch.FlushSize {
		n := batch.FlushSize
		for n > batch.FlushSize-utf8.UTFMax && !utf8.RuneStart(s[n]) {
			n--
		}
		piece(s[:n])
		p.b, s = p.spill(p.b[:len(p.b)-1]), s[n:]
	}
	piece(s)
}

func appendTextFloat(b []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "nan"...)
	case math.IsInf(f, 1):
		return append(b, "inf"...)
	case math.IsInf(f, -1):
		return append(b, "-inf"...)
	}
	return strconv.AppendFloat(b, f, 'g', -1, bits)
}

// unknown appends fields that the schema does not know as comments, since the text
// format has no other way to keep them that everybody can read back.
func (p *textPrinter) unknown(raw protoreflect.RawFields, depth int) {
	for len(raw) > 0 {
		num, typ, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return // cannot be: the decoder has read it
		}
		size := protowire.ConsumeFieldValue(num, typ, raw[n:])
		if size < 0 {
			return
		}
		value := raw[n : n+size]
		raw = raw[n+size:]
		p.name("# "+strconv.Itoa(int(num)), depth)
		switch typ {
		case protowire.VarintType:
			v, _ := protowire.ConsumeVarint(value)
			p.b = strconv.AppendUint(p.b, v, 10)
		case protowire.Fixed32Type:
			v, _ := protowire.ConsumeFixed32(value)
			p.b = strconv.AppendUint(append(p.b, "0x"...), uint64(v), 16)
		case protowire.Fixed64Type:
			v, _ := protowire.ConsumeFixed64(value)
			p.b = strconv.AppendUint(append(p.b, "0x"...), v, 16)
		case protowire.BytesType:
			v, _ := protowire.ConsumeBytes(value)
			text(p, v, appendTextBytes)
		default:
			p.b = append(p.b, "group "...)
			text(p, []byte(value), appendTextBytes)
		}
		p.b = append(p.b, '\n')
	}
}
