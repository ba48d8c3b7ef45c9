package discovery

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/discovery/internal/rawdesc"
	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// A splitRequest asks for a file to be split. Reflection services that send one
// file for each package make cycles of files that had none: a.proto and b.proto of
// one package, with a file of another package that imports a.proto and is
// imported by b.proto.
type splitRequest struct{ file *file }

func (e *splitRequest) Error() string { return errCycle.Error() }

// maxSplit is how many declarations a file has at most that is split.
const maxSplit = 20_000

// maySplit tells whether a file looks like one that stands for several: it
// declares more than one thing and says nothing of its imports.
func (f *file) maySplit() bool {
	declared := 0
	rawdesc.TopNames(f.raw, func(protoreflect.Name, bool) bool {
		declared++
		return declared < 2
	})
	if f.whole || declared < 2 {
		return false
	}
	imports, err := rawdesc.HasImports(f.raw)
	return err == nil && !imports
}

// split puts files of one message or enum each in the place of a file; messages
// that refer to one another stay together. Services and extensions stay under the
// file's own name. It tells whether there is anything to gain by that.
func (p *pool) split(f *file) bool {
	f.whole = true // it is not tried again
	fd := &descriptorpb.FileDescriptorProto{}
	if proto.Unmarshal(f.raw, fd) != nil || len(fd.MessageType)+len(fd.EnumType) > maxSplit {
		return false
	}
	parts := partsOf(fd)
	rest := proto.CloneOf(fd)
	rest.MessageType, rest.EnumType, rest.SourceCodeInfo = nil, nil, nil
	made := []*descriptorpb.FileDescriptorProto{rest}
	for _, part := range parts {
		part.Package, part.Syntax, part.Edition, part.Options = fd.Package, fd.Syntax, fd.Edition, fd.Options
		name := strings.TrimSuffix(f.Path, ".proto") + "." + partName(part) + ".proto"
		part.Name = &name
		made = append(made, part)
	}
	is := func(other *file) bool { return other == f }
	p.all = slices.DeleteFunc(p.all, is)
	p.packages[f.Package] = &contents{files: slices.DeleteFunc(p.packages[f.Package].files, is)}
	maps.DeleteFunc(p.files, func(_ string, other *file) bool { return other == f })
	p.bytes -= len(f.raw)
	p.offered -= len(f.Services)
	p.extendees, p.indexed = nil, 0
	for _, part := range made {
		raw, err := proto.Marshal(part)
		if err != nil {
			continue
		}
		if added, _, err := p.add(f.origin, raw); err == nil {
			added.whole = true
		}
	}
	return true
}

func partName(part *descriptorpb.FileDescriptorProto) string {
	if len(part.MessageType) > 0 {
		return part.MessageType[0].GetName()
	}
	return part.EnumType[0].GetName()
}

// partsOf groups the declarations of a file: each enum alone, and the messages by
// what refers to what, back and forth.
func partsOf(fd *descriptorpb.FileDescriptorProto) []*descriptorpb.FileDescriptorProto {
	var parts []*descriptorpb.FileDescriptorProto
	for _, e := range fd.EnumType {
		parts = append(parts, &descriptorpb.FileDescriptorProto{EnumType: []*descriptorpb.EnumDescriptorProto{e}})
	}
	g := &grouping{fd: fd, index: map[protoreflect.FullName]int{}}
	pkg := protoreflect.FullName(fd.GetPackage())
	for i, m := range fd.MessageType {
		g.note(symbol.Join(pkg, m.GetName()), m, i)
	}
	for _, group := range g.groups(pkg) {
		part := &descriptorpb.FileDescriptorProto{}
		for _, i := range group {
			part.MessageType = append(part.MessageType, fd.MessageType[i])
		}
		parts = append(parts, part)
	}
	return parts
}

// A grouping finds the strongly connected messages of a file, by Tarjan's
// algorithm.
type grouping struct {
	fd    *descriptorpb.FileDescriptorProto
	index map[protoreflect.FullName]int // of the message that declares a type, or is it
	refs  [][]int
	order []int // when a message was reached, from 1; 0: not yet
	low   []int
	stack []int
	on    []bool
	found [][]int
}

func (g *grouping) groups(pkg protoreflect.FullName) [][]int {
	n := len(g.fd.MessageType)
	g.refs, g.order, g.low, g.on = make([][]int, n), make([]int, n), make([]int, n), make([]bool, n)
	for i, m := range g.fd.MessageType {
		g.references(symbol.Join(pkg, m.GetName()), m, func(to int) { g.refs[i] = append(g.refs[i], to) })
	}
	reached := 0
	for i := range n {
		if g.order[i] == 0 {
			g.visit(i, &reached)
		}
	}
	return g.found
}

func (g *grouping) note(name protoreflect.FullName, m *descriptorpb.DescriptorProto, i int) {
	g.index[name] = i
	for _, e := range m.EnumType {
		g.index[symbol.Join(name, e.GetName())] = i
	}
	for _, nested := range m.NestedType {
		g.note(symbol.Join(name, nested.GetName()), nested, i)
	}
}

// references reports the messages of the file that a message refers to.
func (g *grouping) references(scope protoreflect.FullName, m *descriptorpb.DescriptorProto, to func(int)) {
	for _, f := range slices.Concat(m.Field, m.Extension) {
		for _, ref := range []string{f.GetTypeName(), f.GetExtendee()} {
			if i, ok := g.lookup(scope, ref); ok {
				to(i)
			}
		}
	}
	for _, nested := range m.NestedType {
		g.references(symbol.Join(scope, nested.GetName()), nested, to)
	}
}

// lookup returns the message of the file that a reference leads to or into.
func (g *grouping) lookup(scope protoreflect.FullName, ref string) (int, bool) {
	if ref == "" || len(ref) > symbol.MaxName {
		return 0, false
	}
	for _, name := range symbol.Candidates(scope, ref) {
		if i, ok := g.index[name]; ok {
			return i, true
		}
	}
	return 0, false
}

func (g *grouping) visit(i int, reached *int) {
	*reached++
	g.order[i], g.low[i] = *reached, *reached
	g.stack, g.on[i] = append(g.stack, i), true
	for _, j := range g.refs[i] {
		if g.order[j] == 0 {
			g.visit(j, reached)
			g.low[i] = min(g.low[i], g.low[j])
		} else if g.on[j] {
			g.low[i] = min(g.low[i], g.order[j])
		}
	}
	if g.low[i] != g.order[i] {
		return
	}
	start := slices.Index(g.stack, i)
	group := slices.Clone(g.stack[start:])
	g.stack = g.stack[:start]
	for _, j := range group {
		g.on[j] = false
	}
	g.found = append(g.found, group)
}
