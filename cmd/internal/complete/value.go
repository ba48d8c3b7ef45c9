package complete

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/repl"
)

// values are what a field can be set to.
func (f *Cursor) values() []repl.Candidate {
	fd := f.Field
	switch {
	case f.typeURL:
		return f.typeURLs()
	case fd == nil:
		return nil
	}
	if f.JSON && !f.Element {
		switch {
		case fd.IsMap():
			return AppendMatch(nil, f.Prefix, "{", FieldType(fd))
		case fd.IsList():
			return AppendMatch(nil, f.Prefix, "[", FieldType(fd))
		}
	}
	if fd.IsMap() {
		fd = fd.MapValue()
	}
	switch {
	case fd.Enum() != nil:
		return f.enumValues(fd.Enum())
	case fd.Kind() == protoreflect.BoolKind:
		return AppendMatch(AppendMatch(nil, f.Prefix, "true", ""), f.Prefix, "false", "")
	case fd.Message() != nil:
		return f.messageValues(fd.Message())
	case fd.Kind() == protoreflect.StringKind && f.Seen != nil && !f.Secret(string(fd.Name())):
		return f.seenValues(fd.JSONName())
	}
	return nil
}

// enumValues are the names of an enum: without the prefix that all share in a word, in quotes
// in a document.
func (f *Cursor) enumValues(ed protoreflect.EnumDescriptor) []repl.Candidate {
	shared := ""
	if !f.JSON {
		shared = sharedPrefix(ed)
	}
	var items []repl.Candidate
	for i := range ed.Values().Len() {
		v := ed.Values().Get(i)
		full := string(v.Name())
		name := strings.TrimPrefix(full, shared)
		about := fmt.Sprint(v.Number())
		if c := Comment(v); c != "" {
			about += " " + c
		}
		prefix := strings.ToUpper(f.Prefix)
		if !strings.HasPrefix(name, prefix) && !strings.HasPrefix(full, prefix) &&
			!strings.HasPrefix(strings.TrimPrefix(full, sharedPrefix(ed)), prefix) {
			continue
		}
		if !strings.HasPrefix(name, prefix) {
			name = full
		}
		if f.JSON {
			name = full
		}
		if text, ok := f.typed(name); ok {
			items = append(items, repl.Candidate{Text: text, About: about})
		} else {
			f.Unfit++
		}
	}
	return items
}

// sharedPrefix is what the names of an enum all begin with, up to an underscore.
func sharedPrefix(ed protoreflect.EnumDescriptor) string {
	p := ""
	for i := range ed.Values().Len() {
		name := string(ed.Values().Get(i).Name())
		if i == 0 {
			p = name
		}
		for !strings.HasPrefix(name, p) || !strings.HasSuffix(p, "_") && p != "" {
			p = p[:strings.LastIndexByte(strings.TrimSuffix(p, "_"), '_')+1]
			if p == "" {
				return ""
			}
		}
	}
	return p
}

// messageValues begin a message, or are one that is written as a value.
func (f *Cursor) messageValues(md protoreflect.MessageDescriptor) []repl.Candidate {
	quote := func(v string) string {
		if f.JSON {
			return f.closed(`"` + v + `"`)
		}
		return v
	}
	prefix := f.Prefix
	if f.Quote != 0 {
		prefix = string(f.Quote) + f.Prefix
	}
	switch md.FullName() {
	case "google.protobuf.Timestamp":
		now := f.Now().UTC()
		items := AppendMatch(nil, prefix, quote(now.Format("2006-01-02T15:04:05Z")), "this second")
		items = AppendMatch(items, prefix, quote(now.Format("2006-01-02")+"T00:00:00Z"), "today")
		if !f.JSON {
			items = append(AppendMatch(nil, prefix, "now", "when the call is made"), items...)
		}
		return items
	case "google.protobuf.FieldMask":
		return f.maskPaths()
	case "google.protobuf.Duration":
		return AppendMatch(AppendMatch(nil, prefix, quote("30s"), "seconds"), prefix, quote("1.5s"), "")
	}
	return AppendMatch(nil, prefix, "{", string(md.Name()))
}

