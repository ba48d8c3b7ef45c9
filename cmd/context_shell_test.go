//go:build unix

package cmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The prompt warns as long as the context in use is one for production.
func TestShellWarnsOfProduction(t *testing.T) {
	_, addr := demoServer(t)
	etc := t.TempDir()
	text := "current: prod\ncontexts:\n  prod: {addr: '" + addr + "', production: true}\n  dev: {addr: '" + addr + "'}\n"
	if err := os.MkdirAll(filepath.Join(etc, "rpcctl"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(etc, "rpcctl", "config.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := openScreen(t, []setting{environment("XDG_CONFIG_HOME=" + etc)}, "rpcctl", "shell")
	s.waitFor("PRODUCTION " + addr + ">")
	s.send("SayHello\r")
	s.waitFor("Hello, world!")
	s.waitFor("PRODUCTION " + addr + ">")
	s.send("context use dev\r")
	s.send("SayHello name=dev\r")
	s.waitFor("Hello, dev!")
	prompt := func(text string) string {
		lines := strings.Split(strings.TrimRight(text, " \n"), "\n")
		return strings.TrimSpace(lines[len(lines)-1])
	}
	s.wait("a prompt without a warning", func(text string) bool { return prompt(text) == addr+">" })
	s.send("exit\r")
	s.ends(0)
}
