package discovery_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/testserver"
)

// tree writes files into a new folder and returns it.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var protoTree = map[string]string{
	"api/shop/v1/shop.proto": `syntax = "proto3";
package shop.v1;
import "shop/v1/order.proto";
import "common/money.proto";
import "google/rpc/status.proto";
import "google/protobuf/timestamp.proto";
// Sells things.
service Shop {
  // Places one.
  rpc Place(Order) returns (Order);
}
message Bill {
  common.Money total = 1;
  google.rpc.Status status = 2;
  google.protobuf.Timestamp at = 3;
}
`,
	"api/shop/v1/order.proto": `syntax = "proto3";
package shop.v1;
message Order { string id = 1; }
`,
	"api/shop/v1/broken.proto": `this is nobody's business`,
	"third/common/money.proto": `syntax = "proto3";
package common;
message Money { int64 units = 1; }
`,
	"bad/syntax.proto":    "syntax = \"proto3\";\nmessage M {\n\tstring id = ;\n}\n",
	"bad/type.proto":      "syntax = \"proto3\";\nmessage M {\n  Nothing id = 1;\n}\n",
	"bad/importer.proto":  "syntax = \"proto3\";\n\nimport \"no/such.proto\";\n",
	"bad/behind.proto":    "syntax = \"proto3\";\nimport \"no/such.proto\" so;\n",
	"bad/lines.proto":     "syntax = \"proto3\";\nimport\n  'no/such.proto';\n",
	"bad/escape.proto":    "syntax = \"proto3\";\nimport \"../api/shop/v1/order.proto\";\n",
	"bad/indirect.proto":  "syntax = \"proto3\";\nimport \"syntax.proto\";\n",
	"bad/cycle1.proto":    "syntax = \"proto3\";\nimport \"cycle2.proto\";\n",
	"bad/cycle2.proto":    "syntax = \"proto3\";\nimport \"cycle1.proto\";\n",
	"bad/wellknown.proto": "syntax = \"proto3\";\npackage google.protobuf;\nmessage Timestamp { string seconds = 1; }\n",
	"bad/deep.proto":      "syntax = \"proto3\"; // {{{\n" + strings.Repeat("message M { ", 100_000),
}

func TestProtofiles(t *testing.T) {
	dir := tree(t, protoTree)
	api, third := filepath.Join(dir, "api"), filepath.Join(dir, "third")
	tests := []struct {
		name    string
		imports []string
		file    string
	}{
		{"relative to an import path", []string{api, third}, "shop/v1/shop.proto"},
		{"on disk, below an import path", []string{third, api}, filepath.Join(api, "shop/v1/shop.proto")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := discovery.OpenProtofiles(t.Context(), discovery.ProtofileOptions{ImportPaths: test.imports, Files: []string{test.file, test.file}})
			if err != nil {
				t.Fatal(err)
			}
			names, err := s.Services(t.Context())
			if diff := cmp.Diff([]protoreflect.FullName{"shop.v1.Shop"}, names); diff != "" || err != nil {
				t.Error(diff, err)
			}
			m, err := discovery.FindMethod(t.Context(), s, "Shop/Place")
			if err != nil {
				t.Fatal(err)
			}
			if got := m.ParentFile().SourceLocations().ByDescriptor(m).LeadingComments; got != " Places one.\n" {
				t.Errorf("comment %q", got)
			}
			d, err := s.Find(t.Context(), "shop.v1.Bill")
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"at message google.protobuf.Timestamp", "status message google.rpc.Status", "total message common.Money"}
			if diff := cmp.Diff(want, fieldTypes(d.(protoreflect.MessageDescriptor))); diff != "" {
				t.Error(diff)
			}
			if _, err := discovery.FindSymbol(t.Context(), s, "Money"); err != nil {
				t.Error(err)
			}
			if _, err := s.Find(t.Context(), "shop.v1.Nothing"); !errors.Is(err, discovery.ErrNotFound) {
				t.Error(err)
			}
		})
	}
}

