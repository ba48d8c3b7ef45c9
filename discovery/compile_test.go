package discovery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/bufbuild/protocompile"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/descriptorpb"
)

// standardImports are what the compiler's own table of standard imports has.
var standardImports = []string{
	"google/protobuf/any.proto",
	"google/protobuf/api.proto",
	"google/protobuf/compiler/plugin.proto",
	"google/protobuf/cpp_features.proto",
	"google/protobuf/descriptor.proto",
	"google/protobuf/duration.proto",
	"google/protobuf/empty.proto",
	"google/protobuf/field_mask.proto",
	"google/protobuf/go_features.proto",
	"google/protobuf/java_features.proto",
	"google/protobuf/source_context.proto",
	"google/protobuf/struct.proto",
	"google/protobuf/timestamp.proto",
	"google/protobuf/type.proto",
	"google/protobuf/wrappers.proto",
}

func imports(names ...string) string {
	var b strings.Builder
	for _, n := range names {
		fmt.Fprintf(&b, "import %q;\n", n)
	}
	return b.String()
}

// compileTexts compiles the files of a map, which lie in no folder, and counts how
// often each is asked for.
func compileTexts(ctx context.Context, files map[string]string, names ...string) ([]protoreflect.FileDescriptor, map[string]int, error) {
	c := &protoCompiler{}
	var mu sync.Mutex
	asked := map[string]int{}
	b := &build{find: func(path string) (found, error) {
		mu.Lock()
		asked[path]++
		mu.Unlock()
		if text, ok := files[path]; ok {
			if text == "panic" {
				panic("at the disk")
			}
			return found{text: text}, nil
		}
		return c.find(ctx, path)
	}}
	got, err := b.run(ctx, names)
	return got, asked, err
}

func TestStandardImports(t *testing.T) {
	files := map[string]string{"all.proto": "syntax = \"proto3\";\n" + imports(standardImports...)}
	got, _, err := compileTexts(t.Context(), files, "all.proto")
	if err != nil {
		t.Fatal(err)
	}
	whole := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(files)}),
		// The places in a file that lies nowhere are of no use.
		SourceInfoMode: protocompile.SourceInfoNone,
	}
	want, err := whole.Compile(t.Context(), "all.proto")
	if err != nil {
		t.Fatal(err)
	}
	protos := asProtos(t, got[0])
	protos["all.proto"].SourceCodeInfo = nil
	if diff := cmp.Diff(asProtos(t, want[0]), protos, protocmp.Transform()); diff != "" || len(protos) != len(standardImports)+1 {
		t.Errorf("%d files: %s", len(protos), diff)
	}
}

// The compiler's parts make of a file what the whole compiler makes of it: comments and
// places, custom options, and features that only a standard import declares.
func TestBuildIsTheCompiler(t *testing.T) {
	files := map[string]string{
		"a.proto": "edition = \"2023\";\n" +
			imports("google/protobuf/cpp_features.proto", "google/protobuf/go_features.proto", "google/protobuf/java_features.proto", "b.proto") + `
option features.(pb.go).legacy_unmarshal_json_enum = true;
option features.(pb.java).utf8_validation = VERIFY;
// M is here.
message M {
  string s = 1 [features.(pb.cpp).string_type = VIEW, (tag) = { name: "x" more: { name: "y" } }]; // behind
  B b = 2 [features.message_encoding = DELIMITED];
}`,
		"b.proto": "syntax = \"proto2\";\n" + imports("google/protobuf/descriptor.proto") + `
/* B is there. */
message B { optional string name = 1 [default = "n"]; optional B more = 2; optional group G = 3 { } extensions 100 to max; }
extend B { repeated int32 x = 100; }
extend google.protobuf.FieldOptions { optional B tag = 50000; }`,
	}
	got, _, err := compileTexts(t.Context(), files, "a.proto")
	if err != nil {
		t.Fatal(err)
	}
	whole := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(files)}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	want, err := whole.Compile(t.Context(), "a.proto")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(asProtos(t, want[0]), asProtos(t, got[0]), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

// asProtos returns a file and all that it imports by path. Options that only one side knows as
// extensions stay bytes for both.
func asProtos(t *testing.T, of protoreflect.FileDescriptor) map[string]*descriptorpb.FileDescriptorProto {
	t.Helper()
	protos := map[string]*descriptorpb.FileDescriptorProto{}
	for _, f := range Closure(of) {
		raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(protodesc.ToFileDescriptorProto(f))
		if err != nil {
			t.Fatal(err)
		}
		d := &descriptorpb.FileDescriptorProto{}
		if err := (proto.UnmarshalOptions{Resolver: new(protoregistry.Types)}).Unmarshal(raw, d); err != nil {
			t.Fatal(err)
		}
		protos[f.Path()] = d
	}
	return protos
}

func TestBuildAsksOnce(t *testing.T) {
	files := map[string]string{
		"top.proto":    imports("left.proto", "right.proto") + "message T { optional L l = 1; optional R r = 2; }",
		"left.proto":   imports("bottom.proto") + "message L { optional B b = 1; }",
		"right.proto":  imports("bottom.proto") + "message R { optional B b = 1; }",
		"bottom.proto": "message B {}",
	}
	got, asked, err := compileTexts(t.Context(), files, "left.proto", "top.proto")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"top.proto": 1, "left.proto": 1, "right.proto": 1, "bottom.proto": 1}, asked); diff != "" {
		t.Error(diff)
	}
	var paths []string
	for _, f := range Closure(got[1]) {
		paths = append(paths, f.Path())
	}
	if diff := cmp.Diff([]string{"bottom.proto", "left.proto", "right.proto", "top.proto"}, paths); diff != "" || got[0].Path() != "left.proto" {
		t.Error(got, diff)
	}
}

