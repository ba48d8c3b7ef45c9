package complete

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/cmd/internal/redaction"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/input"
	"github.com/rpcctl/rpcctl/repl"
)

// A Form is a request to fill in: a document with a hole for each field that has no value.
type Form struct {
	ASCII  bool
	values map[string]json.RawMessage // values, by the JSON name of their field
	Meant  map[string]bool            // texts such as ${ENV:NAME}, which stay as they are
}

// requoted returns a document with its strings quoted as a person types them.
func (t Form) requoted(doc []byte) []byte {
	jsonString := regexp.MustCompile(`"(?:[^"\\]|\\.)*"`) // here, as compiling it would cost each start
	return jsonString.ReplaceAllFunc(doc, func(quoted []byte) []byte {
		var text string
		if json.Unmarshal(quoted, &text) != nil {
			return quoted
		}
		typed := repl.QuoteJSON(text)
		for e := range t.Meant {
			typed = strings.ReplaceAll(typed, strings.Trim(repl.QuoteJSON(e), `"`), e)
		}
		return []byte(typed)
	})
}

// Hole returns a hole to fill in, which says what belongs there.
func (t Form) Hole(what string) string { return repl.Hole(what, t.ASCII) }

// Message is the document of a message, whose lines but the first begin with an indent.
func (t Form) Message(md protoreflect.MessageDescriptor, indent string) (string, error) {
	if md.FullName() == anyName {
		return `{"@type": ` + t.Hole("type of the message") + `}`, nil
	}
	var rows []string
	done := map[protoreflect.FullName]bool{} // oneofs
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		oneof := fd.ContainingOneof()
		row := ""
		switch raw, ok := t.values[fd.JSONName()]; {
		case ok && FieldNamed(md, fd.JSONName()) == fd:
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
			row = t.Hole(string(oneof.Name()) + ": one of " + strings.Join(members(oneof), ", "))
		default:
			row = key(fd) + t.Value(fd)
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

// chosen reports whether a member of a oneof has a value.
func (t Form) chosen(o protoreflect.OneofDescriptor) bool {
	return slices.ContainsFunc(members(o), func(name string) bool { _, ok := t.values[name]; return ok })
}

func members(o protoreflect.OneofDescriptor) []string {
	var names []string
	for i := range o.Fields().Len() {
		names = append(names, o.Fields().Get(i).JSONName())
	}
	return names
}

// Value is the hole of a field, in the brackets that a list or map has.
func (t Form) Value(fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.IsMap():
		return "{" + t.Hole(fd.MapKey().Kind().String()+" key") + ": " + t.Hole(HoleName(fd.MapValue())) + "}"
	case fd.IsList():
		return "[" + t.Hole(HoleName(fd)) + "]"
	}
	return t.Hole(HoleName(fd))
}

// HoleName says what one value of a field is.
func HoleName(fd protoreflect.FieldDescriptor) string {
	switch md := fd.Message(); {
	case fd.Enum() != nil && fd.Enum().Values().Len() > 0:
		return string(fd.Enum().Values().Get(0).Name())
	case fd.Kind() == protoreflect.BoolKind:
		return "true or false"
	case md == nil:
		return fd.Kind().String()
	case ScalarForm(md) || md.FullName() == "google.protobuf.Struct":
		return string(md.Name())
	default:
		return string(md.Name()) + " …"
	}
}

// QuotedHole reports whether the value for a hole is a string in JSON: nobody should have to type its
// quotes (https://protobuf.dev/programming-guides/json/).
func QuotedHole(name string) bool {
	switch name {
	case "string", "bytes", "Timestamp", "Duration", "FieldMask", "StringValue", "BytesValue", "type of the message":
		return true
	}
	return strings.HasSuffix(name, " key")
}

// Fill is the request of a method to fill in, with the values of the parts.
func Fill(
	ctx context.Context, m protoreflect.MethodDescriptor, types invoke.Types, parts []input.Part, t Form,
) (string, error) {
	if len(parts) > 0 {
		source, err := input.New(parts, input.Options{
			ReadFile: boundfile.Reader(ctx), Message: m.Input(), Types: types, Streams: m.IsStreamingClient(),
			Secrets: redaction.OfInput(m.Input()),
		})
		if err != nil {
			return "", err
		}
		wire, err := source.Next(ctx)
		if err != nil && err != io.EOF {
			return "", err
		}
		text, err := transcode.NewEncoder(m.Input(), transcode.EncodeOptions{Types: types}).Append(nil, wire)
		if err != nil {
			return "", err
		}
		if json.Unmarshal(text, &t.values) != nil { // it is not an object, and stays as it is
			return string(t.requoted(text)), nil
		}
	}
	if ScalarForm(m.Input()) {
		return t.Hole(string(m.Input().Name())), nil
	}
	return t.Message(m.Input(), "")
}

// AtFirstHole returns a text with the cursor on its first hole.
func AtFirstHole(text string) repl.Line {
	if holes := repl.Holes(text); len(holes) > 0 {
		return repl.Line{Text: text, Cursor: holes[0].Start}
	}
	return repl.Line{Text: text, Cursor: len(text)}
}

// Untypeable says why there is no request to fill in.
const Untypeable = "a request to fill in would be more than one statement, by a name in the schema"
