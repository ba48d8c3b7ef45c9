// Package descpool holds file descriptors from outside as bytes, and builds those that are asked
// for. It finds what a file imports, resolves the names that a file refers to, and repairs what
// servers are known to get wrong. The main type is Pool.
//
// A file that is not valid spoils what needs it and nothing else. What one lookup and all
// lookups together may take is bounded.
package descpool

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/builtin"
	"github.com/rpcctl/rpcctl/discovery/internal/nameindex"
	"github.com/rpcctl/rpcctl/discovery/internal/rawdesc"
	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// A Pool holds encoded files and the descriptors that were built of them. It is not safe for
// concurrent use.
type Pool struct {
	fetch           Fetcher
	skipComments    bool             // comments are left out of what is built
	skipImports     bool             // imports that no type needs, such as those of options, are left out
	byPath          map[string]*File // by the path of a file, and by the paths that were asked for
	all             []*File
	packages        map[protoreflect.FullName]*packageFiles
	bytes           int
	serviceCount    int                             // services that all files declare
	weight          int                             // of all files that were built; see rawdesc.Weigh
	maxWeight       int                             // of all files that are built
	maxLookupWeight int                             // of all files that one lookup builds
	weightBefore    int                             // weight when the current lookup began
	tooWide         map[protoreflect.FullName]error // lookups that would build too much
	missingTypes    map[protoreflect.FullName]error // types that built files refer to and no file declares
	extendees       map[protoreflect.FullName][]*File
	indexed         int // how many of all are in extendees

	// The number and size of all files when the current lookup began.
	filesBefore, bytesBefore int
}

// A Fetcher adds files to a pool that does not have them. An error that wraps
// symbol.ErrNotFound is an answer. After any other error the pool asks again when it needs the
// same file.
type Fetcher interface {
	// FetchPaths adds those of several files that take fewer round trips together.
	FetchPaths(ctx context.Context, paths []string)
	// FetchPath adds the file with a path, and FetchSymbol the one that declares a symbol.
	FetchPath(ctx context.Context, path string) error
	FetchSymbol(ctx context.Context, name protoreflect.FullName) error
}

// nothing is the Fetcher of a pool that has all files from the start.
type nothing struct{}

func (nothing) FetchPaths(context.Context, []string)    {}
func (nothing) FetchPath(context.Context, string) error { return symbol.ErrNotFound }

func (nothing) FetchSymbol(context.Context, protoreflect.FullName) error { return symbol.ErrNotFound }

// A File is one file descriptor of a pool.
type File struct {
	rawdesc.Head
	raw             []byte
	Origin          string                       // what the file came from, for errors
	encodedServices map[protoreflect.Name][]byte // of rawdesc.Services; nil until it is needed
	state           fileState
	desc            protoreflect.FileDescriptor // of a file that was built
	err             error                       // of a file that was refused
	publicPaths     int                         // how many paths lead from it along public imports
	unsplittable    bool                        // splitting it did not help, or it was made by splitting
}

type fileState uint8

const (
	fileRaw fileState = iota
	fileBuilding
	fileBuilt
	fileRefused
)

// New returns an empty pool that builds files up to a total weight. A nil Fetcher brings
// nothing.
func New(f Fetcher, most int) *Pool {
	if f == nil {
		f = nothing{}
	}
	return &Pool{
		fetch:           f,
		maxWeight:       most,
		maxLookupWeight: maxLookupWeight,
		byPath:          map[string]*File{},
		packages:        map[protoreflect.FullName]*packageFiles{},
		missingTypes:    map[protoreflect.FullName]error{},
		tooWide:         map[protoreflect.FullName]error{},
	}
}

// ErrFull is the error for files that a pool has no room for.
var ErrFull = fmt.Errorf("more than %d files or %d MiB of descriptors", MaxFiles, MaxBytes>>20)

// Add adds an encoded file, whose bytes are the pool's from then on. When the pool has a file
// of the same path, Add returns that one, and whether the two differ.
func (p *Pool) Add(origin string, raw []byte) (f *File, differs bool, err error) {
	h, err := rawdesc.ReadHead(raw)
	if err != nil {
		return nil, false, &symbol.DescriptorError{Origin: origin, File: h.Path, Err: err}
	}
	if old := p.byPath[h.Path]; old != nil {
		return old, !bytes.Equal(old.raw, raw), nil
	}
	if len(p.all) >= MaxFiles || p.bytes+len(raw) > MaxBytes {
		return nil, false, &symbol.DescriptorError{Origin: origin, File: h.Path, Err: ErrFull}
	}
	if p.serviceCount += len(h.Services); p.serviceCount > rawdesc.MaxServices {
		p.serviceCount -= len(h.Services)
		return nil, false, &symbol.DescriptorError{Origin: origin, File: h.Path, Err: rawdesc.ErrServices}
	}
	f = &File{Head: h, raw: raw, Origin: origin}
	p.byPath[h.Path] = f
	p.all = append(p.all, f)
	if p.packages[h.Package] == nil {
		p.packages[h.Package] = &packageFiles{}
	}
	p.packages[h.Package].files = append(p.packages[h.Package].files, f)
	p.bytes += len(raw)
	return f, false, nil
}

