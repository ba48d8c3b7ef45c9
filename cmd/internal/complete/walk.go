package complete

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/repl"
)

const anyName = "google.protobuf.Any"

// MessageTypes are the messages that are known without asking anybody: those that an Any may
// be completed with.
type MessageTypes map[protoreflect.FullName]protoreflect.MessageDescriptor

// Add adds the messages of a file, and of those that it imports.
func (m MessageTypes) Add(fd protoreflect.FileDescriptor, seen map[string]bool) {
	if seen[fd.Path()] {
		return
	}
	seen[fd.Path()] = true
	m.addAll(fd.Messages())
	for i := range fd.Imports().Len() {
		m.Add(fd.Imports().Get(i), seen)
	}
}

func (m MessageTypes) addAll(all protoreflect.MessageDescriptors) {
	for i := range all.Len() {
		if md := all.Get(i); !md.IsMapEntry() && !md.IsPlaceholder() {
			m[md.FullName()] = md
			m.addAll(md.Messages())
		}
	}
}

// names are their full names, sorted.
func (m MessageTypes) names() []string {
	return AsNames(slices.Sorted(maps.Keys(m)))
}

// A Walker follows paths from a message. It goes on inside of an Any whose type is typed
// already.
type Walker struct {
	Root  protoreflect.MessageDescriptor
	types MessageTypes
	held  map[string]string // the types of Anys, by the path of each
}

// Walker makes a walker for the request.
func (r *Request) Walker() Walker {
	w := Walker{Root: r.Method.Input(), types: r.Types, held: map[string]string{}}
	for _, text := range append(slices.Clone(r.Words), r.Whole) {
		w.note(text)
	}
	return w
}

// note notes the types of Anys that a word gives.
func (w *Walker) note(text string) {
	if !strings.Contains(text, "@type") {
		return
	}
	path, value, assigned := strings.Cut(text, "=")
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		if before, ok := strings.CutSuffix(path, ".@type"); ok && assigned {
			w.held[pathKey(WordPath(before))] = value
			return
		}
		text = value
	} else {
		path = ""
	}
	base := WordPath(strings.TrimSuffix(path, ":"))
	repl.ScanJSON(text, func(t repl.Token) {
		if n := len(t.Path); !t.Key && n > 0 && t.Path[n-1].Key == "@type" {
			w.held[pathKey(append(slices.Clone(base), t.Path[:n-1]...))] = t.Text
		}
	})
}

// pathKey is a path as the key of a map. In a word, the element that is added counts as the
// last one.
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
	Parent  protoreflect.MessageDescriptor // that the path ends in, when a key is wanted
	Field   protoreflect.FieldDescriptor   // whose value it ends in; nil: none
	element bool                           // that value is one of a list or map
	TypeURL bool                           // it is the type of an Any
	held    bool                           // parent is what an Any holds
}

// Walk follows a path. What it leads to is the zero value when that is not known.
func (w Walker) Walk(path []repl.Step, want repl.Want) walked {
	at := walked{Parent: w.Root}
	for i, step := range path {
		if at.isAny() && !at.repeated() {
			if step.Key == "@type" {
				return walked{TypeURL: i == len(path)-1}
			}
			at.Parent = w.inside(path[:i])
		}
		if at = at.next(step); at == (walked{}) {
			return at
		}
	}
	switch {
	case want != repl.WantKey:
	case at.Field != nil && at.Field.IsMap() && !at.element:
		at.Parent = nil // any key
	case at.isAny():
		if md := w.inside(path); md != nil {
			at.Parent, at.held = md, true
		}
	}
	return at
}

// next follows one step: to an element of a list or map, or to a field. It returns the zero value
// when that is not there.
func (at walked) next(step repl.Step) walked {
	switch {
	case at.Field != nil && !at.element && (at.Field.IsMap() || step.List && at.Field.IsList()):
		at.element = true // a key of a map, an index of a list
		at.Parent = at.Field.Message()
		if at.Field.IsMap() {
			at.Parent = at.Field.MapValue().Message()
		}
		return at
	case step.List || at.Parent == nil:
		return walked{}
	}
	f := FieldNamed(at.Parent, step.Key)
	if f == nil {
		return walked{}
	}
	return walked{Field: f, Parent: f.Message()}
}

// isAny reports whether the path ends in an Any.
func (at walked) isAny() bool { return at.Parent != nil && at.Parent.FullName() == anyName }

// repeated reports whether the place is a whole list or map.
func (at walked) repeated() bool {
	return at.Field != nil && !at.element && (at.Field.IsList() || at.Field.IsMap())
}

// inside is the message in the Any at a path, nil when its type is not known.
func (w Walker) inside(path []repl.Step) protoreflect.MessageDescriptor {
	url := w.held[pathKey(path)]
	return w.types[protoreflect.FullName(url[strings.LastIndexByte(url, '/')+1:])]
}
