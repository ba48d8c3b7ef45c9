package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/builtin"
	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
	"github.com/rpcctl/rpcctl/discovery/internal/timelimit"
	"github.com/rpcctl/rpcctl/internal/boundfile"
)

// maxSource is the size in bytes of the greatest .proto file that is compiled.
const maxSource = 16 << 20

// ProtofileOptions say what to compile.
type ProtofileOptions struct {
	// ImportPaths are the folders that imports are relative to; none: the current one. When
	// several have a file, the first of them counts. The well-known types need no import path.
	ImportPaths []string
	// Files are the .proto files, named relative to an import path or by their place on disk.
	// The folder of a file that lies below no import path becomes one.
	Files []string
	// NoComments leaves out comments and places, which take a quarter of the time.
	NoComments bool
	// Store keeps what was compiled for the next process; nil: nothing is kept.
	Store Store
	// PassedOver gets an error for each configuration of buf that another user wrote, or can
	// write, and that is therefore not read. It may be nil.
	PassedOver func(error)
}

// OpenProtofiles compiles .proto files and what they import, and nothing else
// that lies beside them. The error is a *SyntaxError for a file that does not
// compile, an *ImportError for one that cannot be read, or that of ctx. Where
// some of several files compile, there is no error: Faults has what is wrong with
// the others.
func OpenProtofiles(ctx context.Context, o ProtofileOptions) (*Protofiles, error) {
	c, err := newProtoCompiler(ctx, o, o.Files)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(o.Files))
	for _, f := range o.Files {
		name, err := c.virtualName(f)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	s, err := c.compile(ctx, names)
	if err == nil || len(names) == 1 || ctx.Err() != nil {
		return s, err
	}
	return c.compileSound(ctx, names)
}

// newProtoCompiler makes a compiler for files. Where no import paths are given,
// those of a buf workspace around the files are taken.
func newProtoCompiler(ctx context.Context, o ProtofileOptions, files []string) (*protoCompiler, error) {
	c := &protoCompiler{
		roots: slices.Clone(o.ImportPaths), noComments: o.NoComments, store: o.Store,
		sources: map[string]source{}, built: map[string]protoreflect.FileDescriptor{},
	}
	if len(c.roots) > 0 {
		return c, nil
	}
	for _, f := range files {
		w, err := findBuf(ctx, filepath.Dir(f), o.PassedOver)
		if err != nil {
			return nil, err
		}
		c.addBuf(w)
	}
	c.roots = append(c.roots, ".")
	return c, nil
}

// compile compiles files by the names they are imported by, or takes what was
// compiled before.
func (c *protoCompiler) compile(ctx context.Context, names []string) (*Protofiles, error) {
	if s := c.remembered(ctx, names); s != nil {
		return s, nil
	}
	b := &build{find: func(path string) (found, error) { return c.find(ctx, path) }, noComments: c.noComments}
	results, err := b.run(ctx, names)
	if err != nil {
		if ctx.Err() != nil {
			return nil, timelimit.Stopped(ctx, err)
		}
		return nil, c.explain(err)
	}
	s := &Protofiles{packages: map[protoreflect.FullName][]protoreflect.FileDescriptor{}}
	var symbols []protoreflect.Descriptor
	for _, r := range results {
		symbols = append(symbols, r)
	}
	for _, f := range Closure(symbols...) {
		if err := c.checkWellKnown(f); err != nil {
			return nil, err
		}
		s.files = append(s.files, f)
		s.packages[f.Package()] = append(s.packages[f.Package()], f)
	}
	c.remember(names, s.files)
	return s, nil
}

// compileSound compiles those files that compile when they are alone. When none
// does, the error is that of the first.
func (c *protoCompiler) compileSound(ctx context.Context, names []string) (*Protofiles, error) {
	var sound []string
	var faults []error
	for _, name := range names {
		_, err := c.compile(ctx, []string{name})
		switch {
		case ctx.Err() != nil:
			return nil, timelimit.Stopped(ctx, err)
		case err != nil:
			faults = append(faults, err)
		default:
			sound = append(sound, name)
		}
	}
	if len(sound) == 0 || len(faults) == 0 {
		s, err := c.compile(ctx, names) // they do not compile together
		return s, cmp.Or(firstError(faults), err)
	}
	s, err := c.compile(ctx, sound)
	if err != nil {
		return nil, err
	}
	s.faults = faults
	return s, nil
}

func firstError(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return errs[0]
}