func TestProtofilesWithoutImportPath(t *testing.T) {
	dir := tree(t, protoTree)
	s, err := discovery.OpenProtofiles(t.Context(), discovery.ProtofileOptions{ImportPaths: nil, Files: []string{filepath.Join(dir, "third/common/money.proto")}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Find(t.Context(), "common.Money"); err != nil {
		t.Error(err)
	}
	t.Chdir(filepath.Join(dir, "third"))
	if s, err = discovery.OpenProtofiles(t.Context(), discovery.ProtofileOptions{ImportPaths: nil, Files: []string{"common/money.proto"}}); err != nil {
		t.Fatal(err)
	}
	d, err := s.Find(t.Context(), "common.Money")
	if err != nil {
		t.Fatal(err)
	}
	if got := d.ParentFile().Path(); got != "common/money.proto" {
		t.Errorf("path %q", got)
	}
}

func TestProtofilesErrors(t *testing.T) {
	dir := tree(t, protoTree)
	bad := func(name string) string { return filepath.Join(dir, "bad", name) }
	tests := []struct {
		file string
		want error
	}{
		{"syntax.proto", &discovery.SyntaxError{File: bad("syntax.proto"), Line: 3, Column: 14, Source: "\tstring id = ;"}},
		{"indirect.proto", &discovery.SyntaxError{File: bad("syntax.proto"), Line: 3, Column: 14, Source: "\tstring id = ;"}},
		{"type.proto", &discovery.SyntaxError{File: bad("type.proto"), Line: 3, Column: 3, Source: "  Nothing id = 1;"}},
		{"importer.proto", &discovery.ImportError{
			File: bad("importer.proto"), Line: 3, Column: 8, Source: `import "no/such.proto";`,
			Import: "no/such.proto", Roots: []string{bad("")}, Err: fs.ErrNotExist,
		}},
		// The fault is in the statement, and not that the file is missing.
		{"behind.proto", &discovery.SyntaxError{File: bad("behind.proto"), Line: 2, Column: 24, Source: `import "no/such.proto" so;`}},
		{"lines.proto", &discovery.ImportError{
			File: bad("lines.proto"), Line: 3, Column: 3, Source: `  'no/such.proto';`,
			Import: "no/such.proto", Roots: []string{bad("")}, Err: fs.ErrNotExist,
		}},
		{"escape.proto", &discovery.ImportError{
			File: bad("escape.proto"), Line: 2, Column: 8, Source: `import "../api/shop/v1/order.proto";`,
			Import: "../api/shop/v1/order.proto", Roots: []string{bad("")},
		}},
		{"deep.proto", &discovery.SyntaxError{File: bad("deep.proto"), Line: 2, Column: 12*200 + 11}},
		{"nowhere.proto", &discovery.ImportError{Import: "nowhere.proto", Roots: []string{bad("")}, Err: fs.ErrNotExist}},
		{"wellknown.proto", &discovery.DescriptorError{File: "wellknown.proto", Symbol: "google.protobuf.Timestamp"}},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			_, err := discovery.OpenProtofiles(t.Context(), discovery.ProtofileOptions{ImportPaths: []string{bad("")}, Files: []string{test.file}})
			if err == nil {
				t.Fatal("no error")
			}
			t.Log(err)
			wantError(t, err, test.want)
		})
	}
	if _, err := discovery.OpenProtofiles(t.Context(), discovery.ProtofileOptions{ImportPaths: []string{bad("")}, Files: []string{"cycle1.proto"}}); err == nil ||
		!strings.Contains(err.Error(), "cycle") {
		t.Errorf("error %v of an import cycle", err)
	}
}