// Which error is shown does not depend on which goroutine was quicker.
func TestBuildErrors(t *testing.T) {
	files := map[string]string{
		"self.proto":    "\n" + imports("self.proto"),
		"one.proto":     imports("two.proto"),
		"two.proto":     imports("three.proto"),
		"three.proto":   "\n" + imports("bottom.proto", "one.proto"),
		"bottom.proto":  "message B {}",
		"syntax.proto":  "message {}",
		"type.proto":    "message M { optional None n = 1; }",
		"panic.proto":   "panic",
		"first.proto":   imports("none.proto", "syntax.proto", "type.proto"),
		"second.proto":  imports("type.proto", "none.proto", "syntax.proto"),
		"third.proto":   imports("bottom.proto", "syntax.proto", "type.proto") + "message X { optional None n = 1; }",
		"again.proto":   "message B {}",
		"both.proto":    imports("again.proto", "bottom.proto"),
		"through.proto": imports("second.proto"),
	}
	tests := []struct {
		file, want string
	}{
		{"self.proto", `self.proto:2:8: cycle found in imports: "self.proto" -> "self.proto"`},
		{"one.proto", `three.proto:3:8: cycle found in imports: "three.proto" -> "one.proto" -> "two.proto" -> "three.proto"`},
		{"syntax.proto", `syntax.proto:1:9: syntax error: unexpected '{'`},
		{"type.proto", `type.proto:1:22: field M.n: unknown type None`},
		{"panic.proto", `panic handling "panic.proto": at the disk`},
		{"first.proto", `first.proto:1:8: import "none.proto": file does not exist`},
		{"second.proto", `type.proto:1:22: field M.n: unknown type None`},
		{"third.proto", `syntax.proto:1:9: syntax error: unexpected '{'`},
		{"through.proto", `type.proto:1:22: field M.n: unknown type None`},
		{"none.proto", `import "none.proto": file does not exist`},
		{"both.proto", `symbol "B" already defined`},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			for range 20 {
				_, _, err := compileTexts(t.Context(), files, test.file)
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Fatalf("got %v, want %s", err, test.want)
				}
			}
		})
	}
	var lost *lostError
	if _, _, err := compileTexts(t.Context(), files, "first.proto"); !errors.As(err, &lost) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v of a missing file", err)
	}
}

func TestBuildOfALongChain(t *testing.T) {
	const n = 3000
	files := map[string]string{}
	name := func(i int) string { return fmt.Sprintf("c%d.proto", i) }
	for i := range n {
		files[name(i)] = imports(name(i+1)) + fmt.Sprintf("message M%d { optional M%d m = 1; }", i, i+1)
	}
	files[name(n)] = fmt.Sprintf("message M%d {}", n)
	got, _, err := compileTexts(t.Context(), files, name(0))
	if err != nil || len(Closure(got[0])) != n+1 {
		t.Error(got, err)
	}
}

func TestBuildEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	files := map[string]string{"a.proto": "message A {}"}
	if _, asked, err := compileTexts(ctx, files, "a.proto"); !errors.Is(err, context.Canceled) || len(asked) > 0 {
		t.Errorf("error %v after asking for %v", err, asked)
	}
	ctx, cancel = context.WithCancel(t.Context())
	b := &build{find: func(path string) (found, error) {
		if path == "b.proto" {
			cancel()
		}
		return found{text: files[path]}, nil
	}}
	files["a.proto"] = imports("b.proto")
	files["b.proto"] = imports("c.proto")
	if _, err := b.run(ctx, []string{"a.proto"}); !errors.Is(err, context.Canceled) || b.units["c.proto"] != nil {
		t.Errorf("error %v, units %v", err, b.units)
	}
}