// A protoCompiler finds the files that the compiler asks for.
type protoCompiler struct {
	roots      []string
	deps       []string // of the buf workspace: modules of a registry
	noComments bool     // without comments
	store      Store    // nil: none

	mu      sync.Mutex // guards what follows: the compiler asks for several files at a time
	sources map[string]source
	missing []string // places that were looked at in vain
	// built are the files of trees that were compiled before.
	built map[string]protoreflect.FileDescriptor
}

// addBuf adds the roots of a buf workspace, which may be nil.
func (c *protoCompiler) addBuf(w *bufWorkspace) {
	if w == nil {
		return
	}
	for _, r := range w.roots {
		if !slices.Contains(c.roots, r) {
			c.roots = append(c.roots, r)
		}
	}
	c.deps = append(c.deps, w.deps...)
}

// A source is the text of a .proto file.
type source struct {
	disk string
	text string
	info fs.FileInfo
}

// virtualName returns the name by which other files would import a file that a person named.
func (c *protoCompiler) virtualName(file string) (string, error) {
	if info, err := os.Stat(file); err == nil && !info.IsDir() {
		for _, root := range c.roots {
			if name, ok := below(root, file); ok {
				return name, nil
			}
		}
	}
	if name := filepath.ToSlash(filepath.Clean(file)); fs.ValidPath(name) {
		for _, root := range c.roots {
			if info, err := os.Stat(filepath.Join(root, filepath.FromSlash(name))); err == nil && !info.IsDir() {
				return name, nil
			}
		}
	}
	info, err := os.Stat(file)
	if err == nil && info.IsDir() {
		err = errors.New("it is a folder; name the files in it")
	}
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return "", &ImportError{Import: file, Roots: c.roots, Err: err}
	}
	c.roots = append(c.roots, filepath.Dir(file))
	return filepath.Base(file), nil
}

// below returns the path of a file relative to a folder that it lies in.
func below(root, file string) (string, bool) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", false
	}
	file, err = filepath.Abs(file)
	if err != nil {
		return "", false
	}
	rel, err := filepath.Rel(root, file)
	if err != nil {
		return "", false
	}
	rel = filepath.ToSlash(rel)
	return rel, fs.ValidPath(rel)
}

// find returns the file with a path. Built-in files come before those on disk, except for
// those of which others may have a newer version.
func (c *protoCompiler) find(ctx context.Context, path string) (found, error) {
	if wk := builtin.WellKnownFile(path); wk != nil {
		return found{desc: wk}, nil
	}
	// An import must not lead out of the import paths: errors show lines of files.
	if !fs.ValidPath(path) {
		return found{}, errors.New("an import is a path below an import path, and has no dots for parts")
	}
	c.mu.Lock()
	built := c.built[path]
	c.mu.Unlock()
	if built != nil {
		return found{desc: built}, nil
	}
	for _, root := range c.roots {
		disk := filepath.Join(root, filepath.FromSlash(path))
		text, info, err := readSource(ctx, disk)
		if errors.Is(err, fs.ErrNotExist) {
			c.mu.Lock()
			c.missing = append(c.missing, disk)
			c.mu.Unlock()
			continue
		}
		if err != nil {
			return found{}, err
		}
		if at := tooDeep(text); at >= 0 {
			e := &SyntaxError{File: disk, Err: fmt.Errorf("brackets are nested more than %d deep", maxBrackets)}
			e.place(text, at)
			return found{}, e
		}
		ready, parts, at, err := bounded(text)
		if err != nil {
			e := &SyntaxError{File: disk, Err: err}
			e.place(text, at)
			return found{}, e
		}
		c.mu.Lock()
		c.sources[path] = source{disk, text, info}
		c.mu.Unlock()
		return found{text: ready, parts: parts}, nil
	}
	if l := builtin.File(path); l != nil {
		return found{desc: l}, nil
	}
	if desc, text, ok := builtin.StandardFile(path); ok {
		return found{desc: desc, text: text, builtin: true}, nil
	}
	return found{}, fs.ErrNotExist
}

func readSource(ctx context.Context, disk string) (string, fs.FileInfo, error) {
	info, err := os.Stat(disk) // of the file before it is read: when it changes meanwhile, it is read again
	if err != nil {
		return "", nil, err
	}
	text, err := boundfile.Read(ctx, disk, maxSource)
	return string(text), info, err
}

