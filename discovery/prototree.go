package discovery

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/builtin"
	"github.com/rpcctl/rpcctl/discovery/internal/descpool"
	"github.com/rpcctl/rpcctl/discovery/internal/nameindex"
	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
	"github.com/rpcctl/rpcctl/discovery/internal/timelimit"
)

// A Prototree is the Source of folders of .proto files. Opening one scans the files for the
// names that they declare; a file is compiled, with what it imports, when a symbol of it is
// asked for. A file that does not compile spoils what needs it and nothing else. It is safe
// for concurrent use.
type Prototree struct {
	mu       sync.Mutex
	compiler *protoCompiler
	files    []*treeFile
	packages map[protoreflect.FullName]*treePackage
	faults   []error
}

// A treeFile is one file of a tree.
type treeFile struct {
	*protoOutline                     // without top, which goes into listed and the package's names
	listed        []protoreflect.Name // those that are listed, see protoOutline
	name          string              // by which it is imported
	source        *Protofiles         // when it was compiled
	err           error               // when it does not compile
}

// OpenProtos opens .proto files: single ones as OpenProtofiles does, and folders and patterns
// such as protos/**/*.proto as a Prototree. A folder becomes an import path, unless it lies
// below one or in a buf workspace, whose roots are used then.
func OpenProtos(ctx context.Context, o ProtofileOptions) (Source, error) {
	o.PassedOver = onceEach(o.PassedOver)
	var patterns, single []string
	for _, f := range o.Files {
		if IsProtoPattern(f) {
			patterns = append(patterns, f)
		} else {
			single = append(single, f)
		}
	}
	var sources []Source
	if len(single) > 0 {
		alone := o
		alone.Files = single
		s, err := OpenProtofiles(ctx, alone)
		if err != nil {
			return nil, err
		}
		sources = append(sources, s)
	}
	if len(patterns) > 0 {
		t, err := openTree(ctx, o, patterns)
		if err != nil {
			return nil, err
		}
		sources = append(sources, t)
	}
	if len(sources) == 1 {
		return sources[0], nil
	}
	return Layer(sources[0], sources[1:]...), nil
}

// onceEach returns a function that calls tell with an error unless it did so before with the
// same text.
func onceEach(tell func(error)) func(error) {
	told := map[string]bool{}
	return func(err error) {
		if text := err.Error(); tell != nil && !told[text] {
			told[text] = true
			tell(err)
		}
	}
}

func openTree(ctx context.Context, o ProtofileOptions, patterns []string) (*Prototree, error) {
	c := &protoCompiler{
		roots: slices.Clone(o.ImportPaths), noComments: o.NoComments, store: o.Store,
		sources: map[string]source{}, built: map[string]protoreflect.FileDescriptor{},
	}
	t := &Prototree{compiler: c, packages: map[protoreflect.FullName]*treePackage{}}
	var places []string
	for _, typed := range patterns {
		p := parsePattern(typed)
		found, err := p.find()
		if err != nil {
			return nil, err
		}
		w, err := findBuf(ctx, p.base, o.PassedOver)
		if err != nil {
			return nil, err
		}
		if w != nil {
			found = slices.DeleteFunc(found, w.excluded)
			c.addBuf(w)
		}
		if !c.covers(p.base) && (w == nil || !slices.ContainsFunc(found, c.covers)) {
			c.roots = append(c.roots, p.base)
		}
		places = append(places, found...)
	}
	slices.Sort(places)
	if places = slices.Compact(places); len(places) > descpool.MaxFiles {
		return nil, fmt.Errorf("more than %d files", descpool.MaxFiles)
	}
	return t, t.lookOver(ctx, places)
}

// A treePackage has the files of one package, and knows which of them declares a name.
type treePackage struct {
	files []*treeFile
	names nameindex.Index
}

func (p *treePackage) declaring(name protoreflect.Name) []*treeFile {
	if p == nil {
		return nil
	}
	var files []*treeFile
	for _, i := range p.names.Files(name) {
		files = append(files, p.files[i])
	}
	return files
}

// covers reports whether a place is, or lies below, an import path.
func (c *protoCompiler) covers(place string) bool {
	return slices.ContainsFunc(c.roots, func(root string) bool {
		_, ok := below(root, place)
		return ok
	})
}

// lookOver reads files and notes what they declare.
func (t *Prototree) lookOver(ctx context.Context, places []string) error {
	outlines := make([]*protoOutline, len(places))
	errs := make([]error, len(places))
	inParallel(ctx, len(places), func(i int) {
		text, _, err := readSource(ctx, places[i])
		if err == nil {
			outlines[i] = outline(text)
		}
		errs[i] = err
	})
	if ctx.Err() != nil {
		return timelimit.Stopped(ctx, errs...)
	}
	seen := map[string]bool{}
	for i, place := range places {
		if errs[i] != nil {
			t.faults = append(t.faults, &ImportError{Import: place, Roots: t.compiler.roots, Err: errs[i]})
			continue
		}
		name := t.compiler.importName(place)
		if !seen[name] {
			seen[name] = true
			t.add(&treeFile{protoOutline: outlines[i], name: name})
		}
	}
	return nil
}

// importName is the name that a file of a tree is imported by: from the deepest import path
// that it lies below, since an outer one may serve other files.
func (c *protoCompiler) importName(place string) string {
	best := filepath.ToSlash(place)
	for i, root := range c.roots {
		if name, ok := below(root, place); ok && (i == 0 || len(name) < len(best)) {
			best = name
		}
	}
	return best
}

