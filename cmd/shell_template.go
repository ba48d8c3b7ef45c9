package cmd

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/rpcctl/rpcctl/repl"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A template is a request to fill in: a document with a hole for each field that has no value.
type template struct {
	ascii bool
	given map[string]json.RawMessage // values, by the JSON name of their field
	meant map[string]bool            // what stands for something else and is to stay so: ${ENV:NAME}
}

// requoted is a document with its strings as they are typed.
func (t template) requoted(doc []byte) []byte {
	jsonString := regexp.MustCompile(`"(?:[^"\\]|\\.)*"`) // here, as compiling it would cost each start
	return jsonString.ReplaceAllFunc(doc, func(quoted []byte) []byte {
		var text string
		if json.Unmarshal(quoted, &text) != nil {
			return quoted
		}
		typed := repl.QuoteJSON(text)
		for e := range t.meant {
			typed = strings.ReplaceAll(typed, strings.Trim(repl.QuoteJSON(e), `"`), e)
		}
		return []byte(typed)
	})
}

func (t template) hole(what string) string { return repl.Hole(what, t.ascii) }

// message is the document of a message, whose lines but the first begin with an indent.
func (t template) message(md protoreflect.MessageDescriptor, indent string) (string, error) {
	if md.FullName() == anyName {
		return `{"@type": ` + t.hole("type of the message") + `}`, nil
	}
	var rows []string
	done := map[protoreflect.FullName]bool{} // oneofs
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		oneof := fd.ContainingOneof()
		row := ""
		switch raw, ok := t.given[fd.JSONName()]; {
		case ok && fieldNamed(md, fd.JSONName()) == fd:
			var b bytes.Buffer
			if err := json.Indent(&b, t.requoted(raw), indent+"  ", "  "); err != nil {
				return "", err
			}
			row = key(fd) + b.String()
		case oneof != nil && !oneof.IsSynthetic():
			if done[oneof.FullName()] || t.chosen(oneof) {
				continue
			}
			done[oneof.FullName()] = true
			row = t.hole(string(oneof.Name()) + ": one of " + strings.Join(members(oneof), ", "))
		default:
			row = key(fd) + t.value(fd)
		}
		rows = append(rows, indent+"  "+row)
	}
	if len(rows) == 0 {
		return "{}", nil
	}
	return "{\n" + strings.Join(rows, ",\n") + "\n" + indent + "}", nil
}

func key(fd protoreflect.FieldDescriptor) string {
	return repl.QuoteJSON(fieldName(fd, '"')) + ": "
}

// chosen tells whether a member of a oneof has a value.
func (t template) chosen(o protoreflect.OneofDescriptor) bool {
	return slices.ContainsFunc(members(o), func(name string) bool { _, ok := t.given[name]; return ok })
}

func members(o protoreflect.OneofDescriptor) []string {
	var names []string
	for i := range o.Fields().Len() {
		names = append(names, o.Fields().Get(i).JSONName())
	}
	return names
}

// value is the hole of a field, in the brackets that a list or map has.
func (t template) value(fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.IsMap():
		return "{" + t.hole(fd.MapKey().Kind().String()+" key") + ": " + t.hole(holeName(fd.MapValue())) + "}"
	case fd.IsList():
		return "[" + t.hole(holeName(fd)) + "]"
	}
	return t.hole(holeName(fd))
}

// holeName says what one value of a field is.
func holeName(fd protoreflect.FieldDescriptor) string {
	switch md := fd.Message(); {
	case fd.Enum() != nil && fd.Enum().Values().Len() > 0:
		return string(fd.Enum().Values().Get(0).Name())
	case fd.Kind() == protoreflect.BoolKind:
		return "true or false"
	case md == nil:
		return fd.Kind().String()
	case scalarForm(md) || md.FullName() == "google.protobuf.Struct":
		return string(md.Name())
	default:
		return string(md.Name()) + " …"
	}
}

// quotedHole tells of a hole that its value is a string in JSON, which is what nobody should
// have to type quotes for (https://protobuf.dev/programming-guides/json/).
func quotedHole(name string) bool {
	switch name {
	case "string", "bytes", "Timestamp", "Duration", "FieldMask", "StringValue", "BytesValue", "type of the message":
		return true
	}
	return strings.HasSuffix(name, " key")
}

// unfold is the message in place of the hole under the cursor, when it is one.
func (s *shell) unfold(l repl.Line) (string, bool) {
	before := l
	for _, h := range repl.Holes(l.Text) {
		if h.Start == l.Cursor {
			before = repl.Line{Text: l.Text[:h.Start] + l.Text[h.End:], Cursor: h.Start}
			if !strings.HasSuffix(repl.HoleName(l.Text, h), " …") {
				return "", false
			}
		}
	}
	p := s.spot(before)
	f, ok := s.locate(&p)
	if !ok || f.Want != repl.WantValue || f.field == nil {
		return "", false
	}
	md := f.field.Message()
	if f.field.IsMap() {
		md = f.field.MapValue().Message()
	}
	if md == nil {
		return "", false
	}
	row := l.Text[strings.LastIndexByte(l.Before(), '\n')+1 : l.Cursor]
	indent := row[:len(row)-len(strings.TrimLeft(row, " "))]
	text, err := template{ascii: !s.env.Unicode()}.message(md, indent)
	return text, err == nil && repl.Harmless(before.Text, before.Insert(text).Text)
}

// blank is the hole for the value at the cursor.
func (s *shell) blank(l repl.Line) string {
	p := s.spot(l)
	f, ok := s.locate(&p)
	switch {
	case !ok || f.Want != repl.WantValue || f.field == nil:
		return ""
	case f.element && f.field.IsMap():
		return template{ascii: !s.env.Unicode()}.hole(holeName(f.field.MapValue()))
	}
	return template{ascii: !s.env.Unicode()}.value(f.field)
}