// seenLength is the length in bytes up to which a value is offered again.
const seenLength = 100

// seenValues are the values of a field of this name in the last answers.
func (f *Cursor) seenValues(name string) []repl.Candidate {
	var items []repl.Candidate
	seen := map[string]bool{}
	for _, v := range f.Seen(name) {
		if seen[v] || !strings.HasPrefix(v, f.Prefix) || v == "" || len(v) > seenLength {
			continue
		}
		seen[v] = true
		text, ok := f.typed(v)
		if !ok || slices.Contains(f.Words, "--each") && strings.ContainsAny(v, "{}") { // where braces name columns
			f.Unfit++
			continue
		}
		items = append(items, repl.Candidate{Text: text, About: "seen in an answer"})
	}
	return items
}

// typeURLs are the types that an Any can hold here: in a word the name of the message is enough.
func (f *Cursor) typeURLs() []repl.Candidate {
	lead := "type.googleapis.com/"
	typed := f.Prefix[strings.LastIndexByte(f.Prefix, '/')+1:]
	var items []repl.Candidate
	for _, name := range f.Types.names() {
		last := name[strings.LastIndexByte(name, '.')+1:]
		switch {
		case strings.Contains(name, ".") && !strings.HasPrefix(lead+name, f.Prefix) &&
			!strings.HasPrefix(name, typed) && !strings.HasPrefix(last, typed), name == anyName:
		case f.JSON:
			items = append(items, repl.Candidate{Text: f.closed(repl.QuoteJSON(lead + name)), About: last})
		case strings.HasPrefix(f.Prefix, lead):
			items = append(items, repl.Candidate{Text: lead + name, About: last})
		default:
			items = append(items, repl.Candidate{Text: name, About: last})
		}
	}
	return items
}

// maskPaths are the paths that a FieldMask can have, the last of which is being typed: those of
// the message beside it that it is about (https://google.aip.dev/134).
func (f *Cursor) maskPaths() []repl.Candidate {
	begins := strings.LastIndexByte(f.Prefix, ',') + 1
	before := strings.Split(f.Prefix[:max(0, begins-1)], ",")
	typed := f.Prefix[begins:]
	lead := ""
	if f.JSON && f.Quote == 0 {
		lead = `"`
	} else {
		f.From += begins
		if f.Quote != 0 {
			f.From++
		}
	}
	md := f.masked()
	dot := strings.LastIndexByte(typed, '.') + 1
	for step := range strings.SplitSeq(strings.TrimSuffix(typed[:dot], "."), ".") {
		if step == "" {
			break
		}
		fd := FieldNamed(md, step)
		if fd == nil || fd.Message() == nil || fd.IsList() || fd.IsMap() {
			return nil
		}
		md = fd.Message()
	}
	var items []repl.Candidate
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		name := string(fd.Name())
		if f.JSON {
			name = fd.JSONName()
		}
		if !repl.IsPlain(name) || strings.ContainsAny(name, ".,") {
			f.Unfit++
			continue
		}
		path := typed[:dot] + name
		if !slices.Contains(before, path) {
			items = AppendMatch(items, lead+typed, lead+path, describeField(fd))
		}
	}
	return items
}

// masked is the message that a FieldMask is about: the answer, when it says what to read; the
// one message beside it; else what it stands in.
func (f *Cursor) masked() protoreflect.MessageDescriptor {
	around := f.Field.ContainingMessage()
	if strings.HasPrefix(string(f.Field.Name()), "read_") {
		return f.Method.Output()
	}
	var beside []protoreflect.MessageDescriptor
	for i := range around.Fields().Len() {
		if fd := around.Fields().Get(i); fd.Message() != nil && !fd.IsList() && !fd.IsMap() &&
			!ScalarForm(fd.Message()) {
			beside = append(beside, fd.Message())
		}
	}
	if len(beside) == 1 {
		return beside[0]
	}
	return around
}
