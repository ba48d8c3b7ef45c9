package palette

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fatih/color"
)

// The bytes are part of what people and their scripts rely on.
var (
	text       = [roles]string{Key: "36", String: "32", Number: "33", Word: "35", Type: "36", Comment: "90", Bad: "31", Strong: "1", Faint: "2", Field: "34", Matched: "1;4", Chosen: "7", Wrong: "4;31"}
	monochrome = [roles]string{Strong: "1", Matched: "1", Chosen: "7", Wrong: "4"}
)

func check(t *testing.T) {
	t.Helper()
	p, colors, mono, off := New(true), NewScreen(true), NewScreen(false), New(false)
	if got := colors.Begin(Plain); got != "\x1b[m" {
		t.Errorf("plain text on a screen begins with %q", got)
	}
	for r := range roles {
		painted := func(code string) string {
			if code == "" {
				return "x"
			}
			return "\x1b[" + code + "mx\x1b[0m"
		}
		onScreen := func(code string) string {
			if code == "" {
				return "x"
			}
			return "\x1b[0;" + code + "mx\x1b[m"
		}
		for name, c := range map[string]struct{ got, want string }{
			"text":                 {p.Paint(r, "x"), painted(text[r])},
			"bytes":                {string(p.Append([]byte("a "), r, "x")), "a " + painted(text[r])},
			"a screen's line":      {colors.Begin(r) + "x" + colors.End(), strings.Replace("\x1b[0;"+text[r]+"mx\x1b[m", "[0;m", "[m", 1)},
			"nothing":              {p.Paint(r, ""), ""},
			"disabled":             {off.Paint(r, "x") + off.Begin(r) + off.End(), "x"},
			"disabled, bytes":      {string(off.Append(nil, r, "x")), "x"},
			"a screen":             {colors.Paint(r, "x"), onScreen(text[r])},
			"a screen, monochrome": {mono.Paint(r, "x"), onScreen(monochrome[r])},
		} {
			if c.got != c.want {
				t.Errorf("role %d, %s: got %q, want %q", r, name, c.got, c.want)
			}
		}
	}
}

func TestRoles(t *testing.T) { check(t) }

// The library's idea of the process decides nothing.
func TestInstancesDecide(t *testing.T) {
	before := color.NoColor
	defer func() { color.NoColor = before }()
	for _, env := range []map[string]string{{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"NO_COLOR": "1", "TERM": "dumb"}} {
		for _, color.NoColor = range []bool{false, true} {
			t.Run("", func(t *testing.T) {
				for name, value := range env {
					t.Setenv(name, value)
				}
				check(t)
			})
		}
	}
}

// A console of Windows with its mode switched on gets the same bytes as every terminal, since
// the system is not asked: whoever calls New and NewScreen says whether the terminal
// understands them.
func TestSystemsAreAlike(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if name != "palette.go" {
			t.Errorf("%s may be of one system alone", name)
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			if path := i.Path.Value; path != `"strings"` && path != `"github.com/fatih/color"` {
				t.Errorf("%s imports %s, which may ask the system", name, path)
			}
		}
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	p, dst := New(true), make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() { dst = p.Append(dst[:0], Key, "name") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		New(true)
	}
}