// NewCompiled returns an empty pool for the files of one run of the compiler, with or without
// comments. Such a run declares each name once, so a pool without comments may also leave out
// imports that no type needs. One lookup may build all that the run made.
func NewCompiled(comments bool) *Pool {
	p := New(nil, MaxWeight)
	p.skipComments, p.skipImports, p.maxLookupWeight = !comments, !comments, MaxWeight
	return p
}

// SkipComments leaves comments and positions out of what is built from then on.
func (p *Pool) SkipComments() { p.skipComments = true }

// Size returns the number of files.
func (p *Pool) Size() int { return len(p.all) }

// Has reports whether there is a file with a path.
func (p *Pool) Has(path string) bool { return p.byPath[path] != nil }

// Encoded returns the bytes of the file with a path.
func (p *Pool) Encoded(path string) (raw []byte, ok bool) {
	f := p.byPath[path]
	if f == nil {
		return nil, false
	}
	return f.raw, true
}

// Set returns all files as a descriptor set.
func (p *Pool) Set() []byte {
	var set []byte
	for _, f := range p.all {
		set = AppendFile(set, f.raw)
	}
	return set
}

// AppendFile appends an encoded file to a descriptor set.
func AppendFile(set, raw []byte) []byte {
	set = protowire.AppendTag(set, rawdesc.SetFile, protowire.BytesType)
	return protowire.AppendBytes(set, raw)
}

// Last returns the path of the file that was added last.
func (p *Pool) Last() string { return p.all[len(p.all)-1].Path }

// NameLast gives the file that was added last one more path.
func (p *Pool) NameLast(path string) { p.byPath[path] = p.all[len(p.all)-1] }

// Declares reports whether a file declares a name, or a symbol that the name is inside of.
func (p *Pool) Declares(name protoreflect.FullName) bool { return len(p.owners(name)) > 0 }

// WhyMissing returns why a type that a built file refers to is not described, or nil.
func (p *Pool) WhyMissing(name protoreflect.FullName) error { return p.missingTypes[name] }

// owners returns the files that declare a name or a symbol that the name is inside of, those
// of the longest package first.
func (p *Pool) owners(name protoreflect.FullName) []*File {
	if len(name) > symbol.MaxName {
		return nil
	}
	var owners []*File
	for pkg := name.Parent(); ; pkg = pkg.Parent() {
		rest := name
		if pkg != "" {
			rest = name[len(pkg)+1:]
		}
		if in := p.packages[pkg]; in != nil {
			first, _, _ := strings.Cut(string(rest), ".")
			owners = append(owners, in.declaring(protoreflect.Name(first))...)
		}
		if pkg == "" {
			return owners
		}
	}
}

// packageFiles are the files of one package, with an index of the names that they declare.
type packageFiles struct {
	files   []*File
	indexed int // how many of the files are in names
	names   nameindex.Index
}

// declaring returns the files that declare a name in the package. It scans files that were
// added since the last call. Of a malformed file it finds the names before the fault.
func (c *packageFiles) declaring(name protoreflect.Name) []*File {
	if c.indexed < len(c.files) {
		var entries []uint64
		for i, f := range c.files[c.indexed:] {
			start := len(entries)
			rawdesc.TopNames(f.raw, func(name protoreflect.Name, _ bool) bool {
				if name != "" {
					entries = nameindex.Append(entries, start, nameindex.NewEntry(name, c.indexed+i))
				}
				return true
			})
		}
		c.names.Add(entries)
		c.indexed = len(c.files)
	}
	var files []*File
	for _, i := range c.names.Files(name) {
		files = append(files, c.files[i])
	}
	return files
}

// Find returns the symbol with a full name that one of the files declares.
func (p *Pool) Find(ctx context.Context, name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if d := builtin.WellKnownSymbol(name); d != nil {
		return d, nil
	}
	if err := p.tooWide[name]; err != nil {
		return nil, err // whatever part of it is built by now
	}
	p.weightBefore = p.weight
	for {
		d, err := p.findOwned(ctx, name)
		var cycle *splitRequest
		if !errors.As(err, &cycle) {
			if isTooWide(err) {
				p.tooWide[name] = err
			}
			return d, err
		}
		p.split(cycle.file) // each file at most once
	}
}

