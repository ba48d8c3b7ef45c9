//go:build unix

package cmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A project file of another user is reported as not read, and cannot be trusted.
func TestProjectFileOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	folder, etc := t.TempDir(), t.TempDir()
	file := filepath.Join(folder, ".rpcctl.yaml")
	if err := os.WriteFile(file, []byte("current: theirs\ncontexts:\n  theirs: {addr: 'demo:'}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	rpcctl := func(args ...string) (out string, failed bool) {
		c := command(t, "rpcctl", args...)
		c.Dir, c.Env = folder, append(os.Environ(), "XDG_CONFIG_HOME="+etc)
		text, err := c.CombinedOutput()
		return string(text), err != nil
	}
	if out, failed := rpcctl("call", "SayHello"); failed || !strings.Contains(out, "Hello") {
		t.Fatalf("the user's own: %s", out)
	}
	if err := os.Chown(file, 12345, -1); err != nil {
		t.Fatal(err)
	}
	const why = "/.rpcctl.yaml is not read: it belongs to another user"
	for _, args := range []string{"call SayHello", "context trust --yes", "context set --project theirs timeout=1s"} {
		if out, failed := rpcctl(strings.Fields(args)...); !failed || strings.Count(out, why) != 1 || strings.Contains(out, "Hello") {
			t.Errorf("%s: %s", args, out)
		}
	}
	if out, failed := rpcctl("-a", "demo:", "call", "SayHello"); failed || !strings.Contains(out, "Hello") {
		t.Errorf("without it: %s", out)
	}
}
