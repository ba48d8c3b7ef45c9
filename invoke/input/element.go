package input

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// element sets, removes or goes into an element of a list.
func (c *change) element(
	m protoreflect.Message, fd protoreflect.FieldDescriptor, w *word, i int, path string,
) (bool, error) {
	list := m.Mutable(fd).List()
	n, label, err := c.index(list, name(fd), w, i)
	if err != nil {
		return false, err
	}
	path += label
	if i < len(w.steps)-1 {
		if fd.Message() == nil {
			return false, w.atStep(i+1, "an element of %s is %s, which has nothing inside", name(fd), typeOf(fd))
		}
		// The element stays even when nothing in it is set, since others may count on its
		// place.
		_, err := c.message(c.elementAt(list, n), w, i+1, path)
		return false, err
	}
	if w.null() && removes(fd, w) {
		if c.rehearsal || n == list.Len() {
			return true, nil
		}
		for k := n + 1; k < list.Len(); k++ {
			list.Set(k-1, list.Get(k))
		}
		list.Truncate(list.Len() - 1)
		c.forget(path[:strings.LastIndexByte(path, '[')]) // the elements after it have moved
		return true, nil
	}
	v, _, err := c.value(m, fd, w, slot{kind: inElement})
	if err != nil {
		return false, err
	}
	c.put(list, n, v)
	return false, c.once(path, w)
}

// elementAt returns the element of a list that is a message, a new one when n is the length. In a
// rehearsal elements do not exist, and it is always a new one.
func (c *change) elementAt(list protoreflect.List, n int) protoreflect.Message {
	switch {
	case c.rehearsal:
		return list.NewElement().Message()
	case n == list.Len():
		return list.AppendMutable().Message()
	}
	return list.Get(n).Message()
}

// put sets an element of a list, or adds one when n is the length.
func (c *change) put(list protoreflect.List, n int, v protoreflect.Value) {
	switch {
	case c.rehearsal:
	case n == list.Len():
		list.Append(v)
	default:
		list.Set(n, v)
	}
}

// index reads the index of a list element; the length of the list means a new one. label
// is the same for two words if they mean the same element.
func (c *change) index(list protoreflect.List, owner string, w *word, i int) (n int, label string, err error) {
	st := w.steps[i]
	isNew := st.kind == stepBracket && (st.name == "" || st.name == "+")
	n, err = strconv.Atoi(st.name)
	if !isNew && (st.kind != stepBracket || err != nil) {
		return 0, "", w.atStep(i,
			"%s is a list: its elements are [0], [1], ..., [-1] for the last, and [+] for a new one", owner)
	}
	switch {
	case c.rehearsal && isNew:
		c.news++
		return 0, fmt.Sprintf("[+%d]", c.news), nil
	case c.rehearsal:
		return 0, fmt.Sprintf("[%d]", n), nil
	case isNew:
		n = list.Len()
	case n < 0:
		n += list.Len()
	}
	if n >= 0 && n <= list.Len() {
		return n, fmt.Sprintf("[%d]", n), nil
	}
	switch list.Len() {
	case 0:
		return 0, "", w.atStep(i, "%s is empty; [+] is a new element", owner)
	case 1:
		return 0, "", w.atStep(i, "%s has one element, [0]; [+] is a new one", owner)
	}
	return 0, "", w.atStep(i, "%s has %d elements, [0] to [%d]; [+] is a new one", owner, list.Len(), list.Len()-1)
}

// entry sets, removes or goes into an element of a map.
func (c *change) entry(
	m protoreflect.Message, fd protoreflect.FieldDescriptor, w *word, i int, path string,
) (bool, error) {
	st := w.steps[i]
	if st.kind != stepBracket && st.kind != stepQuoted {
		return false, w.atStep(i, "%s is a map: its elements are %s[key]", name(fd), fd.TextName())
	}
	key, err := c.key(fd, w, i)
	if err != nil {
		return false, err
	}
	entries := m.Mutable(fd).Map()
	path += "[" + strconv.Quote(key.String()) + "]"
	elem := fd.MapValue()
	had := entries.Has(key)
	if i < len(w.steps)-1 {
		if elem.Message() == nil {
			return false, w.atStep(i+1, "an element of %s is %s, which has nothing inside", name(fd), typeOf(elem))
		}
		removed, err := c.message(entries.Mutable(key).Message(), w, i+1, path)
		if removed && !had {
			entries.Clear(key)
		}
		return removed, err
	}
	if w.null() && removes(elem, w) {
		entries.Clear(key)
		c.forget(path)
		return true, nil
	}
	v, _, err := c.value(m, fd, w, slot{kind: inEntry, key: key})
	if err != nil {
		return false, err
	}
	entries.Set(key, v)
	return false, c.once(path, w)
}

// key reads the key of a map element.
func (c *change) key(fd protoreflect.FieldDescriptor, w *word, i int) (protoreflect.MapKey, error) {
	st := w.steps[i]
	kind := fd.MapKey().Kind()
	if kind == protoreflect.StringKind {
		return protoreflect.ValueOfString(st.name).MapKey(), nil
	}
	bad := func() (protoreflect.MapKey, error) {
		return protoreflect.MapKey{}, w.atStep(i, "a key of %s is %s, which %q is not", name(fd), kind, st.name)
	}
	bits := 64
	switch kind {
	case protoreflect.BoolKind:
		if st.name != "true" && st.name != "false" {
			return bad()
		}
		return protoreflect.ValueOfBool(st.name == "true").MapKey(), nil
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind, protoreflect.Uint32Kind,
		protoreflect.Fixed32Kind:
		bits = 32
	}
	switch kind {
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		n, err := strconv.ParseUint(st.name, 10, bits)
		switch {
		case err != nil:
			return bad()
		case bits == 32:
			return protoreflect.ValueOfUint32(uint32(n)).MapKey(), nil
		}
		return protoreflect.ValueOfUint64(n).MapKey(), nil
	}
	n, err := strconv.ParseInt(st.name, 10, bits)
	switch {
	case err != nil:
		return bad()
	case bits == 32:
		return protoreflect.ValueOfInt32(int32(n)).MapKey(), nil
	}
	return protoreflect.ValueOfInt64(n).MapKey(), nil
}
