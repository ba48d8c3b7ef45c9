package discovery

import (
	"context"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/builtin"
	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
	"github.com/rpcctl/rpcctl/discovery/internal/timelimit"
)

// A filer is a Source that can bring every file that it has. Files that it cannot bring are
// faults; err is that of ctx, or one that concerns them all.
type filer interface {
	allFiles(ctx context.Context) (files []protoreflect.FileDescriptor, faults []error, err error)
}

// Files returns all files of a source, each once and after its own imports, and the faults of
// the files that are missing. For a server with reflection these are the files of its services
// and what they import.
func Files(ctx context.Context, s Source) (files []protoreflect.FileDescriptor, faults []error, err error) {
	l, ok := s.(*Layered)
	if !ok {
		l = Layer(s)
	}
	var symbols []protoreflect.Descriptor
	seen := map[string]bool{}
	for _, inner := range l.sources {
		f, ok := inner.(filer)
		if !ok {
			continue
		}
		found, wrong, err := f.allFiles(ctx)
		if err != nil {
			return nil, nil, err
		}
		faults = append(faults, wrong...)
		for _, fd := range found {
			if !seen[fd.Path()] {
				seen[fd.Path()] = true
				symbols = append(symbols, fd)
			}
		}
	}
	return Closure(symbols...), faults, nil
}

func (s *Protoset) allFiles(ctx context.Context) ([]protoreflect.FileDescriptor, []error, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	files, faults, err := s.pool.AllFiles(ctx)
	return files, append(slices.Clone(s.faults), faults...), err
}

func (s *Protofiles) allFiles(ctx context.Context) ([]protoreflect.FileDescriptor, []error, error) {
	if s.set != nil {
		files, faults, err := s.set.allFiles(ctx)
		return files, append(s.Faults(), faults...), err
	}
	return slices.Clone(s.files), s.Faults(), nil
}

func (t *Prototree) allFiles(ctx context.Context) ([]protoreflect.FileDescriptor, []error, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var files []protoreflect.FileDescriptor
	for _, f := range t.files {
		s, err := t.compiled(ctx, f)
		if ctx.Err() != nil {
			return nil, nil, timelimit.Stopped(ctx, err)
		}
		if err != nil {
			continue // it is among the faults
		}
		found, _, err := s.allFiles(ctx)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, found...)
	}
	return files, slices.Clone(t.faults), nil
}

func (r *Reflection) allFiles(ctx context.Context) ([]protoreflect.FileDescriptor, []error, error) {
	services, err := r.Services(ctx)
	if err != nil {
		return nil, nil, err
	}
	r.prefetch(ctx, services)
	var faults []error
	for _, name := range services {
		if _, err := r.Find(ctx, name); err != nil {
			if ignoreAnswered(err) != nil || ctx.Err() != nil {
				return nil, nil, err
			}
			faults = append(faults, err)
		}
	}
	if err := r.acquire(ctx); err != nil {
		return nil, nil, err
	}
	defer r.release()
	files, wrong, err := r.pool.AllFiles(ctx)
	told := map[string]bool{}
	for _, f := range faults {
		told[f.Error()] = true
	}
	for _, w := range slices.Concat(wrong, r.bad) {
		if text := w.Error(); !told[text] {
			told[text] = true
			faults = append(faults, w)
		}
	}
	return files, faults, err
}

func (r *Remembered) allFiles(ctx context.Context) ([]protoreflect.FileDescriptor, []error, error) {
	r.Ask()
	files, faults, err := r.live.allFiles(ctx)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.listed = true
	}
	return files, faults, err
}

// Faults returns what was wrong with files that the server sent.
func (r *Reflection) Faults() []error {
	r.turn <- struct{}{}
	defer r.release()
	return slices.Clone(r.bad)
}

// Faults returns what was wrong with files that the server sent.
func (r *Remembered) Faults() []error { return r.live.Faults() }

