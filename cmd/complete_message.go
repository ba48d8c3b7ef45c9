package cmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rpcctl/rpcctl/repl"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A fieldSpot is where in a message the cursor is.
type fieldSpot struct {
	repl.Place
	json    bool                           // in a document, not in a field=value word
	from    int                            // where in the line the prefix begins
	parent  protoreflect.MessageDescriptor // whose key is wanted; nil: unknown
	field   protoreflect.FieldDescriptor   // whose value is wanted, or whose element; nil: none
	element bool                           // the value is one element of a list or map
}

// locate finds out where in the message the cursor is.
func (p *spot) locate() (f fieldSpot, ok bool) {
	if p.method == nil {
		return f, false
	}
	text := p.text()
	path, value, assigned := strings.Cut(text, "=")
	switch {
	case strings.HasPrefix(text, "{") || strings.HasPrefix(text, "["):
		f.Place, f.json, f.from = repl.ScanJSON(text, nil), true, p.word.Start
	case assigned && (strings.HasPrefix(value, "{") || strings.HasPrefix(value, "[") || strings.HasSuffix(path, ":")):
		f.Place, f.json, f.from = repl.ScanJSON(value, nil), true, p.word.Start+len(path)+1
		f.Path = append(wordPath(strings.TrimSuffix(path, ":")), f.Path...)
	case assigned:
		f.Place = repl.Place{Path: wordPath(path), Want: repl.WantValue, Prefix: value}
		f.from = p.word.Start + len(path) + 1
	default:
		cut := strings.LastIndexAny(text, ".") + 1
		f.Place = repl.Place{Path: wordPath(text[:max(0, cut-1)]), Want: repl.WantKey, Prefix: text[cut:]}
		f.from = p.word.Start + cut
		f.Used = p.usedFields(text[:cut])
	}
	f.from += f.Start
	if !f.json && f.Want == repl.WantValue {
		f.from = p.line.Cursor - len(value)
	}
	f.parent, f.field, f.element = walkFields(p.method.Input(), f.Path, f.Want)
	return f, true
}

// usedFields are the fields of the other words that begin with the same path.
func (p *spot) usedFields(prefix string) []string {
	var used []string
	for _, w := range p.words {
		rest, ok := strings.CutPrefix(w.Text, prefix)
		if name, _, assigned := strings.Cut(rest, "="); ok && assigned && !strings.ContainsAny(name, ".[") {
			used = append(used, strings.TrimSuffix(name, ":"))
		}
	}
	return used
}

// wordPath is the path of a word, as far as it goes.
func wordPath(text string) []repl.Step {
	var path []repl.Step
	for text != "" {
		if text[0] == '[' {
			key, rest, _ := strings.Cut(text[1:], "]")
			path = append(path, repl.Step{Key: strings.Trim(key, `"'`), List: true})
			text = rest
			continue
		}
		text = strings.TrimPrefix(text, ".")
		end := strings.IndexAny(text, ".[")
		if end < 0 {
			end = len(text)
		}
		path = append(path, repl.Step{Key: text[:end]})
		text = text[end:]
	}
	return path
}

// walkFields follows a path from a message. It returns the message that it ends in, when a key is
// wanted, and the field whose value it ends in.
func walkFields(md protoreflect.MessageDescriptor, path []repl.Step, want repl.Want) (parent protoreflect.MessageDescriptor, field protoreflect.FieldDescriptor, element bool) {
	parent = md
	for _, step := range path {
		switch {
		case field != nil && !element && (field.IsMap() || step.List && field.IsList()):
			element = true // a key of a map, an index of a list
			if field.IsMap() {
				parent = field.MapValue().Message()
			} else {
				parent = field.Message()
			}
			continue
		case step.List || parent == nil:
			return nil, nil, false
		}
		field, element = fieldNamed(parent, step.Key), false
		if field == nil {
			return nil, nil, false
		}
		parent = field.Message()
	}
	if field != nil && field.IsMap() && !element && want == repl.WantKey {
		return nil, field, false // any key
	}
	return parent, field, element
}

func fieldNamed(md protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if f := md.Fields().ByName(protoreflect.Name(name)); f != nil {
		return f
	}
	return md.Fields().ByJSONName(name)
}

