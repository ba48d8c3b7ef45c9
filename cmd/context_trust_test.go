//go:build unix

package cmd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// In a running shell trust and its removal take effect with the next statement, over open
// connections, too. A question that is not answered with yes changes nothing.
func TestShellTrusts(t *testing.T) {
	_, addr := demoServer(t)
	etc, folder := t.TempDir(), t.TempDir()
	text := "current: here\ncontexts:\n  here: {addr: '" + addr + "'}\n"
	if err := os.WriteFile(filepath.Join(folder, ".rpcctl.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := openScreen(t, []setting{environment("XDG_CONFIG_HOME="+etc, "TOKEN=demo"), sized(160, 50), inFolder(folder)}, "rpcctl", "shell", "--bearer-env", "TOKEN")
	// say types a line on an empty screen, and waits for what it brings.
	say := func(line, text string) {
		t.Helper()
		s.send("\x0c")
		s.wait("an empty screen", func(now string) bool { return len(strings.Fields(now)) <= 1 })
		s.send(line + "\r")
		s.waitFor(text)
	}
	s.waitFor(addr + ">")
	const refused = "authorization is not sent to"
	say("call Lab.Secret", refused)
	say("context trust", "here: addr "+addr)
	s.waitFor("? [y/N]")
	s.send("n\r")
	s.waitFor("nothing was changed")
	say("call Lab.Secret", refused)
	say("context trust", "? [y/N]")
	s.send("y\r")
	s.waitFor("is trusted as shown")
	say("call Lab.Secret", "cake")
	say("context trust --revoke", "is not trusted any more")
	say("call Lab.Secret", refused)
	s.send("exit\r")
	s.ends(0)
}

// The text that was shown is trusted, and not another that replaced it before the answer.
func TestTrustOfWhatWasShown(t *testing.T) {
	etc, folder := t.TempDir(), t.TempDir()
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, ".rpcctl.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const shown, swapped = "contexts:\n  a: {addr: 'demo:'}\n", "contexts:\n  a: {addr: 'demo:', auth-command: touch pwned; echo demo}\n"
	write(shown)
	s := openScreen(t, []setting{environment("XDG_CONFIG_HOME=" + etc), inFolder(folder)}, "rpcctl", "context", "trust")
	s.waitFor("? [y/N]")
	write(swapped)
	s.send("y\r")
	s.ends(0)
	for text, want := range map[string]bool{swapped: false, shown: true} {
		write(text)
		c := command(t, "rpcctl", "context", "list")
		c.Dir, c.Env = folder, append(os.Environ(), "XDG_CONFIG_HOME="+etc)
		out, err := c.CombinedOutput()
		if err != nil || strings.Contains(string(out), "not trusted") == want {
			t.Errorf("%s\n%s, %v", text, out, err)
		}
	}
}

// inFolder starts a program in a folder.
func inFolder(folder string) setting {
	return func(_ *screen, c *exec.Cmd, _ *pty.Winsize) { c.Dir = folder }
}
