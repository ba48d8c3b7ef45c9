package discovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/bufbuild/protocompile/ast"
	"github.com/bufbuild/protocompile/linker"
	"github.com/bufbuild/protocompile/options"
	"github.com/bufbuild/protocompile/parser"
	"github.com/bufbuild/protocompile/reporter"
	"github.com/bufbuild/protocompile/sourceinfo"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/timelimit"
)

// This file is the only one that knows the compiler of .proto files. It drives the
// compiler's parts itself: their root package makes a table of standard imports at
// every start of the process, and few commands compile anything.

// A build is one run of the compiler.
type build struct {
	find       func(path string) (found, error) // safe for concurrent use
	noComments bool                             // without comments and places
	units      map[string]*unit
	symbols    linker.Symbols
	parts      atomic.Int64 // of the texts so far
	most       int64        // of those
	open       []string     // the units being arranged, each imported by the one before
	order      []*unit      // those to be linked, each after its imports
}

// found is what an import is: a file that is compiled already, or a text.
type found struct {
	desc    protoreflect.FileDescriptor
	text    string
	parts   int  // of the text
	builtin bool // the text is part of this program: errors show no place in it
}

// A unit is one file of a build.
type unit struct {
	name    string
	builtin bool
	parsed  parser.Result // nil when it is linked, and when it was compiled before
	file    linker.File   // nil before it is linked
	lost    *lostError    // it could not be given
	err     error         // it is not in order
	open    bool          // it is being arranged
	level   int           // more than that of every import; 0 when it was compiled before
}

// A lostError is a file that was asked for and could not be read.
type lostError struct {
	path string
	err  error
}

func (e *lostError) Error() string { return fmt.Sprintf("import %q: %v", e.path, e.err) }
func (e *lostError) Unwrap() error { return e.err }

// run compiles files and all that they import. When there are several errors, it returns the
// one that is met first by following the imports in order, so that the same files always give
// the same error.
func (b *build) run(ctx context.Context, names []string) ([]protoreflect.FileDescriptor, error) {
	b.most = maxParts * int64(min(len(names), maxNamed))
	if err := b.parseAll(ctx, names); err != nil {
		return nil, err
	}
	var failed error
	for _, name := range names {
		if failed = b.arrange(b.units[name]); failed != nil {
			break
		}
	}
	if err := b.linkAll(ctx); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	files := make([]protoreflect.FileDescriptor, len(names))
	for i, name := range names {
		files[i] = b.units[name].file
	}
	return files, nil
}

// parseAll parses files, then what they import, then what that imports.
func (b *build) parseAll(ctx context.Context, names []string) error {
	b.units = map[string]*unit{}
	for next := b.unseen(names); len(next) > 0; {
		inParallel(ctx, len(next), func(i int) { b.parse(next[i]) })
		if ctx.Err() != nil {
			var errs []error
			for _, u := range next {
				if u.lost != nil {
					errs = append(errs, u.lost)
				}
			}
			return timelimit.Stopped(ctx, errs...)
		}
		if b.parts.Load() > b.most {
			return b.tooMuch(names)
		}
		var imports []string
		for _, u := range next {
			imports = append(imports, u.imports()...)
		}
		next = b.unseen(imports)
	}
	return nil
}

// tooMuch is the error for files that have too many parts together.
func (b *build) tooMuch(names []string) error {
	if len(names) == 1 {
		return fmt.Errorf("%q: %w: more than %d parts with what it imports", names[0], ErrTooMuch, b.most)
	}
	return fmt.Errorf("%d files: %w: more than %d parts with what they import", len(names), ErrTooMuch, b.most)
}

// unseen returns new units for those files that have none.
func (b *build) unseen(names []string) []*unit {
	var units []*unit
	for _, name := range names {
		if b.units[name] == nil {
			u := &unit{name: name}
			b.units[name] = u
			units = append(units, u)
		}
	}
	return units
}

// parse reads a unit. It touches nothing else, so that many are parsed at a time.
func (b *build) parse(u *unit) {
	defer caught(u.name, &u.err)
	f, err := b.find(u.name)
	if err != nil {
		u.lost = &lostError{u.name, err}
		return
	}
	if f.desc != nil {
		u.file, u.err = linker.NewFileRecursive(f.desc)
		return
	}
	if b.parts.Add(int64(f.parts)) > b.most {
		return // the build has failed already
	}
	u.builtin = f.builtin
	handler := reporter.NewHandler(nil)
	tree, err := parser.Parse(u.name, strings.NewReader(f.text), handler)
	if err != nil {
		u.err = err
		return
	}
	u.parsed, u.err = parser.ResultFromAST(tree, true, handler)
}

