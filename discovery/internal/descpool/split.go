package descpool

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

// A splitRequest is the error that asks Find to split a file and to begin again. Reflection
// services that send one file for each package make import cycles of files that had none:
// think of a.proto and b.proto in one package, and a file of another package that imports
// a.proto and is imported by b.proto.
type splitRequest struct{ file *File }

func (e *splitRequest) Error() string { return errCycle.Error() }

// maxSplit is how many messages and enums a file may have to be split.
const maxSplit = 20_000

// canSplit reports whether a file looks as if a server had made it of several: it declares
// more than one symbol and lists no imports.
func (f *File) canSplit() bool {
	declared := 0
	rawdesc.TopNames(f.raw, func(protoreflect.Name, bool) bool {
		declared++
		return declared < 2
	})
	if f.unsplittable || declared < 2 {
		return false
	}
	imports, err := rawdesc.HasImports(f.raw)
	return err == nil && !imports
}

// split replaces a file by files of one message or enum each. Messages that refer to one
// another stay together. Services and extensions keep the path of the file. A file that cannot
// be split stays as it is.
func (p *Pool) split(f *File) {
	f.unsplittable = true // it is not tried again
	fd := &descriptorpb.FileDescriptorProto{}
	if proto.Unmarshal(f.raw, fd) != nil || len(fd.MessageType)+len(fd.EnumType) > maxSplit {
		return
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
	is := func(other *File) bool { return other == f }
	p.all = slices.DeleteFunc(p.all, is)
	p.packages[f.Package] = &packageFiles{files: slices.DeleteFunc(p.packages[f.Package].files, is)}
	maps.DeleteFunc(p.byPath, func(_ string, other *File) bool { return other == f })
	p.bytes -= len(f.raw)
	p.serviceCount -= len(f.Services)
	p.extendees, p.indexed = nil, 0
	for _, part := range made {
		raw, err := proto.Marshal(part)
		if err != nil {
			continue
		}
		if added, _, err := p.Add(f.Origin, raw); err == nil {
			added.unsplittable = true
		}
	}
}

// partName returns the name that a part adds to the path of its file.
func partName(part *descriptorpb.FileDescriptorProto) string {
	if len(part.MessageType) > 0 {
		return part.MessageType[0].GetName()
	}
	return part.EnumType[0].GetName()
}

// partsOf returns files for the declarations of a file: one for each enum, and one for each
// group of messages that refer to one another.
func partsOf(fd *descriptorpb.FileDescriptorProto) []*descriptorpb.FileDescriptorProto {
	var parts []*descriptorpb.FileDescriptorProto
	for _, e := range fd.EnumType {
		parts = append(parts, &descriptorpb.FileDescriptorProto{EnumType: []*descriptorpb.EnumDescriptorProto{e}})
	}
	g := &messageGraph{fd: fd, messageOf: map[protoreflect.FullName]int{}}
	pkg := protoreflect.FullName(fd.GetPackage())
	for i, m := range fd.MessageType {
		g.index(symbol.Join(pkg, m.GetName()), m, i)
	}
	for _, group := range g.connected(pkg) {
		part := &descriptorpb.FileDescriptorProto{}
		for _, i := range group {
			part.MessageType = append(part.MessageType, fd.MessageType[i])
		}
		parts = append(parts, part)
	}
	return parts
}

// A messageGraph finds the strongly connected messages of a file with Tarjan's algorithm.
type messageGraph struct {
	fd         *descriptorpb.FileDescriptorProto
	messageOf  map[protoreflect.FullName]int // of the message that declares a type, or is it
	refs       [][]int
	order      []int // the order in which messages were reached, from 1; 0: not reached
	low        []int
	stack      []int
	on         []bool
	components [][]int
}

// connected returns the indexes of the messages of each strongly connected component.
func (g *messageGraph) connected(pkg protoreflect.FullName) [][]int {
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
	return g.components
}

// index records that a message declares itself and the types inside of it.
func (g *messageGraph) index(name protoreflect.FullName, m *descriptorpb.DescriptorProto, i int) {
	g.messageOf[name] = i
	for _, e := range m.EnumType {
		g.messageOf[symbol.Join(name, e.GetName())] = i
	}
	for _, nested := range m.NestedType {
		g.index(symbol.Join(name, nested.GetName()), nested, i)
	}
}

// references calls to for each message of the file that a message refers to.
func (g *messageGraph) references(scope protoreflect.FullName, m *descriptorpb.DescriptorProto, to func(int)) {
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

// lookup returns the message that a reference names, or that declares the type that it names.
func (g *messageGraph) lookup(scope protoreflect.FullName, ref string) (int, bool) {
	if ref == "" || len(ref) > symbol.MaxName {
		return 0, false
	}
	for _, name := range symbol.Candidates(scope, ref) {
		if i, ok := g.messageOf[name]; ok {
			return i, true
		}
	}
	return 0, false
}

// visit searches from one message on.
func (g *messageGraph) visit(i int, reached *int) {
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
	g.components = append(g.components, group)
}
