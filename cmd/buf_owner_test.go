//go:build unix

package cmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Files of another user around the user's files are reported as not read, by each command
// once.
func TestBufOfAnotherUser(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"mine/a.proto":     "syntax = \"proto3\";\nimport \"b/b.proto\";\nmessage A { b.B b = 1; }\n",
		"mine/b/b.proto":   "syntax = \"proto3\";\npackage b;\nmessage B { string name = 1; }\n",
		"theirs/b/b.proto": "syntax = \"proto3\";\npackage b;\nmessage B { string name = 2; }\n",
		"buf.work.yaml":    "directories: [theirs, mine]\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "buf.work.yaml"), 0o666); err != nil {
		t.Fatal(err)
	}
	const why = "/buf.work.yaml is not read: others may write to it (chmod go-w makes it yours)\n"
	for _, args := range [][]string{
		{"convert", "A", "b.name=x", "-o", "raw"},
		{"shell", "-c", "convert A b.name=x -o raw\ndescribe b.B\n"},
	} {
		c := command(t, "rpcctl", append([]string{"--proto", "a.proto"}, args...)...)
		c.Dir = filepath.Join(dir, "mine")
		var said strings.Builder
		c.Stderr = &said
		out, err := c.Output()
		if err != nil || !strings.HasPrefix(string(out), "\n\x03\n\x01x") || strings.Count(said.String(), why) != 1 {
			t.Errorf("%s: %q, %v, %q", args, out, err, said.String())
		}
	}
}
