package main

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/rpcctl/rpcctl"

// A rule says what the packages that match may import of ours, and what they may
// not import of others. Patterns are those of path.Match, or a folder and "/...".
type rule struct {
	packages string
	ours     []string // all that is allowed of this module
	not      []string // forbidden of others, with all that is below them but for data
	why      string
}

// rules are the arrows of ARCHITECTURE.md. The first rule that fits a package
// counts.
var rules = []rule{
	{packages: ".", ours: []string{"cmd"}, why: "main turns the process into cmd.Main"},
	{packages: "internal/fault", why: "the end of a crash depends on nothing"},
	{packages: "internal/secret", not: []string{"google.golang.org/grpc"}, why: "what is secret depends on nothing of ours"},
	{packages: "internal/palette", why: "colours depend on nothing of ours"},
	{packages: "internal/nearest", why: "near names are strings"},
	{packages: "internal/boundfile", ours: []string{"internal/fault"}, why: "reading a file knows nothing of what is in it"},
	{packages: "internal/outfile", why: "writing a file knows nothing of what is in it"},
	{packages: "internal/yamlbound", why: "bounds of a text know nothing of what it means"},
	{packages: "internal/notices/...", why: "licences depend on nothing"},
	{packages: "internal/diskcache", ours: []string{"internal/boundfile", "internal/outfile"}, why: "a cache knows nothing of what it keeps"},
	{packages: "cmd/internal/session", ours: []string{"internal/boundfile", "internal/fault", "internal/diskcache", "internal/secret", "discovery", "invoke", "invoke/...", "testserver"}, why: "a session opens what a command needs"},
	{packages: "cmd/internal/env", ours: []string{"internal/fault", "internal/secret", "formatters"}, why: "the world around a command knows no command"},
	{packages: "cmd/internal/redaction", ours: []string{"internal/secret", "discovery", "repl"}, why: "what is secret in a text depends on no command"},
	{packages: "cmd/internal/problem", ours: []string{"cmd/internal/env", "cmd/internal/redaction", "cmd/internal/session", "internal/boundfile", "internal/fault", "internal/outfile", "internal/palette", "internal/transcode", "formatters", "discovery", "invoke", "invoke/..."}, why: "errors are worded below the commands that have them"},
	{packages: "cmd/internal/signals", ours: []string{"internal/fault"}, why: "signals are those of the system"},
	{packages: "cmd/internal/program", ours: []string{"cmd/internal/env", "cmd/internal/problem", "internal/fault", "formatters", "invoke"}, why: "starting a program depends on no command"},
	{packages: "cmd/internal/credential", ours: []string{"cmd/internal/env", "cmd/internal/problem", "cmd/internal/program", "cmd/internal/session", "cmd/internal/signals", "internal/boundfile", "internal/fault", "internal/secret", "formatters", "invoke"}, why: "who calls is found out below the commands"},
	{packages: "cmd/internal/header", ours: []string{"cmd/internal/credential", "cmd/internal/env", "cmd/internal/problem", "internal/secret", "invoke"}, why: "the text of a header depends on no command"},
	{packages: "cmd/internal/flags", why: "the form of a flag knows nothing of its meaning"},
	{packages: "cmd/internal/memory", why: "the limits of memory know no command"},
	{packages: "cmd/internal/output", ours: []string{"cmd/internal/env", "cmd/internal/globals", "cmd/internal/problem", "internal/outfile", "formatters", "invoke"}, why: "where responses are printed depends on no command"},
	{packages: "cmd/internal/app", ours: []string{"cmd/internal/env", "cmd/internal/flags", "cmd/internal/globals", "cmd/internal/output", "cmd/internal/problem", "cmd/internal/session", "cmd/internal/version", "internal/human", "internal/secret", "discovery", "formatters", "invoke", "invoke/...", "repl"}, why: "what commands share knows no command"},
	{packages: "cmd/internal/complete", ours: []string{"cmd/internal/redaction", "internal/boundfile", "internal/secret", "internal/transcode", "discovery", "formatters", "invoke", "invoke/input", "repl"}, why: "what a word may become depends on no command"},
	{packages: "cmd/internal/call", ours: []string{"cmd/internal/app", "cmd/internal/complete", "cmd/internal/env", "cmd/internal/flags", "cmd/internal/memory", "cmd/internal/output", "cmd/internal/problem", "cmd/internal/program", "cmd/internal/progress", "cmd/internal/redaction", "cmd/internal/session", "internal/boundfile", "internal/fault", "internal/human", "internal/secret", "internal/transcode", "discovery", "discovery/skeleton", "formatters", "invoke", "invoke/...", "repl", "internal/longrunning"}, why: "one call knows neither many nor the shell"},
	{packages: "cmd/internal/many", ours: []string{"cmd/internal/app", "cmd/internal/call", "cmd/internal/env", "cmd/internal/flags", "cmd/internal/memory", "cmd/internal/output", "cmd/internal/problem", "cmd/internal/progress", "cmd/internal/session", "internal/boundfile", "internal/human", "internal/outfile", "internal/secret", "internal/transcode", "discovery", "formatters", "invoke", "invoke/..."}, why: "many calls do not know the shell"},
	{packages: "cmd/internal/othershells", ours: []string{"cmd/internal/app", "cmd/internal/complete", "cmd/internal/flags", "cmd/internal/output", "cmd/internal/session", "discovery", "formatters", "invoke", "repl"}, why: "completion in other shells does not know this one"},
	{packages: "cmd/internal/shell", ours: []string{"cmd/internal/app", "cmd/internal/assist", "cmd/internal/complete", "cmd/internal/credential", "cmd/internal/env", "cmd/internal/flags", "cmd/internal/globals", "cmd/internal/header", "cmd/internal/interrupts", "cmd/internal/memory", "cmd/internal/othershells", "cmd/internal/output", "cmd/internal/pool", "cmd/internal/problem", "cmd/internal/program", "cmd/internal/redaction", "cmd/internal/session", "cmd/internal/usage", "cmd/internal/values", "cmd/internal/version", "internal/boundfile", "internal/fault", "internal/human", "internal/outfile", "internal/secret", "internal/transcode", "internal/width", "discovery", "discovery/skeleton", "formatters", "invoke", "invoke/...", "repl", "testserver"}, why: "the shell runs commands that it is given"},
	{packages: "cmd/internal/assist", ours: []string{"cmd/internal/complete", "cmd/internal/env", "cmd/internal/flags", "cmd/internal/othershells", "cmd/internal/usage", "internal/human", "internal/secret", "formatters", "invoke", "invoke/input", "repl"}, why: "what helps at a prompt runs nothing"},
	{packages: "cmd/internal/pool", ours: []string{"cmd/internal/env", "cmd/internal/session", "internal/boundfile", "testserver"}, why: "sessions are kept below the shell"},
	{packages: "cmd/internal/values", ours: []string{"cmd/internal/problem", "internal/human", "internal/secret", "internal/transcode", "discovery", "formatters", "invoke", "invoke/job"}, why: "values are computed below the shell"},
	{packages: "cmd/internal/interrupts", ours: []string{"cmd/internal/env", "cmd/internal/problem", "cmd/internal/signals", "internal/fault", "repl"}, why: "keys and signals act through what they are given"},
	{packages: "cmd/internal/health", ours: []string{"invoke"}, why: "asking for health is a call like any other"},
	{packages: "cmd/internal/diagnose", ours: []string{"cmd/internal/health", "cmd/internal/problem", "cmd/internal/session", "discovery", "invoke", "invoke/..."}, why: "the way to a server is data, and the command prints it"},
	{packages: "cmd/internal/progress", ours: []string{"cmd/internal/env", "invoke"}, why: "progress is shown below the commands that have it"},
	{packages: "cmd/internal/version", why: "a version depends on nothing"},
	{packages: "internal/longrunning", why: "generated code depends on nothing of ours"},
	{packages: "internal/width", why: "columns of text depend on nothing"},
	{packages: "internal/human", why: "words for numbers depend on nothing"},
	{packages: "cmd/internal/usage", ours: []string{"cmd/internal/flags", "cmd/internal/problem", "discovery", "invoke"}, why: "the words of a command line are checked below the commands"},
	{packages: "cmd/internal/globals", ours: []string{"cmd/internal/config", "cmd/internal/credential", "cmd/internal/env", "cmd/internal/flags", "cmd/internal/header", "cmd/internal/memory", "cmd/internal/problem", "cmd/internal/session", "internal/boundfile", "internal/secret", "discovery", "invoke", "invoke/..."}, why: "what every command takes knows no command"},
	{packages: "cmd/internal/config", ours: []string{"discovery", "internal/boundfile", "internal/outfile", "internal/secret", "internal/yamlbound"}, why: "a context is settings in a file, whoever uses them"},
	{packages: "cmd", ours: []string{"cmd/...", "repl", "formatters", "discovery", "discovery/skeleton", "invoke", "invoke/...", "internal/...", "testserver"}, why: "cmd is the top"},
	{packages: "repl", ours: []string{"internal/boundfile", "internal/outfile", "internal/palette", "internal/width"}, why: "the shell's editor knows nothing of calls"},
	{packages: "testserver/...", ours: []string{"testserver/...", "internal/longrunning", "internal/outfile"}, why: "the demo server stands alone"},
	{packages: "discovery/internal/builtin", ours: []string{"discovery/internal/symbol"}, why: "what is linked depends on no source"},
	{packages: "discovery/internal/nameindex", why: "an index knows nothing of what it indexes"},
	{packages: "discovery/internal/rawdesc", ours: []string{"discovery/internal/symbol"}, why: "scanning builds nothing"},
	{packages: "discovery/internal/sanitize", ours: []string{"discovery/internal/builtin", "discovery/internal/rawdesc", "discovery/internal/symbol"}, why: "a file is checked alone"},
	{packages: "discovery/internal/timelimit", ours: []string{"internal/boundfile", "invoke"}, not: []string{"google.golang.org/grpc"}, why: "a limit knows nothing of what it limits"},
	{packages: "discovery/internal/descpool", ours: []string{"discovery/internal/builtin", "discovery/internal/nameindex", "discovery/internal/rawdesc", "discovery/internal/sanitize", "discovery/internal/symbol", "discovery/internal/timelimit"}, why: "a pool knows none of its sources"},
	{packages: "discovery/internal/symbol", why: "symbols are names and built files"},
	{packages: "discovery/skeleton", ours: []string{"discovery/internal/builtin", "discovery/internal/symbol"}, why: "a skeleton is made of descriptors alone"},
	{packages: "discovery", ours: []string{"discovery/internal/...", "internal/boundfile", "internal/fault", "internal/nearest", "internal/yamlbound", "invoke"}, not: []string{"google.golang.org/grpc"}, why: "reflection is a call over any transport"},
	{packages: "formatters/internal/...", ours: []string{"formatters/internal/...", "internal/fault", "internal/palette", "internal/transcode", "internal/width", "invoke"}, not: []string{"google.golang.org/grpc"}, why: "what formatters are made of knows no format's options"},
	{packages: "formatters", ours: []string{"formatters/internal/...", "internal/fault", "internal/nearest", "internal/palette", "internal/secret", "invoke", "internal/transcode"}, not: []string{"google.golang.org/grpc"}, why: "formatters turn events into bytes"},
	{packages: "invoke", ours: []string{"internal/fault"}, not: []string{"google.golang.org/grpc", "connectrpc.com/..."}, why: "the call loop knows no wire"},
	{packages: "invoke/connect", ours: []string{"internal/boundfile"}, why: "connections know nothing of calls"},
	{packages: "invoke/compress", why: "compression knows nothing of calls"},
	{packages: "invoke/grpcwire", ours: []string{"invoke", "invoke/compress", "invoke/connect"}, not: []string{"connectrpc.com/..."}, why: "a wire is a Transport"},
	{packages: "invoke/httpwire", ours: []string{"internal/fault", "invoke", "invoke/compress", "invoke/connect"}, why: "a wire is a Transport"},
	{packages: "invoke/job", ours: []string{"internal/fault", "invoke"}, not: []string{"google.golang.org/grpc"}, why: "a job is any call"},
	{packages: "invoke/jsonwire", ours: []string{"invoke", "internal/transcode"}, not: []string{"google.golang.org/grpc", "connectrpc.com/..."}, why: "a wire over another wire"},
	{packages: "invoke/fanout", ours: []string{"internal/fault", "invoke"}, not: []string{"google.golang.org/grpc"}, why: "many calls are calls"},
	{packages: "invoke/input", ours: []string{"internal/boundfile", "internal/fault", "internal/secret", "internal/yamlbound", "invoke", "internal/transcode"}, not: []string{"google.golang.org/grpc"}, why: "input makes requests"},
	{packages: "internal/transcode/...", ours: []string{"internal/nearest", "internal/transcode/..."}, not: []string{"google.golang.org/grpc"}, why: "transcoding is between bytes and text"},
}

