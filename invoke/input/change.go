package input

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// A change applies words to a message. It remembers what they set, since two words of one
// message must not set the same thing.
type change struct {
	dec       *decoders
	o         *Options
	number    int  // of the message in a client stream; 0 for none
	rehearsal bool // the message is a trial: nothing is known of lists and Anys
	news      int  // elements added in a rehearsal
	alone     bool // there is one word, so nothing needs to be remembered
	set       map[string]*word
	members   map[string]member // by oneof
}

// A member is the member of a oneof that a word has set.
type member struct {
	word *word
	path string
}

func newChange(dec *decoders, number int) *change {
	return &change{dec: dec, o: dec.o, number: number, set: map[string]*word{}, members: map[string]member{}}
}

// apply sets what w says in m. The error is an *Error.
func (c *change) apply(m protoreflect.Message, w *word) error {
	_, err := c.message(m, w, 0, "")
	if e, ok := err.(*Error); ok {
		e.Message = c.number
	}
	return err
}

// message applies step i of a word, and what follows it, to m. path is what led to m, in a
// spelling that every path to it shares. removed is set when the word removed a value and set
// none.
func (c *change) message(m protoreflect.Message, w *word, i int, path string) (removed bool, err error) {
	md := m.Descriptor()
	switch {
	case md.FullName() == "google.protobuf.Any":
		return c.inAny(m, w, i, path)
	case md.FullName() == "google.protobuf.Struct":
		return c.inStruct(m, w, i, path)
	case md.FullName() == "google.protobuf.Value":
		return c.inValue(m, w, i, path)
	case md.FullName() == "google.protobuf.ListValue":
		return c.inListValue(m, w, i, path)
	case oneValue(md) && i > 0:
		return false, w.atStep(i, "%s is one value, without fields of its own", md.FullName())
	case oneValue(md):
		return c.underValue(m, w, i, path)
	}
	return c.object(m, w, i, path)
}

// object applies step i, which names a field, to m.
func (c *change) object(m protoreflect.Message, w *word, i int, path string) (removed bool, err error) {
	md := m.Descriptor()
	fd, err := c.field(md, w, i)
	if err != nil {
		return false, err
	}
	if path != "" {
		path += "."
	}
	path += fd.TextName()
	had := m.Has(fd)
	removed, err = c.inField(m, fd, w, i, path)
	if err != nil {
		return false, err
	}
	if !removed {
		return false, c.member(fd, w, path)
	}
	if !had {
		m.Clear(fd) // it was made on the way to something that does not exist
	}
	return true, nil
}

// field finds the field that step i names.
func (c *change) field(md protoreflect.MessageDescriptor, w *word, i int) (protoreflect.FieldDescriptor, error) {
	st := w.steps[i]
	switch st.kind {
	case stepExt:
		xt, err := c.o.types().FindExtensionByName(protoreflect.FullName(st.name))
		if err != nil || xt.TypeDescriptor().ContainingMessage().FullName() != md.FullName() {
			return nil, w.atStep(i, "%s has no extension %s", md.Name(), st.name)
		}
		return xt.TypeDescriptor(), nil
	case stepType:
		return nil, w.atStep(i, "%s is not an Any, and has no @type", md.Name())
	case stepBracket, stepQuoted:
		return nil, w.atStep(i, "%s is a message: its fields come after a dot, as in %s", md.Name(), example(md))
	}
	if fd := fieldByName(md, st.name); fd != nil {
		return fd, nil
	}
	e := w.atStep(i, "%s has no field %q", md.Name(), st.name)
	// The decoder words the error, and finds the near name.
	if _, err := c.dec.of(md, true).Append(nil, []byte("{"+quoteJSON(st.name)+":null}")); err != nil {
		if f := jsonFaults(err)[0]; f.Problem != "" {
			e.Faults[0].Problem, e.Faults[0].Suggestion = f.Problem, f.Suggestion
		}
	}
	return nil, e
}

// example is the path of some field of a message.
func example(md protoreflect.MessageDescriptor) string {
	if md.Fields().Len() > 0 {
		return "." + md.Fields().Get(0).TextName()
	}
	return ".name"
}

