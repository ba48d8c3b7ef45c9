package discovery

import (
	"errors"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Closure returns the files in which symbols are declared and all files that
// they import, directly or not, each once and after its own imports. Imports that
// the source could not provide are left out.
func Closure(symbols ...protoreflect.Descriptor) []protoreflect.FileDescriptor {
	var files []protoreflect.FileDescriptor
	seen := map[string]bool{}
	var add func(f protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if f.IsPlaceholder() || seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
		files = append(files, f)
	}
	for _, d := range symbols {
		if f := d.ParentFile(); f != nil {
			add(f)
		}
	}
	return files
}

// CheckMethod returns an error, a *DescriptorError, when a type that the
// requests or answers of a method can hold is not described: to call it would
// drop what is in such a field.
func CheckMethod(m protoreflect.MethodDescriptor) error { return checkMethod(nil, m) }

func checkMethod(s Source, m protoreflect.MethodDescriptor) error {
	seen := map[protoreflect.FullName]bool{}
	for _, d := range []protoreflect.MessageDescriptor{m.Input(), m.Output()} {
		if err := checkReach(s, m, d, seen); err != nil {
			return err
		}
	}
	return nil
}

// checkReach walks the messages that a message can hold. It does not recurse, since a hostile
// schema can chain them without end.
func checkReach(
	s Source, from protoreflect.Descriptor, root protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool,
) error {
	type step struct {
		by protoreflect.Descriptor // the method or field that refers to the type
		md protoreflect.MessageDescriptor
	}
	todo := []step{{from, root}}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if at.md.IsPlaceholder() {
			return notDescribed(s, at.by, at.md.FullName())
		}
		if seen[at.md.FullName()] {
			continue
		}
		seen[at.md.FullName()] = true
		for i := range at.md.Fields().Len() {
			f := at.md.Fields().Get(i)
			if e := f.Enum(); e != nil && e.IsPlaceholder() {
				return notDescribed(s, f, e.FullName())
			}
			if md := f.Message(); md != nil {
				todo = append(todo, step{f, md})
			}
		}
	}
	return nil
}

// notDescribed is the error for a type that a symbol needs and nothing describes.
func notDescribed(s Source, by protoreflect.Descriptor, name protoreflect.FullName) error {
	e := &DescriptorError{Symbol: string(by.FullName()), File: by.ParentFile().Path()}
	// Relative names that could not be resolved are marked by a star.
	name = protoreflect.FullName(strings.TrimPrefix(string(name), "*."))
	if x, ok := s.(explainer); ok {
		if why := x.explain(name); why != nil {
			e.Err = &typeError{name: name, why: why}
			return e
		}
	}
	e.Err = &typeError{name: name, why: errors.New("no file that the schema has declares it")}
	if missing := missingImports(by.ParentFile()); len(missing) > 0 {
		e.Err = &typeError{name: name, why: errors.New("missing import " + strings.Join(missing, ", "))}
	}
	return e
}

func missingImports(f protoreflect.FileDescriptor) []string {
	var paths []string
	for i := range f.Imports().Len() {
		if imp := f.Imports().Get(i); imp.IsPlaceholder() {
			paths = append(paths, imp.Path())
		}
	}
	slices.Sort(paths)
	return paths[:min(len(paths), 5)]
}

// A typeError says why a type that something refers to is not described.
type typeError struct {
	name protoreflect.FullName
	why  error
}

func (e *typeError) Error() string { return "type " + string(e.name) + ": " + e.why.Error() }
func (e *typeError) Unwrap() error { return e.why }