// listed is a package as go list prints it.
type listed struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// fits reports whether a package's path is one that a pattern names.
func fits(pattern, pkg string) bool {
	if folder, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == folder || strings.HasPrefix(pkg, folder+"/")
	}
	ok, err := path.Match(pattern, pkg)
	return err == nil && ok
}

func fitsAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return fits(p, pkg) })
}

// data are packages of codes and generated messages, below one that is forbidden, which
// are no way to the wire.
var data = []string{
	"google.golang.org/grpc/codes", "google.golang.org/grpc/health/grpc_health_v1", "google.golang.org/grpc/reflection/grpc_reflection_v1",
}

// forbidden reports whether a package is one of those that are named or below one.
func forbidden(named []string, pkg string) bool {
	return !slices.Contains(data, pkg) && slices.ContainsFunc(named, func(p string) bool {
		return fits(strings.TrimSuffix(p, "/...")+"/...", pkg)
	})
}

func TestForbidden(t *testing.T) {
	for pkg, want := range map[string]bool{
		"google.golang.org/grpc": true, "google.golang.org/grpc/metadata": true, "google.golang.org/grpc/codes": false,
		"google.golang.org/grpcx": false, "connectrpc.com/connect/v2": true,
	} {
		if got := forbidden([]string{"google.golang.org/grpc", "connectrpc.com/..."}, pkg); got != want {
			t.Errorf("%s: %v", pkg, got)
		}
	}
}

