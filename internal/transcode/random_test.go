package transcode

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A source of choices: the bytes of a fuzz input, and zeros after them.
type choices struct {
	data       []byte
	fieldsLeft int // how many fields may still be made
}

func (c *choices) byte() byte {
	if len(c.data) == 0 {
		return 0
	}
	b := c.data[0]
	c.data = c.data[1:]
	return b
}

func (c *choices) n(n int) int { return int(c.byte()) % n }

func (c *choices) uint64() uint64 {
	switch c.n(8) {
	case 0:
		return 0
	case 1:
		return 1
	case 2:
		return math.MaxUint64
	case 3:
		return 1 << c.n(64)
	case 4:
		return math.MaxInt32
	case 5:
		return uint64(c.byte())
	}
	var v uint64
	for range 8 {
		v = v<<8 | uint64(c.byte())
	}
	return v
}

// wire makes the wire form of a message of type md, with what a hostile or odd writer may
// do to it and protobuf-go still takes: any order, fields in parts, packed and not, long
// varints, unknown fields.
func (c *choices) wire(md protoreflect.MessageDescriptor, types Types, depth int) []byte {
	var b []byte
	switch md.FullName() {
	case "google.protobuf.Timestamp":
		b = protowire.AppendTag(b, 1, protowire.VarintType)
		b = protowire.AppendVarint(b, uint64(minTimestamp+int64(c.uint64()%uint64(maxTimestamp-minTimestamp+1))))
		b = protowire.AppendTag(b, 2, protowire.VarintType)
		return protowire.AppendVarint(b, c.nanos())
	case "google.protobuf.Duration":
		secs, nanos := int64(c.uint64()%(maxDuration+1)), int64(c.nanos())
		if c.n(2) == 1 {
			secs, nanos = -secs, -nanos
		}
		b = protowire.AppendTag(b, 1, protowire.VarintType)
		b = protowire.AppendVarint(b, uint64(secs))
		b = protowire.AppendTag(b, 2, protowire.VarintType)
		return protowire.AppendVarint(b, uint64(nanos))
	case "google.protobuf.FieldMask":
		for range c.n(4) {
			b = protowire.AppendTag(b, 1, protowire.BytesType)
			b = protowire.AppendString(b, []string{"a", "user.display_name", "_x", "f.b_c.d1"}[c.n(4)])
		}
		return b
	case "google.protobuf.Any":
		return c.any(types, depth)
	case "google.protobuf.Value":
		// One member at least, or it has no JSON form.
		fd := md.Fields().Get(c.n(6))
		if depth > 6 {
			fd = md.Fields().ByNumber(valueBool)
		}
		return c.field(b, fd, types, depth)
	}
	fds := md.Fields()
	for range c.n(8) {
		if c.fieldsLeft--; c.fieldsLeft < 0 || fds.Len() == 0 {
			break
		}
		fd := fds.Get(int(uint16(c.byte())<<8|uint16(c.byte())) % fds.Len())
		if md.ExtensionRanges().Len() > 0 && c.n(4) == 0 {
			num := md.ExtensionRanges().Get(0)[0] + protowire.Number(c.n(12))
			xt, err := types.FindExtensionByNumber(md.FullName(), num)
			if err == nil {
				fd = xt.TypeDescriptor()
			}
		}
		b = c.field(b, fd, types, depth)
		if c.n(16) == 0 {
			b = protowire.AppendTag(b, protowire.Number(90000+c.n(9)), protowire.BytesType)
			b = protowire.AppendString(b, "not known")
		}
	}
	return b
}

func (c *choices) nanos() uint64 {
	return [...]uint64{0, 1, 999999999, 1000000, 120000, 500000000, 1000}[c.n(7)]
}

func (c *choices) any(types Types, depth int) []byte {
	names := []string{
		"feat.Three", "feat.Two", "google.protobuf.Timestamp", "google.protobuf.Struct",
		"google.protobuf.Any", "google.protobuf.Int64Value", "google.protobuf.Empty", "feat.Extra",
	}
	url := []string{"type.googleapis.com/", "/", "x.example/y/"}[c.n(3)] + names[c.n(len(names))]
	if c.n(8) == 0 || depth > 6 {
		return nil
	}
	mt, err := types.FindMessageByURL(url)
	if err != nil {
		panic(err)
	}
	var b []byte
	b = protowire.AppendTag(b, 2, protowire.BytesType)
	b = protowire.AppendBytes(b, c.wire(mt.Descriptor(), types, depth+1))
	b = protowire.AppendTag(b, 1, protowire.BytesType)
	return protowire.AppendString(b, url)
}

