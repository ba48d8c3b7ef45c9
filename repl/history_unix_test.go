//go:build unix

package repl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A history that is no regular file is neither waited for nor read without end, and nothing about
// it is changed.
func TestHistoryIsARegularFile(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "history")
	if err := unix.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, "/dev/zero", t.TempDir()} {
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		var h History
		if err := h.Open(path); err == nil || !strings.Contains(err.Error(), "not a ") {
			t.Errorf("%s: %v", path, err)
		}
		if err := h.Add(Entry{Line: "a"}); err != nil || h.Line(0) != "a" {
			t.Errorf("%s: %v, %q", path, err, h.Line(0))
		}
		after, err := os.Stat(path)
		if err != nil || after.Mode() != before.Mode() {
			t.Errorf("%s: %v, its mode is %s", path, err, after.Mode())
		}
	}
}

// Of a history that has grown without bounds only the end counts.
func TestLongHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	if err := os.WriteFile(path, []byte(`{"line":"old"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 3*fileMax); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("\n" + `{"line":"new"}` + "\n"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	h := &History{}
	if err := h.Open(path); err != nil {
		t.Fatal(err)
	}
	if err := h.Add(Entry{Line: "newer"}); err != nil || h.Line(h.Len()-1) != "newer" || h.Len() > 2 {
		t.Error(h.Len(), err)
	}
}