// explain turns an error of the compiler into one with a place that can be shown.
func (c *protoCompiler) explain(err error) error {
	var own *SyntaxError
	if errors.As(err, &own) {
		return own
	}
	var lost *lostError
	missing := errors.As(err, &lost)
	pos, cause, ok := placed(err)
	if !ok && missing {
		return &ImportError{Import: lost.path, Roots: c.roots, Err: lost.err}
	}
	if !ok && errors.Is(err, ErrTooMuch) {
		return err
	}
	if !ok {
		return fmt.Errorf("compiling .proto files: %w", err)
	}
	c.mu.Lock()
	src, read := c.sources[pos.Filename]
	c.mu.Unlock()
	where := SyntaxError{File: pos.Filename, Line: pos.Line, Column: pos.Col, Err: cause}
	if read {
		where.File = src.disk
		where.place(src.text, pos.Offset)
	}
	if missing {
		return &ImportError{
			File: where.File, Line: where.Line, Column: where.Column, Source: where.Source,
			Import: lost.path, Roots: c.roots, Deps: c.deps, Err: lost.err,
		}
	}
	if read && where.Source == "" && !isProto(src.text) {
		where.Err = notProto(cause)
	}
	if edition, ok := editionAt(where.Source); ok && !slices.Contains([]string{"2023"}, edition) {
		where.Err = &EditionError{Edition: edition}
	}
	return &where
}

// checkWellKnown refuses files that declare a well-known type unlike the linked one, since its
// JSON form depends on its fields.
func (c *protoCompiler) checkWellKnown(f protoreflect.FileDescriptor) error {
	if f.Package() != builtin.WellKnownPackage || builtin.WellKnownFile(f.Path()) != nil {
		return nil
	}
	for i := range f.Messages().Len() {
		if name := f.Messages().Get(i).FullName(); builtin.WellKnownSymbol(name) != nil {
			return &DescriptorError{
				File: f.Path(), Symbol: string(name),
				Err: errors.New("it is a well-known type, which is built in"),
			}
		}
	}
	return nil
}

// Protofiles is the Source of compiled .proto files. It is not changed after it
// was made, and safe for concurrent use.
type Protofiles struct {
	files    []protoreflect.FileDescriptor
	packages map[protoreflect.FullName][]protoreflect.FileDescriptor
	set      *Protoset // in place of both: what an earlier process compiled
	faults   []error   // of files that were left out
}

// Faults returns what is wrong with the files that were left out.
func (s *Protofiles) Faults() []error { return slices.Clone(s.faults) }

// Services implements Source, with the services of imported files.
func (s *Protofiles) Services(ctx context.Context) ([]protoreflect.FullName, error) {
	if s.set != nil {
		return s.set.Services(ctx)
	}
	var names []protoreflect.FullName
	for _, f := range s.files {
		for i := range f.Services().Len() {
			names = append(names, f.Services().Get(i).FullName())
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Find implements Source.
func (s *Protofiles) Find(ctx context.Context, name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if s.set != nil {
		d, err := s.set.Find(ctx, name)
		return d, s.orFault(err)
	}
	if d := builtin.WellKnownSymbol(name); d != nil {
		return d, nil
	}
	if symbol.Valid(name) {
		for pkg := name.Parent(); ; pkg = pkg.Parent() {
			if d := symbol.InFiles(s.packages[pkg], name); d != nil {
				return d, nil
			}
			if pkg == "" {
				break
			}
		}
	}
	return nil, s.orFault(&UnknownError{Kind: KindSymbol, Name: string(name)})
}

// orFault makes a missing name the fault of a file that was left out: it may be in
// there.
func (s *Protofiles) orFault(err error) error {
	if len(s.faults) > 0 && errors.Is(err, ErrNotFound) {
		return &partlyMissing{s.faults[0]}
	}
	return err
}

// Extensions implements Source.
func (s *Protofiles) Extensions(
	ctx context.Context, message protoreflect.FullName,
) ([]protoreflect.ExtensionDescriptor, error) {
	if s.set != nil {
		return s.set.Extensions(ctx, message)
	}
	var found []protoreflect.ExtensionDescriptor
	for _, f := range s.files {
		symbol.EachExtension(f, func(x protoreflect.ExtensionDescriptor) {
			if x.ContainingMessage().FullName() == message {
				found = append(found, x)
			}
		})
	}
	symbol.SortExtensions(found)
	return found, nil
}

func (s *Protofiles) known() []protoreflect.FullName {
	if s.set != nil {
		return s.set.known()
	}
	var names []protoreflect.FullName
	for _, f := range s.files {
		for i := range f.Messages().Len() {
			names = append(names, f.Messages().Get(i).FullName())
		}
		for i := range f.Enums().Len() {
			names = append(names, f.Enums().Get(i).FullName())
		}
		for i := range f.Extensions().Len() {
			names = append(names, f.Extensions().Get(i).FullName())
		}
	}
	slices.Sort(names)
	return names
}
