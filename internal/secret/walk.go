package secret

import (
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxDepth bounds the nesting that is looked into; what is deeper is left out.
const maxDepth = 100

// maxPaths is how many paths are told of what was left out.
const maxPaths = 100

// A walk copies a message on the wire, without what is secret. It works on the bytes:
// a hostile message is not decoded by a library for that. What has no secret in it is
// not copied.
type walk struct {
	s     *Stripper
	found bool // something was left out
	paths []string
	told  map[string]bool

	trail, last []protoreflect.FieldDescriptor // to where the walk is, and to what was left out last
}

// leave takes note of a field that is left out, or of the key of a map. Elements of a
// list share their path, which is made once for those that follow one another.
func (w *walk) leave(fd protoreflect.FieldDescriptor, key string) {
	w.found = true
	w.trail = append(w.trail, fd)
	defer func() { w.trail = w.trail[:len(w.trail)-1] }()
	if key == "" && slices.Equal(w.trail, w.last) {
		return
	}
	w.last = append(w.last[:0], w.trail...)
	path := ""
	for i, step := range w.trail {
		name := string(step.Name())
		if step.IsExtension() {
			name = "[" + string(step.FullName()) + "]"
		}
		if i > 0 {
			path += "."
		}
		path += name
	}
	path += key
	switch {
	case w.told[path] || len(w.paths) > maxPaths:
	case len(w.paths) == maxPaths:
		w.paths = append(w.paths, "…")
	default:
		if w.told == nil {
			w.told = map[string]bool{}
		}
		w.told[path] = true
		w.paths = append(w.paths, path)
	}
}

// A copying is a copy that begins when something is to be left out.
type copying struct {
	wire    []byte
	out     []byte
	done    int // how much of wire is in out, or left out
	changed bool
}

// replace puts bytes in the place of wire[from:to].
func (c *copying) replace(from, to int, with ...[]byte) {
	c.out = append(c.out, c.wire[c.done:from]...)
	for _, b := range with {
		c.out = append(c.out, b...)
	}
	c.done, c.changed = to, true
}

// end returns the copy, or the wire itself when nothing was left out.
func (c *copying) end() []byte {
	if !c.changed {
		return c.wire
	}
	return append(c.out, c.wire[c.done:]...)
}

// next reads the field at pos: where its value begins and where it ends. It reports
// whether there is one.
func next(wire []byte, pos int) (num protowire.Number, typ protowire.Type, value, end int, ok bool) {
	num, typ, n := protowire.ConsumeTag(wire[pos:])
	if n < 0 {
		return 0, 0, 0, 0, false
	}
	size := protowire.ConsumeFieldValue(num, typ, wire[pos+n:])
	return num, typ, pos + n, pos + n + size, size >= 0
}

// message returns a message without its secrets. It reports whether the bytes are one.
func (w *walk) message(md protoreflect.MessageDescriptor, wire []byte, depth int) (out []byte, ok bool) {
	if md.FullName() == "google.protobuf.Any" {
		return w.any(wire, depth)
	}
	c := copying{wire: wire}
	for pos := 0; pos < len(wire); {
		start := pos
		num, typ, value, end, ok := next(wire, pos)
		if !ok {
			return nil, false
		}
		pos = end
		switch fd := w.field(md, num); {
		case fd == nil:
		case w.s.Secret(fd) || depth > maxDepth:
			w.leave(fd, "")
			c.replace(start, end)
		case fd.Message() != nil:
			if !w.nested(&c, fd, typ, span{start, value, end}, depth) {
				return nil, false
			}
		}
	}
	return c.end(), true
}

// A span is where a field, and its value, are on the wire.
type span struct{ start, value, end int }

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

// nested strips a field whose value is a message, a group or an entry of a map.
func (w *walk) nested(c *copying, fd protoreflect.FieldDescriptor, typ protowire.Type, at span, depth int) bool {
	var body []byte
	switch typ {
	case protowire.BytesType:
		body, _ = protowire.ConsumeBytes(c.wire[at.value:at.end])
	case protowire.StartGroupType:
		body, _ = protowire.ConsumeGroup(fd.Number(), c.wire[at.value:at.end])
	default: // a number where a message belongs
		return true
	}
	if fd.IsMap() && w.s.Keys != nil && stringKeys(fd) {
		if key := mapKey(body); w.s.Keys(key) {
			w.leave(fd, "["+strconv.Quote(key)+"]")
			c.replace(at.start, at.end)
			return true
		}
	}
	if fd.IsMap() && fd.MapValue().Message() == nil {
		return true
	}
	w.trail = append(w.trail, fd)
	stripped, ok := w.body(fd, body, depth)
	w.trail = w.trail[:len(w.trail)-1]
	if !ok {
		return false
	}
	if len(stripped) == len(body) { // nothing was left out: what is left out makes it shorter
		return true
	}
	tag := c.wire[at.start:at.value]
	if typ == protowire.StartGroupType {
		c.replace(at.start, at.end, tag, protowire.AppendGroup(nil, fd.Number(), stripped))
		return true
	}
	c.replace(at.start, at.end, tag, protowire.AppendVarint(nil, uint64(len(stripped))), stripped)
	return true
}

// body strips the message in a field, or in the entry of a map.
func (w *walk) body(fd protoreflect.FieldDescriptor, body []byte, depth int) ([]byte, bool) {
	if !fd.IsMap() {
		return w.message(fd.Message(), body, depth+1)
	}
	c := copying{wire: body}
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

// any strips an Any, the message in which is looked into when its type is known.
func (w *walk) any(wire []byte, depth int) ([]byte, bool) {
	var url, value []byte
	for pos := 0; pos < len(wire); {
		num, typ, begins, end, ok := next(wire, pos)
		if !ok {
			return nil, false
		}
		if typ == protowire.BytesType {
			b, _ := protowire.ConsumeBytes(wire[begins:end])
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
		return wire, true
	}
	t, err := w.s.Types.FindMessageByURL(string(url))
	if err != nil {
		return wire, true
	}
	stripped, ok := w.message(t.Descriptor(), value, depth+1)
	if !ok || len(stripped) == len(value) {
		return wire, true
	}
	out := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), url)
	return protowire.AppendBytes(protowire.AppendTag(out, 2, protowire.BytesType), stripped), true
}