func (p *Pool) findOwned(ctx context.Context, name protoreflect.FullName) (protoreflect.Descriptor, error) {
	var failed error
	for _, f := range p.owners(name) {
		fd, err := p.build(ctx, f, 0)
		if err != nil {
			if failed == nil || !symbol.IsDescriptorError(err) {
				failed = err
			}
			continue
		}
		if d := symbol.InFile(fd, name); d != nil {
			return d, nil
		}
	}
	if failed != nil {
		return nil, failed
	}
	return nil, &symbol.UnknownError{Kind: symbol.KindSymbol, Name: string(name)}
}

// build returns the descriptor of a file, after building what the file imports. An import that
// cannot be found is left unresolved, and so is a type that no file declares.
func (p *Pool) build(ctx context.Context, f *File, depth int) (protoreflect.FileDescriptor, error) {
	if wk := builtin.WellKnownFile(f.Path); wk != nil {
		return wk, nil
	}
	switch f.state {
	case fileBuilt:
		return f.desc, nil
	case fileRefused:
		return nil, f.err
	case fileBuilding:
		return nil, &symbol.DescriptorError{Origin: f.Origin, File: f.Path, Err: errCycle}
	}
	if depth > maxImportDepth {
		return nil, &symbol.DescriptorError{Origin: f.Origin, File: f.Path, Err: errImportDepth}
	}
	f.state = fileBuilding
	desc, err := p.assemble(ctx, f, depth)
	if err == nil {
		f.desc, f.state = desc, fileBuilt
		return desc, nil
	}
	var refused *refusal
	if !errors.As(err, &refused) {
		f.state = fileRaw // the server did not answer: ask again next time
		return nil, err
	}
	f.err = &symbol.DescriptorError{Origin: f.Origin, File: f.Path, Err: refused.err}
	f.state = fileRefused
	return nil, f.err
}

var (
	errCycle       = errors.New("it is part of an import cycle")
	errImportDepth = fmt.Errorf("imports are more than %d deep", maxImportDepth)
)

// A refusal is the reason why a file can never be built.
type refusal struct{ err error }

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// lookupFile returns the descriptor of the file that an import names, asking for the file if
// need be.
func (p *Pool) lookupFile(ctx context.Context, path string, depth int) (protoreflect.FileDescriptor, error) {
	if wk := builtin.WellKnownFile(path); wk != nil {
		return wk, nil
	}
	f := p.byPath[path]
	err := symbol.ErrNotFound
	if f == nil {
		if err = p.fetch.FetchPath(ctx, path); err != nil && !errors.Is(err, symbol.ErrNotFound) &&
			!symbol.IsDescriptorError(err) {
			return nil, err
		}
		f = p.byPath[path]
	}
	if f != nil {
		return p.build(ctx, f, depth+1)
	}
	if l := builtin.File(path); l != nil {
		return l, nil
	}
	return nil, cmp.Or(err, symbol.ErrNotFound)
}

// lookupType returns the message or enum with a full name, which a file refers to. That file
// itself is not searched. When no file declares the name and ask is set, lookupType asks for
// one. It returns neither a descriptor nor an error when there is no such type.
func (p *Pool) lookupType(
	ctx context.Context, name protoreflect.FullName, by *File, ask bool, depth int,
) (protoreflect.Descriptor, error) {
	if d := builtin.WellKnownSymbol(name); d != nil {
		return symbol.TypeOrNil(d), nil
	}
	var failed error
	if ask && len(p.owners(name)) == 0 {
		err := p.fetch.FetchSymbol(ctx, name)
		switch {
		case symbol.IsDescriptorError(err):
			failed = err
		case err != nil && !errors.Is(err, symbol.ErrNotFound):
			return nil, err
		}
	}
	for _, f := range p.owners(name) {
		if f == by {
			continue
		}
		d, err := p.typeIn(ctx, f, name, depth)
		switch {
		case d != nil:
			return d, nil
		case symbol.IsDescriptorError(err):
			failed = err
		case err != nil:
			return nil, err
		}
	}
	if ask {
		if d := symbol.TypeOrNil(builtin.OtherSymbol(name)); d != nil {
			return d, nil
		}
	}
	return nil, failed
}

// typeIn returns the message or enum with a full name that a file declares, or nil.
func (p *Pool) typeIn(
	ctx context.Context, f *File, name protoreflect.FullName, depth int,
) (protoreflect.Descriptor, error) {
	if f.state == fileBuilding {
		if f.canSplit() {
			return nil, &splitRequest{f}
		}
		return nil, &symbol.DescriptorError{Origin: f.Origin, File: f.Path, Err: errCycle}
	}
	fd, err := p.build(ctx, f, depth+1)
	if err != nil {
		return nil, err
	}
	return symbol.TypeOrNil(symbol.InFile(fd, name)), nil
}