func (t *Prototree) add(f *treeFile) {
	t.files = append(t.files, f)
	p := t.packages[f.pkg]
	if p == nil {
		p = &treePackage{}
		t.packages[f.pkg] = p
	}
	var entries []uint64
	for name, listed := range f.top {
		entries = append(entries, nameindex.NewEntry(name, len(p.files)))
		if listed {
			f.listed = append(f.listed, name)
		}
	}
	f.top = nil
	p.names.Add(entries)
	p.files = append(p.files, f)
}

// compiled returns the schema of a file and what it imports.
func (t *Prototree) compiled(ctx context.Context, f *treeFile) (*Protofiles, error) {
	if f.source != nil || f.err != nil {
		return f.source, f.err
	}
	s, err := t.compiler.compile(ctx, []string{f.name})
	if ctx.Err() != nil {
		return nil, timelimit.Stopped(ctx, err)
	}
	if f.source, f.err = s, err; err != nil {
		t.faults = append(t.faults, err)
		return nil, err
	}
	t.compiler.mu.Lock()
	defer t.compiler.mu.Unlock()
	for _, fd := range s.files {
		t.compiler.built[fd.Path()] = fd
	}
	return s, nil
}

// owners returns the files that declare a name or what it is inside of, those of
// the longest package first.
func (t *Prototree) owners(name protoreflect.FullName) []*treeFile {
	var owners []*treeFile
	for pkg := name.Parent(); ; pkg = pkg.Parent() {
		rest := string(name)
		if pkg != "" {
			rest = rest[len(pkg)+1:]
		}
		first, _, _ := strings.Cut(rest, ".")
		owners = append(owners, t.packages[pkg].declaring(protoreflect.Name(first))...)
		if pkg == "" {
			return owners
		}
	}
}

// Services implements Source, with the services of the files that were named.
func (t *Prototree) Services(context.Context) ([]protoreflect.FullName, error) {
	var names []protoreflect.FullName
	for _, f := range t.files {
		for _, s := range f.services {
			names = append(names, symbol.Join(f.pkg, string(s.name)))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Find implements Source.
func (t *Prototree) Find(ctx context.Context, name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if d := builtin.WellKnownSymbol(name); d != nil {
		return d, nil
	}
	if !symbol.Valid(name) {
		return nil, &UnknownError{Kind: KindSymbol, Name: string(name)}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var failed error
	for _, f := range t.owners(name) {
		s, err := t.compiled(ctx, f)
		if err != nil {
			failed = firstOf(failed, err)
			continue
		}
		d, err := s.Find(ctx, name)
		if err == nil {
			return d, nil
		}
		if !errors.Is(err, ErrNotFound) {
			failed = firstOf(failed, err)
		}
	}
	if failed != nil {
		return nil, failed
	}
	// What files import from elsewhere is declared by none of them.
	for _, f := range t.files {
		if f.source != nil {
			if d, err := f.source.Find(ctx, name); err == nil {
				return d, nil
			}
		}
	}
	return nil, &UnknownError{Kind: KindSymbol, Name: string(name)}
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// Extensions implements Source. Files that do not compile are passed over.
func (t *Prototree) Extensions(
	ctx context.Context, message protoreflect.FullName,
) ([]protoreflect.ExtensionDescriptor, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var found []protoreflect.ExtensionDescriptor
	seen := map[protoreflect.FieldNumber]bool{}
	for _, f := range t.files {
		if !slices.ContainsFunc(f.extendees, func(e string) bool { return namesWithin(e, message) }) {
			continue
		}
		s, err := t.compiled(ctx, f)
		if err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			continue
		}
		xs, err := s.Extensions(ctx, message)
		if err != nil {
			return nil, err
		}
		for _, x := range xs {
			if !seen[x.Number()] {
				seen[x.Number()] = true
				found = append(found, x)
			}
		}
	}
	symbol.SortExtensions(found)
	return found, nil
}

// namesWithin reports whether a reference, which may be relative, may mean a name.
func namesWithin(ref string, name protoreflect.FullName) bool {
	ref = strings.TrimPrefix(ref, ".")
	return ref == string(name) || strings.HasSuffix(string(name), "."+ref)
}

func (t *Prototree) methodNames(service protoreflect.FullName) ([]protoreflect.Name, bool) {
	for _, f := range t.packages[service.Parent()].declaring(service.Name()) {
		for _, s := range f.services {
			if s.name == service.Name() {
				return slices.Clone(s.methods), true
			}
		}
	}
	return nil, false
}

func (t *Prototree) known() []protoreflect.FullName {
	var names []protoreflect.FullName
	for _, f := range t.files {
		for _, name := range f.listed {
			names = append(names, symbol.Join(f.pkg, string(name)))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Faults returns what is wrong with the files that were found to be broken so far.
func (t *Prototree) Faults() []error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.faults)
}

// A faulter is a Source that has passed over something.
type faulter interface{ Faults() []error }

// Faults returns what a source has passed over so far because something is wrong
// with it, each thing once.
func Faults(s Source) []error {
	var all []error
	if l, ok := s.(*Layered); ok {
		for _, inner := range l.sources {
			all = append(all, Faults(inner)...)
		}
		return all
	}
	if f, ok := s.(faulter); ok {
		all = f.Faults()
	}
	return all
}
