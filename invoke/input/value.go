package input

import (
	"context"
	"io"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/internal/transcode"
)

// decoders are the JSON decoders of the messages that words go into, made when needed.
type decoders struct {
	o  *Options
	by map[decoderKey]*transcode.Decoder
}

type decoderKey struct {
	md      protoreflect.MessageDescriptor
	lenient bool
}

func newDecoders(o *Options) *decoders {
	return &decoders{o: o, by: map[decoderKey]*transcode.Decoder{}}
}

// of returns the decoder of a message. Unknown names are errors for it.
func (d *decoders) of(md protoreflect.MessageDescriptor, lenient bool) *transcode.Decoder {
	key := decoderKey{md, lenient}
	if d.by[key] == nil {
		d.by[key] = transcode.NewDecoder(md,
			transcode.DecodeOptions{Types: d.o.types(), Lenient: lenient, Now: d.o.Now})
	}
	return d.by[key]
}

// A slot is where in a message a value goes.
type slot struct {
	kind spotKind
	key  protoreflect.MapKey // of an entry
}

type spotKind uint8

const (
	inField   spotKind = iota // a whole field
	inElement                 // an element of a list
	inEntry                   // an element of a map
	inKey                     // under a key of a Struct
	inItem                    // an element of a ListValue
	inNothing                 // the message itself
)

// around returns what to put before and behind the JSON of a value to make it a document.
func (s slot) around(fd protoreflect.FieldDescriptor) (prefix, suffix string) {
	// The line feed ends a comment at the end of the value.
	switch s.kind {
	case inNothing:
		return "", "\n"
	case inKey:
		return "{" + quoteJSON(s.key.String()) + ":", "\n}"
	case inItem:
		return "[", "\n]"
	}
	field := fd.JSONName()
	if fd.IsExtension() {
		field = "[" + string(fd.FullName()) + "]"
	}
	prefix = "{" + quoteJSON(field) + ":"
	switch s.kind {
	case inElement:
		return prefix + "[", "\n]}"
	case inEntry:
		return prefix + "{" + quoteJSON(s.key.String()) + ":", "\n}}"
	}
	return prefix, "\n}"
}

// value reads the value of a word for a field of m. ok is false for an empty list or map.
// Everything but text and bytes goes through the decoder of JSON documents, so that words
// and documents take the same values and have the same errors.
func (c *change) value(
	m protoreflect.Message, fd protoreflect.FieldDescriptor, w *word, s slot,
) (v protoreflect.Value, ok bool, err error) {
	elem := fd
	if fd.IsMap() {
		elem = fd.MapValue()
	}
	token, lenient := w.text(), !c.o.Strict
	if !w.json {
		lenient = true // what was typed is not JSON
		if v, ok, err = c.direct(m, fd, elem, w); ok || err != nil {
			return v, ok, err
		}
		if token, err = c.token(elem, w); err != nil {
			return v, false, err
		}
	}
	prefix, suffix := s.around(fd)
	wire, err := c.decode(m.Descriptor(), w, token, prefix, suffix, lenient)
	if err != nil {
		return v, false, err
	}
	fresh := m.New()
	if err := (proto.UnmarshalOptions{AllowPartial: true, Resolver: c.o.types()}).Unmarshal(wire,
		fresh.Interface()); err != nil {
		return v, false, w.atValue("%s", err)
	}
	switch s.kind {
	case inField:
		return fresh.Get(fd), fresh.Has(fd) || !fd.HasPresence() && !fd.IsList() && !fd.IsMap(), nil
	case inElement, inItem:
		if list := fresh.Get(fd).List(); list.Len() == 1 {
			return list.Get(0), true, nil
		}
	default:
		if entries := fresh.Get(fd).Map(); entries.Has(s.key) {
			return entries.Get(s.key), true, nil
		}
	}
	return v, false, w.atValue("%s cannot be an element of %s", w.text(), name(fd))
}

