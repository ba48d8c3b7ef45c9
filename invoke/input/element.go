package input

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// element sets, removes or goes into an element of a list.
func (c *change) element(m protoreflect.Message, fd protoreflect.FieldDescriptor, w *word, i int, path string) (bool, error) {
	list := m.Mutable(fd).List()
	n, err := c.index(list, name(fd), w, i)
	if err != nil {
		return false, err
	}
	path += "[" + strconv.Itoa(n) + "]"
	if i < len(w.steps)-1 {
		if fd.Message() == nil {
			return false, w.atStep(i+1, "an element of %s is %s, which has nothing inside", name(fd), typeOf(fd))
		}
		if n == list.Len() {
			list.AppendMutable()
		}
		// The element stays, even when nothing in it is set: others may count on its place.
		_, err := c.message(list.Get(n).Message(), w, i+1, path)
		return false, err
	}
	if w.null() && removes(fd, w) {
		if n == list.Len() {
			return true, nil
		}
		for k := n + 1; k < list.Len(); k++ {
			list.Set(k-1, list.Get(k))
		}
		list.Truncate(list.Len() - 1)
		c.forget(path[:strings.LastIndexByte(path, '[')]) // the elements after it have moved
		return true, nil
	}
	v, _, err := c.value(m, fd, w, spot{kind: inElement})
	if err != nil {
		return false, err
	}
	put(list, n, v)
	return false, c.once(path, w)
}

// put sets an element of a list, or adds one when n is the length.
func put(list protoreflect.List, n int, v protoreflect.Value) {
	if n == list.Len() {
		list.Append(v)
	} else {
		list.Set(n, v)
	}
}

// index reads the index of a list element; the length of the list means a new one.
func (c *change) index(list protoreflect.List, owner string, w *word, i int) (int, error) {
	st := w.steps[i]
	if st.kind == stepBracket && (st.name == "" || st.name == "+") {
		return list.Len(), nil
	}
	n, err := strconv.Atoi(st.name)
	if st.kind != stepBracket || err != nil {
		return 0, w.atStep(i, "%s is a list: its elements are [0], [1], ..., [-1] for the last, and [+] for a new one", owner)
	}
	at := n
	if n < 0 {
		at += list.Len()
	}
	switch {
	case at >= 0 && at <= list.Len():
		return at, nil
	case c.rehearsal:
		return list.Len(), nil
	case list.Len() == 0:
		return 0, w.atStep(i, "%s is empty; [+] is a new element", owner)
	case list.Len() == 1:
		return 0, w.atStep(i, "%s has one element, [0]; [+] is a new one", owner)
	}
	return 0, w.atStep(i, "%s has %d elements, [0] to [%d]; [+] is a new one", owner, list.Len(), list.Len()-1)
}

// entry sets, removes or goes into an element of a map.
func (c *change) entry(m protoreflect.Message, fd protoreflect.FieldDescriptor, w *word, i int, path string) (bool, error) {
	st := w.steps[i]
	if st.kind != stepBracket && st.kind != stepQuoted {
		return false, w.atStep(i, "%s is a map: its elements are %s[key]", name(fd), fd.TextName())
	}
	key, err := c.key(m, fd, w, i)
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
	v, _, err := c.value(m, fd, w, spot{kind: inEntry, key: key})
	if err != nil {
		return false, err
	}
	entries.Set(key, v)
	return false, c.once(path, w)
}

// key reads the key of a map element.
func (c *change) key(m protoreflect.Message, fd protoreflect.FieldDescriptor, w *word, i int) (protoreflect.MapKey, error) {
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
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind, protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
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
