package secret

import (
	"fmt"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxDepth bounds the nesting that is looked into; what is deeper is left out.
const maxDepth = 100

// A walk copies a message on the wire, without what is secret. It works on the bytes:
// a hostile message is not decoded by a library for that.
type walk struct {
	s     *Stripper
	paths []string
}

// message returns the copy of a message, whose fields are under a path. It reports
// whether the bytes are a message.
func (w *walk) message(md protoreflect.MessageDescriptor, wire []byte, at string, depth int) (out []byte, ok bool) {
	if md.FullName() == "google.protobuf.Any" {
		return w.any(wire, at, depth)
	}
	seen := map[protowire.Number]int{} // elements of lists
	for len(wire) > 0 {
		num, typ, n := protowire.ConsumeTag(wire)
		if n < 0 {
			return nil, false
		}
		size := protowire.ConsumeFieldValue(num, typ, wire[n:])
		if size < 0 {
			return nil, false
		}
		field, value := wire[:n+size], wire[n:n+size]
		wire = wire[n+size:]
		fd := w.field(md, num)
		if fd == nil {
			out = append(out, field...)
			continue
		}
		path := at + string(fd.Name())
		if fd.IsExtension() {
			path = at + "[" + string(fd.FullName()) + "]"
		}
		if w.s.Secret(fd) || depth > maxDepth {
			w.paths = append(w.paths, path)
			continue
		}
		if fd.Message() == nil {
			out = append(out, field...)
			continue
		}
		if fd.IsList() {
			path += fmt.Sprintf("[%d]", seen[num])
			seen[num]++
		}
		if out, ok = w.nested(out, fd, num, typ, value, path, depth); !ok {
			return nil, false
		}
	}
	return out, true
}

// field returns the field of a number, an extension's too; nil for an unknown one.
func (w *walk) field(md protoreflect.MessageDescriptor, num protowire.Number) protoreflect.FieldDescriptor {
	if fd := md.Fields().ByNumber(num); fd != nil || w.s.Types == nil || !md.ExtensionRanges().Has(num) {
		return fd
	}
	x, err := w.s.Types.FindExtensionByNumber(md.FullName(), num)
	if err != nil {
		return nil
	}
	return x.TypeDescriptor()
}

// nested appends a field whose value is a message, a group or an entry of a map.
func (w *walk) nested(out []byte, fd protoreflect.FieldDescriptor, num protowire.Number, typ protowire.Type, value []byte, path string, depth int) ([]byte, bool) {
	var body []byte
	switch typ {
	case protowire.BytesType:
		body, _ = protowire.ConsumeBytes(value)
	case protowire.StartGroupType:
		body, _ = protowire.ConsumeGroup(num, value)
	default: // a number where a message belongs
		return append(protowire.AppendTag(out, num, typ), value...), true
	}
	if fd.IsMap() {
		path += "[" + strconv.Quote(mapKey(fd, body)) + "]"
		if w.s.Keys != nil && stringKeys(fd) && w.s.Keys(mapKey(fd, body)) {
			w.paths = append(w.paths, path)
			return out, true
		}
		if fd.MapValue().Message() == nil {
			return append(protowire.AppendTag(out, num, typ), value...), true
		}
	}
	copied, ok := w.body(fd, body, path, depth)
	if !ok {
		return nil, false
	}
	out = protowire.AppendTag(out, num, typ)
	if typ == protowire.StartGroupType {
		return protowire.AppendGroup(out, num, copied), true
	}
	return protowire.AppendBytes(out, copied), true
}

// body returns the copy of the message in a field, or of the entry of a map with it.
func (w *walk) body(fd protoreflect.FieldDescriptor, body []byte, path string, depth int) ([]byte, bool) {
	if !fd.IsMap() {
		return w.message(fd.Message(), body, path+".", depth+1)
	}
	var out []byte
	for len(body) > 0 {
		num, typ, n := protowire.ConsumeTag(body)
		if n < 0 {
			return nil, false
		}
		size := protowire.ConsumeFieldValue(num, typ, body[n:])
		if size < 0 {
			return nil, false
		}
		field, value := body[:n+size], body[n:n+size]
		body = body[n+size:]
		if num != 2 || typ != protowire.BytesType {
			out = append(out, field...)
			continue
		}
		inner, _ := protowire.ConsumeBytes(value)
		copied, ok := w.message(fd.MapValue().Message(), inner, path+".", depth+1)
		if !ok {
			return nil, false
		}
		out = protowire.AppendBytes(protowire.AppendTag(out, num, typ), copied)
	}
	return out, true
}

// mapKey returns the key of an entry of a map as text; "" when it is not a string.
func mapKey(fd protoreflect.FieldDescriptor, entry []byte) string {
	key := ""
	for len(entry) > 0 {
		num, typ, n := protowire.ConsumeTag(entry)
		if n < 0 {
			return key
		}
		size := protowire.ConsumeFieldValue(num, typ, entry[n:])
		if size < 0 {
			return key
		}
		if num == 1 && typ == protowire.BytesType && stringKeys(fd) {
			b, _ := protowire.ConsumeBytes(entry[n : n+size])
			key = string(b)
		}
		if num == 1 && typ == protowire.VarintType {
			v, _ := protowire.ConsumeVarint(entry[n : n+size])
			key = strconv.FormatUint(v, 10)
		}
		entry = entry[n+size:]
	}
	return key
}

// any returns the copy of an Any, the message in which is looked into when its type
// is known.
func (w *walk) any(wire []byte, at string, depth int) ([]byte, bool) {
	var url string
	var value []byte
	for rest := wire; len(rest) > 0; {
		num, typ, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return nil, false
		}
		size := protowire.ConsumeFieldValue(num, typ, rest[n:])
		if size < 0 {
			return nil, false
		}
		if typ == protowire.BytesType {
			b, _ := protowire.ConsumeBytes(rest[n : n+size])
			switch num {
			case 1:
				url = string(b)
			case 2:
				value = b
			}
		}
		rest = rest[n+size:]
	}
	if w.s.Types == nil || depth > maxDepth {
		return wire, true
	}
	t, err := w.s.Types.FindMessageByURL(url)
	if err != nil {
		return wire, true
	}
	before := len(w.paths)
	copied, ok := w.message(t.Descriptor(), value, at, depth+1)
	if !ok || len(w.paths) == before {
		w.paths = w.paths[:before]
		return wire, true
	}
	out := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), url)
	return protowire.AppendBytes(protowire.AppendTag(out, 2, protowire.BytesType), copied), true
}