// relative is a package's path inside the module, "." for its root.
func relative(pkg string) (string, bool) {
	if pkg == module {
		return ".", true
	}
	return strings.CutPrefix(pkg, module+"/")
}

func TestImportsFollowTheArrows(t *testing.T) {
	used := make([]bool, len(rules))
	for _, p := range packages(t) {
		name, ok := relative(p.ImportPath)
		if !ok {
			t.Fatalf("%s is not in the module", p.ImportPath)
		}
		i := slices.IndexFunc(rules, func(r rule) bool { return fits(r.packages, name) })
		if i < 0 {
			t.Errorf("%s: no rule says what it may import", name)
			continue
		}
		used[i] = true
		for _, imported := range p.Imports {
			ours, is := relative(imported)
			if is && !fitsAny(rules[i].ours, ours) || !is && forbidden(rules[i].not, imported) {
				t.Errorf("%s imports %s: %s", name, imported, rules[i].why)
			}
		}
	}
	for i, r := range rules {
		if !used[i] && r.packages != "repl" {
			t.Errorf("no package fits the rule for %s", r.packages)
		}
	}
}

// Of the gRPC client's modules invoke links only the status codes and what these need: a
// transport is brought by whoever uses invoke.
func TestInvokeLinksNoWire(t *testing.T) {
	allowed := dependencies(t, "google.golang.org/grpc/codes")
	for dep := range dependencies(t, "./invoke") {
		if strings.HasPrefix(dep, "google.golang.org/grpc") && !allowed[dep] {
			t.Errorf("invoke links %s", dep)
		}
	}
}