// field appends one occurrence of a field, or a few.
func (c *choices) field(b []byte, fd protoreflect.FieldDescriptor, types Types, depth int) []byte {
	switch {
	case fd.IsMap():
		for range 1 + c.n(3)*c.n(7) {
			var e []byte
			what := c.n(8)
			if what != 1 {
				e = c.one(e, fd.MapKey(), types, depth)
			}
			if what != 2 || fd.MapValue().Message() != nil && fd.MapValue().Message().FullName() == "google.protobuf.Value" {
				e = c.one(e, fd.MapValue(), types, depth)
			}
			if what == 3 {
				e = c.one(e, fd.MapValue(), types, depth)
			}
			b = protowire.AppendTag(b, fd.Number(), protowire.BytesType)
			b = protowire.AppendBytes(b, e)
		}
		return b
	case fd.IsList() && wireType(fd.Kind()) != protowire.BytesType && fd.Kind() != protoreflect.GroupKind && c.n(2) == 0:
		var p []byte
		for range c.n(5) {
			p = c.scalar(p, fd)
		}
		b = protowire.AppendTag(b, fd.Number(), protowire.BytesType)
		return protowire.AppendBytes(b, p)
	}
	return c.one(b, fd, types, depth)
}

func (c *choices) one(b []byte, fd protoreflect.FieldDescriptor, types Types, depth int) []byte {
	switch fd.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		var m []byte
		if depth < 8 || fd.Message().FullName() == "google.protobuf.Value" {
			m = c.wire(fd.Message(), types, depth+1)
		}
		b = protowire.AppendTag(b, fd.Number(), wireType(fd.Kind()))
		if fd.Kind() == protoreflect.GroupKind {
			return protowire.AppendTag(append(b, m...), fd.Number(), protowire.EndGroupType)
		}
		return protowire.AppendBytes(b, m)
	}
	b = protowire.AppendTag(b, fd.Number(), wireType(fd.Kind()))
	return c.scalar(b, fd)
}

func (c *choices) scalar(b []byte, fd protoreflect.FieldDescriptor) []byte {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return protowire.AppendString(b, c.text())
	case protoreflect.BytesKind:
		n := min(c.n(40), len(c.data))
		b = protowire.AppendBytes(b, c.data[:n])
		c.data = c.data[n:]
		return b
	case protoreflect.DoubleKind:
		v := c.float()
		if fd.ContainingMessage().FullName() == "google.protobuf.Value" && (math.IsNaN(v) || math.IsInf(v, 0)) {
			v = 1.5
		}
		return protowire.AppendFixed64(b, math.Float64bits(v))
	case protoreflect.FloatKind:
		return protowire.AppendFixed32(b, math.Float32bits(float32(c.float())))
	case protoreflect.EnumKind:
		vs := fd.Enum().Values()
		if n := c.n(vs.Len() + 1); n < vs.Len() {
			return protowire.AppendVarint(b, uint64(vs.Get(n).Number()))
		}
		return protowire.AppendVarint(b, c.uint64())
	}
	switch wireType(fd.Kind()) {
	case protowire.Fixed32Type:
		return protowire.AppendFixed32(b, uint32(c.uint64()))
	case protowire.Fixed64Type:
		return protowire.AppendFixed64(b, c.uint64())
	}
	v := c.uint64()
	if v < 128 && c.n(8) == 0 {
		return append(b, byte(v)|0x80, 0x80, 0)
	}
	return protowire.AppendVarint(b, v)
}

func (c *choices) float() float64 {
	return [...]float64{
		0, math.Copysign(0, -1), 1, -1.5, math.NaN(), math.Inf(1), math.Inf(-1), 1e-7, 1e-6, 1e21, 1e20,
		math.MaxFloat32, math.SmallestNonzeroFloat32, math.Pi, math.Float64frombits(c.uint64()), 123456789,
	}[c.n(16)]
}

func (c *choices) text() string {
	words := [...]string{
		"", "a", "b", "plain text", "quote \" and \\", "tab\tline\n", "\x00\x1f\x7f", "é漢字😀", "\u0085\u202e\u2066",
		"\u061c\ufeff\u2028", "key", "a longer text that needs eight bytes at a time, and then some", "</script>&",
	}
	return words[c.n(len(words))] + words[c.n(len(words))]
}
