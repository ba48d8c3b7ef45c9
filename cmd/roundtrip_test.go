package cmd_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/testserver"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/descriptorpb"
)

// plain returns a file without what its text does not say or says otherwise: places
// and comments, the order of imports, JSON names that follow from the names. Custom
// options are read, so that the order of their bytes does not count.
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
	raw, err := proto.Marshal(p)
	if err != nil {
		return nil, err
	}
	read := &descriptorpb.FileDescriptorProto{}
	return read, types.Unmarshal(raw, read)
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
		if !proto.Equal(want, got) {
			diff := cmp.Diff(want, got, protocmp.Transform())
			t.Errorf("%s: %.2000s", f.Path(), diff)
		}
		compared++
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
	source, err := discovery.OpenProtoset(set)
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
	again, err := discovery.OpenProtoset(out + ".binpb")
	if err != nil {
		t.Fatal(err)
	}
	compareFiles(t.Context(), t, source, files, again)
}