// The root package of the compiler of .proto files builds a table at every start,
// whatever the command. Its parts do not, and one file has them.
func TestOneFileKnowsTheCompiler(t *testing.T) {
	const compiler = "github.com/bufbuild/protocompile"
	if dependencies(t, ".")[compiler] {
		t.Errorf("%s is linked", compiler)
	}
	var files []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool { return strings.HasPrefix(i.Path.Value, `"`+compiler+"/") }) {
			files = append(files, filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil || !slices.Equal(files, []string{"discovery/compile.go"}) {
		t.Errorf("protocompile is imported by %v, %v", files, err)
	}
}

// Colours come from one library, which only internal/palette imports: its global variable
// decides nothing.
func TestOnePackageKnowsTheColours(t *testing.T) {
	for _, p := range packages(t) {
		if name, _ := relative(p.ImportPath); slices.Contains(p.Imports, "github.com/fatih/color") != (name == "internal/palette") {
			t.Errorf("%s imports %v", name, p.Imports)
		}
	}
}

// dependencies are all packages that a package links, itself included.
func dependencies(t *testing.T, pkg string) map[string]bool {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", pkg).Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := map[string]bool{}
	for dep := range strings.Lines(string(out)) {
		deps[strings.TrimSpace(dep)] = true
	}
	return deps
}