// caught turns a panic in the compiler into an error of the file: files may come from anybody,
// and one file must not spoil the others.
func caught(name string, err *error) {
	if cause := recover(); cause != nil {
		*err = fmt.Errorf("panic handling %q: %v", name, cause)
	}
}

// imports are the files that a unit needs before it can be linked.
func (u *unit) imports() []string {
	if u.parsed == nil || u.err != nil {
		return nil
	}
	return u.parsed.FileDescriptorProto().GetDependency()
}

// arrange puts a unit into the order, after what it imports.
func (b *build) arrange(u *unit) error {
	if u.lost != nil {
		return u.lost
	}
	if u.err != nil || u.file != nil || u.level > 0 {
		return u.err
	}
	u.open = true
	b.open = append(b.open, u.name)
	level := 1
	for _, name := range u.imports() {
		dep := b.units[name]
		if dep.open {
			return reporter.Error(u.importPlace(name), b.cycle(u.name, name))
		}
		if dep.lost != nil {
			return reporter.Error(u.importPlace(name), dep.lost)
		}
		if err := b.arrange(dep); err != nil {
			return err
		}
		level = max(level, dep.level+1)
	}
	u.open = false
	b.open = b.open[:len(b.open)-1]
	u.level = level
	b.order = append(b.order, u)
	return nil
}

// cycle is the error for a file that imports one of those that need it.
func (b *build) cycle(importer, imported string) error {
	var text strings.Builder
	fmt.Fprintf(&text, "cycle found in imports: %q", importer)
	for _, name := range b.open[slices.Index(b.open, imported):] {
		fmt.Fprintf(&text, " -> %q", name)
	}
	return errors.New(text.String())
}

// importPlace is where a unit imports a file.
func (u *unit) importPlace(name string) ast.SourceSpan {
	tree := u.parsed.AST()
	for _, decl := range tree.Decls {
		if imp, ok := decl.(*ast.ImportNode); ok && imp.Name.AsString() == name {
			return tree.NodeInfo(imp.Name)
		}
	}
	return ast.UnknownSpan(u.name)
}

// linkAll links what was arranged. Units of one level do not need each other.
func (b *build) linkAll(ctx context.Context) error {
	var levels [][]*unit
	for _, u := range b.order {
		for len(levels) < u.level {
			levels = append(levels, nil)
		}
		levels[u.level-1] = append(levels[u.level-1], u)
	}
	for _, level := range levels {
		inParallel(ctx, len(level), func(i int) { b.link(level[i]) })
		if ctx.Err() != nil {
			return timelimit.Stopped(ctx)
		}
	}
	for _, u := range b.order {
		if u.err != nil {
			return u.err
		}
	}
	return nil
}

// link links a unit, unless one of its imports failed.
func (b *build) link(u *unit) {
	defer caught(u.name, &u.err)
	var deps linker.Files
	for _, name := range u.imports() {
		dep := b.units[name]
		if dep.file == nil {
			return
		}
		deps = append(deps, dep.file)
	}
	u.file, u.err = b.resolve(u.parsed, deps, !b.noComments && !u.builtin)
	u.parsed = nil
}

// resolve resolves the names of a file, and then its options, which may be of types
// that it declares itself.
func (b *build) resolve(parsed parser.Result, deps linker.Files, comments bool) (linker.File, error) {
	handler := reporter.NewHandler(nil)
	file, err := linker.Link(parsed, deps, &b.symbols, handler)
	if err != nil {
		return nil, err
	}
	index, err := options.InterpretOptions(file, handler)
	if err != nil {
		return nil, err
	}
	if err := file.ValidateOptions(handler, &b.symbols); err != nil {
		return nil, err
	}
	if comments {
		parsed.FileDescriptorProto().SourceCodeInfo = sourceinfo.GenerateSourceInfo(parsed.AST(), index)
		file.PopulateSourceCodeInfo()
	}
	file.RemoveAST() // with many files it is most of the memory
	return file, nil
}

// placed splits an error of the compiler into its place and its cause.
func placed(err error) (at ast.SourcePos, cause error, ok bool) {
	var e reporter.ErrorWithPos
	if !errors.As(err, &e) {
		return ast.SourcePos{}, nil, false
	}
	return e.GetPosition(), e.Unwrap(), true
}
