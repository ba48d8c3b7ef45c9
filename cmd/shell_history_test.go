//go:build unix

package cmd_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// What is typed into a secret place, however it is quoted, is in no file that the shell
// writes.
func TestHistoryKeepsNoSecrets(t *testing.T) {
	const secret = "s3cr3t-0f-h1st0ry"
	_, addr := demoServer(t)
	s := openScreen(t, []setting{environment("HOME=" + t.TempDir())}, "rpcctl", "-a", addr, "shell", "--plain")
	s.waitFor("schema:")
	lines := []string{
		`header authorization: Bearer SECRET`,
		`header 'x-private-key: SECRET'`,
		`SayHello -H "authorization=Bearer SECRET"`,
		`SayHello --rpc-header='x-credential: SECRET two'`,
		`SayHello --auth-command "echo SECRET"`,
		`SayHello 'password=SECRET two'`,
		`SayHello pass\word=SECRET`,
		`SayHello -d "{\"password\":\"SECRET\"}"`,
		`SayHello {"tokens":["SECRET"],"password":{"value":"SECRET"}}`,
		`target https://me:SECRET@127.0.0.1:1`,
		`list | cat -H 'authorization: Bearer SECRET'`,
		`list # token=SECRET`,
	}
	for _, line := range lines {
		s.send(strings.ReplaceAll(line, "SECRET", secret) + "\r")
	}
	s.send("exit\r")
	s.ends(0)
	found := 0
	for name, text := range snapshot(t, s.state) {
		search(t, name, text, secret)
		if filepath.Base(name) == "history" {
			found = strings.Count(text, "‹redacted›")
		}
	}
	if found < len(lines) {
		t.Errorf("only %d secrets were redacted", found)
	}
}
