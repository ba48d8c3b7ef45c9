package complete

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/repl"
)

// A Request is the words of a message that is being typed, and what is known of its method.
// Completing it asks nobody: that happens at a key, or while a command line waits.
type Request struct {
	Method protoreflect.MethodDescriptor
	Types  MessageTypes
	Words  []string // the other words
	Whole  string   // the word at the cursor, with what is behind the cursor
	Plain  bool     // words are not quoted: the shell of a command line does that
	// What the shell knows besides.
	Now    func() time.Time
	Seen   func(field string) []string // strings that answers had in a field; nil: none
	Secret func(field string) bool     // its values are not shown; nil: none is
}

// A Cursor is where in a message the cursor is.
type Cursor struct {
	*Request
	repl.Place
	JSON    bool                           // in a document, not in a field=value word
	From    int                            // where in the word the prefix begins
	parent  protoreflect.MessageDescriptor // whose key is wanted; nil: unknown
	Field   protoreflect.FieldDescriptor   // whose value is wanted, or whose element; nil: none
	Element bool                           // the value is one element of a list or map
	typeURL bool                           // the type of an Any is wanted
	held    bool                           // parent is what an Any holds
	after   string                         // what stands behind the cursor
	Unfit   int                            // how many candidates cannot be typed
}

// Locate finds out where in the message the cursor is. text is its word up to there.
func (r *Request) Locate(text string) Cursor {
	f := Cursor{Request: r}
	path, value, assigned := strings.Cut(text, "=")
	switch {
	case strings.HasPrefix(text, "{") || strings.HasPrefix(text, "["):
		f.Place, f.JSON = repl.ScanJSON(text, nil), true
	case assigned && (strings.HasPrefix(value, "{") || strings.HasPrefix(value, "[") || strings.HasSuffix(path, ":")):
		f.Place, f.JSON, f.From = repl.ScanJSON(value, nil), true, len(path)+1
		f.Path = append(WordPath(strings.TrimSuffix(path, ":")), f.Path...)
	case assigned:
		f.Place = repl.Place{Path: WordPath(path), Want: repl.WantValue, Prefix: value}
		f.From = len(path) + 1
	default:
		cut := strings.LastIndexAny(text, ".") + 1
		f.Place = repl.Place{Path: WordPath(text[:max(0, cut-1)]), Want: repl.WantKey, Prefix: text[cut:]}
		f.From = cut
		f.Used = r.usedFields(text[:cut])
	}
	if f.JSON && f.Want == repl.WantKey && len(r.Whole) >= len(text) {
		f.Used = r.usedKeys(&f, text)
	}
	f.From += f.Start
	w := r.Walker().Walk(f.Path, f.Want)
	f.parent, f.Field, f.Element, f.typeURL, f.held = w.Parent, w.Field, w.element, w.TypeURL, w.held
	return f
}

// usedKeys are the keys of the object that the cursor is in, those behind it too.
func (r *Request) usedKeys(f *Cursor, text string) []string {
	path := f.Path
	if f.From > 0 { // path=document
		path = path[len(WordPath(strings.TrimSuffix(text[:f.From-1], ":"))):]
	}
	var used []string
	at := pathKey(path)
	repl.ScanJSON(text[f.From:f.From+f.Start]+r.Whole[len(text):], func(t repl.Token) {
		if t.Key && pathKey(t.Path) == at {
			used = append(used, t.Text)
		}
	})
	return used
}

// usedFields are the fields of the other words that begin with the same path.
func (r *Request) usedFields(prefix string) []string {
	var used []string
	for _, w := range r.Words {
		rest, ok := strings.CutPrefix(w, prefix)
		if name, _, assigned := strings.Cut(rest, "="); ok && assigned && !strings.ContainsAny(name, ".[") {
			used = append(used, strings.TrimSuffix(name, ":"))
		}
	}
	return used
}

