package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Trust is for the bytes that were shown: others that replace them meanwhile are not trusted,
// and a copy is kept to show the difference.
func TestTrustIsOfTheBytesShown(t *testing.T) {
	s := &Store{Dir: t.TempDir(), WorkDir: t.TempDir()}
	path := filepath.Join(s.WorkDir, ProjectFile)
	const shown, swapped = "contexts: {a: {addr: a:1}}\n", "contexts: {a: {addr: b:1, auth-command: evil}}\n"
	put := func(text string) *Contexts {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := s.Load()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := put(shown)
	if text, ever := c.Vouched(s); ever || text != nil || c.Project.Trusted {
		t.Errorf("%q, %v", text, ever)
	}
	put(swapped)
	if err := s.Trust(t.Context(), c.Project); err != nil {
		t.Fatal(err)
	}
	if c = put(swapped); c.Project.Trusted {
		t.Error("what was not shown is trusted")
	}
	if text, ever := c.Vouched(s); !ever || string(text) != shown {
		t.Errorf("%q, %v", text, ever)
	}
	if c = put(shown); !c.Project.Trusted {
		t.Error("what was shown is not trusted")
	}
	if err := s.Trust(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if c = put(shown); c.Project.Trusted {
		t.Error("it is trusted after all")
	}
	if left, err := os.ReadDir(filepath.Join(s.Dir, "trusted")); err != nil || len(left) != 0 {
		t.Errorf("copies are left: %v, %v", left, err)
	}
}

// A file that would take much time or memory soon fails, with its name in the error.
func TestHostileFiles(t *testing.T) {
	many := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < maxFile-20; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"dashes":        strings.Repeat("- ", maxFile/2),
		"question mark": strings.Repeat("? ", maxFile/2),
		"contexts":      "contexts:\n" + many(" c%d:\n"),
		"flow":          "contexts: {" + many("c%d,"),
		"headers":       "contexts:\n a:\n  headers:\n" + many("   h%d: v\n"),
		"brackets":      strings.Repeat("[", maxFile),
		"large":         strings.Repeat("#", maxFile+1),
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			_, err := parse("f.yaml", []byte(text))
			if err == nil || !strings.HasPrefix(err.Error(), "f.yaml:") {
				t.Error(err)
			}
			if took := time.Since(begun); took > 30*time.Second {
				t.Error("it took", took)
			}
		})
	}
}
