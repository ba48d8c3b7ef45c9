package discovery

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/discovery/internal/builtin"
	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// dropWellKnown takes the declarations of linked well-known types out of a file
// of their package, so that references to them find the linked ones: their JSON
// forms depend on fields that a server could declare differently. Some servers
// send all types of a package as one file of another name.
func dropWellKnown(fd *descriptorpb.FileDescriptorProto) {
	if fd.GetPackage() != builtin.WellKnownPackage {
		return
	}
	is := func(name string) bool {
		return builtin.WellKnownSymbol(builtin.WellKnownPackage+"."+protoreflect.FullName(name)) != nil
	}
	before := len(fd.MessageType) + len(fd.EnumType)
	fd.MessageType = slices.DeleteFunc(fd.MessageType, func(m *descriptorpb.DescriptorProto) bool { return is(m.GetName()) })
	fd.EnumType = slices.DeleteFunc(fd.EnumType, func(e *descriptorpb.EnumDescriptorProto) bool { return is(e.GetName()) })
	if len(fd.MessageType)+len(fd.EnumType) != before {
		fd.SourceCodeInfo = nil // it refers to declarations by their index
	}
}

// dropBadLocations takes out source locations that the library refuses a whole
// file for.
func dropBadLocations(fd *descriptorpb.FileDescriptorProto) {
	if fd.SourceCodeInfo == nil {
		return
	}
	fd.SourceCodeInfo.Location = slices.DeleteFunc(fd.SourceCodeInfo.Location, func(l *descriptorpb.SourceCodeInfo_Location) bool {
		return len(l.Span) != 3 && len(l.Span) != 4
	})
}

// settleJSONNames clears JSON names that can not be shown or that two fields of a
// message share: the output would have the same key twice. The name that follows
// from the field's own then counts.
func settleJSONNames(mds []*descriptorpb.DescriptorProto) {
	for _, md := range mds {
		settleJSONNames(md.NestedType)
		special := false
		for _, f := range md.Field {
			if f.JsonName == nil || f.GetJsonName() == jsonName(f.GetName()) {
				continue
			}
			if f.GetJsonName() == "" || !symbol.Printable(f.GetJsonName()) {
				f.JsonName = nil
				continue
			}
			special = true
		}
		if !special {
			continue
		}
		count := map[string]int{}
		for _, f := range md.Field {
			count[effectiveJSONName(f)]++
		}
		for _, f := range md.Field {
			if count[effectiveJSONName(f)] > 1 {
				f.JsonName = nil
			}
		}
	}
}

func effectiveJSONName(f *descriptorpb.FieldDescriptorProto) string {
	if f.JsonName != nil {
		return f.GetJsonName()
	}
	return jsonName(f.GetName())
}

// jsonName returns the lowerCamelCase of a field's name
// (https://protobuf.dev/programming-guides/json/).
func jsonName(field string) string {
	b := make([]byte, 0, len(field))
	upper := false
	for _, c := range []byte(field) {
		switch {
		case c == '_':
			upper = true
			continue
		case upper && 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		}
		upper = false
		b = append(b, c)
	}
	return string(b)
}

// mendOptional makes proto3 optional fields of what is left of them: a oneof of
// one member, with the name that protoc gives it.
func mendOptional(fd *descriptorpb.FileDescriptorProto) {
	if fd.GetSyntax() == "proto3" {
		mendOptionals(fd.MessageType)
	}
}

func mendOptionals(mds []*descriptorpb.DescriptorProto) {
	for _, md := range mds {
		mendOptionals(md.NestedType)
		count := make([]int, len(md.OneofDecl))
		for _, f := range md.Field {
			if f.OneofIndex != nil {
				count[f.GetOneofIndex()]++
			}
		}
		for _, f := range md.Field {
			if i := f.OneofIndex; i != nil && count[*i] == 1 && md.OneofDecl[*i].GetName() == "_"+f.GetName() {
				yes := true
				f.Proto3Optional = &yes
			}
		}
	}
}

