package input

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// token is the JSON of a value that was typed as it is.
func (c *change) token(fd protoreflect.FieldDescriptor, w *word) (string, error) {
	text := w.text()
	switch fd.Kind() {
	case protoreflect.BoolKind:
		if text == "true" || text == "false" {
			return text, nil
		}
	case protoreflect.EnumKind:
		if _, err := strconv.ParseInt(text, 10, 64); err == nil {
			return text, nil
		}
		if text == "null" && fd.Enum().FullName() == "google.protobuf.NullValue" {
			return text, nil
		}
	case protoreflect.MessageKind, protoreflect.GroupKind:
		if md := fd.Message(); oneValue(md) || md.FullName() == "google.protobuf.Value" {
			return c.oneToken(md, w)
		}
		path := w.part.Text[:w.steps[len(w.steps)-1].end]
		return "", w.fault(0, len(path),
			fmt.Sprintf("%s is a message: set a field of it, as in %s%s=..., or all of it with %s:=JSON",
				name(fd), path, example(fd.Message()), path))
	}
	return quoteJSON(text), nil
}

// oneToken is the JSON of a message that is one value.
func (c *change) oneToken(md protoreflect.MessageDescriptor, w *word) (string, error) {
	if !wrapper(md) {
		if freeForm(md) && md.FullName() != "google.protobuf.Value" || md.FullName() == "google.protobuf.Any" {
			return "", w.atValue("%s needs JSON, after :=", md.FullName())
		}
		return quoteJSON(w.unescaped()), nil
	}
	fd := md.Fields().ByName("value")
	switch fd.Kind() {
	case protoreflect.StringKind:
		s, err := c.str(fd, w)
		return quoteJSON(s), err
	case protoreflect.BytesKind:
		b, err := c.bin(fd, w)
		return quoteJSON(base64.StdEncoding.EncodeToString(b)), err
	}
	return c.token(fd, w)
}

// unescaped is the value without the backslash of one that begins with "\@".
func (w *word) unescaped() string {
	s := w.text()
	if !w.data && strings.HasPrefix(s, `\@`) {
		return s[1:]
	}
	return s
}

// str reads text.
func (c *change) str(fd protoreflect.FieldDescriptor, w *word) (string, error) {
	content, file, isFile, err := w.file(c.o)
	if err != nil || !isFile {
		return w.unescaped(), err
	}
	if !utf8.Valid(content) {
		return "", w.atValue("%s wants UTF-8 text, which the content of %q is not", name(fd), file)
	}
	return string(content), nil
}

// bin reads bytes: a file, "0x" and hexadecimal digits, "text:" and text, or base64.
func (c *change) bin(fd protoreflect.FieldDescriptor, w *word) ([]byte, error) {
	content, _, isFile, err := w.file(c.o)
	if err != nil || isFile {
		return content, err
	}
	text := w.text()
	if digits, ok := strings.CutPrefix(text, "0x"); ok {
		b, err := hex.DecodeString(digits)
		if err != nil {
			return nil, w.atValue("%s wants pairs of hexadecimal digits after 0x, which %q is not", name(fd), digits)
		}
		return b, nil
	}
	if s, ok := strings.CutPrefix(text, "text:"); ok {
		return []byte(s), nil
	}
	plain := strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(text), "=")
	b, err := base64.RawStdEncoding.Strict().DecodeString(plain)
	if err != nil || strings.ContainsAny(plain, "\r\n") || len(text)-len(plain) > 2 {
		return nil, w.atValue(
			"%s wants bytes: base64, 0x and hexadecimal digits, text: and text, or @file, and %q is none of them", name(
				fd), text)
	}
	return b, nil
}

// removes reports whether a null removes the value of fd, or an element of it. It does not
// when null is a value, or text.
func removes(fd protoreflect.FieldDescriptor, w *word) bool {
	if fd.Message() != nil && fd.Message().FullName() == "google.protobuf.Value" ||
		fd.Enum() != nil && fd.Enum().FullName() == "google.protobuf.NullValue" {
		return false
	}
	if w.json {
		return true
	}
	kind := fd.Kind()
	if fd.Message() != nil && wrapper(fd.Message()) {
		kind = fd.Message().Fields().ByName("value").Kind()
	}
	return kind != protoreflect.StringKind && kind != protoreflect.BytesKind
}
