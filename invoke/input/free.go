package input

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// inAny applies step i to the message in an Any.
func (c *change) inAny(m protoreflect.Message, w *word, i int, path string) (bool, error) {
	fields := m.Descriptor().Fields()
	urlField, valueField := fields.ByName("type_url"), fields.ByName("value")
	if w.steps[i].kind == stepType {
		return false, c.setType(m, w, i, path)
	}
	url := m.Get(urlField).String()
	if url == "" {
		if c.rehearsal {
			return false, nil
		}
		return false, w.atStep(i, "%s is an Any without a type; give %s first", before(w, i),
			join(before(w, i), "@type=pkg.Message"))
	}
	mt, err := c.o.types().FindMessageByURL(url)
	if err != nil {
		return false, w.atStep(i, "the schema has no message %q, the type of this Any", url)
	}
	inner := mt.New()
	err = proto.UnmarshalOptions{AllowPartial: true, Resolver: c.o.types()}.Unmarshal(m.Get(valueField).Bytes(),
		inner.Interface())
	if err != nil {
		return false, w.atStep(i, "the value of this Any is not a %s: %s", url, err)
	}
	removed, err := c.packed(inner, w, i, path+".("+string(mt.Descriptor().FullName())+")")
	if err != nil {
		return false, err
	}
	packed, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(inner.Interface())
	if err != nil {
		return false, w.atStep(i, "%s", err)
	}
	m.Set(valueField, protoreflect.ValueOfBytes(packed))
	return removed, nil
}

// setType sets the type of an Any, and drops the value of another type.
func (c *change) setType(m protoreflect.Message, w *word, i int, path string) error {
	if i < len(w.steps)-1 {
		return w.atStep(i+1, "@type has nothing inside")
	}
	url := w.text()
	if !strings.Contains(url, "/") {
		url = "type.googleapis.com/" + url
	}
	if _, err := c.o.types().FindMessageByURL(url); err != nil {
		return w.atValue("the schema has no message %q", w.text())
	}
	fields := m.Descriptor().Fields()
	if urlField := fields.ByName("type_url"); m.Get(urlField).String() != url {
		m.Clear(fields.ByName("value"))
		m.Set(urlField, protoreflect.ValueOfString(url))
	}
	return c.once(path+".@type", w)
}

// packed applies step i to the message that was in an Any. A type whose JSON is not an object
// with its fields is reached by "value", as in JSON.
func (c *change) packed(inner protoreflect.Message, w *word, i int, path string) (bool, error) {
	if special(inner.Descriptor()) {
		return c.underValue(inner, w, i, path)
	}
	return c.object(inner, w, i, path)
}

// underValue applies step i, which must be "value" and means m itself.
func (c *change) underValue(m protoreflect.Message, w *word, i int, path string) (bool, error) {
	md := m.Descriptor()
	if st := w.steps[i]; st.kind != stepField || st.name != "value" {
		return false, w.atStep(i, "a %s is under value, as in %s", md.FullName(), join(before(w, i), "value"))
	}
	if i < len(w.steps)-1 {
		return c.message(m, w, i+1, path)
	}
	wire, err := c.document(md, w)
	if err != nil {
		return false, err
	}
	proto.Reset(m.Interface())
	if err := (proto.UnmarshalOptions{AllowPartial: true, Resolver: c.o.types()}).Unmarshal(wire,
		m.Interface()); err != nil {
		return false, w.atValue("%s", plain(err))
	}
	return false, c.once(path, w)
}

// inStruct applies step i to an object of any JSON values.
func (c *change) inStruct(m protoreflect.Message, w *word, i int, path string) (bool, error) {
	st := w.steps[i]
	if st.kind == stepExt {
		return false, w.atStep(i, "an object of any values has no extensions")
	}
	fd := m.Descriptor().Fields().ByName("fields")
	entries := m.Mutable(fd).Map()
	key := protoreflect.ValueOfString(st.name).MapKey()
	path = join(path, strconv.Quote(st.name))
	if i < len(w.steps)-1 {
		return c.inValue(entries.Mutable(key).Message(), w, i+1, path)
	}
	v, _, err := c.value(m, fd, w, slot{kind: inKey, key: key})
	if err != nil {
		return false, err
	}
	entries.Set(key, v)
	return false, c.once(path, w)
}

// inValue applies step i to any JSON value, which becomes an object or a list if there is
// none yet.
func (c *change) inValue(m protoreflect.Message, w *word, i int, path string) (bool, error) {
	md := m.Descriptor()
	which := m.WhichOneof(md.Oneofs().ByName("kind"))
	object, list := md.Fields().ByName("struct_value"), md.Fields().ByName("list_value")
	want := object
	if st := w.steps[i]; st.kind == stepBracket && which != object {
		if _, err := strconv.Atoi(st.name); err == nil || st.name == "" || st.name == "+" {
			want = list
		}
	}
	if which != nil && which != want && which.Name() != "null_value" {
		kind := strings.TrimSuffix(string(which.Name()), "_value")
		return false, w.atStep(i, "%s is a %s, which has no %s", before(w, i),
			strings.ReplaceAll(kind, "struct", "object"), w.steps[i].name)
	}
	inner := m.Mutable(want).Message()
	if want == list {
		return c.inListValue(inner, w, i, path)
	}
	return c.inStruct(inner, w, i, path)
}

// inListValue applies step i to a list of any JSON values.
func (c *change) inListValue(m protoreflect.Message, w *word, i int, path string) (bool, error) {
	fd := m.Descriptor().Fields().ByName("values")
	list := m.Mutable(fd).List()
	n, label, err := c.index(list, before(w, i), w, i)
	if err != nil {
		return false, err
	}
	path += label
	if i < len(w.steps)-1 {
		return c.inValue(c.elementAt(list, n), w, i+1, path)
	}
	v, _, err := c.value(m, fd, w, slot{kind: inItem})
	if err != nil {
		return false, err
	}
	c.put(list, n, v)
	return false, c.once(path, w)
}

// before is the path as typed before step i, "the message" at the start.
func before(w *word, i int) string {
	if i == 0 {
		return "the message"
	}
	return w.part.Text[:w.steps[i].start]
}

// join adds a step to a path.
func join(path, step string) string {
	if path == "" || path == "the message" {
		return step
	}
	return path + "." + step
}
