package cmd_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/testserver"
)

// plain returns a file without what its text leaves out or writes in another way: places and
// comments, the order of imports, JSON names that follow from the names. Custom options are
// parsed, so that the order of their bytes does not count.
func plain(fd protoreflect.FileDescriptor, types proto.UnmarshalOptions) (*descriptorpb.FileDescriptorProto, error) {
	p := protodesc.ToFileDescriptorProto(fd)
	p.SourceCodeInfo = nil
	if p.GetSyntax() == "proto2" {
		p.Syntax = nil
	}
	slices.Sort(p.Dependency)
	p.PublicDependency, p.WeakDependency = nil, nil
	imports := fd.Imports()
	var public []string
	for i := range imports.Len() {
		if imports.Get(i).IsPublic {
			public = append(public, imports.Get(i).Path())
		}
	}
	for i, dep := range p.Dependency {
		if slices.Contains(public, dep) {
			p.PublicDependency = append(p.PublicDependency, int32(i))
		}
	}
	sortNested(p.MessageType)
	for _, sd := range p.Service {
		for _, m := range sd.Method {
			if proto.Size(m.GetOptions()) == 0 { // a method with empty braces
				m.Options = nil
			}
		}
	}
	raw, err := proto.Marshal(p)
	if err != nil {
		return nil, err
	}
	read := &descriptorpb.FileDescriptorProto{}
	return read, types.Unmarshal(raw, read)
}

// sortNested orders what is declared inside of messages: the messages of maps have no
// place in the text.
func sortNested(messages []*descriptorpb.DescriptorProto) {
	for _, m := range messages {
		slices.SortFunc(m.NestedType, func(a, b *descriptorpb.DescriptorProto) int { return cmp.Compare(a.GetName(), b.GetName()) })
		sortNested(m.NestedType)
	}
}

// firstDifference shows where the texts of two messages part.
func firstDifference(want, got proto.Message) string {
	o := prototext.MarshalOptions{Multiline: true, Indent: " "}
	a, b := strings.Split(o.Format(want), "\n"), strings.Split(o.Format(got), "\n")
	for i := range min(len(a), len(b)) {
		// The blanks of this format are not the same each time.
		if strings.Join(strings.Fields(a[i]), " ") != strings.Join(strings.Fields(b[i]), " ") {
			from := max(0, i-8)
			return fmt.Sprintf("line %d\n%s\n--- want\n%s\n--- got\n%s", i, strings.Join(a[from:i], "\n"), a[i], b[i])
		}
	}
	return fmt.Sprintf("%d and %d lines", len(a), len(b))
}

// exported writes all files of a source as .proto files and returns what they
// compile to.
func recompiled(ctx context.Context, t *testing.T, dir string, files []protoreflect.FileDescriptor) discovery.Source {
	t.Helper()
	var names []string
	for _, f := range files {
		if f.Package() != "google.protobuf" {
			names = append(names, f.Path())
		}
	}
	s, err := discovery.OpenProtofiles(ctx, discovery.ProtofileOptions{ImportPaths: []string{dir}, Files: names})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range s.Faults() {
		t.Error(f)
	}
	return s
}

// compareFiles compares files with those of the same names in another source.
func compareFiles(ctx context.Context, t *testing.T, source discovery.Source, files []protoreflect.FileDescriptor, again discovery.Source) (compared int) {
	t.Helper()
	others, faults, err := discovery.Files(ctx, again)
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	byPath := map[string]protoreflect.FileDescriptor{}
	for _, f := range others {
		byPath[f.Path()] = f
	}
	differ := 0
	types := proto.UnmarshalOptions{Resolver: discovery.Types(ctx, source), AllowPartial: true}
	for _, f := range files {
		if f.Package() == "google.protobuf" {
			continue
		}
		other := byPath[f.Path()]
		if other == nil {
			t.Errorf("%s was not exported", f.Path())
			continue
		}
		want, err := plain(f, types)
		if err != nil {
			t.Fatal(err)
		}
		got, err := plain(other, types)
		if err != nil {
			t.Fatal(err)
		}
		compared++
		if proto.Equal(want, got) {
			continue
		}
		if differ++; differ <= 20 {
			t.Errorf("%s: %s", f.Path(), firstDifference(want, got))
		}
	}
	return compared
}

func TestExportCompilesAgain(t *testing.T) {
	work := t.TempDir()
	set := filepath.Join(work, "demo.binpb")
	if err := os.WriteFile(set, testserver.Protoset(), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(work, "out")
	if got := run(t, "", "", "--protoset", set, "export", "--proto-out-dir", out, "--protoset-out", out+".binpb"); got.Code != 0 {
		t.Fatalf("%+v", got)
	}
	source, err := discovery.OpenProtoset(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	files, faults, err := discovery.Files(t.Context(), source)
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	if n := compareFiles(t.Context(), t, source, files, recompiled(t.Context(), t, out, files)); n < 8 {
		t.Errorf("compared %d files", n)
	}
	again, err := discovery.OpenProtoset(t.Context(), out+".binpb")
	if err != nil {
		t.Fatal(err)
	}
	compareFiles(t.Context(), t, source, files, again)
}