// Prefetch asks a source for symbols with fewer round trips than Find needs one by one. What
// it did not bring, Find reports.
func Prefetch(ctx context.Context, s Source, names []protoreflect.FullName) {
	if p, ok := s.(prefetcher); ok {
		p.prefetch(ctx, names)
	}
}

// Reach returns symbols, each once, and after them the messages and enums that they refer to,
// directly or not, in the order in which they are met. What is declared inside of a message in
// the result is not repeated; types of google.protobuf and those that are not described are
// left out.
func Reach(symbols ...protoreflect.Descriptor) []protoreflect.Descriptor {
	var all []protoreflect.Descriptor
	seen := map[protoreflect.FullName]bool{}
	add := func(d protoreflect.Descriptor) {
		if d != nil && !d.IsPlaceholder() && !seen[d.FullName()] {
			seen[d.FullName()] = true
			all = append(all, d)
		}
	}
	refer := func(d protoreflect.Descriptor) {
		if d != nil && !symbol.Within(builtin.WellKnownPackage, d.FullName()) {
			add(d)
		}
	}
	for _, d := range symbols {
		add(d)
	}
	for i := 0; i < len(all); i++ {
		eachReference(all[i], refer)
	}
	return slices.DeleteFunc(all, func(d protoreflect.Descriptor) bool {
		for p := d.Parent(); p != nil; p = p.Parent() {
			if _, file := p.(protoreflect.FileDescriptor); !file && seen[p.FullName()] {
				return true
			}
		}
		return false
	})
}

// eachReference visits the types that a symbol refers to.
func eachReference(d protoreflect.Descriptor, visit func(protoreflect.Descriptor)) {
	field := func(f protoreflect.FieldDescriptor) {
		switch {
		case f.IsMap():
			eachReference(f.Message(), visit)
		case f.Message() != nil:
			visit(f.Message())
		case f.Enum() != nil:
			visit(f.Enum())
		}
	}
	switch d := d.(type) {
	case protoreflect.ServiceDescriptor:
		for i := range d.Methods().Len() {
			eachReference(d.Methods().Get(i), visit)
		}
	case protoreflect.MethodDescriptor:
		visit(d.Input())
		visit(d.Output())
	case protoreflect.MessageDescriptor:
		for i := range d.Fields().Len() {
			field(d.Fields().Get(i))
		}
		for i := range d.Messages().Len() {
			eachReference(d.Messages().Get(i), visit)
		}
	case protoreflect.FieldDescriptor:
		field(d)
	case protoreflect.EnumValueDescriptor:
		visit(d.Parent())
	}
}

// KnownMethods returns the methods of services as pkg.Service/Method. For services that the
// source does not know yet it asks, all at once and until ctx ends; rest has the services that
// are still unknown then.
func KnownMethods(
	ctx context.Context, s Source, services []protoreflect.FullName,
) (methods []string, rest []protoreflect.FullName) {
	lister, _ := s.(methodLister)
	told := func(name protoreflect.FullName) bool {
		if lister == nil {
			return false
		}
		names, ok := lister.methodNames(name)
		for _, m := range names {
			methods = append(methods, string(name)+"/"+string(m))
		}
		return ok
	}
	for _, name := range services {
		if !told(name) {
			rest = append(rest, name)
		}
	}
	if len(rest) == 0 {
		return methods, nil
	}
	Prefetch(ctx, s, rest)
	unknown := rest
	rest = nil
	for _, name := range unknown {
		if told(name) {
			continue
		}
		d, err := s.Find(ctx, name)
		sd, ok := d.(protoreflect.ServiceDescriptor)
		if err != nil || !ok {
			rest = append(rest, name)
			continue
		}
		methods = append(methods, methodNames(sd)...)
	}
	return methods, rest
}

// Known returns the full names of the messages, enums and extensions that a source
// knows of without asking anybody, sorted.
func Known(s Source) []protoreflect.FullName {
	e, ok := s.(enumerator)
	if !ok {
		return nil
	}
	names := e.known()
	slices.Sort(names)
	return slices.Compact(names)
}
