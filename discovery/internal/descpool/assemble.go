package descpool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/discovery/internal/builtin"
	"github.com/rpcctl/rpcctl/discovery/internal/rawdesc"
	"github.com/rpcctl/rpcctl/discovery/internal/sanitize"
	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
	"github.com/rpcctl/rpcctl/discovery/internal/timelimit"
)

// An assembly makes one file descriptor. It checks the file, finds the imports, makes the
// names of types full, and adds the imports that types need and the file does not list.
type assembly struct {
	pool             *Pool
	file             *File
	fd               *descriptorpb.FileDescriptorProto
	depth            int
	imports          map[string]protoreflect.FileDescriptor // by the path in fd.Dependency; nil: unresolved
	direct           map[string]bool                        // the same, by the path that each file has
	visible          map[string]bool                        // the imports and what they import publicly, by path
	linked           []protoreflect.FileDescriptor          // those of them that are linked
	declared         map[protoreflect.FullName]bool         // messages and enums of the file itself
	types            map[protoreflect.FullName]protoreflect.Descriptor
	missingImports   []error // imports that could not be found, and why
	incomplete       bool    // something is not resolved
	hasRelativeNames bool    // it has relative names, which protoc never writes
}

// assemble makes the descriptor of a file. A *refusal is final. It checks between its steps
// whether ctx is done; no step takes long for one file.
func (p *Pool) assemble(ctx context.Context, f *File, depth int) (fd protoreflect.FileDescriptor, err error) {
	if err := timelimit.Err(ctx); err != nil {
		return nil, err
	}
	raw := f.raw
	if p.skipComments {
		if raw, err = rawdesc.WithoutComments(raw); err != nil {
			return nil, &refusal{err}
		}
	}
	n, err := p.charge(raw)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil && !errors.As(err, new(*refusal)) {
			p.weight -= n // nothing is kept, and the file is built another time
		}
	}()
	a := &assembly{
		pool: p, file: f, fd: &descriptorpb.FileDescriptorProto{}, depth: depth,
		imports:  map[string]protoreflect.FileDescriptor{},
		direct:   map[string]bool{},
		visible:  map[string]bool{},
		declared: map[protoreflect.FullName]bool{},
		types:    map[protoreflect.FullName]protoreflect.Descriptor{},
	}
	// Extensions stay as they came: nothing here may depend on which generated
	// packages this program happens to link.
	o := proto.UnmarshalOptions{Resolver: (*protoregistry.Types)(nil)}
	if err := o.Unmarshal(raw, a.fd); err != nil {
		return nil, &refusal{err}
	}
	if err := timelimit.Err(ctx); err != nil {
		return nil, err
	}
	if err := sanitize.Check(a.fd); err != nil {
		return nil, &refusal{err}
	}
	sanitize.Clean(a.fd)
	if err := a.resolveImports(ctx); err != nil {
		return nil, err
	}
	a.declare(protoreflect.FullName(a.fd.GetPackage()), a.fd.MessageType, a.fd.EnumType)
	if err := a.resolveTypes(ctx); err != nil {
		return nil, err
	}
	if err := timelimit.Err(ctx); err != nil {
		return nil, err
	}
	return a.build()
}

// charge adds the weight of a file to that of the pool, and returns it. The caller subtracts
// it again when the file is not built. A file that is too heavy for the pool or for the lookup
// ends the lookup.
func (p *Pool) charge(raw []byte) (int, error) {
	n, err := rawdesc.Weigh(raw)
	if err != nil {
		return 0, &refusal{err}
	}
	if p.weight+n > p.maxWeight {
		return 0, &LimitError{Err: fmt.Errorf("the files used have more than %d declarations, options and comments",
			p.maxWeight), tooWide: true}
	}
	if p.weight+n-p.weightBefore > p.maxLookupWeight {
		return 0, &LimitError{Err: errTooWide, tooWide: true}
	}
	p.weight += n
	return n, nil
}

// build hands the file to the library. When the library refuses it, build repairs what servers
// are known to get wrong and tries once more.
func (a *assembly) build() (protoreflect.FileDescriptor, error) {
	// What is imported for options only is not needed to build anything; a path
	// that is there twice would be refused.
	seen := map[string]bool{a.file.Path: true}
	a.fd.OptionDependency = slices.DeleteFunc(a.fd.OptionDependency, func(path string) bool {
		_, twice := a.imports[path]
		twice = twice || seen[path]
		seen[path] = true
		return twice
	})
	if a.hasRelativeNames {
		sanitize.MendOptional(a.fd)
		sanitize.Mend(a.fd)
	}
	fd, err := a.protodesc()
	if err != nil && sanitize.Mend(a.fd) {
		fd, err = a.protodesc()
	}
	if err != nil {
		return nil, &refusal{errors.New(trimPrefix(err.Error()))}
	}
	return fd, nil
}

// protodesc calls the library. The checks before this call keep away what is known to make the
// library panic. It recovers from a panic all the same, because the file comes from outside
// and must not end the process.
func (a *assembly) protodesc() (fd protoreflect.FileDescriptor, err error) {
	defer func() {
		if r := recover(); r != nil {
			fd, err = nil, fmt.Errorf("the descriptor is inconsistent: %v", r)
		}
	}()
	return protodesc.FileOptions{AllowUnresolvable: a.incomplete}.New(a.fd, a)
}

// trimPrefix removes the library's name, and the blank of varying width after it, from an
// error text.
func trimPrefix(s string) string {
	if rest, ok := strings.CutPrefix(s, "proto:"); ok {
		return strings.TrimLeft(rest, " \u00a0")
	}
	return s
}

