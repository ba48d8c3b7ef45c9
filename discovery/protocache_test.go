package discovery_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery"
)

// A remembered file that is only called is built without the files that it imports for
// options, and with all that its types need.
func TestCompiledBeforeIsLean(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"opt.proto": `syntax = "proto3"; package opt; import "google/protobuf/descriptor.proto";
			extend google.protobuf.MethodOptions { string note = 50001; }`,
		"pub.proto":  `syntax = "proto3"; package pub; import public "typ.proto";`,
		"typ.proto":  `syntax = "proto3"; package typ; message T { string s = 1; } enum E { ZERO = 0; }`,
		"kept.proto": `syntax = "proto3"; package kept; message K { int32 n = 1; }`,
		"all.proto": `syntax = "proto3"; package all;
			import "opt.proto"; import "pub.proto"; import "kept.proto";
			import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto";
			message Q { kept.K k = 1; google.protobuf.Timestamp at = 2; map<string, typ.E> e = 3; }
			service S { rpc M(Q) returns (typ.T) { option (opt.note) = "n"; } }`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	store := newMemory()
	open := func(bare bool) (imports []string, fields []protoreflect.FullName) {
		t.Helper()
		s, err := discovery.OpenProtofiles(t.Context(), discovery.ProtofileOptions{
			ImportPaths: []string{dir}, Files: []string{"all.proto"}, NoComments: bare, Store: store,
		})
		if err != nil {
			t.Fatal(err)
		}
		m, err := discovery.FindMethod(t.Context(), s, "all.S.M")
		if err != nil {
			t.Fatal(err)
		}
		for i := range m.ParentFile().Imports().Len() {
			imports = append(imports, m.ParentFile().Imports().Get(i).Path())
		}
		q := m.Input().Fields()
		fields = []protoreflect.FullName{
			q.ByName("k").Message().FullName(), q.ByName("at").Message().FullName(), q.ByName("e").MapValue().Enum().FullName(),
			m.Output().Fields().ByName("s").FullName(),
		}
		return imports, fields
	}
	all := []string{"opt.proto", "pub.proto", "kept.proto", "google/protobuf/timestamp.proto", "google/protobuf/duration.proto"}
	for _, c := range []struct {
		name       string
		noComments bool
		want       []string
	}{
		{"compiled for a call", true, all},
		{"compiled before, for a call", true, []string{"kept.proto", "google/protobuf/timestamp.proto", "typ.proto"}},
		{"compiled with comments", false, all},
		{"compiled before, with comments", false, all},
	} {
		imports, fields := open(c.noComments)
		if diff := cmp.Diff(c.want, imports); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if diff := cmp.Diff([]protoreflect.FullName{"kept.K", "google.protobuf.Timestamp", "typ.E", "typ.T.s"}, fields); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}
