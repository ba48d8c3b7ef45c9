//go:build unix

package cmd_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A tmux is a terminal that knows wide characters and breaks lines again when its window
// changes, unlike the tests' own.
type tmux struct {
	t      *testing.T
	socket string
}

// openTmux runs rpcctl shell in a tmux of its own.
func openTmux(t *testing.T, addr string) *tmux {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("there is no tmux")
	}
	rpcctl, err := exec.LookPath("rpcctl")
	if err != nil {
		t.Fatal(err)
	}
	m := &tmux{t, filepath.Join(t.TempDir(), "s")}
	m.run("-f", "/dev/null", "-u", "new-session", "-d", "-x", "80", "-y", "24",
		"env", "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "XDG_STATE_HOME="+t.TempDir(), rpcctl, "-a", addr, "shell")
	t.Cleanup(func() { _ = command(t, "tmux", "-S", m.socket, "kill-server").Run() }) // it may be gone
	m.wait("the schema", func(text string, _ string) bool { return strings.Contains(text, "schema:") })
	return m
}

func (m *tmux) run(args ...string) string {
	m.t.Helper()
	out, err := command(m.t, "tmux", append([]string{"-S", m.socket}, args...)...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("tmux %q: %v: %s", args, err, out)
	}
	return string(out)
}

func (m *tmux) send(keys ...string) { m.run(append([]string{"send-keys"}, keys...)...) }

// look is the window and the column and row of the cursor.
func (m *tmux) look() (text, cursor string) {
	return strings.TrimRight(m.run("capture-pane", "-p"), "\n "), strings.TrimSpace(m.run("display-message", "-p", "#{cursor_x},#{cursor_y}"))
}

// wait polls until the window is as it should be: tmux does not report changes.
func (m *tmux) wait(what string, ok func(text, cursor string) bool) {
	m.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		text, cursor := m.look()
		if ok(text, cursor) {
			return
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("waiting for %s; the cursor is at %s, the window is\n%s", what, cursor, text)
		}
	}
}

// A long line in a window that changes leaves no rows behind, and the cursor stays where it is.
func TestShellResize(t *testing.T) {
	_, addr := demoServer(t)
	m := openTmux(t, addr)
	long := "PlaceOrder note='" + strings.Repeat("abcdefghij", 12)
	m.send("-l", long)
	m.send("Left", "Left", "Left")
	prompt := addr + "> "
	at := len(prompt) + len(long) - 3
	for _, cols := range []int{80, 50, 100, 80} {
		m.run("resize-window", "-x", fmt.Sprint(cols), "-y", "24")
		whole := prompt + long
		var rows []string
		for whole != "" {
			n := min(cols, len(whole))
			rows = append(rows, strings.TrimRight(whole[:n], " "))
			whole = whole[n:]
		}
		m.wait(fmt.Sprintf("%d columns", cols), func(text, cursor string) bool {
			first := strings.Index(text, prompt)
			if first < 0 || strings.Count(text, prompt) != 1 {
				return false
			}
			above := strings.Count(text[:first], "\n")
			return strings.HasPrefix(text[first:], strings.Join(rows, "\n")) && strings.Count(text, "abcdefghij") == strings.Count(strings.Join(rows, "\n"), "abcdefghij") &&
				cursor == fmt.Sprintf("%d,%d", at%cols, above+at/cols) &&
				strings.Count(m.run("capture-pane", "-p", "-S", "-"), "schema:") == 1 // it may have gone up
		})
	}
}

// The cursor goes over what is drawn as one character in one step.
func TestShellWideCharacters(t *testing.T) {
	_, addr := demoServer(t)
	m := openTmux(t, addr)
	m.send("-l", "日本 e\u0301👨‍👩‍👧 x")
	m.wait("the text", func(text, _ string) bool { return strings.Contains(text, "日本") && strings.Contains(text, " x") })
	m.send("Left", "Left", "BSpace")
	prompt := addr + "> "
	want := fmt.Sprint(len(prompt) + 2 + 2 + 1 + 1)
	m.wait("the family to go as one", func(text, cursor string) bool {
		x, _, _ := strings.Cut(cursor, ",")
		return strings.Contains(text, prompt+"日本 e\u0301 x") && x == want
	})
	m.send("Home", "Delete")
	m.wait("a wide character to go", func(text, _ string) bool { return strings.Contains(text, prompt+"本 e\u0301 x") })
}