// mend sets right what reflection services that make descriptors up themselves
// are known to get wrong and what has only one meaning. It tells whether it
// changed anything.
func mend(fd *descriptorpb.FileDescriptorProto) bool {
	m := &mender{}
	m.extensions(fd.Extension)
	m.enums(fd.EnumType)
	m.messages(protoreflect.FullName(fd.GetPackage()), fd.MessageType)
	return m.changed
}

type mender struct{ changed bool }

func (m *mender) messages(scope protoreflect.FullName, mds []*descriptorpb.DescriptorProto) {
	for _, md := range mds {
		name := symbol.Join(scope, md.GetName())
		m.mapEntries(name, md)
		m.oneofs(md)
		m.extensions(md.Extension)
		m.enums(md.EnumType)
		m.messages(name, md.NestedType)
	}
}

// mapEntries names the entry messages of map fields as protoc does: LabelsEntry
// for a field labels.
func (m *mender) mapEntries(scope protoreflect.FullName, md *descriptorpb.DescriptorProto) {
	for _, nested := range md.NestedType {
		if !nested.GetOptions().GetMapEntry() {
			continue
		}
		old := "." + string(symbol.Join(scope, nested.GetName()))
		for _, f := range md.Field {
			if f.GetTypeName() != old {
				continue
			}
			if want := mapEntryName(f.GetName()); want != nested.GetName() {
				nested.Name = &want
				full := "." + string(symbol.Join(scope, want))
				f.TypeName = &full
				m.changed = true
			}
			break
		}
	}
}

// mapEntryName returns the name of a map field in upper camel case, and Entry.
func mapEntryName(field string) string {
	var b strings.Builder
	upper := true
	for _, c := range []byte(field) {
		switch {
		case c == '_':
			upper = true
		case upper && 'a' <= c && c <= 'z':
			b.WriteByte(c - 'a' + 'A')
			upper = false
		default:
			b.WriteByte(c)
			upper = false
		}
	}
	return b.String() + "Entry"
}

// oneofs takes out those without fields, and puts those that stand for a proto3
// optional field last, as protoc does.
func (m *mender) oneofs(md *descriptorpb.DescriptorProto) {
	count := make([]int, len(md.OneofDecl))
	synthetic := make([]bool, len(md.OneofDecl))
	for _, f := range md.Field {
		if f.OneofIndex != nil {
			count[f.GetOneofIndex()]++
			synthetic[f.GetOneofIndex()] = f.GetProto3Optional()
		}
	}
	var order []int
	for _, last := range []bool{false, true} {
		for i := range md.OneofDecl {
			if count[i] > 0 && synthetic[i] == last {
				order = append(order, i)
			}
		}
	}
	if len(order) == len(md.OneofDecl) && slices.IsSorted(order) {
		return
	}
	decls := make([]*descriptorpb.OneofDescriptorProto, len(order))
	index := make([]int32, len(md.OneofDecl))
	for to, from := range order {
		decls[to], index[from] = md.OneofDecl[from], int32(to)
	}
	for _, f := range md.Field {
		if f.OneofIndex != nil {
			f.OneofIndex = &index[f.GetOneofIndex()]
		}
	}
	md.OneofDecl, m.changed = decls, true
}

// extensions clears JSON names, which extensions do not have.
func (m *mender) extensions(xs []*descriptorpb.FieldDescriptorProto) {
	for _, x := range xs {
		if x.JsonName != nil {
			x.JsonName, m.changed = nil, true
		}
	}
}

// enums makes allow_alias say what the values do.
func (m *mender) enums(eds []*descriptorpb.EnumDescriptorProto) {
	for _, e := range eds {
		seen := map[int32]bool{}
		alias := false
		for _, v := range e.Value {
			if v.Number == nil {
				v.Number, m.changed = new(int32), true
			}
			alias = alias || seen[v.GetNumber()]
			seen[v.GetNumber()] = true
		}
		if alias == e.GetOptions().GetAllowAlias() {
			continue
		}
		if e.Options == nil {
			e.Options = &descriptorpb.EnumOptions{}
		}
		e.Options.AllowAlias, m.changed = &alias, true
	}
}
