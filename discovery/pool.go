package discovery

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/builtin"
	"github.com/rpcctl/rpcctl/discovery/internal/nameindex"
	"github.com/rpcctl/rpcctl/discovery/internal/rawdesc"
	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// A pool holds file descriptors as bytes and builds those that are asked for,
// with what they import. It is not safe for concurrent use.
type pool struct {
	fetch     fetcher
	bare      bool             // comments are left out
	lean      bool             // and imports that no type needs, as those of options are
	files     map[string]*file // by path, and by the names that a file was given for
	all       []*file
	packages  map[protoreflect.FullName]*contents
	bytes     int
	offered   int                             // services of all files
	records   int                             // of all files that were built
	most      int                             // of those
	used      int                             // of those that one lookup builds, at most
	before    int                             // of those, when the lookup under way began
	wide      map[protoreflect.FullName]error // lookups that need more than one may build
	lacks     map[protoreflect.FullName]error // types that are referred to and not described
	extendees map[protoreflect.FullName][]*file
	indexed   int // how many of all are in extendees
}

// A fetcher brings files that a pool does not have, by adding them. An error that
// wraps ErrNotFound is an answer; any other means that there was none, and that
// the question may be asked again.
type fetcher interface {
	// fetchPaths brings several files with fewer round trips, as far as it can.
	fetchPaths(ctx context.Context, paths []string)
	fetchPath(ctx context.Context, path string) error
	fetchSymbol(ctx context.Context, name protoreflect.FullName) error
}

// noFetcher is for pools that have all that there is.
type noFetcher struct{}

func (noFetcher) fetchPaths(context.Context, []string)    {}
func (noFetcher) fetchPath(context.Context, string) error { return symbol.ErrNotFound }

func (noFetcher) fetchSymbol(context.Context, protoreflect.FullName) error { return symbol.ErrNotFound }

// A file is one file descriptor of a pool.
type file struct {
	rawdesc.Head
	raw    []byte
	origin string
	served map[protoreflect.Name][]byte // see scanServices; nil until it is needed
	state  fileState
	desc   protoreflect.FileDescriptor // when built
	err    error                       // when refused
	ways   int                         // how many ways there are from it along public imports
	whole  bool                        // it is not to be split, or was made by splitting
}

type fileState uint8

const (
	fileRaw fileState = iota
	fileBuilding
	fileBuilt
	fileRefused
)

// newPool returns an empty pool, which builds files up to a sum of fields and lines of comments.
func newPool(f fetcher, most int) *pool {
	return &pool{
		fetch:    f,
		most:     most,
		used:     maxUsedRecords,
		files:    map[string]*file{},
		packages: map[protoreflect.FullName]*contents{},
		lacks:    map[protoreflect.FullName]error{},
		wide:     map[protoreflect.FullName]error{},
	}
}

var errPoolFull = fmt.Errorf("more than %d files or %d MiB of descriptors", maxFiles, maxBytes>>20)

// add takes a file, whose bytes are the pool's from then on. A file of a path
// that the pool has already is left out: add then returns the one that is there,
// and whether it differs.
func (p *pool) add(origin string, raw []byte) (f *file, differs bool, err error) {
	h, err := rawdesc.ReadHead(raw)
	if err != nil {
		return nil, false, &symbol.DescriptorError{Origin: origin, File: h.Path, Err: err}
	}
	if old := p.files[h.Path]; old != nil {
		return old, !bytes.Equal(old.raw, raw), nil
	}
	if len(p.all) >= maxFiles || p.bytes+len(raw) > maxBytes {
		return nil, false, &symbol.DescriptorError{Origin: origin, File: h.Path, Err: errPoolFull}
	}
	if p.offered += len(h.Services); p.offered > rawdesc.MaxServices {
		p.offered -= len(h.Services)
		return nil, false, &symbol.DescriptorError{Origin: origin, File: h.Path, Err: rawdesc.ErrServices}
	}
	f = &file{Head: h, raw: raw, origin: origin}
	p.files[h.Path] = f
	p.all = append(p.all, f)
	if p.packages[h.Package] == nil {
		p.packages[h.Package] = &contents{}
	}
	p.packages[h.Package].files = append(p.packages[h.Package].files, f)
	p.bytes += len(raw)
	return f, false, nil
}

