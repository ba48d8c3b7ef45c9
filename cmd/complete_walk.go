package cmd

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rpcctl/rpcctl/repl"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const anyName = "google.protobuf.Any"

// messageTypes are the messages that are known without asking anybody: those that an Any may
// be completed with.
type messageTypes map[protoreflect.FullName]protoreflect.MessageDescriptor

// add adds the messages of a file, and of those that it imports.
func (m messageTypes) add(fd protoreflect.FileDescriptor, seen map[string]bool) {
	if seen[fd.Path()] {
		return
	}
	seen[fd.Path()] = true
	m.addAll(fd.Messages())
	for i := range fd.Imports().Len() {
		m.add(fd.Imports().Get(i), seen)
	}
}

func (m messageTypes) addAll(all protoreflect.MessageDescriptors) {
	for i := range all.Len() {
		if md := all.Get(i); !md.IsMapEntry() && !md.IsPlaceholder() {
			m[md.FullName()] = md
			m.addAll(md.Messages())
		}
	}
}

// names are their full names, sorted.
func (m messageTypes) names() []string {
	return asNames(slices.Sorted(maps.Keys(m)))
}

// A walker follows paths from a message. It goes on inside of an Any whose type is typed
// already.
type walker struct {
	root  protoreflect.MessageDescriptor
	types messageTypes
	held  map[string]string // the types of Anys, by the path of each
}

// walker makes a walker for the request.
func (r *request) walker() walker {
	w := walker{root: r.method.Input(), types: r.types, held: map[string]string{}}
	for _, text := range append(slices.Clone(r.words), r.whole) {
		w.note(text)
	}
	return w
}

// note notes the types of Anys that a word gives.
func (w *walker) note(text string) {
	if !strings.Contains(text, "@type") {
		return
	}
	path, value, assigned := strings.Cut(text, "=")
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		if before, ok := strings.CutSuffix(path, ".@type"); ok && assigned {
			w.held[pathKey(wordPath(before))] = value
			return
		}
		text = value
	} else {
		path = ""
	}
	base := wordPath(strings.TrimSuffix(path, ":"))
	repl.ScanJSON(text, func(t repl.Token) {
		if n := len(t.Path); !t.Key && n > 0 && t.Path[n-1].Key == "@type" {
			w.held[pathKey(append(slices.Clone(base), t.Path[:n-1]...))] = t.Text
		}
	})
}

// pathKey is a path as the key of a map. The element that is added and the last one are the
// same, in a word.
func pathKey(path []repl.Step) string {
	var b strings.Builder
	for _, s := range path {
		switch {
		case s.List && s.Key == "":
			b.WriteString("/" + strconv.Itoa(s.Index))
		case s.List && s.Key == "+":
			b.WriteString("/-1")
		default:
			b.WriteString("/" + s.Key)
		}
	}
	return b.String()
}

// walked is where a path ends.
type walked struct {
	parent  protoreflect.MessageDescriptor // that the path ends in, when a key is wanted
	field   protoreflect.FieldDescriptor   // whose value it ends in; nil: none
	element bool                           // that value is one of a list or map
	typeURL bool                           // it is the type of an Any
	held    bool                           // parent is what an Any holds
}

// walk follows a path. What it leads to is the zero value when that is not known.
func (w walker) walk(path []repl.Step, want repl.Want) walked {
	at := walked{parent: w.root}
	for i, step := range path {
		if at.parent != nil && at.parent.FullName() == anyName && !at.repeated() {
			if step.Key == "@type" {
				return walked{typeURL: i == len(path)-1}
			}
			at.parent = w.inside(path[:i])
		}
		switch {
		case at.field != nil && !at.element && (at.field.IsMap() || step.List && at.field.IsList()):
			at.element = true // a key of a map, an index of a list
			at.parent = at.field.Message()
			if at.field.IsMap() {
				at.parent = at.field.MapValue().Message()
			}
			continue
		case step.List || at.parent == nil:
			return walked{}
		}
		at = walked{field: fieldNamed(at.parent, step.Key)}
		if at.field == nil {
			return walked{}
		}
		at.parent = at.field.Message()
	}
	switch {
	case at.field != nil && at.field.IsMap() && !at.element && want == repl.WantKey:
		at.parent = nil // any key
	case want == repl.WantKey && at.parent != nil && at.parent.FullName() == anyName:
		if md := w.inside(path); md != nil {
			at.parent, at.held = md, true
		}
	}
	return at
}

// repeated tells whether the place is a whole list or map.
func (at walked) repeated() bool {
	return at.field != nil && !at.element && (at.field.IsList() || at.field.IsMap())
}

// inside is the message in the Any at a path, nil when its type is not known.
func (w walker) inside(path []repl.Step) protoreflect.MessageDescriptor {
	url := w.held[pathKey(path)]
	return w.types[protoreflect.FullName(url[strings.LastIndexByte(url, '/')+1:])]
}
