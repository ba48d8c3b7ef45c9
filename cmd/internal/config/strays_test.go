//go:build unix

package config

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// For a project file that is not trusted, nothing outside of its folder is read, and only
// plain files are.
func TestStrays(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "proto"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "proto", "a.proto"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(out, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("proto", filepath.Join(dir, "inside")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]bool{
		"proto": false, "proto/a.proto": false, "a.proto": false, "inside/a.proto": false, "./proto/../proto": false,
		"/etc/passwd": true, "../x": true, "link": true, "link/x": false, "pipe": true, "/dev/stdin": true, "-": true, "https://h/x": false,
	} {
		c := &Context{File: &File{Path: filepath.Join(dir, ProjectFile)}, Settings: []Setting{
			{Key: "addr", Values: []string{"/dev/zero"}}, {Key: "proto", Values: []string{"proto", value}},
		}}
		if got := len(c.Strays()) > 0; got != want {
			t.Errorf("%s: %v", value, got)
		}
	}
}