// wantError compares an error with one that has no cause, or whose cause is a missing file.
func wantError(t *testing.T, err, wanted error) {
	t.Helper()
	switch want := wanted.(type) {
	case *discovery.SyntaxError:
		var got *discovery.SyntaxError
		if errors.As(err, &got) {
			got.Err = nil
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(err, diff)
		}
	case *discovery.ImportError:
		var got *discovery.ImportError
		if errors.As(err, &got) {
			if errors.Is(want.Err, fs.ErrNotExist) != errors.Is(got.Err, fs.ErrNotExist) {
				t.Errorf("cause %v", got.Err)
			}
			got.Err, want.Err = nil, nil
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(err, diff)
		}
	case *discovery.DescriptorError:
		var got *discovery.DescriptorError
		if errors.As(err, &got) {
			got.Err = nil
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(err, diff)
		}
	}
}

func TestProtofilesDemo(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, testserver.Protos()); err != nil {
		t.Fatal(err)
	}
	s, err := discovery.OpenProtofiles(t.Context(), discovery.ProtofileOptions{ImportPaths: []string{dir}, Files: []string{"rpcctl/demo/v1/lab.proto", "rpcctl/demo/v1/legacy_extra.proto"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := discovery.FindMethod(t.Context(), s, "Lab/Echo"); err != nil {
		t.Error(err)
	}
	xs, err := s.Extensions(t.Context(), "rpcctl.demo.v1.Legacy")
	if err != nil || len(xs) == 0 {
		t.Errorf("extensions %v, %v", xs, err)
	}
}

// Nothing of a file that is not a .proto file is shown, however it was reached.
func TestProtofilesShowNoOtherFile(t *testing.T) {
	const secret = "hunter2"
	for name, text := range map[string]string{
		"key":          "-----BEGIN " + secret + "-----\nabc\n",
		"netrc":        "machine example.com login me password " + secret + "\n",
		"environment":  "# mine\nPASSWORD=" + secret + "\n",
		"JSON":         `{"auths": {"x": "` + secret + `"}}`,
		"YAML":         "service: " + secret + "\npassword: " + secret + "\n",
		"Go":           "package main\n\nconst password = `" + secret + "`\n",
		"options":      "options: " + secret + "\n",
		"a number":     "0x" + secret + "\n",
		"a text":       `"` + secret + "\n",
		"one word":     secret,
		"brackets":     secret + strings.Repeat("{", 300),
		"after a note": "// " + secret + "\n/* " + secret + " */ ;\n" + secret + " x\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, map[string]string{"id_rsa": text, "a.proto": `syntax = "proto3"; import "id_rsa"; message A {}`})
			if err := os.Symlink("id_rsa", filepath.Join(dir, "link.proto")); err != nil {
				t.Skip(err)
			}
			for _, file := range []string{"a.proto", "link.proto"} {
				_, err := discovery.OpenProtofiles(t.Context(), discovery.ProtofileOptions{ImportPaths: []string{dir}, Files: []string{file}})
				var at *discovery.SyntaxError
				if !errors.As(err, &at) || at.Line == 0 {
					t.Fatal(err)
				}
				if strings.Contains(err.Error()+at.Source, secret) {
					t.Errorf("%v\n%s", err, at.Source)
				}
			}
		})
	}
}

// A fault in the first statement is reported with its line, and one in its first word with
// what can stand there.
func TestProtofilesThatBeginBadly(t *testing.T) {
	for text, want := range map[string]string{
		`syntax "proto3";`:           "syntax error: unexpected string literal",
		`syntax = proto3;`:           "syntax error: unexpected identifier",
		"message A\n  string b = 1;": "syntax error: unexpected",
		"package acme\nmessage A {}": "(syntax error: expecting",
		"messgae A {}":               "this is not a .proto file, which begins with syntax, edition, package, import, option or a definition (syntax error: unexpected identifier",
	} {
		dir := tree(t, map[string]string{"a.proto": text})
		_, err := discovery.OpenProtofiles(t.Context(), discovery.ProtofileOptions{ImportPaths: []string{dir}, Files: []string{"a.proto"}})
		var at *discovery.SyntaxError
		if !errors.As(err, &at) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
			continue
		}
		if line, _, _ := strings.Cut(text, "\n"); at.Source != line && at.Line == 1 && !errors.Is(err, discovery.ErrNotProto) {
			t.Errorf("%q: the line %q is shown", text, at.Source)
		}
	}
}
