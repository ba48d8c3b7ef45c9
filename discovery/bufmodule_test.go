package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rpcctl/rpcctl/discovery"
)

// Aliases of aliases stand for more than any memory holds. They are an error wherever they
// are, and soon.
func TestBufAliasesAreBounded(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x]\n")
	for i := range 9 {
		fmt.Fprintf(&bomb, "a%d: &a%d [%s*a%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d,", i), 8), i)
	}
	const long = "with its aliases written out, YAML of more than 20000 parts is too long"
	for _, tt := range []struct{ file, text, want string }{
		{"buf.work.yaml", bomb.String() + "directories: *a9\n", long},
		{"buf.work.yaml", bomb.String() + "directories: [*a9]\n", long},
		{"buf.yaml", bomb.String() + "version: *a9\n", long},
		{"buf.yaml", bomb.String() + "modules: [{path: *a9}]\n", long},
		{"buf.yaml", bomb.String() + "name: *a9\nbuild: {roots: *a9, excludes: *a9}\n", long},
		{"buf.yaml", "version: v1\nbuild: &b\n  <<: *b\n", "the alias *b stands inside what it stands for"},
		{"buf.yaml", "a: &x [y]\nb: &y [*x]\nbuild: {roots: &x [*y]}\n", "the anchor &x stands here a second time"},
		// Within the bounds they mean what they stand for.
		{"buf.yaml", "lint: {ignore: &i [old, older]}\nbreaking: {ignore: *i}\nbuild: {roots: &r [proto], excludes: *i}\n", ""},
		{"buf.work.yaml", "x: &x proto\ndirectories: [*x]\n", ""},
	} {
		t.Run(tt.want, func(t *testing.T) {
			dir := tree(t, map[string]string{
				tt.file:         tt.text,
				"proto/a.proto": "syntax = \"proto3\";\nimport \"b/b.proto\";\nmessage A { b.B b = 1; }\n", "proto/b/b.proto": "syntax = \"proto3\";\npackage b;\nmessage B {}\n",
			})
			done := make(chan error, 1)
			go func() {
				_, err := discovery.OpenProtos(t.Context(), discovery.ProtofileOptions{Files: []string{filepath.Join(dir, "proto/a.proto")}})
				done <- err
			}()
			select {
			case err := <-done:
				if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.HasSuffix(err.Error(), tt.file+": "+tt.want)) {
					t.Errorf("%s: %v", tt.text, err)
				}
			case <-time.After(5 * time.Second):
				t.Fatal("it goes on and on")
			}
		})
	}
}

// Within the bounds they take little time.
func TestBufAliasesAreSoonRead(t *testing.T) {
	wide := "a: &a [" + strings.Repeat("x,", 95) + "x]\n"
	for _, text := range []string{
		wide + "directories: [" + strings.Repeat("*a,", 200) + "]\n",
		wide + "modules: [" + strings.Repeat("{path: *a, excludes: *a},", 95) + "]\n",
		"m: &m {excludes: [" + strings.Repeat("x,", 95) + "]}\nmodules: [" + strings.Repeat("{<<: *m},", 180) + "]\n",
	} {
		dir := tree(t, map[string]string{"buf.yaml": text, "a.proto": "syntax = \"proto3\";\nmessage A {}\n"})
		begun := time.Now()
		_, err := discovery.OpenProtos(t.Context(), discovery.ProtofileOptions{Files: []string{filepath.Join(dir, "a.proto")}})
		if took := time.Since(begun); took > 5*time.Second || err != nil && strings.Contains(err.Error(), "aliases") {
			t.Errorf("%.40s: %v, %v", text, took, err)
		}
	}
}

// The folders that configurations name together are bounded, and so are the bytes of what
// aliases stand for: few of them make very many, and long ones.
func TestBufFoldersAreBounded(t *testing.T) {
	const proto = "syntax = \"proto3\";\nmessage A {}\n"
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"folders": {map[string]string{"buf.yaml": "build: {excludes: [" + strings.Repeat("x,", 2000) + "]}\n"}, "buf.yaml: more than 1000 folders are too many"},
		"modules": {
			map[string]string{"buf.work.yaml": "directories: [" + strings.Repeat("x,", 900) + "]\n", "x/buf.yaml": "build: {roots: [" + strings.Repeat("x,", 900) + "]}\n"},
			"buf.work.yaml: more than 1000 folders are too many",
		},
		"of one's own": {map[string]string{"buf.work.yaml": "directories: [" + strings.Repeat("x,", 300) + "]\n", "x/buf.yaml": "build: {roots: [y, z]}\n"}, ""},
		"long": {
			map[string]string{"buf.yaml": "x: &x " + strings.Repeat("long", 5000) + "\nbuild: {roots: [" + strings.Repeat("*x,", 500) + "]}\n"},
			"buf.yaml: with its aliases written out, YAML of more than 20000 parts is too long",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tt.files["a.proto"] = proto
			_, err := discovery.OpenProtos(t.Context(), discovery.ProtofileOptions{Files: []string{filepath.Join(tree(t, tt.files), "a.proto")}})
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.HasSuffix(err.Error(), tt.want)) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// A deadline ends the reading of very many modules.
func TestBufModulesEndWithTheirContext(t *testing.T) {
	dir := tree(t, map[string]string{"buf.work.yaml": "directories: [x]\n", "x/buf.yaml": "- no mapping\n", "a.proto": "syntax = \"proto3\";\n"})
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	if _, err := discovery.OpenProtos(ctx, discovery.ProtofileOptions{Files: []string{filepath.Join(dir, "a.proto")}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