// message completes the request of a method.
func (s *shell) message(p spot, text string) repl.Completion {
	if _, value, ok := strings.Cut(text, "="); ok && strings.HasPrefix(value, "$") {
		return s.variables(p, value, len(text)-len(value))
	}
	f, ok := p.locate()
	if !ok {
		return repl.Completion{}
	}
	var items []repl.Candidate
	switch f.Want {
	case repl.WantKey:
		items = f.keys(p.line.After())
	case repl.WantValue:
		items = f.values(s, text == "")
	case repl.WantColon:
		items = []repl.Candidate{{Text: ": "}}
	case repl.WantComma:
		items = []repl.Candidate{{Text: ", "}, {Text: f.closing()}}
	}
	return repl.Completion{From: f.from, Items: items}
}

func (f *fieldSpot) closing() string {
	if n := len(f.Path); n > 0 && f.Path[n-1].List {
		return "]"
	}
	return "}"
}

// keys are the fields that are not set yet.
func (f *fieldSpot) keys(after string) []repl.Candidate {
	if f.parent == nil {
		return nil
	}
	if f.parent.FullName() == "google.protobuf.Any" {
		return appendMatch(nil, f.lead(), f.key("@type", after, "="), "the type of the message inside")
	}
	var taken []protoreflect.OneofDescriptor
	for _, name := range f.Used {
		if u := fieldNamed(f.parent, name); u != nil && u.ContainingOneof() != nil {
			taken = append(taken, u.ContainingOneof())
		}
	}
	type choice struct {
		item  repl.Candidate
		order int
	}
	var found []choice
	for i := range f.parent.Fields().Len() {
		fd := f.parent.Fields().Get(i)
		name := string(fd.Name())
		if f.json {
			name = fd.JSONName()
		}
		used := slices.Contains(f.Used, string(fd.Name())) || slices.Contains(f.Used, fd.JSONName())
		if used && !fd.IsList() && !fd.IsMap() || used && f.json || fd.ContainingOneof() != nil && slices.Contains(taken, fd.ContainingOneof()) {
			continue
		}
		prefix := strings.ToLower(f.Prefix)
		if !strings.HasPrefix(strings.ToLower(name), prefix) && !strings.HasPrefix(string(fd.Name()), prefix) {
			continue
		}
		c := choice{repl.Candidate{Text: f.key(name, after, wordTail(fd)), About: describeField(fd)}, 1}
		switch {
		case fd.Cardinality() == protoreflect.Required:
			c.order = 0
		case deprecated(fd):
			c.order = 2
			c.item.About += " (deprecated)"
		}
		found = append(found, c)
	}
	slices.SortStableFunc(found, func(a, b choice) int { return a.order - b.order })
	var items []repl.Candidate
	for _, c := range found {
		items = append(items, c.item)
	}
	return items
}

func (f *fieldSpot) lead() string {
	if f.Quote != 0 {
		return string(f.Quote) + f.Prefix
	}
	return ""
}

// key is the text of a key, with what must follow it and is not there yet.
func (f *fieldSpot) key(name, after, tail string) string {
	if !f.json {
		if strings.HasPrefix(after, tail) {
			return name
		}
		return name + tail
	}
	quote := `"`
	if f.Quote == '\'' {
		quote = `'`
	}
	switch {
	case strings.HasPrefix(after, quote):
		return quote + name
	case strings.HasPrefix(strings.TrimLeft(after, " "), ":"):
		return quote + name + quote
	}
	return quote + name + quote + ": "
}

// wordTail is what follows the name of a field in a word.
func wordTail(fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.IsMap():
		return "["
	case fd.IsList() && fd.Message() != nil:
		return "[+]."
	case fd.IsList():
		return "[+]="
	case fd.Message() != nil && !scalarForm(fd.Message()):
		return "."
	}
	return "="
}

// scalarForm tells of a message that it is written as one value.
func scalarForm(md protoreflect.MessageDescriptor) bool {
	name := md.FullName()
	return name.Parent() == "google.protobuf" && name != "google.protobuf.Struct" && name != "google.protobuf.Any"
}

// describeField tells the type and number of a field.
func describeField(fd protoreflect.FieldDescriptor) string {
	text := fieldType(fd)
	if o := fd.ContainingOneof(); o != nil && !o.IsSynthetic() {
		text += ", one of " + string(o.Name())
	}
	return fmt.Sprintf("%s, %d", text, fd.Number())
}

func fieldType(fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.IsMap():
		return fmt.Sprintf("map<%s, %s>", fieldType(fd.MapKey()), fieldType(fd.MapValue()))
	case fd.IsList():
		return "repeated " + kindName(fd)
	}
	return kindName(fd)
}

