package repl

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func openHistory(t *testing.T, path string) *History {
	t.Helper()
	h := &History{}
	if err := h.Open(path); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *History) all() []string {
	var lines []string
	for i := range h.Len() {
		lines = append(lines, h.Line(i))
	}
	return lines
}

func TestHistoryFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "history")
	a := openHistory(t, path)
	for _, line := range []string{"one", "two", "two", "three\nlines"} {
		if err := a.Add(Entry{Line: line}); err != nil {
			t.Fatal(err)
		}
	}
	a.Keep("only here")
	b := openHistory(t, path)
	if err := b.Add(Entry{Line: "four"}); err != nil {
		t.Fatal(err)
	}
	a.touch()
	if diff := cmp.Diff([]string{"one", "two", "three\nlines", "only here", "four"}, a.all()); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
}

// A line that was cut off, or is none, is skipped; what follows is whole.
func TestHistoryDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	if err := os.WriteFile(path, []byte("{\"line\":\"one\"}\nrubbish\n{\"line\":\"\"}\n{\"line\":\"tw"), 0o644); err != nil {
		t.Fatal(err)
	}
	h := openHistory(t, path)
	if err := h.Add(Entry{Line: "three"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"one", "three"}, openHistory(t, path).all()); diff != "" {
		t.Error(diff)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

func TestHistoryIsShortened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	var text strings.Builder
	for i := range historyFull + 5 {
		fmt.Fprintf(&text, "{\"line\":\"line %d\"}\n", i)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	openHistory(t, path)
	h := openHistory(t, path)
	if n := h.Len(); n > historyMax || h.Line(n-1) != fmt.Sprintf("line %d", historyFull+4) {
		t.Errorf("%d lines, the last is %q", n, h.Line(n-1))
	}
}

// Shells beside each other lose nothing.
func TestHistoryShared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	var all sync.WaitGroup
	for i := range 8 {
		h := openHistory(t, path)
		all.Go(func() {
			for k := range 20 {
				if err := h.Add(Entry{Line: fmt.Sprintf("%d-%d", i, k)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("they wait for each other")
	}
	if n := openHistory(t, path).Len(); n != 160 {
		t.Errorf("%d lines of 160", n)
	}
}

// Entries that are too long are skipped, and later ones are not; of a long file the newest
// part is read, and it is shortened.
func TestHistoryBounds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	var text bytes.Buffer
	for n := range 40 {
		fmt.Fprintf(&text, `{"line":"old %d %s"}`+"\n", n, strings.Repeat("x", entryMax-100))
	}
	fmt.Fprintf(&text, `{"line":"%s"}`+"\n"+`{"line":"new"}`+"\n", strings.Repeat("y", 2*entryMax))
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	var h History
	if err := h.Open(path); err != nil {
		t.Fatal(err)
	}
	if n := h.Len(); h.Line(n-1) != "new" || !strings.HasPrefix(h.Line(n-2), "old 39 ") || n > 16 {
		t.Errorf("%d lines", n)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > fileMax {
		t.Errorf("%v, %d bytes", err, info.Size())
	}
	for n := range 100 {
		h.Keep(fmt.Sprint(n, strings.Repeat("z", entryMax)))
	}
	if n := h.Len(); n > fileMax/entryMax+1 {
		t.Errorf("%d long lines are kept", n)
	}
	if err := h.Add(Entry{Line: strings.Repeat("w", 2*entryMax)}); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > fileMax {
		t.Errorf("%v, %d bytes with a line that is too long", err, info.Size())
	}
}
