package textformat

import (
	"math"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/internal/palette"
)

// scalar appends a value that is not a message.
func (p *printer) scalar(fd protoreflect.FieldDescriptor, v protoreflect.Value) {
	role := palette.Number
	switch fd.Kind() {
	case protoreflect.StringKind, protoreflect.BytesKind:
		role = palette.String
	case protoreflect.BoolKind, protoreflect.EnumKind:
		role = palette.Word
	}
	p.b = append(p.b, p.o.Colors.Begin(role)...)
	defer func() { p.b = append(p.b, p.o.Colors.End()...) }()
	switch fd.Kind() {
	case protoreflect.StringKind:
		appendPieces(p, v.String(), appendString)
	case protoreflect.BytesKind:
		appendPieces(p, v.Bytes(), appendBytes)
	case protoreflect.BoolKind:
		p.b = strconv.AppendBool(p.b, v.Bool())
	case protoreflect.EnumKind:
		if ev := fd.Enum().Values().ByNumber(v.Enum()); ev != nil && !p.o.EnumNumbers {
			p.b = append(p.b, ev.Name()...)
		} else {
			p.b = strconv.AppendInt(p.b, int64(v.Enum()), 10)
		}
	case protoreflect.FloatKind:
		p.b = appendFloat(p.b, v.Float(), 32)
	case protoreflect.DoubleKind:
		p.b = appendFloat(p.b, v.Float(), 64)
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
		p.b = strconv.AppendUint(p.b, v.Uint(), 10)
	default:
		p.b = strconv.AppendInt(p.b, v.Int(), 10)
	}
}

// appendPieces appends a string or bytes in quotes. A long one is quoted in pieces, since the quoted
// text may be four times as long.
func appendPieces[T string | []byte](p *printer, s T, quote func(dst []byte, s T) []byte) {
	first := true
	piece := func(s T) {
		begin := len(p.b)
		p.b = quote(p.b, s)
		if !first { // a quotation mark stands before the first alone
			p.b = append(p.b[:begin], p.b[begin+1:]...)
		}
		first = false
	}
	for p.o.Spill != nil && len(s) > batch.FlushSize {
		n := batch.FlushSize
		for n > batch.FlushSize-utf8.UTFMax && !utf8.RuneStart(s[n]) {
			n--
		}
		piece(s[:n])
		p.b, s = p.o.Spill(p.b[:len(p.b)-1]), s[n:]
	}
	piece(s)
}

func appendFloat(b []byte, f float64, bits int) []byte {
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

// unknown appends fields that the schema does not have as comments: no other form of them in
// the text format is read back by every reader.
func (p *printer) unknown(raw protoreflect.RawFields, depth int) {
	for len(raw) > 0 {
		num, typ, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return // cannot happen: the decoder has read it
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
			appendPieces(p, v, appendBytes)
		default:
			p.b = append(p.b, "group "...)
			appendPieces(p, []byte(value), appendBytes)
		}
		p.b = append(p.b, '\n')
	}
}
