package main

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The bounds on a package: how many of its files may use one another in a circle, and how many
// methods a type may have.
const (
	maxCircle  = 12
	maxMethods = 45
)

// A built package is one as go list prints it with -export.
type built struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
	Module                  *struct{ Path string }
}

// TestPackagesArePartedWell holds that no package becomes one in which everything knows
// everything.
func TestPackagesArePartedWell(t *testing.T) {
	exports := map[string]string{}
	var ours []built
	out, err := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,Module", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p built
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if p.Module != nil && p.Module.Path == module {
			ours = append(ours, p)
		}
	}
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, p := range ours {
		var files []*ast.File
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			if !ast.IsGenerated(f) {
				files = append(files, f)
			}
		}
		info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
		config := types.Config{Importer: imports, Error: func(error) {}} // what generated files declare is missing
		pkg, _ := config.Check(p.ImportPath, fset, files, info)
		if circle := greatestCircle(fset, pkg, files, info); len(circle) > maxCircle {
			t.Errorf("%s: %d files use one another in a circle: %s", p.ImportPath, len(circle), strings.Join(circle, ", "))
		}
		for name, n := range methods(info) {
			if n > maxMethods {
				t.Errorf("%s.%s has %d methods", p.ImportPath, name, n)
			}
		}
	}
}

// methods counts the methods of each type.
func methods(info *types.Info) map[string]int {
	count := map[string]int{}
	for _, o := range info.Defs {
		f, ok := o.(*types.Func)
		if !ok {
			continue
		}
		recv := f.Signature().Recv()
		if recv == nil {
			continue
		}
		t := recv.Type()
		if p, ok := t.(*types.Pointer); ok {
			t = p.Elem()
		}
		if n, ok := t.(*types.Named); ok {
			count[n.Obj().Name()]++
		}
	}
	return count
}

// greatestCircle returns the names of the files of the greatest circle in which files use what others
// declare: functions, methods, types, and variables and constants of the package.
func greatestCircle(fset *token.FileSet, pkg *types.Package, files []*ast.File, info *types.Info) []string {
	index := map[*token.File]int{}
	for i, f := range files {
		index[fset.File(f.Pos())] = i
	}
	reach := make([][]bool, len(files)) // whether file i uses file j, directly or not
	for i, f := range files {
		reach[i] = make([]bool, len(files))
		ast.Inspect(f, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			o := info.Uses[id]
			if o == nil || o.Pkg() != pkg || !o.Pos().IsValid() {
				return true
			}
			if v, ok := o.(*types.Var); ok && (v.IsField() || o.Parent() != pkg.Scope()) {
				return true // a field comes with its type; a local stays in its file
			}
			if to, ok := index[fset.File(o.Pos())]; ok && to != i {
				reach[i][to] = true
			}
			return true
		})
	}
	for k := range files {
		for i := range files {
			for j := range files {
				reach[i][j] = reach[i][j] || reach[i][k] && reach[k][j]
			}
		}
	}
	var greatest []string
	for i := range files {
		circle := []string{}
		for j := range files {
			if i == j || reach[i][j] && reach[j][i] {
				circle = append(circle, filepath.Base(fset.File(files[j].Pos()).Name()))
			}
		}
		if len(circle) > len(greatest) {
			greatest = circle
		}
	}
	return greatest
}

// TestEveryPackageHasARow holds that ARCHITECTURE.md says of each package what it is for.
func TestEveryPackageHasARow(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for name := range strings.SplitSeq(cells[1], ",") {
				rows[strings.Trim(name, " `")] = true
			}
		}
	}
	for _, p := range packages(t) {
		name, _ := relative(p.ImportPath)
		known := rows[name] || rows[strings.TrimPrefix(name, "cmd/internal/")]
		for folder := name; !known && folder != "."; folder = filepath.ToSlash(filepath.Dir(folder)) {
			known = rows[folder+"/..."]
		}
		if !known && name != "." {
			t.Errorf("ARCHITECTURE.md has no row for %s", name)
		}
	}
}
