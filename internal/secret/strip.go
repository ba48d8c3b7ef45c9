package secret

import (
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxDepth is how deep messages are looked into; what is deeper is left out.
const maxDepth = 100

// maxPaths is how many paths of fields are returned.
const maxPaths = 100

// A stripping copies an encoded message without its secrets. It works on the bytes, so that no
// library decodes a hostile message for it. A message without secrets is not copied.
type stripping struct {
	s     *Stripper
	found bool // something was left out
	paths []string
	known map[string]bool // the paths

	current, last []protoreflect.FieldDescriptor // the path of the current message, and the last one in paths
}

// leaveOut records the path of a field that is left out, or of the entry of a map with that
// key. Elements of a list share a path, which is built once when they follow one another.
func (w *stripping) leaveOut(fd protoreflect.FieldDescriptor, key string) {
	w.found = true
	w.current = append(w.current, fd)
	defer func() { w.current = w.current[:len(w.current)-1] }()
	if key == "" && slices.Equal(w.current, w.last) {
		return
	}
	w.last = append(w.last[:0], w.current...)
	path := ""
	for i, field := range w.current {
		name := string(field.Name())
		if field.IsExtension() {
			name = "[" + string(field.FullName()) + "]"
		}
		if i > 0 {
			path += "."
		}
		path += name
	}
	path += key
	switch {
	case w.known[path] || len(w.paths) > maxPaths:
	case len(w.paths) == maxPaths:
		w.paths = append(w.paths, "…")
	default:
		if w.known == nil {
			w.known = map[string]bool{}
		}
		w.known[path] = true
		w.paths = append(w.paths, path)
	}
}

// A copying is a copy of encoded that is made only when something is replaced.
type copying struct {
	encoded []byte
	out     []byte
	done    int // how many bytes of encoded were copied or replaced
	changed bool
}

// replace copies what is before encoded[from:to], and other bytes in place of that.
func (c *copying) replace(from, to int, with ...[]byte) {
	c.out = append(c.out, c.encoded[c.done:from]...)
	for _, b := range with {
		c.out = append(c.out, b...)
	}
	c.done, c.changed = to, true
}

// end returns the copy, or encoded itself when nothing was replaced.
func (c *copying) end() []byte {
	if !c.changed {
		return c.encoded
	}
	return append(c.out, c.encoded[c.done:]...)
}

// next returns the field at pos, and where its value begins and ends. It reports whether there is a
// field.
func next(encoded []byte, pos int) (num protowire.Number, typ protowire.Type, value, end int, ok bool) {
	num, typ, n := protowire.ConsumeTag(encoded[pos:])
	if n < 0 {
		return 0, 0, 0, 0, false
	}
	size := protowire.ConsumeFieldValue(num, typ, encoded[pos+n:])
	return num, typ, pos + n, pos + n + size, size >= 0
}

// message returns a message without its secrets. It reports whether the bytes are a message.
func (w *stripping) message(md protoreflect.MessageDescriptor, encoded []byte, depth int) (out []byte, ok bool) {
	if md.FullName() == "google.protobuf.Any" {
		return w.any(encoded, depth)
	}
	c := copying{encoded: encoded}
	for pos := 0; pos < len(encoded); {
		start := pos
		num, typ, value, end, ok := next(encoded, pos)
		if !ok {
			return nil, false
		}
		pos = end
		switch fd := w.field(md, num); {
		case fd == nil:
		case w.s.Secret(fd) || depth > maxDepth:
			w.leaveOut(fd, "")
			c.replace(start, end)
		case fd.Message() != nil:
			if !w.nested(&c, fd, typ, span{start, value, end}, depth) {
				return nil, false
			}
		}
	}
	return c.end(), true
}

// A span is where an encoded field begins, where its value begins, and where both end.
type span struct{ start, value, end int }

// field returns the field or extension of a number, or nil.
func (w *stripping) field(md protoreflect.MessageDescriptor, num protowire.Number) protoreflect.FieldDescriptor {
	if fd := md.Fields().ByNumber(num); fd != nil || w.s.Types == nil || !md.ExtensionRanges().Has(num) {
		return fd
	}
	x, err := w.s.Types.FindExtensionByNumber(md.FullName(), num)
	if err != nil {
		return nil
	}
	return x.TypeDescriptor()
}

// nested strips a field whose value is a message, a group or an entry of a map.
func (w *stripping) nested(
	c *copying, fd protoreflect.FieldDescriptor, typ protowire.Type, field span, depth int,
) bool {
	var body []byte
	switch typ {
	case protowire.BytesType:
		body, _ = protowire.ConsumeBytes(c.encoded[field.value:field.end])
	case protowire.StartGroupType:
		body, _ = protowire.ConsumeGroup(fd.Number(), c.encoded[field.value:field.end])
	default: // a number where a message belongs
		return true
	}
	if fd.IsMap() && w.s.Keys != nil && stringKeys(fd) {
		if key := mapKey(body); w.s.Keys(key) {
			w.leaveOut(fd, "["+strconv.Quote(key)+"]")
			c.replace(field.start, field.end)
			return true
		}
	}
	if fd.IsMap() && fd.MapValue().Message() == nil {
		return true
	}
	w.current = append(w.current, fd)
	stripped, ok := w.body(fd, body, depth)
	w.current = w.current[:len(w.current)-1]
	if !ok {
		return false
	}
	if len(stripped) == len(body) { // nothing was left out, since that would make it shorter
		return true
	}
	tag := c.encoded[field.start:field.value]
	if typ == protowire.StartGroupType {
		c.replace(field.start, field.end, tag, protowire.AppendGroup(nil, fd.Number(), stripped))
		return true
	}
	c.replace(field.start, field.end, tag, protowire.AppendVarint(nil, uint64(len(stripped))), stripped)
	return true
}

// body strips the message in a field, or in the entry of a map.
func (w *stripping) body(fd protoreflect.FieldDescriptor, body []byte, depth int) ([]byte, bool) {
	if !fd.IsMap() {
		return w.message(fd.Message(), body, depth+1)
	}
	c := copying{encoded: body}
	for pos := 0; pos < len(body); {
		start := pos
		num, typ, value, end, ok := next(body, pos)
		if !ok {
			return nil, false
		}
		pos = end
		if num != 2 || typ != protowire.BytesType {
			continue
		}
		inner, _ := protowire.ConsumeBytes(body[value:end])
		stripped, ok := w.message(fd.MapValue().Message(), inner, depth+1)
		if !ok {
			return nil, false
		}
		if len(stripped) != len(inner) {
			c.replace(start, end, body[start:value], protowire.AppendVarint(nil, uint64(len(stripped))), stripped)
		}
	}
	return c.end(), true
}

// mapKey returns the key of an entry of a map whose keys are strings.
func mapKey(entry []byte) (key string) {
	for pos := 0; pos < len(entry); {
		num, typ, value, end, ok := next(entry, pos)
		if !ok {
			return key
		}
		if num == 1 && typ == protowire.BytesType {
			b, _ := protowire.ConsumeBytes(entry[value:end])
			key = string(b)
		}
		pos = end
	}
	return key
}

// any strips an Any: the message in it, if its type is known.
func (w *stripping) any(encoded []byte, depth int) ([]byte, bool) {
	var url, value []byte
	for pos := 0; pos < len(encoded); {
		num, typ, begins, end, ok := next(encoded, pos)
		if !ok {
			return nil, false
		}
		if typ == protowire.BytesType {
			b, _ := protowire.ConsumeBytes(encoded[begins:end])
			switch num {
			case 1:
				url = b
			case 2:
				value = b
			}
		}
		pos = end
	}
	if w.s.Types == nil || depth > maxDepth {
		return encoded, true
	}
	t, err := w.s.Types.FindMessageByURL(string(url))
	if err != nil {
		return encoded, true
	}
	stripped, ok := w.message(t.Descriptor(), value, depth+1)
	if !ok || len(stripped) == len(value) {
		return encoded, true
	}
	out := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), url)
	return protowire.AppendBytes(protowire.AppendTag(out, 2, protowire.BytesType), stripped), true
}
