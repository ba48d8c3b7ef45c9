package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// maxColumns is the length of a line, a tab counted as four columns. The rows of a table, which
// stand on a line each, may be longer, and so may a long text, which is searched for whole.
const maxColumns = 120

// TestImportsAreLaidOut holds that a file imports the standard library first, then the packages
// of others, then our own, with an empty line between.
func TestImportsAreLaidOut(t *testing.T) {
	for _, path := range sources(t) {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		lastGroup, lastLine := 0, 0
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			group, line := importGroup(imported), fset.Position(spec.Pos()).Line
			switch parted := line > lastLine+1; {
			case lastLine == 0:
			case group < lastGroup:
				t.Errorf("%s:%d: %s stands below imports of a later group", path, line, imported)
			case group > lastGroup && !parted:
				t.Errorf("%s:%d: no empty line before %s, which begins a group", path, line, imported)
			case group == lastGroup && parted:
				t.Errorf("%s:%d: %s is parted from its group", path, line, imported)
			}
			lastGroup, lastLine = group, line
		}
	}
}

// importGroup returns where a package is imported: 0 the standard library, 1 others, 2 ours.
func importGroup(path string) int {
	first, _, _ := strings.Cut(path, "/")
	switch {
	case path == module || strings.HasPrefix(path, module+"/"):
		return 2
	case strings.Contains(first, "."):
		return 1
	default:
		return 0
	}
}

// TestLinesAreShort holds that nobody has to scroll sideways.
func TestLinesAreShort(t *testing.T) {
	for _, path := range sources(t) {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			tabs := len(line) - len(strings.TrimLeft(line, "\t"))
			if utf8.RuneCountInString(line)+3*tabs > maxColumns && !isRow(line) && !isText(line) {
				t.Errorf("%s:%d is longer than %d columns", path, i+1, maxColumns)
			}
		}
	}
}

// isRow reports whether a line is a whole row of a table: a literal with a comma, or an entry
// with its key.
func isRow(line string) bool {
	line = strings.TrimSpace(line)
	return strings.HasSuffix(line, ",") && strings.ContainsAny(line[:1], "{\"`(") || strings.HasSuffix(line, "},")
}

var literal = regexp.MustCompile("`[^`]*`|\"(?:[^\"\\\\]|\\\\.)*\"")

// isText reports whether most of a line is one text.
func isText(line string) bool {
	for _, text := range literal.FindAllString(line, -1) {
		if 2*len(text) > len(line) {
			return true
		}
	}
	return false
}

// sources returns our Go files that nobody generated.
func sources(t *testing.T) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "testdata" || entry.Name() == "node_modules"):
			return fs.SkipDir
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, ".pb.go") && !strings.HasSuffix(path, ".connect.go"):
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
