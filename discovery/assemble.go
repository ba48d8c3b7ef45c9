package discovery

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

// An assembly is the making of one file descriptor: the file is checked, its
// imports are found, the names of types are made full, and imports that its types
// need and that it does not list are added.
type assembly struct {
	pool     *pool
	file     *file
	fd       *descriptorpb.FileDescriptorProto
	depth    int
	imports  map[string]protoreflect.FileDescriptor // by the path in fd.Dependency; nil: left open
	direct   map[string]bool                        // the same by the path that a file has itself
	visible  map[string]bool                        // the imports and what they import publicly, by path
	builtin  []protoreflect.FileDescriptor          // those of them that are linked
	declared map[protoreflect.FullName]bool         // messages and enums of the file itself
	types    map[protoreflect.FullName]protoreflect.Descriptor
	open     []error // imports that could not be had, and why
	lacking  bool    // something is not resolved
	foreign  bool    // it has relative names, which protoc never writes
}

// assemble makes the descriptor of a file. A *refusal is final. Between its steps, none of which
// takes long for one file, it ends with ctx.
func (p *pool) assemble(ctx context.Context, f *file, depth int) (fd protoreflect.FileDescriptor, err error) {
	if err := timelimit.Err(ctx); err != nil {
		return nil, err
	}
	raw := f.raw
	if p.bare {
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
			p.records -= n // nothing is kept, and the file is built another time
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

// charge counts what a file holds, and returns that number, which is taken back when the file is not
// built. What is too much for the pool, or for one lookup, ends the lookup.
func (p *pool) charge(raw []byte) (int, error) {
	n, err := rawdesc.Weigh(raw)
	if err != nil {
		return 0, &refusal{err}
	}
	if p.records+n > p.most {
		return 0, &endlessError{err: fmt.Errorf("the files used have more than %d declarations, options and comments", p.most), wide: true}
	}
	if p.records+n-p.before > p.used {
		return 0, &endlessError{err: errTooWide, wide: true}
	}
	p.records += n
	return n, nil
}

// build hands the file to the library, and once more after mending what some
// servers are known to get wrong.
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
	if a.foreign {
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

// protodesc calls the library. The checks before it keep what makes it panic
// away; the recovery is for what they do not know of yet, since the file comes
// from somebody else and must not end the process.
func (a *assembly) protodesc() (fd protoreflect.FileDescriptor, err error) {
	defer func() {
		if r := recover(); r != nil {
			fd, err = nil, fmt.Errorf("the descriptor is inconsistent: %v", r)
		}
	}()
	return protodesc.FileOptions{AllowUnresolvable: a.lacking}.New(a.fd, a)
}

// trimPrefix takes the library's name, with its blank of varying width, off an
// error text.
func trimPrefix(s string) string {
	if rest, ok := strings.CutPrefix(s, "proto:"); ok {
		return strings.TrimLeft(rest, " \u00a0")
	}
	return s
}

// resolveImports finds the files that the file imports. One that can not be had
// stays open.
func (a *assembly) resolveImports(ctx context.Context) error {
	public := map[string]bool{}
	for _, i := range a.fd.PublicDependency {
		public[a.fd.Dependency[i]] = true
	}
	listed := a.fd.Dependency
	if a.pool.lean { // a type that needs one brings it
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
			a.leaveOpen(path, public[path], errNotThere)
		case symbol.IsDescriptorError(err):
			a.leaveOpen(path, public[path], err)
		default:
			return err
		}
	}
	if a.file.ways > maxPublicPaths {
		return &refusal{fmt.Errorf("more than %d ways along public imports", maxPublicPaths)}
	}
	return nil
}

// fetchMissing asks for what a file imports and nobody has sent, all at once: many
// servers send one file for each question.
func (p *pool) fetchMissing(ctx context.Context, paths []string) {
	var missing []string
	for _, path := range paths {
		if p.files[path] == nil && builtin.WellKnownFile(path) == nil && !slices.Contains(missing, path) {
			missing = append(missing, path)
		}
	}
	if len(missing) > 1 {
		p.fetch.fetchPaths(ctx, missing)
	}
}

var errNotThere = errors.New("it is not there")

// addImport adds a file to the imports, unless it is there already or is the file
// itself.
func (a *assembly) addImport(path string, d protoreflect.FileDescriptor, public bool) {
	before, listed := a.imports[path]
	if before != nil || d.Path() == a.file.Path || a.direct[d.Path()] {
		return
	}
	a.imports[path], a.direct[d.Path()] = d, true
	if !listed { // else it was left open, and a question about a type has brought it
		a.noteImport(path, public)
	}
	if public {
		a.file.ways += 1 + a.pool.waysFrom(d)
	}
	a.see(d)
}

func (a *assembly) noteImport(path string, public bool) {
	if public {
		a.fd.PublicDependency = append(a.fd.PublicDependency, int32(len(a.fd.Dependency)))
	}
	a.fd.Dependency = append(a.fd.Dependency, path)
}

func (a *assembly) leaveOpen(path string, public bool, why error) {
	if _, twice := a.imports[path]; twice || path == a.file.Path {
		return
	}
	a.imports[path] = nil
	a.noteImport(path, public)
	a.open = append(a.open, &importProblem{path, why})
	a.lacking = true
}

// waysFrom returns how many ways there are from a built file along public
// imports. The library follows each of them, so their number is bounded.
func (p *pool) waysFrom(d protoreflect.FileDescriptor) int {
	if f := p.files[d.Path()]; f != nil {
		return f.ways
	}
	return 0
}

// see makes a file visible, with what it imports publicly.
func (a *assembly) see(d protoreflect.FileDescriptor) {
	if a.visible[d.Path()] {
		return
	}
	a.visible[d.Path()] = true
	if builtin.Has(d) {
		a.builtin = append(a.builtin, d)
	}
	for i := range d.Imports().Len() {
		if imp := d.Imports().Get(i); imp.IsPublic && !imp.IsPlaceholder() {
			a.see(imp.FileDescriptor)
		}
	}
}

// An importProblem is an import that could not be had.
type importProblem struct {
	path string
	why  error
}

func (e *importProblem) Error() string { return fmt.Sprintf("import %q: %v", e.path, e.why) }
func (e *importProblem) Unwrap() error { return e.why }

// FindFileByPath implements protodesc.Resolver.
func (a *assembly) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	if d := a.imports[path]; d != nil {
		return d, nil
	}
	return nil, protoregistry.NotFound
}

// FindDescriptorByName implements protodesc.Resolver.
func (a *assembly) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if d := a.lookVisible(name); d != nil {
		return d, nil
	}
	return nil, protoregistry.NotFound
}

func (a *assembly) lookVisible(name protoreflect.FullName) protoreflect.Descriptor {
	if d, ok := a.types[name]; ok {
		return d
	}
	// A type of google.protobuf is the linked one, whoever declares that name too.
	d := builtin.WellKnownSymbol(name)
	if d != nil {
		if !a.visible[d.ParentFile().Path()] {
			return nil
		}
	} else if d = a.lookOwners(name); d == nil {
		d = symbol.InFiles(a.builtin, name)
	}
	if d != nil {
		a.types[name] = d
	}
	return d
}

func (a *assembly) lookOwners(name protoreflect.FullName) protoreflect.Descriptor {
	for _, f := range a.pool.owners(name) {
		if f.state == fileBuilt && a.visible[f.desc.Path()] {
			if d := symbol.InFile(f.desc, name); d != nil {
				return d
			}
		}
	}
	return nil
}