// owners returns the files that declare a name or what it is inside of, those of
// the longest package first.
func (p *pool) owners(name protoreflect.FullName) []*file {
	if len(name) > symbol.MaxName {
		return nil
	}
	var owners []*file
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

// contents are the files of one package, and who declares what in it.
type contents struct {
	files   []*file
	indexed int // how many of the files are in names
	names   nameindex.Index
}

// declaring returns the files that declare a name in the package. They are looked
// into at the first question about the package. Of a file with a fault
// the names before it count.
func (c *contents) declaring(name protoreflect.Name) []*file {
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
	var files []*file
	for _, i := range c.names.Files(name) {
		files = append(files, c.files[i])
	}
	return files
}

// find returns the symbol with a full name, of the files that the pool has.
func (p *pool) find(ctx context.Context, name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if d := builtin.WellKnownSymbol(name); d != nil {
		return d, nil
	}
	if err := p.wide[name]; err != nil {
		return nil, err // whatever of it is built by now
	}
	p.before = p.records
	for {
		d, err := p.findOwned(ctx, name)
		var cycle *splitRequest
		if !errors.As(err, &cycle) {
			if isWide(err) {
				p.wide[name] = err
			}
			return d, err
		}
		p.split(cycle.file) // each file at most once
	}
}

func (p *pool) findOwned(ctx context.Context, name protoreflect.FullName) (protoreflect.Descriptor, error) {
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

// build returns the descriptor of a file. What the file imports is built first;
// an import that can not be had is left open, and so is a type that nothing
// declares.
func (p *pool) build(ctx context.Context, f *file, depth int) (protoreflect.FileDescriptor, error) {
	if wk := builtin.WellKnownFile(f.Path); wk != nil {
		return wk, nil
	}
	switch f.state {
	case fileBuilt:
		return f.desc, nil
	case fileRefused:
		return nil, f.err
	case fileBuilding:
		return nil, &symbol.DescriptorError{Origin: f.origin, File: f.Path, Err: errCycle}
	}
	if depth > maxImportDepth {
		return nil, &symbol.DescriptorError{Origin: f.origin, File: f.Path, Err: errImportDepth}
	}
	f.state = fileBuilding
	desc, err := p.assemble(ctx, f, depth)
	if err == nil {
		f.desc, f.state = desc, fileBuilt
		return desc, nil
	}
	var refused *refusal
	if !errors.As(err, &refused) {
		f.state = fileRaw // there was no answer to a question: ask again next time
		return nil, err
	}
	f.err = &symbol.DescriptorError{Origin: f.origin, File: f.Path, Err: refused.err}
	f.state = fileRefused
	return nil, f.err
}

var (
	errCycle       = errors.New("it is part of an import cycle")
	errImportDepth = fmt.Errorf("imports are more than %d deep", maxImportDepth)
)

// A refusal is the reason why a file will never be built.
type refusal struct{ err error }

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// lookupFile returns the file that an import names, asking for it if need be.
func (p *pool) lookupFile(ctx context.Context, path string, depth int) (protoreflect.FileDescriptor, error) {
	if wk := builtin.WellKnownFile(path); wk != nil {
		return wk, nil
	}
	f := p.files[path]
	err := symbol.ErrNotFound
	if f == nil {
		if err = p.fetch.fetchPath(ctx, path); err != nil && !errors.Is(err, symbol.ErrNotFound) && !symbol.IsDescriptorError(err) {
			return nil, err
		}
		f = p.files[path]
	}
	if f != nil {
		return p.build(ctx, f, depth+1)
	}
	if l := builtin.File(path); l != nil {
		return l, nil
	}
	return nil, cmp.Or(err, symbol.ErrNotFound)
}

// lookupType returns the message or enum with a full name, asking for it if ask
// is set and need be. A nil descriptor without an error means that there is none.
// The file that refers to it is not looked into.
func (p *pool) lookupType(ctx context.Context, name protoreflect.FullName, by *file, ask bool, depth int) (protoreflect.Descriptor, error) {
	if d := builtin.WellKnownSymbol(name); d != nil {
		return symbol.TypeOrNil(d), nil
	}
	var failed error
	if ask && len(p.owners(name)) == 0 {
		err := p.fetch.fetchSymbol(ctx, name)
		if err != nil && !errors.Is(err, symbol.ErrNotFound) && !symbol.IsDescriptorError(err) {
			return nil, err
		}
		if symbol.IsDescriptorError(err) {
			failed = err
		}
	}
	for _, f := range p.owners(name) {
		if f == by {
			continue
		}
		if f.state == fileBuilding {
			if f.maySplit() {
				return nil, &splitRequest{f}
			}
			failed = &symbol.DescriptorError{Origin: f.origin, File: f.Path, Err: errCycle}
			continue
		}
		fd, err := p.build(ctx, f, depth+1)
		if err != nil {
			if !symbol.IsDescriptorError(err) {
				return nil, err
			}
			failed = err
			continue
		}
		if d := symbol.TypeOrNil(symbol.InFile(fd, name)); d != nil {
			return d, nil
		}
	}
	if ask {
		if d := symbol.TypeOrNil(builtin.OtherSymbol(name)); d != nil {
			return d, nil
		}
	}
	return nil, failed
}
