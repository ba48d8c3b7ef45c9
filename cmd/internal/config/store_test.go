package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The tests of several processes run this test binary again.
const (
	modeEnv = "RPCCTL_TEST_STORE"
	dirEnv  = "RPCCTL_TEST_DIR"
)

func TestMain(m *testing.M) {
	s := &Store{Dir: os.Getenv(dirEnv)}
	mode := os.Getenv(modeEnv)
	if mode == "" {
		os.Exit(m.Run())
	}
	err := s.Change(context.Background(), false, func(*Contexts) ([]Edit, error) {
		if mode == "crash" {
			os.Exit(3)
		}
		return []Edit{{Path: []string{"contexts", mode, "addr"}, Values: []string{"h:1"}}}, nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func process(t *testing.T, dir, mode string) *exec.Cmd {
	c := exec.CommandContext(t.Context(), os.Args[0])
	c.Env = append(os.Environ(), modeEnv+"="+mode, dirEnv+"="+dir)
	return c
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	c, err := (&Store{Dir: dir}).Load()
	if err != nil {
		t.Fatal(err)
	}
	return c.Names()
}

// Processes that write at once lose nothing of each other's.
func TestManyProcessesWrite(t *testing.T) {
	dir := t.TempDir()
	var all []*exec.Cmd
	for i := range 12 {
		c := process(t, dir, fmt.Sprintf("c%d", i))
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	for _, c := range all {
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	}
	if got := names(t, dir); len(got) != len(all) {
		t.Errorf("%d contexts are left: %v", len(got), got)
	}
	info, err := os.Stat(filepath.Join(dir, "config.yaml"))
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// A process that ends while it writes leaves the file as it was and the lock free, and the
// next one removes what it wrote aside.
func TestCrashWhileWriting(t *testing.T) {
	dir := t.TempDir()
	if err := process(t, dir, "first").Run(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := process(t, dir, "crash").Run(); !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Fatal(err)
	}
	after, err := os.ReadFile(filepath.Join(dir, "config.yaml"))
	if err != nil || string(after) != string(before) {
		t.Errorf("%q, %v", after, err)
	}
	aside := filepath.Join(dir, ".config.yaml.ABCDEFGH.new")
	if err := os.WriteFile(aside, []byte("contexts:"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := process(t, dir, "second").Run(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"first", "second"}, names(t, dir)); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(aside); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was left is still there: %v", err)
	}
}

// A writer that is cancelled does not wait for one that holds the lock.
func TestWaitingForTheLockEnds(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lock(t.Context(), filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err = (&Store{Dir: dir}).Change(ctx, false, func(*Contexts) ([]Edit, error) { panic("without the lock") })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestLinksStay(t *testing.T) {
	dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "dotfile")
	if err := os.WriteFile(elsewhere, []byte("# mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "config.yaml")
	if err := os.Symlink(elsewhere, path); err != nil {
		t.Skip(err)
	}
	if err := process(t, dir, "dev").Run(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	text, err := os.ReadFile(elsewhere)
	if err != nil || !strings.HasPrefix(string(text), "# mine\n") || !strings.Contains(string(text), "dev:") {
		t.Errorf("%q, %v", text, err)
	}
}

func TestParse(t *testing.T) {
	text := `current: dev
future: 1
contexts:
  dev:
    addr: a:1
    proto: x.proto
    protoset: [a, 'b']
    retry: 3
    tls: true
    empty:
    headers:
      X-One: "1"
      x-two: {env: TWO}
      x-three:
        file: three
  none:
`
	f, err := parse("f.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []Setting{
		{Key: "addr", Values: []string{"a:1"}, Line: 5},
		{Key: "proto", Values: []string{"x.proto"}, Line: 6},
		{Key: "protoset", Values: []string{"a", "b"}, Line: 7},
		{Key: "retry", Values: []string{"3"}, Line: 8},
		{Key: "tls", Values: []string{"true"}, Line: 9},
		{Key: "headers.x-one", Values: []string{"1"}, Line: 12},
		{Key: "headers.x-two", Values: []string{"TWO"}, Ref: Env, Line: 13},
		{Key: "headers.x-three", Values: []string{"three"}, Ref: InFile, Line: 14},
	}
	if diff := cmp.Diff(want, f.Context("dev").Settings); diff != "" {
		t.Error(diff)
	}
	warnings := []Warning{
		{Line: 2, Text: "future is not known, and is kept"},
		{Line: 10, Text: "contexts.dev.empty is not known, and is kept"},
	}
	if diff := cmp.Diff(warnings, f.Warnings); diff != "" {
		t.Error(diff)
	}
	if f.Current != "dev" || f.Context("none") == nil || f.Context("other") != nil {
		t.Errorf("%+v", f)
	}
}

func TestParseNamesTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"contexts:\n  dev:\n    addr: [\n":                              "f.yaml:3: ",
		"contexts:\n  dev:\n    addr: {x: 1}\n":                         "f.yaml:3: addr is not a plain value",
		"contexts:\n  dev:\n    tls: 7\n":                               `f.yaml:3: tls: "7" is not true or false`,
		"contexts:\n  dev:\n    retry: -1\n":                            `f.yaml:3: retry: "-1" is not a whole number`,
		"contexts:\n  a b:\n    tls: true\n":                            `f.yaml:2: "a b" is not a name for a context`,
		"contexts:\n  dev:\n    headers:\n      cookie: x\n":            "f.yaml:4: headers.cookie: secrets do not belong into this file",
		"contexts:\n  dev:\n    headers:\n      x: {env: A, file: B}\n": "f.yaml:4: headers.x: write a text, {env: NAME} or {file: PATH}",
		"contexts:\n  dev: *none\n":                                     "f.yaml:2: ",
		"contexts:\n  dev:\n    tls: true\n  dev:\n    tls: true\n":     "f.yaml:4: ",
		"a: 1\n---\nb: 2\n":                                             "f.yaml:3: a second YAML document",
		"just text\n":                                                   "f.yaml:1: the file is not a mapping",
		strings.Repeat("[", 1000):                                       "f.yaml:1: nesting deeper than 20 is too deep",
		strings.Repeat("#", maxFile+1):                                  "f.yaml: more than 64 KiB",
	} {
		_, err := parse("f.yaml", []byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
}

// The schema knows every key.
func TestSchema(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range Keys() {
		if !strings.Contains(string(text), fmt.Sprintf("%q: {", k.Name)) {
			t.Errorf("no %s", k.Name)
		}
	}
}