// document reads the value of a word as a whole message that is one value in JSON.
func (c *change) document(md protoreflect.MessageDescriptor, w *word) ([]byte, error) {
	token, lenient := w.text(), !c.o.Strict
	if !w.json {
		lenient = true
		var err error
		if token, err = c.oneToken(md, w); err != nil {
			return nil, err
		}
	}
	prefix, suffix := slot{kind: inNothing}.around(nil)
	return c.decode(md, w, token, prefix, suffix, lenient)
}

// decode decodes a value within the JSON around it. The places of faults are in the word.
func (c *change) decode(
	md protoreflect.MessageDescriptor, w *word, token, prefix, suffix string, lenient bool,
) ([]byte, error) {
	if w.json {
		var err error
		if token, err = w.single(lenient); err != nil {
			return nil, err
		}
	}
	wire, err := c.dec.of(md, lenient).Append([]byte{}, []byte(prefix+token+suffix))
	if err == nil {
		return wire, nil
	}
	faults := jsonFaults(err)
	for i := range faults {
		f := &faults[i]
		f.Path = w.part.Text[:w.steps[len(w.steps)-1].end]
		at := int(f.Offset) - len(prefix)
		if !w.json || at < 0 {
			f.Offset, f.Length, f.Incomplete = int64(w.value), len(w.part.Text)-w.value, false
			continue
		}
		if at >= len(token) {
			at, f.Length, f.Incomplete = len(token), 0, true
			f.Problem = "the JSON value ends too early" // and not that something is missing before our own bracket
		}
		f.Offset, f.Length = int64(w.value+at), min(f.Length, len(token)-at)
	}
	return nil, w.faults(faults)
}

// single returns the one JSON value that stands after ":=". The value is put into other JSON,
// which it must not be able to close.
func (w *word) single(lenient bool) (string, error) {
	text := w.text()
	s := transcode.Splitter{Lenient: lenient}
	n, done := s.Feed([]byte(text))
	if !done && !s.Pending() {
		return "", w.atValue("the JSON value is missing after :=")
	}
	rest := text[n:]
	more := transcode.Splitter{Lenient: lenient}
	if _, another := more.Feed([]byte(rest)); another || more.Pending() {
		at := n + len(rest) - len(strings.TrimLeft(rest, whiteSpace))
		return "", w.fault(w.value+at, len(text)-at, "there is text after the end of the JSON value")
	}
	return text[:n], nil
}

// direct reads what needs no JSON: text, bytes, and files.
func (c *change) direct(
	m protoreflect.Message, fd, elem protoreflect.FieldDescriptor, w *word,
) (v protoreflect.Value, ok bool, err error) {
	switch {
	case elem.Kind() == protoreflect.StringKind:
		s, err := c.str(elem, w)
		return protoreflect.ValueOfString(s), err == nil, err
	case elem.Kind() == protoreflect.BytesKind:
		b, err := c.bin(elem, w)
		return protoreflect.ValueOfBytes(b), err == nil, err
	case elem.Message() == nil || wrapper(elem.Message()) || elem.Message().FullName() == "google.protobuf.Value":
		return v, false, nil
	}
	content, file, isFile, err := w.file(c.o)
	if !isFile || err != nil {
		return v, false, err
	}
	o := *c.o
	o.Message, o.Streams, o.json = elem.Message(), false, nil
	if o.Format == FormatAuto {
		o.Format = FormatOf(file)
	}
	d := newDocuments(w.part, w.index, file, feedOf(content), o.Format, &o)
	wire, err := d.only(context.Background())
	if err == io.EOF {
		return v, false, w.atValue("%q is empty, and has no %s", file, elem.Message().FullName())
	}
	if err != nil {
		return v, false, err
	}
	switch {
	case fd.IsList():
		v = m.Mutable(fd).List().NewElement()
	case fd.IsMap():
		v = m.Mutable(fd).Map().NewValue()
	default:
		v = m.NewField(fd)
	}
	if err := (proto.UnmarshalOptions{AllowPartial: true, Resolver: c.o.types()}).Unmarshal(wire,
		v.Message().Interface()); err != nil {
		return v, false, w.atValue("%q is not a %s: %s", file, elem.Message().FullName(), err)
	}
	return v, true, nil
}
