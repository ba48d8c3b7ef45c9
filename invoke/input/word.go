package input

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/internal/boundfile"
)

// A word is a field and its value, as in "items[0].sku=a".
type word struct {
	index   int // of the part
	part    Part
	steps   []step
	value   int  // where the value begins in the text
	json    bool // it stands after ":="
	data    bool // the value comes from a list: it is text, and names no file
	content []byte
	loaded  bool // content is what the file that the value names contains
}

// isWord reports whether an argument is a word and not a document.
func isWord(s string) bool {
	_, _, _, ok := splitWord(s)
	return ok
}

func parseWord(index int, p Part) (*word, error) {
	steps, value, isJSON, _ := splitWord(p.Text)
	w := &word{index: index, part: p, steps: steps, value: value, json: isJSON}
	if !utf8.ValidString(p.Text) {
		return nil, w.fault(0, len(p.Text),
			"the text is not valid UTF-8; a file can give any bytes, as in "+p.Text[:steps[0].end]+"=@file")
	}
	return w, nil
}

// text is the value as it was typed.
func (w *word) text() string { return w.part.Text[w.value:] }

// null reports whether the value is null.
func (w *word) null() bool { return strings.TrimSpace(w.text()) == "null" }

// fault is the error of a place in the word.
func (w *word) fault(at, length int, problem string) *Error {
	return w.faults([]Fault{{Place: Place{Offset: int64(at), Length: length}, Problem: problem}})
}

// atStep is the error of a step of the path.
func (w *word) atStep(i int, format string, args ...any) *Error {
	st := w.steps[i]
	at := st.start
	if st.kind == stepField && at < st.end && w.part.Text[at] == '.' {
		at++
	}
	return w.fault(at, st.end-at, fmt.Sprintf(format, args...))
}

// atValue is the error of the value.
func (w *word) atValue(format string, args ...any) *Error {
	return w.fault(w.value, len(w.part.Text)-w.value, fmt.Sprintf(format, args...))
}

// faults completes the places of faults.
func (w *word) faults(faults []Fault) *Error {
	for i := range faults {
		f := &faults[i]
		f.Place = typedPlace(w.index, w.part.Text, int(f.Offset), f.Length)
	}
	return newError(w.index, w.part.Origin, "", faults)
}

// file returns the content of the file that the value names, and whether it names one.
func (w *word) file(o *Options) (content []byte, name string, isFile bool, err error) {
	name, isFile = strings.CutPrefix(w.text(), "@")
	if w.json || w.data || !isFile {
		return nil, "", false, nil
	}
	if w.loaded {
		return w.content, name, true, nil
	}
	if name == "" || name == "-" {
		return nil, "", true, w.atValue(
			`a word cannot read standard input; name a file, or write \@ for the sign itself`)
	}
	content, err = o.content(name)
	switch {
	case errors.As(err, new(*boundfile.SizeError)):
		return nil, "", true, w.atValue("a file of more than %s is too long", boundfile.Size(o.maxSize()))
	case err != nil:
		return nil, "", true, w.unreadable(name, err)
	}
	w.content, w.loaded = content, true
	return content, name, true, nil
}

func (w *word) unreadable(name string, err error) *Error {
	e := unreadable(w.part, w.index, name, err)
	e.Name = ""
	f := &e.Faults[0]
	f.Place = typedPlace(w.index, w.part.Text, w.value, len(w.part.Text)-w.value)
	f.Problem = fmt.Sprintf("reading %q: %s", name, f.Problem)
	return e
}

// checkDocument finds arguments that were probably not meant to be a document.
func checkDocument(index int, p Part, o *Options) error {
	if o.Format != FormatAuto && o.Format != FormatJSON {
		return nil
	}
	text := strings.TrimLeft(strings.TrimPrefix(p.Text, "\ufeff"), whiteSpace)
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "//") || strings.HasPrefix(text, "/*") {
		return nil
	}
	w := &word{index: index, part: p}
	if text == "" {
		return w.fault(0, len(p.Text),
			"an empty argument is neither a JSON document nor a word; {} is an empty message")
	}
	if steps, end, bad := scanPath(p.Text); strings.Contains(p.Text, "=") && text[0] != '"' && text[0] != '[' {
		if bad != nil {
			return w.fault(bad.offset, bad.length, bad.problem)
		}
		if end < len(p.Text) && len(steps) > 0 {
			_, n := utf8.DecodeRuneInString(p.Text[end:])
			return w.fault(end, n, fmt.Sprintf("%q cannot be part of a path, and %s= or %s:= is missing before it",
				p.Text[end:end+n], p.Text[:end], p.Text[:end]))
		}
	}
	if special(o.Message) {
		return nil
	}
	e := w.fault(0, len(p.Text), fmt.Sprintf("%q is neither a JSON document nor a word, as in field=value", p.Text))
	e.Faults[0].Suggestion = meant(p.Text, o)
	return e
}

// meant returns what a text that is neither a document nor a word was probably meant to be, ""
// for nothing.
func meant(text string, o *Options) string {
	if name, value, ok := strings.Cut(text, ":"); ok && fieldByName(o.Message, name) != nil {
		return name + "=" + strings.TrimSpace(value)
	}
	if o.Open == nil {
		if fi, err := os.Stat(text); err == nil && fi.Mode().IsRegular() {
			return "@" + text
		}
	}
	return ""
}

// special reports whether the JSON form of a message is not an object with its fields
// (https://protobuf.dev/programming-guides/json/).
func special(md protoreflect.MessageDescriptor) bool {
	return freeForm(md) || oneValue(md) || md.FullName() == "google.protobuf.Any"
}

// freeForm reports whether a message is a tree of any JSON values.
func freeForm(md protoreflect.MessageDescriptor) bool {
	switch md.FullName() {
	case "google.protobuf.Struct", "google.protobuf.ListValue", "google.protobuf.Value":
		return true
	}
	return false
}

// oneValue reports whether a message is one scalar in JSON.
func oneValue(md protoreflect.MessageDescriptor) bool {
	switch md.FullName() {
	case "google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask":
		return true
	}
	return wrapper(md)
}

// wrapper reports whether a message is a scalar with presence.
func wrapper(md protoreflect.MessageDescriptor) bool {
	switch md.FullName() {
	case "google.protobuf.DoubleValue", "google.protobuf.FloatValue", "google.protobuf.Int64Value",
		"google.protobuf.UInt64Value", "google.protobuf.Int32Value", "google.protobuf.UInt32Value",
		"google.protobuf.BoolValue", "google.protobuf.StringValue", "google.protobuf.BytesValue":
		return true
	}
	return false
}

// fieldByName finds a field by its name in the .proto file or in JSON.
func fieldByName(md protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	fields := md.Fields()
	if fd := fields.ByName(protoreflect.Name(name)); fd != nil {
		return fd
	}
	if fd := fields.ByJSONName(name); fd != nil {
		return fd
	}
	return fields.ByTextName(name)
}
