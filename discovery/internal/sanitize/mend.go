package sanitize

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/discovery/internal/builtin"
	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// Clean removes from a valid file what would make it unusable or its JSON ambiguous.
func Clean(fd *descriptorpb.FileDescriptorProto) {
	dropWellKnown(fd)
	dropBadLocations(fd)
	clearJSONNames(fd.MessageType)
}

// dropWellKnown removes the declarations of well-known types from a file of their package, so
// that references find the types that are built in. The JSON form of a well-known type depends
// on its fields, which a server could declare differently. Some servers send all types of the
// package as one file with another name.
func dropWellKnown(fd *descriptorpb.FileDescriptorProto) {
	if fd.GetPackage() != builtin.WellKnownPackage {
		return
	}
	is := func(name string) bool {
		return builtin.WellKnownSymbol(builtin.WellKnownPackage+"."+protoreflect.FullName(name)) != nil
	}
	before := len(fd.MessageType) + len(fd.EnumType)
	fd.MessageType = slices.DeleteFunc(fd.MessageType,
		func(m *descriptorpb.DescriptorProto) bool { return is(m.GetName()) })
	fd.EnumType = slices.DeleteFunc(fd.EnumType,
		func(e *descriptorpb.EnumDescriptorProto) bool { return is(e.GetName()) })
	if len(fd.MessageType)+len(fd.EnumType) != before {
		fd.SourceCodeInfo = nil // it refers to declarations by their index
	}
}

// dropBadLocations removes source locations for which the library refuses a whole file.
func dropBadLocations(fd *descriptorpb.FileDescriptorProto) {
	if fd.SourceCodeInfo == nil {
		return
	}
	fd.SourceCodeInfo.Location = slices.DeleteFunc(fd.SourceCodeInfo.Location,
		func(l *descriptorpb.SourceCodeInfo_Location) bool {
			return len(l.Span) != 3 && len(l.Span) != 4
		})
}

// clearJSONNames removes JSON names that cannot be shown, or that two fields of a message
// share, since the output would have the same key twice. Without a JSON name the one that
// follows from the field's name counts.
func clearJSONNames(mds []*descriptorpb.DescriptorProto) {
	for _, md := range mds {
		clearJSONNames(md.NestedType)
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

// effectiveJSONName returns the key of a field in JSON.
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

// MendOptional marks proto3 fields as optional that some servers strip of the mark: the one
// member of a oneof that is named as protoc names it.
func MendOptional(fd *descriptorpb.FileDescriptorProto) {
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

// Mend corrects errors that are known of reflection services which make descriptors
// themselves, where only one meaning is possible. It reports whether it changed anything.
func Mend(fd *descriptorpb.FileDescriptorProto) bool {
	m := &mender{}
	m.extensions(fd.Extension)
	m.enums(fd.EnumType)
	m.messages(protoreflect.FullName(fd.GetPackage()), fd.MessageType)
	return m.changed
}

// A mender corrects one file.
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

// mapEntries names the entry messages of map fields as protoc does: LabelsEntry for a field
// labels.
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

// mapEntryName returns the name of a map field in upper camel case, followed by Entry.
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

// oneofs removes oneofs without fields, and moves those that stand for a proto3 optional field
// to the end, as protoc does.
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

// extensions removes JSON names, which extensions do not have.
func (m *mender) extensions(xs []*descriptorpb.FieldDescriptorProto) {
	for _, x := range xs {
		if x.JsonName != nil {
			x.JsonName, m.changed = nil, true
		}
	}
}

// enums sets allow_alias to what the values of an enum require.
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