func kindName(fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.Enum() != nil:
		return string(fd.Enum().Name())
	case fd.Message() != nil:
		return string(fd.Message().Name())
	}
	return fd.Kind().String()
}

func deprecated(d protoreflect.Descriptor) bool {
	o, ok := d.Options().(interface{ GetDeprecated() bool })
	return ok && o.GetDeprecated()
}

// values are what a field can be set to.
func (f *fieldSpot) values(s *shell, first bool) []repl.Candidate {
	fd := f.field
	if fd == nil {
		if f.json && first {
			return []repl.Candidate{{Text: "{"}}
		}
		return nil
	}
	if f.json && !f.element {
		switch {
		case fd.IsMap():
			return appendMatch(nil, f.Prefix, "{", fieldType(fd))
		case fd.IsList():
			return appendMatch(nil, f.Prefix, "[", fieldType(fd))
		}
	}
	if fd.IsMap() {
		fd = fd.MapValue()
	}
	switch {
	case fd.Enum() != nil:
		return f.enumValues(fd.Enum())
	case fd.Kind() == protoreflect.BoolKind:
		return appendMatch(appendMatch(nil, f.Prefix, "true", ""), f.Prefix, "false", "")
	case fd.Message() != nil:
		return f.messageValues(s, fd.Message())
	case fd.Kind() == protoreflect.StringKind && !secretName(string(fd.Name())) && !s.index.Load().secretField(string(fd.Name())):
		return f.seenValues(s, string(fd.JSONName()))
	}
	return nil
}

// enumValues are the names of an enum: without the prefix that all share in a word, in quotes
// in a document.
func (f *fieldSpot) enumValues(ed protoreflect.EnumDescriptor) []repl.Candidate {
	shared := ""
	if !f.json {
		shared = sharedPrefix(ed)
	}
	var items []repl.Candidate
	for i := range ed.Values().Len() {
		v := ed.Values().Get(i)
		full := string(v.Name())
		name := strings.TrimPrefix(full, shared)
		about := fmt.Sprint(v.Number())
		if c := comment(v); c != "" {
			about += " " + c
		}
		prefix := strings.ToUpper(f.Prefix)
		if !strings.HasPrefix(name, prefix) && !strings.HasPrefix(full, prefix) && !strings.HasPrefix(strings.TrimPrefix(full, sharedPrefix(ed)), prefix) {
			continue
		}
		if !strings.HasPrefix(name, prefix) {
			name = full
		}
		if f.json {
			name = `"` + full + `"`
		}
		items = append(items, repl.Candidate{Text: name, About: about})
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
func (f *fieldSpot) messageValues(s *shell, md protoreflect.MessageDescriptor) []repl.Candidate {
	quote := func(v string) string {
		if f.json {
			return `"` + v + `"`
		}
		return v
	}
	prefix := f.lead() + f.Prefix
	if f.Quote != 0 {
		prefix = f.lead()
	}
	switch md.FullName() {
	case "google.protobuf.Timestamp":
		now := s.env.Now().UTC()
		items := appendMatch(nil, prefix, quote(now.Format("2006-01-02T15:04:05Z")), "this second")
		items = appendMatch(items, prefix, quote(now.Format("2006-01-02")+"T00:00:00Z"), "today")
		if !f.json {
			items = append(appendMatch(nil, prefix, "now", "when the call is made"), items...)
		}
		return items
	case "google.protobuf.Duration":
		return appendMatch(appendMatch(nil, prefix, quote("30s"), "seconds"), prefix, quote("1.5s"), "")
	}
	return appendMatch(nil, prefix, "{", string(md.Name()))
}

// seenValues are the values of a field of this name in the last answers.
func (f *fieldSpot) seenValues(s *shell, name string) []repl.Candidate {
	var items []repl.Candidate
	seen := map[string]bool{}
	for _, v := range s.results.seen(name) {
		text := v
		if f.json {
			text = fmt.Sprintf("%q", v)
		}
		if !seen[v] && strings.HasPrefix(v, f.Prefix) && !strings.ContainsAny(v, " \"'\\\n") && !strings.HasPrefix(v, "@") && clean(v) == v && v != "" {
			seen[v] = true
			items = append(items, repl.Candidate{Text: text, About: "seen in an answer"})
		}
	}
	return items
}