// resolveImports finds the files that the file imports. An import that cannot be found stays
// unresolved.
func (a *assembly) resolveImports(ctx context.Context) error {
	public := map[string]bool{}
	for _, i := range a.fd.PublicDependency {
		public[a.fd.Dependency[i]] = true
	}
	listed := a.fd.Dependency
	if a.pool.skipImports { // a type that needs one brings it
		listed = slices.DeleteFunc(listed, func(path string) bool { return !public[path] })
	}
	a.pool.fetchMissing(ctx, listed)
	a.fd.Dependency, a.fd.PublicDependency, a.fd.WeakDependency = nil, nil, nil
	for _, path := range listed {
		d, err := a.pool.lookupFile(ctx, path, a.depth)
		switch {
		case err == nil:
			a.addImport(path, d, public[path])
		case errors.Is(err, symbol.ErrNotFound):
			a.addMissingImport(path, public[path], errNotThere)
		case symbol.IsDescriptorError(err):
			a.addMissingImport(path, public[path], err)
		default:
			return err
		}
	}
	if a.file.publicPaths > maxPublicPaths {
		return &refusal{fmt.Errorf("more than %d ways along public imports", maxPublicPaths)}
	}
	return nil
}

// fetchMissing asks for all imports at once that the pool does not have. Many servers send one
// file for each question.
func (p *Pool) fetchMissing(ctx context.Context, paths []string) {
	var missing []string
	for _, path := range paths {
		if p.byPath[path] == nil && builtin.WellKnownFile(path) == nil && !slices.Contains(missing, path) {
			missing = append(missing, path)
		}
	}
	if len(missing) > 1 {
		p.fetch.FetchPaths(ctx, missing)
	}
}

var errNotThere = errors.New("it is not there")

// addImport adds a file to the imports, unless it is there already or is the file itself.
func (a *assembly) addImport(path string, d protoreflect.FileDescriptor, public bool) {
	before, listed := a.imports[path]
	if before != nil || d.Path() == a.file.Path || a.direct[d.Path()] {
		return
	}
	a.imports[path], a.direct[d.Path()] = d, true
	if !listed { // else it was unresolved, and a question about a type has brought it
		a.listImport(path, public)
	}
	if public {
		a.file.publicPaths += 1 + a.pool.publicPathsFrom(d)
	}
	a.addVisible(d)
}

// listImport lists an import in the descriptor.
func (a *assembly) listImport(path string, public bool) {
	if public {
		a.fd.PublicDependency = append(a.fd.PublicDependency, int32(len(a.fd.Dependency)))
	}
	a.fd.Dependency = append(a.fd.Dependency, path)
}

// addMissingImport lists an import that could not be found.
func (a *assembly) addMissingImport(path string, public bool, why error) {
	if _, twice := a.imports[path]; twice || path == a.file.Path {
		return
	}
	a.imports[path] = nil
	a.listImport(path, public)
	a.missingImports = append(a.missingImports, &importError{path, why})
	a.incomplete = true
}

// publicPathsFrom returns how many paths lead from a built file along public imports. The
// library follows each of them, so their number is bounded.
func (p *Pool) publicPathsFrom(d protoreflect.FileDescriptor) int {
	if f := p.byPath[d.Path()]; f != nil {
		return f.publicPaths
	}
	return 0
}

// addVisible makes the symbols of an import visible, and those of what it imports publicly.
func (a *assembly) addVisible(d protoreflect.FileDescriptor) {
	if a.visible[d.Path()] {
		return
	}
	a.visible[d.Path()] = true
	if builtin.Has(d) {
		a.linked = append(a.linked, d)
	}
	for i := range d.Imports().Len() {
		if imp := d.Imports().Get(i); imp.IsPublic && !imp.IsPlaceholder() {
			a.addVisible(imp.FileDescriptor)
		}
	}
}

// An importError is the reason why an import could not be found.
type importError struct {
	path string
	why  error
}

func (e *importError) Error() string { return fmt.Sprintf("import %q: %v", e.path, e.why) }
func (e *importError) Unwrap() error { return e.why }

// FindFileByPath implements protodesc.Resolver.
func (a *assembly) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	if d := a.imports[path]; d != nil {
		return d, nil
	}
	return nil, protoregistry.NotFound
}

// FindDescriptorByName implements protodesc.Resolver.
func (a *assembly) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if d := a.findVisible(name); d != nil {
		return d, nil
	}
	return nil, protoregistry.NotFound
}

// findVisible returns the symbol with a full name that the visible imports declare, or nil.
func (a *assembly) findVisible(name protoreflect.FullName) protoreflect.Descriptor {
	if d, ok := a.types[name]; ok {
		return d
	}
	// A type of google.protobuf is the linked one, whoever declares that name too.
	d := builtin.WellKnownSymbol(name)
	if d != nil {
		if !a.visible[d.ParentFile().Path()] {
			return nil
		}
	} else if d = a.findInImports(name); d == nil {
		d = symbol.InFiles(a.linked, name)
	}
	if d != nil {
		a.types[name] = d
	}
	return d
}

// findInImports searches the imports that are files of the pool.
func (a *assembly) findInImports(name protoreflect.FullName) protoreflect.Descriptor {
	for _, f := range a.pool.owners(name) {
		if f.state == fileBuilt && a.visible[f.desc.Path()] {
			if d := symbol.InFile(f.desc, name); d != nil {
				return d
			}
		}
	}
	return nil
}
