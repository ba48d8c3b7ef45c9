package discovery

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"
)

func TestOutline(t *testing.T) {
	got := outline(`// package wrong; message Wrong {}
syntax = "proto3"; /* service Wrong {} */
package a.b ;
import "message Wrong {}";
option (x) = { message: "Wrong {" inner { enum: 1 } };
message M { message Inner { enum Deep { X = 0; } } extend Other { int32 y = 7; } }
enum E { option allow_alias = true; ONE = 0 [(x) = {a: 1}]; TWO = 0x1; }
extend .google.protobuf.MethodOptions { repeated string ext = 1; optional group Grp = 2 { } }
service S { option deprecated = true; rpc One(M) returns (M); rpc Two (stream M) returns (M) { option (http) = { get: "/x" }; } }
service T{}`)
	want := &protoOutline{
		pkg: "a.b",
		top: map[protoreflect.Name]bool{"M": true, "E": true, "ONE": false, "TWO": false, "ext": true, "Grp": true, "S": false, "T": false},
		services: []serviceOutline{
			{name: "S", methods: []protoreflect.Name{"One", "Two"}}, {name: "T"},
		},
		extendees: []string{"Other", ".google.protobuf.MethodOptions"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(protoOutline{}, serviceOutline{})); diff != "" {
		t.Error(diff)
	}
}

// Whatever a file contains, its outline has only valid names, and scanning it ends.
func FuzzOutline(f *testing.F) {
	for _, seed := range []string{
		"package a; message M { enum E { X = 1; } }", "service S { rpc M(A) returns (B) {} }", "extend A { int32 x = 1; }",
		"message \"", "/* ", "{{{}}}}", "package a..b; message 1 {}", "service S{rpc A;rpc B{}", "\x00\xff=;",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o := outline(text)
		if o.pkg != "" && !o.pkg.IsValid() {
			t.Errorf("package %q", o.pkg)
		}
		for name := range o.top {
			if !name.IsValid() {
				t.Errorf("name %q", name)
			}
		}
	})
}

// An index is read as it was written, and whatever else is read has valid names.
func FuzzServiceIndex(f *testing.F) {
	for _, seed := range []string{"a.S M N\nb.T\nc.U ?\n", "", " \n", "a..b x\n", "S ? M", "S \x1b[2J"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		x := parseServiceIndex(data)
		for _, s := range x.services {
			if !s.IsValid() {
				t.Errorf("service %q", s)
			}
		}
		slices.Sort(x.services)
		if len(slices.Compact(slices.Clone(x.services))) != len(x.services) {
			return // the same service occurs twice: the last counts
		}
		again := parseServiceIndex(x.format())
		if diff := cmp.Diff(x, again, cmp.AllowUnexported(serviceIndex{})); diff != "" && len(x.services) > 0 {
			t.Error(diff)
		}
	})
}

func TestPatterns(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"**/*.proto", "a.proto", true},
		{"**/*.proto", "x/y/a.proto", true},
		{"x/**/a.proto", "x/a.proto", true},
		{"x/**/a.proto", "y/a.proto", false},
		{"*/a.proto", "x/y/a.proto", false},
		{"x/[ab].proto", "x/b.proto", true},
		{"**", "x/y", true},
	} {
		p := parsePattern("no/such/" + tt.pattern)
		name := "no/such/" + tt.name
		rel, in := strings.CutPrefix(name, p.base+"/")
		if got := in && p.matches(rel); got != tt.want {
			t.Errorf("%s and %s: %v", tt.pattern, tt.name, got)
		}
	}
}
