package discovery_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rpcctl/rpcctl/discovery"
)

// many is a text with a part for each number.
func many(n int, part string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, part, i)
	}
	return b.String()
}

// A .proto file that is made to take long, or much memory, is compiled soon, or refused.
func TestProtofilesAreBounded(t *testing.T) {
	const start = `syntax = "proto3"; package a; `
	for name, test := range map[string]struct{ text, want string }{
		"imports in a line":        {start + many(40_000, `import "i%d.proto"; `), `import "i0.proto": file does not exist`},
		"fields in a line":         {start + "message M {" + many(29_000, "string f%[1]d = 2%[1]d; ") + "}", ""},
		"imports without a blank":  {`syntax="proto3";` + many(40_000, `import"i%d.proto";`), "the lines are too long: break them"},
		"values without a blank":   {`syntax="proto3";enum E{` + many(50_000, "A%[1]d=%[1]d;") + "}", "the lines are too long: break them"},
		"values behind a comment":  {start + "/*" + strings.Repeat("x", 1<<20) + "*/enum E{" + many(1000, "A%[1]d=%[1]d;") + "}", ""},
		"parts":                    {start + strings.Repeat(";\n", 75_001), "more than 150000 parts"},
		"messages":                 {start + many(38_000, "message M%d {}\n"), "more than 150000 parts"},
		"a long string, a comment": {start + "/* " + strings.Repeat("x", 1<<20) + "\n*/ option java_package = \"" + strings.Repeat("y", 1<<20) + "\"; message M {}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := tree(t, map[string]string{"a.proto": test.text})
			began := time.Now()
			_, err := discovery.OpenProtofiles(t.Context(), discovery.ProtofileOptions{ImportPaths: []string{dir}, Files: []string{"a.proto"}})
			took := time.Since(began)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%.200v, want %q", err, test.want)
			}
			if took > 30*time.Second {
				t.Errorf("it took %v", took)
			}
			t.Log(took)
		})
	}
}

// When a line is broken for the compiler, places in it stay the same.
func TestPlaceInALongLine(t *testing.T) {
	text := `syntax = "proto3"; message M { ` + many(1000, "string f%[1]d = %[1]d; ") + "strin x = 5000; }"
	text = strings.Replace(text, "f0 = 0", "f0 = 1001", 1)
	dir := tree(t, map[string]string{"a.proto": text})
	_, err := discovery.OpenProtofiles(t.Context(), discovery.ProtofileOptions{ImportPaths: []string{dir}, Files: []string{"a.proto"}})
	var at *discovery.SyntaxError
	if !errors.As(err, &at) || at.Line != 1 || at.Column != strings.Index(text, "strin x")+1 {
		t.Errorf("%+v, want column %d", at, strings.Index(text, "strin x")+1)
	}
}

// Files that are compiled together share a bound, which grows with the number that was named.
func TestProtofilesAreBoundedTogether(t *testing.T) {
	const start = `syntax = "proto3"; package a; `
	values := func(enum string) string {
		return start + "enum " + enum + " {\n" + many(40_000, enum+"%[1]d = %[1]d;\n") + "}"
	}
	dir := tree(t, map[string]string{
		"a.proto": start + `import "b.proto"; import "c.proto"; message M { B b = 1; C c = 2; }`,
		"b.proto": values("B"), "c.proto": values("C"),
	})
	open := func(files ...string) error {
		_, err := discovery.OpenProtofiles(t.Context(), discovery.ProtofileOptions{ImportPaths: []string{dir}, Files: files})
		return err
	}
	err := open("a.proto")
	if want := `"a.proto": too much for the compiler of .proto files: more than 150000 parts with what it imports`; !errors.Is(err, discovery.ErrTooMuch) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	if err := open("b.proto", "c.proto"); err != nil {
		t.Errorf("two files that were named: %v", err)
	}
}