// inField applies what follows the name of a field.
func (c *change) inField(
	m protoreflect.Message, fd protoreflect.FieldDescriptor, w *word, i int, path string,
) (bool, error) {
	last := i == len(w.steps)-1
	switch {
	case last:
		return c.whole(m, fd, w, path)
	case fd.IsList():
		return c.element(m, fd, w, i+1, path)
	case fd.IsMap():
		return c.entry(m, fd, w, i+1, path)
	case fd.Message() == nil:
		return false, w.atStep(i+1, "%s is %s, which has nothing inside", name(fd), typeOf(fd))
	}
	return c.message(m.Mutable(fd).Message(), w, i+1, path)
}

// whole sets or removes a whole field.
func (c *change) whole(m protoreflect.Message, fd protoreflect.FieldDescriptor, w *word, path string) (bool, error) {
	if w.null() && (fd.IsList() || fd.IsMap() || removes(fd, w)) {
		m.Clear(fd)
		c.forget(path)
		return true, nil
	}
	if (fd.IsList() || fd.IsMap()) && !w.json {
		if fd.IsMap() {
			return false, w.atStep(len(w.steps)-1, "%s is a map: %s[key]=... sets an element, and %s:=JSON all of it",
				name(fd), path, path)
		}
		return false, w.atStep(len(w.steps)-1, "%s is a list: %s[]=... adds an element, and %s:=JSON sets all of it",
			name(fd), path, path)
	}
	v, ok, err := c.value(m, fd, w, slot{kind: inField})
	if err != nil {
		return false, err
	}
	if ok {
		m.Set(fd, v)
	} else {
		m.Clear(fd) // an empty list or map
	}
	return false, c.once(path, w)
}

// once notes that w has set the place at path. It is an error when another word has, or
// has set something inside it.
func (c *change) once(path string, w *word) error {
	if c.alone {
		return nil
	}
	for was, by := range c.set {
		if was != path && !inside(was, path) {
			continue
		}
		e := w.fault(0, len(w.part.Text), fmt.Sprintf("%s replaces what %s has set", path, by.part.Text))
		if was == path {
			e.Faults[0].Problem = path + " is set twice"
		}
		c.also(e, by)
		return e
	}
	c.set[path] = w
	return nil
}

// member notes that w has set a member of a oneof, or something in it. It is an error
// when another word has set another member.
func (c *change) member(fd protoreflect.FieldDescriptor, w *word, path string) error {
	od := fd.ContainingOneof()
	if c.alone || od == nil || od.IsSynthetic() {
		return nil
	}
	key := strings.TrimSuffix(path, fd.TextName()) + string(od.Name())
	was, ok := c.members[key]
	if !ok {
		c.members[key] = member{w, path}
		return nil
	}
	if was.path == path {
		return nil
	}
	e := w.fault(0, len(w.part.Text), fmt.Sprintf("%s.%s has one member, and %s has been set before %s",
		fd.ContainingMessage().Name(), od.Name(), was.path, path))
	c.also(e, was.word)
	return e
}

// also adds the place of an earlier word to an error.
func (c *change) also(e *Error, by *word) {
	p := typedPlace(by.index, by.part.Text, 0, len(by.part.Text))
	e.Faults[0].Also, e.Faults[0].AlsoOrigin = &p, by.part.Origin
}

// forget drops what was noted of a path and what is inside it.
func (c *change) forget(path string) {
	for p := range c.set {
		if p == path || inside(p, path) {
			delete(c.set, p)
		}
	}
	for key, m := range c.members {
		if m.path == path || inside(m.path, path) {
			delete(c.members, key)
		}
	}
}

// inside reports whether a path is that of something inside another.
func inside(path, outer string) bool {
	return len(path) > len(outer) && strings.HasPrefix(path, outer) &&
		(path[len(outer)] == '.' || path[len(outer)] == '[')
}

// name returns a field as messages show it: "Order.items".
func name(fd protoreflect.FieldDescriptor) string {
	if fd.IsExtension() {
		return "[" + string(fd.FullName()) + "]"
	}
	return string(fd.ContainingMessage().Name()) + "." + string(fd.Name())
}

// typeOf is the type of a field's value, as in the .proto file.
func typeOf(fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.Message() != nil:
		return string(fd.Message().FullName())
	case fd.Enum() != nil:
		return string(fd.Enum().FullName())
	}
	return fd.Kind().String()
}
