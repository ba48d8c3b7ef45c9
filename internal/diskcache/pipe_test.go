//go:build unix

package diskcache

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// An entry that is a pipe, or was never put, is a miss like any other, and at once.
func TestPipesAreMisses(t *testing.T) {
	c := New(t.TempDir())
	if err := c.Put("g", "k", []byte("data")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(c.Dir(), c.name("g", "k"))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if entries, err := c.Entries(); len(entries) != 0 || err != nil {
		t.Error(entries, err)
	}
	if _, _, ok := c.Get("g", "k"); ok {
		t.Error("a pipe is an entry")
	}
	if err := c.Put("g", "k", []byte("data")); err != nil {
		t.Fatal(err)
	}
	if data, _, ok := c.Get("g", "k"); !ok || string(data) != "data" {
		t.Errorf("%q", data)
	}
}