// WordPath returns the path of the field that a word names, as far as the word goes.
func WordPath(text string) []repl.Step {
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

// FieldNamed returns the field of a message that a name stands for, nil for none.
func FieldNamed(md protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if f := md.Fields().ByName(protoreflect.Name(name)); f != nil {
		return f
	}
	return md.Fields().ByJSONName(name)
}

// Candidates are what can stand in place of the text from f.From on.
func (f *Cursor) Candidates(after string) []repl.Candidate {
	f.after = after
	switch f.Want {
	case repl.WantKey:
		return f.keys(after)
	case repl.WantValue:
		return f.values()
	case repl.WantColon:
		return []repl.Candidate{{Text: ": "}}
	case repl.WantComma:
		return []repl.Candidate{{Text: ", "}, {Text: f.closing()}}
	}
	return nil
}

func (f *Cursor) closing() string {
	if n := len(f.Path); n > 0 && f.Path[n-1].List {
		return "]"
	}
	return "}"
}

// keys are the fields that are not set yet.
func (f *Cursor) keys(after string) []repl.Candidate {
	if f.parent == nil {
		return nil
	}
	if f.parent.FullName() == anyName {
		return f.matching(nil, "@type", f.key("@type", after, "="), "the type of the message inside")
	}
	if f.held && ScalarForm(f.parent) {
		return f.matching(nil, "value", f.key("value", after, "="), string(f.parent.Name()))
	}
	taken := f.takenOneofs()
	type choice struct {
		item  repl.Candidate
		order int
	}
	var found []choice
	for i := range f.parent.Fields().Len() {
		fd := f.parent.Fields().Get(i)
		name := string(fd.Name())
		if f.JSON {
			name = fieldName(fd, f.quote())
		}
		if f.set(fd) || fd.ContainingOneof() != nil && slices.Contains(taken, fd.ContainingOneof()) {
			continue
		}
		prefix := strings.ToLower(f.Prefix)
		if !strings.HasPrefix(strings.ToLower(name), prefix) && !strings.HasPrefix(string(fd.Name()), prefix) {
			continue
		}
		if !repl.IsPlain(string(fd.Name())) {
			f.Unfit++
			continue
		}
		about, order := importance(fd)
		found = append(found, choice{repl.Candidate{Text: f.key(name, after, wordTail(fd)), About: about}, order})
	}
	slices.SortStableFunc(found, func(a, b choice) int { return a.order - b.order })
	var items []repl.Candidate
	for _, c := range found {
		items = append(items, c.item)
	}
	return items
}

// importance describes a field, and says where it stands among others: a required one first, a
// deprecated one last.
func importance(fd protoreflect.FieldDescriptor) (about string, order int) {
	about = describeField(fd)
	switch {
	case fd.Cardinality() == protoreflect.Required:
		return about, 0
	case deprecated(fd):
		return about + " (deprecated)", 2
	}
	return about, 1
}

// takenOneofs returns the oneofs of which a member is set.
func (f *Cursor) takenOneofs() []protoreflect.OneofDescriptor {
	var taken []protoreflect.OneofDescriptor
	for _, name := range f.Used {
		if u := FieldNamed(f.parent, name); u != nil && u.ContainingOneof() != nil {
			taken = append(taken, u.ContainingOneof())
		}
	}
	return taken
}

// set reports whether a field has a value and takes no other. In words a list or map takes more.
func (f *Cursor) set(fd protoreflect.FieldDescriptor) bool {
	used := slices.Contains(f.Used, string(fd.Name())) || slices.Contains(f.Used, fd.JSONName())
	return used && (f.JSON || !fd.IsList() && !fd.IsMap())
}

// matching adds a candidate when its name begins with what is typed.
func (f *Cursor) matching(items []repl.Candidate, name, text, about string) []repl.Candidate {
	if strings.HasPrefix(name, f.Prefix) {
		items = append(items, repl.Candidate{Text: text, About: about})
	}
	return items
}

// quote is the quote of strings at the place.
func (f *Cursor) quote() byte {
	if f.Quote != 0 {
		return f.Quote
	}
	return '"'
}

// fieldName is the name of a field in a document: its own where the one for JSON, which can be
// any text, is not a string as it stands, or is the name of another.
func fieldName(fd protoreflect.FieldDescriptor, quote byte) string {
	if name := fd.JSONName(); name != "" && repl.PlainJSON(name, quote) &&
		FieldNamed(fd.ContainingMessage(), name) == fd {
		return name
	}
	return string(fd.Name())
}

// typed returns a text from outside as it has to be typed at the cursor: as the value of a
// word, or as a string of a document. ok is false if there is no way to type it.
func (f *Cursor) typed(text string) (typed string, ok bool) {
	word, ok := repl.Quote(text)
	switch quote := f.quote(); {
	case !ok:
	case !f.JSON && (strings.HasPrefix(text, "@") || strings.HasPrefix(text, `\@`)):
		return "", false // it would name a file, or be taken for the text behind the backslash
	case !f.JSON && f.Plain:
		return text, true
	case !f.JSON:
		return word, true
	case quote == '"':
		return f.closed(repl.QuoteJSON(text)), true
	case repl.PlainJSON(text, quote):
		return f.closed(string(quote) + text + string(quote)), true
	}
	return "", false
}

// closed returns a string without its last quote if that quote stands behind the cursor
// already.
func (f *Cursor) closed(text string) string {
	if f.Quote != 0 && strings.HasPrefix(f.after, string(f.Quote)) {
		return text[:len(text)-1]
	}
	return text
}

// key returns the text of a key, followed by those of its delimiters that are not there yet.
func (f *Cursor) key(name, after, tail string) string {
	if !f.JSON {
		if strings.HasPrefix(after, tail) {
			return name
		}
		return name + tail
	}
	quote := string(f.quote())
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
	case fd.IsList() && fd.Message() != nil && !ScalarForm(fd.Message()):
		return "[+]."
	case fd.IsList():
		return "[+]="
	case fd.Message() != nil && !ScalarForm(fd.Message()):
		return "."
	}
	return "="
}

// ScalarForm reports whether a message is written as one value.
func ScalarForm(md protoreflect.MessageDescriptor) bool {
	name := md.FullName()
	return name.Parent() == "google.protobuf" && name != "google.protobuf.Struct" && name != "google.protobuf.Any"
}

// describeField tells the type and number of a field.
func describeField(fd protoreflect.FieldDescriptor) string {
	text := FieldType(fd)
	if o := fd.ContainingOneof(); o != nil && !o.IsSynthetic() {
		text += ", one of " + string(o.Name())
	}
	return fmt.Sprintf("%s, %d", text, fd.Number())
}

// FieldType returns the type of a field for people.
func FieldType(fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.IsMap():
		return fmt.Sprintf("map<%s, %s>", FieldType(fd.MapKey()), FieldType(fd.MapValue()))
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
