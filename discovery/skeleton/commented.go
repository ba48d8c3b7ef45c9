package skeleton

import (
	"bytes"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// A Form is how a template is written.
type Form string

// The forms of a template.
const (
	JSON Form = "json" // with // comments and commas after last members
	YAML Form = "yaml"
)

// MaxFields is how many fields a template names before it leaves messages empty whose fields
// it has named before.
const MaxFields = 2000

// Commented returns a request to fill in, with comments: the type of each field, its presence,
// its oneof, the values of enums. Every field of a message is named once; of a oneof one
// member is a value, and the others are comments that become values when the marks are
// removed. A message inside of itself is left empty. It ends in a line feed, and is a valid
// message as it is for readers that allow comments.
func Commented(md protoreflect.MessageDescriptor, form Form) ([]byte, error) {
	if md.IsPlaceholder() {
		return nil, &symbol.DescriptorError{Symbol: string(md.FullName()), Err: errNotDescribed}
	}
	t := &template{pkg: md.ParentFile().Package(), named: map[protoreflect.FullName]bool{}}
	t.inside = map[protoreflect.FullName]int{}
	root := t.message(md, 0)
	w := &templateWriter{form: form}
	w.line("", string(md.FullName()), form)
	w.root(root)
	return w.b.Bytes(), nil
}

// A templateNode is a value: the one of the three that is not nil, or else the scalar.
type templateNode struct {
	members []templateMember
	element *templateNode // of a list
	object  bool          // it is an object, with or without members
	list    bool
	scalar  string // as JSON; values of well-known types may be of several tokens
}

// A templateMember is one field of an object.
type templateMember struct {
	key     string // as a JSON string
	value   *templateNode
	comment string
	other   bool // it is another member of a oneof: a comment
}

// template is the state of one template.
type template struct {
	skeleton
	pkg    protoreflect.FullName
	named  map[protoreflect.FullName]bool // messages whose fields were named
	fields int
}

func (t *template) message(md protoreflect.MessageDescriptor, depth int) *templateNode {
	if value, ok := wellKnownValue(md.FullName()); ok {
		return &templateNode{scalar: value}
	}
	n := &templateNode{object: true}
	whole := t.inside[md.FullName()] == 0 && depth <= 2*maxSkeletonDepth &&
		!(t.named[md.FullName()] && t.fields > MaxFields)
	if !whole && !hasRequired(md) {
		return n
	}
	t.inside[md.FullName()]++
	t.named[md.FullName()] = true
	for i := range md.Fields().Len() {
		f := md.Fields().Get(i)
		if !whole && !t.needed(f, depth) || undescribed(f) {
			continue
		}
		t.fields++
		o := f.ContainingOneof()
		n.members = append(n.members, templateMember{
			key: quoted(f.JSONName()), value: t.field(f, depth), comment: t.describe(f),
			other: o != nil && !o.IsSynthetic() && f != firstMember(o),
		})
	}
	t.inside[md.FullName()]--
	return n
}

// needed reports whether a field of a message that is left empty must be there. A message that
// requires itself has no finite value, and is left empty all the same.
func (t *template) needed(f protoreflect.FieldDescriptor, depth int) bool {
	return f.Cardinality() == protoreflect.Required && t.inside[f.ContainingMessage().FullName()] <= 2 &&
		depth <= 3*maxSkeletonDepth
}

func undescribed(f protoreflect.FieldDescriptor) bool {
	return f.Message() != nil && f.Message().IsPlaceholder() || f.Enum() != nil && f.Enum().IsPlaceholder()
}

func quoted(text string) string {
	s := &skeleton{}
	s.quote(text)
	return s.b.String()
}

func (t *template) field(f protoreflect.FieldDescriptor, depth int) *templateNode {
	switch {
	case f.IsMap():
		v := t.value(f.MapValue(), depth)
		if v.object && len(v.members) == 0 {
			return &templateNode{object: true}
		}
		return &templateNode{
			object:  true,
			members: []templateMember{{key: quoted(mapKey(f.MapKey().Kind())), value: v}},
		}
	case f.IsList():
		v := t.value(f, depth)
		if v.object && len(v.members) == 0 {
			return &templateNode{list: true}
		}
		return &templateNode{list: true, element: v}
	}
	return t.value(f, depth)
}

func (t *template) value(f protoreflect.FieldDescriptor, depth int) *templateNode {
	if f.Message() != nil {
		return t.message(f.Message(), depth+1)
	}
	s := &skeleton{}
	s.value(f, depth)
	return &templateNode{scalar: s.b.String()}
}

// describe says what a field takes.
func (t *template) describe(f protoreflect.FieldDescriptor) string {
	var b strings.Builder
	switch {
	case f.Cardinality() == protoreflect.Required:
		b.WriteString("required ")
	case f.IsList():
		b.WriteString("repeated ")
	case f.HasOptionalKeyword(), f.HasPresence() && f.Message() == nil && f.ContainingOneof() == nil:
		b.WriteString("optional ")
	}
	if f.IsMap() {
		fmt.Fprintf(&b, "map<%s, %s>", f.MapKey().Kind(), t.typeName(f.MapValue()))
	} else {
		b.WriteString(t.typeName(f))
	}
	if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() {
		fmt.Fprintf(&b, ", oneof %s", o.Name())
	}
	if o, ok := f.Options().(*descriptorpb.FieldOptions); ok && o.GetDeprecated() {
		b.WriteString(", deprecated")
	}
	e := f.Enum()
	if f.IsMap() {
		e = f.MapValue().Enum()
	}
	if e != nil && e.FullName() != "google.protobuf.NullValue" {
		b.WriteString(": " + valueNames(e))
	}
	return b.String()
}

// typeName names the type of a field, without the package of the request.
func (t *template) typeName(f protoreflect.FieldDescriptor) string {
	var name protoreflect.FullName
	switch {
	case f.Message() != nil:
		name = f.Message().FullName()
	case f.Enum() != nil:
		name = f.Enum().FullName()
	default:
		return f.Kind().String()
	}
	if symbol.Within(t.pkg, name) && t.pkg != "" {
		name = name[len(t.pkg)+1:]
	}
	return string(name)
}

// maxValueNames is how many values of an enum a template lists.
const maxValueNames = 40

func valueNames(e protoreflect.EnumDescriptor) string {
	var names []string
	for i := range min(e.Values().Len(), maxValueNames) {
		names = append(names, string(e.Values().Get(i).Name()))
	}
	if more := e.Values().Len() - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// A templateWriter writes a template line by line.
type templateWriter struct {
	b    bytes.Buffer
	form Form
}

// line writes one line with a comment behind it.
func (w *templateWriter) line(text, comment string, form Form) {
	mark := "// "
	if form == YAML {
		mark = "# "
	}
	w.b.WriteString(text)
	if comment != "" {
		if text != "" {
			w.b.WriteByte(' ')
		}
		w.b.WriteString(mark + comment)
	}
	w.b.WriteByte('\n')
}

func (w *templateWriter) root(n *templateNode) {
	switch {
	case w.form == JSON:
		w.json("", "", n, "", "")
	case n.object && len(n.members) > 0:
		w.yamlMembers("", n.members)
	case n.object:
		w.line("{}", "", w.form)
	default:
		w.line(n.scalar, "", w.form)
	}
}

// json writes a value behind its indent and its key.
func (w *templateWriter) json(indent, key string, n *templateNode, comma, comment string) {
	open, end := "{", "}"
	if n.list {
		open, end = "[", "]"
	}
	switch {
	case !n.object && !n.list:
		w.line(indent+key+n.scalar+comma, comment, w.form)
	case len(n.members) == 0 && n.element == nil:
		w.line(indent+key+open+end+comma, comment, w.form)
	default:
		w.line(indent+key+open, comment, w.form)
		if n.element != nil {
			w.json(indent+"  ", "", n.element, ",", "")
		}
		for _, m := range n.members {
			in := indent + "  "
			if m.other {
				in += "// "
			}
			w.json(in, m.key+": ", m.value, ",", m.comment)
		}
		w.line(indent+end+comma, "", w.form)
	}
}

func (w *templateWriter) yamlMembers(indent string, members []templateMember) {
	for _, m := range members {
		in := indent
		if m.other {
			in += "# "
		}
		w.yamlMember(in, in, m)
	}
}

// yamlMember writes a member whose first line has an indent of its own.
func (w *templateWriter) yamlMember(first, indent string, m templateMember) {
	key := first + yamlKey(m.key) + ":"
	n := m.value
	switch {
	case n.object && len(n.members) > 0:
		w.line(key, m.comment, w.form)
		w.yamlMembers(indent+"  ", n.members)
	case n.object:
		w.line(key+" {}", m.comment, w.form)
	case n.list && n.element == nil:
		w.line(key+" []", m.comment, w.form)
	case n.list:
		w.line(key, m.comment, w.form)
		w.yamlElement(indent+"  ", n.element)
	default:
		w.line(key+" "+n.scalar, m.comment, w.form)
	}
}

// yamlElement writes the one element of a list. The dash stands before the first member that
// is no comment; comments before that stand above it.
func (w *templateWriter) yamlElement(indent string, n *templateNode) {
	if !n.object {
		w.line(indent+"- "+n.scalar, "", w.form)
		return
	}
	dash := false
	for _, m := range n.members {
		first := indent + "  "
		switch {
		case m.other:
			w.yamlMember(first+"# ", first+"# ", m)
			continue
		case !dash:
			first, dash = indent+"- ", true
		}
		w.yamlMember(first, indent+"  ", m)
	}
}

// nameByte reports whether a byte may stand in the name of a field.
func nameByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// yamlKey takes the quotes off a key that is a plain word in every version of YAML.
func yamlKey(key string) string {
	word := key[1 : len(key)-1]
	if word == "" || strings.IndexFunc(word, func(r rune) bool { return r > 0x7f || !nameByte(byte(r)) }) >= 0 ||
		word[0] >= '0' && word[0] <= '9' {
		return key
	}
	switch strings.ToLower(word) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return key
	}
	return word
}
